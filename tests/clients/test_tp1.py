"""TP-1 done with real tools, at the twin of the lab: however it was rightly done, the grader gives full points."""

from pathlib import Path

import pytest

from tests.clients.command_lines import CommandLine
from tests.clients.conftest import NewClient
from tests.clients.daemon import Daemon
from tests.clients.lab import ALL_PASSED, Lab

LOG_IN = 'docker login "$LAB_REGISTRY" --username "$LAB_USER" --password-stdin'

ON_MACHINE_A = f"""
labstack pat new --scopes write:packages | {LOG_IN}
image=$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app
docker build --tag "$image:1.0" "$LAB_WORK/tp1"
docker tag "$image:1.0" "$image:1"
docker tag "$image:1.0" "$image:latest"
docker push "$image:1.0"
docker push "$image:1"
docker push "$image:latest"
"""

ON_MACHINE_B = f"""
labstack pat new --scopes read:packages | {LOG_IN}
docker pull "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app:1.0"
"""

CREDENTIAL_HELPER = """\
#!/bin/sh
# Docker's protocol for credential helpers, with a file for a keychain.
case $1 in
store) exec cat >"$SECRETS" ;;
get) exec cat "$SECRETS" ;;
erase) exec rm "$SECRETS" ;;
esac
"""


def _finish(lab: Lab, one: CommandLine, other: CommandLine) -> None:
    """The steps of TP-1 after the image lies in the registry as 1.0: the other tags, and a pull from machine B."""
    one.tag(lab.registry, f"{lab.image}:1.0", "1", "latest")
    other.login(lab.registry, lab.attempt.parameters["user"], lab.token("read:packages"))
    other.pull(lab.registry, f"{lab.image}:1.0")


def _log_in(lab: Lab, client: CommandLine) -> None:
    """With a new token that may write, and no more."""
    client.login(lab.registry, lab.attempt.parameters["user"], lab.token("write:packages"))


@pytest.mark.parametrize("docker", ["docker_26", "docker_28"])
def test_docker_s_own_command_line_and_daemon(docker: str, lab: Lab, request: pytest.FixtureRequest) -> None:
    """The chapter's commands with Docker itself get the grade that they get with the lab's own docker.

    Machine b is the lab's engine: Docker's one daemon cannot be two machines.
    """
    environment = lab.with_docker(request.getfixturevalue(docker))
    lab.shell("a", ON_MACHINE_A, **environment)
    lab.shell("b", ON_MACHINE_B, **environment)
    assert lab.grade() == ALL_PASSED


def test_a_daemon_that_has_the_image_does_not_fetch_it(lab: Lab, new_client: NewClient) -> None:
    """Without forgetting in between, one daemon asks for the manifest only: that is no pull from another machine."""
    one, other = new_client("docker-26"), new_client("docker-26")
    _log_in(lab, one)
    one.push(lab.registry, f"{lab.image}:1.0", lab.sample)
    one.tag(lab.registry, f"{lab.image}:1.0", "1", "latest")
    other.login(lab.registry, lab.attempt.parameters["user"], lab.token("read:packages"))
    other.run("docker", "pull", lab.registry.reference(f"{lab.image}:1.0"))
    assert lab.grade() == {**ALL_PASSED, "TP1-PULL": "fail"}


@pytest.mark.parametrize(
    "tool", ["docker-26", "docker-28", "podman", "buildah", "skopeo", "skopeo-v2s2", "oras", "crane"]
)
def test_another_tool(tool: str, lab: Lab, new_client: NewClient) -> None:
    """Whichever tool pushed and pulled, in Docker's media types or OCI's, the exercise is done.

    Docker's daemon counts as another machine once nothing of the image is left in it: it fetches every byte again.
    """
    one, other = new_client(tool), new_client(tool)
    _log_in(lab, one)
    one.push(lab.registry, f"{lab.image}:1.0", lab.sample)
    _finish(lab, one, other)
    assert lab.grade() == ALL_PASSED


def test_an_index_with_attestations(lab: Lab, new_client: NewClient) -> None:
    """What buildx makes by default, an index of one platform and its provenance, is right too."""
    docker, skopeo = new_client("docker-28"), new_client("skopeo")
    _log_in(lab, docker)
    _log_in(lab, skopeo)
    context = lab.sample.write_context(docker.fresh("context"))
    names = [word for tag in ("1.0", "1", "latest") for word in ("--tag", f"{lab.registry.name}/{lab.image}:{tag}")]
    docker.run("docker", "buildx", "build", "--provenance", "mode=max", "--push", *names, context)
    _finish(lab, skopeo, new_client("skopeo"))
    assert b'"attestation-manifest"' in lab.registry.blob(lab.registry.image(lab.image, "1.0").tagged)
    assert lab.grade() == ALL_PASSED


def test_a_credential_helper_instead_of_base64(lab: Lab, docker_26: Daemon, tmp_path: Path) -> None:
    """With the secret in a helper's keeping, ``config.json`` holds none, and the login is as good."""
    environment = lab.with_docker(docker_26)
    helper = tmp_path / "helper" / "docker-credential-tests"
    helper.parent.mkdir()
    helper.write_text(CREDENTIAL_HELPER, encoding="utf-8")
    helper.chmod(0o755)
    config = Path(lab.attempt.machines["a"]) / "config.json"
    config.write_text('{"credsStore": "tests"}', encoding="utf-8")
    with_helper = {"PATH": f"{helper.parent}:{environment['PATH']}", "SECRETS": str(tmp_path / "secrets")}
    lab.shell("a", ON_MACHINE_A, **{**environment, **with_helper})
    lab.shell("b", ON_MACHINE_B, **environment)
    assert '"auth"' not in config.read_text(encoding="utf-8")
    assert lab.grade() == ALL_PASSED
