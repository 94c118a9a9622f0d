"""labdocker, the installed command, against a real pyregistry: TP-1's way to GHCR, its refusals, and a bad network."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labs.engine.layout import ImageStore
from pyregistry.spec.digest import Digest
from tests.fakes.cutting import CuttingProxy
from tests.fakes.images import make_image, make_index
from tests.servers import RunningRegistry, running_registry, throw_away_tls

LABDOCKER = Path(sys.executable).parent / "labdocker"
APP = "ghcr.io/acme/shop/app"
INSECURE = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n"


@dataclass(frozen=True)
class Lab:
    """A GHCR twin that answers as ghcr.io, and machines that reach it."""

    folder: Path
    registry: RunningRegistry

    def home(self, machine: str) -> Path:
        """Engine home of a machine."""
        return self.folder / "engines" / machine

    def docker(self, machine: str, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command on a machine."""
        environ = {
            "PATH": os.environ["PATH"],
            "LAB_HOME": str(self.folder),
            "LAB_ENGINE_HOME": str(self.home(machine)),
            "LAB_LANG": "en",
        }
        return subprocess.run(
            [LABDOCKER, *words], input=typed, capture_output=True, text=True, check=False, env=environ, timeout=60
        )

    def login(self, machine: str, user: str, *scopes: str) -> None:
        """Make an access token, and log in with it."""
        _, secret = self.registry.new_token(user, scopes, orgs=["acme"])
        done = self.docker(machine, "login", "ghcr.io", "-u", user, "--password-stdin", typed=secret)
        assert done.stdout == "Login Succeeded\n", done.stderr

    def store(self, machine: str) -> ImageStore:
        """The images of a machine."""
        return ImageStore(self.home(machine) / "images")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """The lab's internet with one twin in it."""
    tls = throw_away_tls(tmp_path / "ca", ("ghcr.io",))
    with running_registry(tmp_path / "twin", tls=tls, twin=True) as registry:
        internet = {"names": {"ghcr.io": f"127.0.0.1:{registry.port}"}, "ca": str(tls.ca)}
        (tmp_path / "internet.json").write_text(json.dumps(internet))
        yield Lab(tmp_path, registry)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[tuple[Lab, RunningRegistry]]:
    """An open registry on localhost."""
    with running_registry(tmp_path / "plain") as registry:
        yield Lab(tmp_path, registry), registry


def test_the_exercise_as_it_is_printed(lab: Lab, tmp_path: Path) -> None:
    """Login, build, tag, push; another machine with a reading token pulls the same digest; the journal has it all."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "app.txt").write_text("hello")
    (context / "Dockerfile").write_text("FROM scratch\nARG NONCE\nLABEL lab.registry.nonce=$NONCE\nCOPY app.txt /\n")
    lab.login("a", "alice", "write:packages")
    built = lab.docker("a", "build", "-t", f"{APP}:1.0", "--build-arg", "NONCE=n1", str(context))
    assert built.returncode == 0, built.stderr
    for tag in ("1", "latest"):
        assert lab.docker("a", "tag", f"{APP}:1.0", f"{APP}:{tag}").returncode == 0
    for tag in ("1.0", "1", "latest"):
        pushed = lab.docker("a", "push", f"{APP}:{tag}")
        assert pushed.returncode == 0, pushed.stderr
    lab.login("b", "bruno", "read:packages")
    pulled = lab.docker("b", "pull", f"{APP}:1.0")
    assert pulled.returncode == 0, pulled.stderr
    digest = lab.store("a").resolve(f"{APP}:1.0").digest
    assert f"Digest: {digest}" in pulled.stdout
    assert (
        lab.docker("b", "inspect", "-f", '{{index .Config.Labels "lab.registry.nonce"}}', APP + ":1.0").stdout == "n1\n"
    )
    events = [event for event in lab.registry.events() if event.kind == "request"]
    puts = [event for event in events if event.endpoint == "end-7"]
    assert [(event.actor, event.reference, event.status) for event in puts] == [
        ("alice", tag, 201) for tag in ("1.0", "1", "latest")
    ]
    assert {event.digest for event in puts} == {str(digest)}
    assert {event.host for event in events} == {"ghcr.io"}
    assert all("labdocker/" in (event.user_agent or "") for event in events)
    assert any(event.actor == "bruno" and event.endpoint == "end-3" and event.status == 200 for event in events)


def test_wrong_token_at_login(lab: Lab) -> None:
    """GHCR's refusal as Docker prints it; nothing is kept."""
    done = lab.docker("a", "login", "ghcr.io", "-u", "alice", "-p", "ghp_wrong")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f'{INSECURE}Error response from daemon: Get "https://ghcr.io/v2/": denied: denied\n'
    assert not (lab.home("a") / "config.json").exists()


@pytest.mark.parametrize(
    ("name", "scope"), [(f"{APP}:1.0", "read:packages"), ("ghcr.io/somebody/else/app:1.0", "write:packages")]
)
def test_push_without_the_right(lab: Lab, name: str, scope: str) -> None:
    """A reading token, or another owner's namespace: denied, and no manifest gets there."""
    lab.login("a", "alice", scope)
    make_image(lab.store("a"), name)
    done = lab.docker("a", "push", name)
    assert done.returncode == 1
    assert done.stderr.startswith("denied: "), done.stderr
    assert not [event for event in lab.registry.events() if event.endpoint == "end-7" and event.status == 201]


