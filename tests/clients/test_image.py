"""The container image in place of registry:2's: a compose file of registry:2 is brought up as it is, by real Docker.

The image is built by the project's Dockerfile on a base made of this machine's Python, and tagged ``registry:2``.
"""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest

from pyregistry import __version__
from pyregistry.journal import read
from tests.clients import chapter
from tests.clients.chapter import push_to_reference
from tests.clients.command_lines import CommandLine
from tests.clients.conftest import NewClient
from tests.clients.engines import Docker
from tests.clients.image import Sample
from tests.clients.namespace import CommandFailedError, Namespace
from tests.clients.python_image import write_base
from tests.clients.registry import Registry, running_registry2
from tests.clients.stand_ins import import_nginx
from tests.clients.tp2 import ALL_PASSED, begun, do
from tests.tools import require

ROOT = Path(__file__).parents[2]
CONFIG = "/etc/docker/registry/config.yml"
START_SECONDS = 30
GRACE_SECONDS = 10
"""After which Docker kills what it asked to stop."""

# As people have it: the course's environment, a password file, a folder beside the compose file, a health check.
COMPOSE = """\
services:
  registry:
    image: registry:2
    container_name: registry
    restart: always
    ports:
      - "5055:5000"
    environment:
      REGISTRY_AUTH: htpasswd
      REGISTRY_AUTH_HTPASSWD_REALM: Registry Realm
      REGISTRY_AUTH_HTPASSWD_PATH: /auth/htpasswd
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: /var/lib/registry
      REGISTRY_HTTP_ADDR: :5000
      REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin: '["*"]'
      REGISTRY_STORAGE_DELETE_ENABLED: "true"
    volumes:
      - ./data:/var/lib/registry
      - ./auth:/auth:ro
    healthcheck:
      test: ["CMD", "wget", "--quiet", "--spider", "http://localhost:5000/"]
      interval: 1s
      retries: 30
"""


PASSWORD = "motdepasse_fort"

CONFIG_OF_ONE_S_OWN = """\
version: 0.1
storage: {filesystem: {rootdirectory: /store}}
http: {addr: ":5000", headers: {X-Own: ["yes"]}, secret: a secret}
pyregistry: {workers: 2}
"""

_ASK = """\
import http.client, json, sys
connection = http.client.HTTPConnection(sys.argv[1], timeout=5)
connection.request("GET", "/v2/")
print(json.dumps({name.lower(): value for name, value in connection.getresponse().getheaders()}))
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A compose project whose registry is running.

    Attributes:
        registry: As clients see it, and its storage on this machine's disk.
    """

    docker: Docker
    folder: Path
    registry: Registry

    def compose(self, *words: str) -> str:
        """Run ``docker compose``."""
        return self.docker.run("docker", "compose", "--project-directory", self.folder, *words)

    def state(self) -> dict[str, object]:
        """What Docker says of the registry's container."""
        return json.loads(self.docker.run("docker", "inspect", "--format", "{{json .State}}", "registry"))

    def headers(self) -> Mapping[str, str]:
        """See ``_headers``."""
        return _headers(self.docker, self.registry.name)


@pytest.fixture(scope="module")
def docker(new_client: NewClient) -> Docker:
    """Docker with our image as ``registry:2``."""
    require("sid/docker-compose", "busybox")
    client = new_client("docker-28")
    assert isinstance(client, Docker)
    client.run("docker", "import", write_base(client.fresh("base.tar")), "python-of-this-machine")
    client.run("docker", "build", "--quiet", "--build-arg", "BASE=python-of-this-machine", "--tag", "registry:2", ROOT)
    return client


@pytest.fixture(scope="module")
def old_data(namespace: Namespace, clients: NewClient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that the real registry:2 wrote, with one image as ``old/app:1.0``."""
    folder = tmp_path_factory.mktemp("old") / "data"
    with running_registry2(namespace, "localhost:5056", folder) as registry:
        clients("skopeo").push(registry, "old/app:1.0", Sample("from before", {}))
    return folder


@pytest.fixture(scope="module")
def project(docker: Docker, old_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The compose file, brought up on the old data."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "compose.yml").write_text(COMPOSE, encoding="utf-8")
    (folder / "auth").mkdir()
    password = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=4)).decode()
    (folder / "auth" / "htpasswd").write_text(f"admin:{password}\n", encoding="utf-8")
    shutil.copytree(old_data, folder / "data")
    project = Project(docker, folder, Registry("localhost:5055", None, folder / "data"))
    try:
        project.compose("up", "--detach", "--wait", "--quiet-pull", "--pull", "never")
        yield project
    finally:
        project.compose("down", "--timeout", "2")


@pytest.fixture
def visitor(project: Project, new_client: NewClient) -> CommandLine:
    """skopeo, logged in to the project's registry."""
    client = new_client("skopeo")
    client.login(project.registry, "admin", PASSWORD)
    return client


def test_variables_and_the_shipped_file_count(project: Project) -> None:
    """A header whose variable no shell would hand on, the shipped file's header, and the password file's realm."""
    headers = project.headers()
    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["www-authenticate"] == 'Basic realm="Registry Realm"'


def test_what_registry_2_stored_is_served(project: Project, visitor: CommandLine) -> None:
    """An image of the volume's former life comes with the bytes that lie there."""
    held = visitor.pull(project.registry, "old/app:1.0")
    everything = project.registry.tree("old/app", "1.0")
    assert {digest: project.registry.blob(digest) for digest in everything}.items() <= held.blobs.items()


def test_docker_pushes_what_another_pulls(project: Project, visitor: CommandLine) -> None:
    """Through the published port, after a login that a wrong password does not pass."""
    docker, registry = project.docker, project.registry
    with pytest.raises(CommandFailedError, match="401 Unauthorized"):
        docker.login(registry, "admin", "wrong")
    docker.login(registry, "admin", PASSWORD)
    docker.push(registry, "new/app:1.0", Sample("from now", {}))
    assert visitor.pull(registry, "new/app:1.0").blobs.keys() >= set(registry.image("new/app", "1.0").layers)


def test_garbage_is_collected_as_the_course_prints_it(project: Project, visitor: CommandLine) -> None:
    """In the running container what was used just now is spared; with the registry stopped it goes, as registry:2's."""
    registry = project.registry
    visitor.push(registry, "gone/app:1.0", Sample("soon gone", {}))
    layer = registry.image("gone/app", "1.0").layers[0]
    visitor.run("skopeo", "delete", "--tls-verify=false", f"docker://{registry.reference('gone/app:1.0')}")
    told = project.docker.run("docker", "exec", "registry", "registry", "garbage-collect", CONFIG)
    assert "old/app: marking manifest" in told
    assert registry.blob(layer)
    project.compose("stop")
    told = project.compose("run", "--rm", "registry", "garbage-collect", CONFIG)
    project.compose("up", "--detach", "--wait", "--pull", "never")
    assert f"blob eligible for deletion: {layer}" in told
    with pytest.raises(FileNotFoundError):
        registry.blob(layer)
    assert registry.tree("old/app", "1.0")


def test_it_stops_when_told_to(project: Project) -> None:
    """SIGTERM is enough: exit code 0 before Docker's patience ends, and started again it goes on."""
    began = time.monotonic()
    project.compose("stop")
    took = time.monotonic() - began
    state = project.state()
    project.compose("start")
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)
    assert took < GRACE_SECONDS
    assert project.headers()["www-authenticate"]