def test_private_package_without_login(lab: Lab) -> None:
    """Nobody reads what alice pushed without saying who they are."""
    lab.login("a", "alice", "write:packages")
    make_image(lab.store("a"), f"{APP}:1.0")
    assert lab.docker("a", "push", f"{APP}:1.0").returncode == 0
    done = lab.docker("b", "pull", f"{APP}:1.0")
    assert done.returncode == 1
    assert done.stderr.startswith("Error response from daemon: ")
    assert any(word in done.stderr for word in ("denied", "unauthorized"))


def test_killed_registry_is_told_and_the_push_can_be_done_again(lab: Lab) -> None:
    """Connection refused names the address; after a restart in the same folder the push goes through."""
    lab.login("a", "alice", "write:packages")
    image = make_image(lab.store("a"), f"{APP}:1.0", [os.urandom(200_000)])
    lab.registry.kill()
    done = lab.docker("a", "push", f"{APP}:1.0")
    assert done.returncode == 1
    assert f"dial tcp 127.0.0.1:{lab.registry.port}: connect: connection refused" in done.stderr
    tls = throw_away_tls(lab.folder / "ca", ("ghcr.io",))
    with running_registry(lab.folder / "twin", tls=tls, twin=True) as registry:
        internet = {"names": {"ghcr.io": f"127.0.0.1:{registry.port}"}, "ca": str(tls.ca)}
        (lab.folder / "internet.json").write_text(json.dumps(internet))
        done = lab.docker("a", "push", f"{APP}:1.0")
        assert done.returncode == 0, done.stderr
        assert f"1.0: digest: {image.digest}" in done.stdout


def test_cut_upload_is_resumed(plain: tuple[Lab, RunningRegistry]) -> None:
    """A network that fails in the middle of a layer costs the rest of the layer, not the whole."""
    lab, registry = plain
    layer = os.urandom(8_000_000)
    with CuttingProxy(registry.port, cut_after=4_000_000) as proxy:
        name = f"localhost:{proxy.port}/org/app:1.0"
        image = make_image(lab.store("a"), name, [layer])
        done = lab.docker("a", "push", name)
        assert done.returncode == 0, done.stderr
        assert proxy.has_cut
    patches = [event for event in registry.events() if event.endpoint == "end-5" and event.bytes_in > 1000]
    assert len(patches) == 2
    assert sum(event.bytes_in for event in patches) < len(layer) + 1_000_000
    answer = registry.request("GET", f"/v2/org/app/blobs/{Digest.of(layer)}")
    assert (answer.status, answer.body) == (200, layer)
    assert f"1.0: digest: {image.digest}" in done.stdout


def test_index_goes_there_and_back(plain: tuple[Lab, RunningRegistry]) -> None:
    """Two platforms up; one platform down, under the index's digest; skipped uploads and mounts on the second push."""
    lab, registry = plain
    name = f"localhost:{registry.port}/org/app"
    index = make_index(lab.store("a"), f"{name}:1.0")
    assert f"1.0: digest: {index.digest}" in lab.docker("a", "push", f"{name}:1.0").stdout
    lab.docker("a", "tag", f"{name}:1.0", f"localhost:{registry.port}/org/second:1.0")
    assert "Mounted from org/app" in lab.docker("a", "push", f"localhost:{registry.port}/org/second:1.0").stdout
    pulled = lab.docker("b", "pull", "--platform", "linux/arm64", f"{name}:1.0")
    assert pulled.returncode == 0, pulled.stderr
    assert f"Digest: {index.digest}" in pulled.stdout
    refused = lab.docker("b", "pull", "--platform", "linux/s390x", f"{name}:1.0")
    assert refused.stderr == (
        "Error response from daemon: no matching manifest for linux/s390x in the manifest list entries: "
        "no match for platform in manifest: not found\n"
    )


def test_unknown_tag(plain: tuple[Lab, RunningRegistry]) -> None:
    """The registry's answer inside Docker's words."""
    lab, registry = plain
    name = f"localhost:{registry.port}/org/app:9"
    done = lab.docker("a", "pull", name)
    wanted = f"Error response from daemon: manifest for {name} not found: manifest unknown: manifest unknown\n"
    assert (done.returncode, done.stderr) == (1, wanted)


def test_interrupt_ends_at_once(tmp_path: Path) -> None:
    """Ctrl-C while a registry keeps us waiting: exit code 130, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        environ = {"PATH": os.environ["PATH"], "LAB_HOME": str(tmp_path), "LAB_ENGINE_HOME": str(tmp_path / "a")}
        command = [LABDOCKER, "pull", f"localhost:{port}/org/app:1.0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
        silent.settimeout(30)
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")


def test_reader_that_has_enough(tmp_path: Path) -> None:
    """``docker … | head -1`` ends without a complaint."""
    environ = {"PATH": os.environ["PATH"], "LAB_HOME": str(tmp_path), "LAB_ENGINE_HOME": str(tmp_path / "a")}
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [LABDOCKER, "--help"], stdout=write, stderr=subprocess.PIPE, text=True, check=False, env=environ, timeout=60
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")