def test_it_comes_back_when_it_is_killed(project: Project) -> None:
    """``restart: always`` of the compose file has something to start again: what was stored is served."""
    os.kill(int(str(project.state()["Pid"])), signal.SIGKILL)
    deadline = time.monotonic() + START_SECONDS
    while (restarts := project.docker.run("docker", "inspect", "--format", "{{.RestartCount}}", "registry")) == "0\n":
        assert time.monotonic() < deadline, project.compose("logs")
        time.sleep(0.1)
    assert restarts == "1\n"
    assert project.headers()["www-authenticate"]


def test_another_configuration_and_another_user(docker: Docker, tmp_path: Path) -> None:
    """A file mounted over the shipped one is read; two processes without root serve that user's store, and stop."""
    (tmp_path / "config.yml").write_text(CONFIG_OF_ONE_S_OWN, encoding="utf-8")
    (tmp_path / "store").mkdir()
    os.chown(tmp_path / "store", 1000, 1000)
    mounts = ["--volume", f"{tmp_path}/config.yml:{CONFIG}:ro", "--volume", f"{tmp_path}/store:/store"]
    options = ["--detach", "--name", "own", "--read-only", "--user", "1000:1000", "--publish", "5057:5000", *mounts]
    docker.run("docker", "run", *options, "registry:2", "registry", "serve", CONFIG)
    try:
        assert _headers(docker, "localhost:5057")["x-own"] == "yes"
        docker.push(Registry("localhost:5057", None, tmp_path / "store"), "mine:1", Sample("mine", {}))
        docker.run("docker", "stop", "own")
        assert docker.run("docker", "inspect", "--format", "{{.State.ExitCode}}", "own") == "0\n"
    finally:
        docker.run("docker", "rm", "--force", "own")
    assert Registry("", None, tmp_path / "store").repositories() == ["mine"]


def test_it_takes_registry_2_s_place_in_the_reference_stack(docker: Docker, tmp_path: Path) -> None:
    """With ``compose/tp2/pyregistry.yaml``: its journal lies beside the store, and says by whose name was pushed."""
    import_nginx(docker)
    docker.run("docker", "tag", "registry:2", "pyregistry")
    store = push_to_reference(docker, tmp_path, ("compose.yaml", "pyregistry.yaml"))
    journal = store.store / "journal.jsonl"
    pushes = [event for event in read(journal) if event.endpoint == "end-7" and event.reference == "1.0"]
    assert [(event.detail["claimed_user"], event.actor) for event in pushes] == [("admin", None)]
    assert PASSWORD not in journal.read_text(encoding="utf-8")


@pytest.mark.usefixtures("no_trust_left")
def test_tp_2_with_it_gets_full_points(docker: Docker, tmp_path: Path) -> None:
    """The exercise in Docker, with one line more than the chapter: its journal is the grader's witness."""
    require("htpasswd", "openssl")
    import_nginx(docker)
    journal = "      REGISTRY_PYREGISTRY_JOURNAL_PATH: /var/lib/registry/journal.jsonl\n"
    compose = chapter.COMPOSE.replace("    environment:\n", f"    environment:\n{journal}", 1)
    with begun(docker, tmp_path) as lab:
        do(lab, compose, chapter.cure_port(chapter.cure_body_limit(chapter.NGINX)))
        assert lab.grade() == ALL_PASSED
        assert (Path(lab.attempt.work) / "registry" / "journal.jsonl").exists()


def test_its_program_is_registry(docker: Docker) -> None:
    """The entrypoint hands registry:2's words on: a version, and what is wrong in registry:2's words."""
    assert docker.run("docker", "run", "--rm", "registry:2", "--version") == f"pyregistry {__version__}\n"
    with pytest.raises(
        CommandFailedError, match=r"exit 1\nconfiguration error: configuration path unspecified\nusage: registry "
    ):
        docker.run("docker", "run", "--rm", "registry:2", "serve")


def _headers(docker: Docker, name: str) -> Mapping[str, str]:
    """Headers of what ``/v2/`` answers inside the namespace, by lower-case name; waits until it does."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return json.loads(docker.run(sys.executable, "-c", _ASK, name))
        except CommandFailedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
