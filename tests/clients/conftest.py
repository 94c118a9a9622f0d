"""What the client tests share: one private namespace, its daemons, registries and clients.

Each starts when a test first asks for it and lasts for the session of that worker.
"""

import contextlib
import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path

import pytest

from pyregistry.accounts.model import Role
from tests.clients.command_lines import CommandLine
from tests.clients.copiers import Crane, Oras, Skopeo, SkopeoDockerFormat
from tests.clients.daemon import Daemon, running_daemon
from tests.clients.doors import PASSWORD, USER, Door, write_passwords
from tests.clients.engines import Buildah, ClassicDocker, Containerd, Docker, LabDocker, Podman
from tests.clients.install import TOOLS
from tests.clients.lab import Lab, running_lab
from tests.clients.namespace import ADDRESS, Namespace, NamespaceError
from tests.clients.registry import Registry, await_line, running_registry
from tests.clients.token_server import READY
from tests.fakes.token_server import ISSUER, SERVICE
from tests.servers import ROOT, end
from tests.tools import absent, require, require_root

NewClient = Callable[[str], CommandLine]
"""Makes a client by name, with an empty home."""

_PORT_BASES = count(6000, 100)
"""Of the labs, inside the namespace. 80, 443, 5000, 8080 and 8443 are those of TP-2 in Docker: nobody else's."""

_REGISTRIES = {
    "http": "plain",
    "tls": "secure",
    "htpasswd": "guarded",
    "htpasswd-tls": "guarded_secure",
    "token": "issuing",
    "token-server": "outside",
}
"""By door, the fixture of the registry behind it."""

_CLASSES: Mapping[str, type[CommandLine]] = {
    "buildah": Buildah,
    "crane": Crane,
    "labdocker": LabDocker,
    "oras": Oras,
    "podman": Podman,
    "skopeo": Skopeo,
    "skopeo-v2s2": SkopeoDockerFormat,
}


@pytest.fixture(scope="session")
def namespace() -> Iterator[Namespace]:
    """The private network of the tests."""
    require_root()
    require("unshare", "nsenter", "setpriv", "ip")
    with contextlib.ExitStack() as stack:
        try:
            running = stack.enter_context(Namespace())
        except NamespaceError as error:
            absent(f"{error}; run where root may make namespaces (a privileged container)")
        yield running


@pytest.fixture(scope="session")
def docker_28(namespace: Namespace) -> Iterator[Daemon]:
    """Docker 28 with containerd's image store, as Docker Desktop has it."""
    require("sid/dockerd", "sid/docker", "sid/containerd", "runc")
    with running_daemon(namespace, "sid", containerd_store=True) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def docker_26(namespace: Namespace) -> Iterator[Daemon]:
    """Docker 26 with Docker's own image store."""
    require("trixie/dockerd", "trixie/docker", "trixie/containerd", "runc")
    with running_daemon(namespace, "trixie", containerd_store=False) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder with a short path: podman refuses a runroot of more than 50 characters."""
    with tempfile.TemporaryDirectory(prefix="lab-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def new_client(request: pytest.FixtureRequest, short_folder: Path) -> NewClient:
    """Makes clients: ``docker-28``, ``docker-26``, ``podman`` …; skips the test when the program is missing."""
    numbers = count()

    def make(name: str) -> CommandLine:
        folder = short_folder / str(next(numbers)) / name
        folder.parent.mkdir()
        if name == "docker-28":
            return Docker(request.getfixturevalue("docker_28"), folder)
        if name == "docker-26":
            return ClassicDocker(request.getfixturevalue("docker_26"), folder)
        if name == Containerd.name:
            return Containerd(request.getfixturevalue("docker_28"), folder)
        if name != LabDocker.name:  # ours, always there
            require(_CLASSES[name].name)
        path = os.pathsep.join((os.environ["PATH"], f"{TOOLS}/sid/usr/bin", "/usr/sbin", "/sbin"))
        return _CLASSES[name](request.getfixturevalue("namespace"), folder, {"PATH": path})

    return make


@pytest.fixture(scope="session")
def clients(new_client: NewClient) -> NewClient:
    """Like ``new_client``, but each client is made once: it keeps its home between tests."""
    made: dict[str, CommandLine] = {}

    def reuse(name: str) -> CommandLine:
        if name not in made:
            made[name] = new_client(name)
        return made[name]

    return reuse


@pytest.fixture(scope="session")
def plain(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry for everybody, over plain HTTP."""
    folder = tmp_path_factory.mktemp("plain") / "registry"
    with running_registry(namespace, "localhost:5006", "127.0.0.1", folder) as registry:
        yield registry


@pytest.fixture(scope="session")
def secure(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry for everybody, over TLS, on an address for which Docker's daemon verifies."""
    folder = tmp_path_factory.mktemp("secure") / "registry"
    with running_registry(namespace, "registry.example.com:8441", ADDRESS, folder, tls=True) as registry:
        yield registry


@pytest.fixture(scope="session")
def guarded(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry behind a password file, over plain HTTP."""
    folder = tmp_path_factory.mktemp("guarded") / "registry"
    passwords = write_passwords(folder.with_suffix(".htpasswd"))
    auth = {"htpasswd": {"realm": "Registry Realm", "path": str(passwords)}}
    with running_registry(namespace, "localhost:5002", "127.0.0.1", folder, config={"auth": auth}) as registry:
        yield registry


@pytest.fixture(scope="session")
def guarded_secure(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry behind a password file, over TLS, on an address for which Docker's daemon verifies."""
    folder = tmp_path_factory.mktemp("guarded-secure") / "registry"
    passwords = write_passwords(folder.with_suffix(".htpasswd"))
    config = {"auth": {"htpasswd": {"realm": "Registry Realm", "path": str(passwords)}}}
    with running_registry(namespace, "registry.example.com:8445", ADDRESS, folder, tls=True, config=config) as registry:
        yield registry


@pytest.fixture(scope="session")
def issuing(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that issues bearer tokens itself and is nobody's twin, over plain HTTP."""
    folder = tmp_path_factory.mktemp("issuing") / "registry"
    own = {"accounts": {"path": f"{folder}/accounts.json"}}
    with running_registry(namespace, "localhost:5003", "127.0.0.1", folder, config={"pyregistry": own}) as registry:
        yield registry


@pytest.fixture(scope="session")
def outside(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that takes the bearer tokens of an outside token server, both over plain HTTP."""
    folder = tmp_path_factory.mktemp("outside")
    bundle, log = folder / "bundle.pem", folder / "token-server.log"
    program = [sys.executable, "-m", "tests.clients.token_server", bundle, "5005"]
    with log.open("wb") as output:
        server = namespace.start(program, env={"PYTHONPATH": str(ROOT)}, log=output)
    token = {
        "realm": "http://localhost:5005/token",
        "service": SERVICE,
        "issuer": ISSUER,
        "rootcertbundle": str(bundle),
    }
    try:
        await_line(server, log, READY)
        config = {"auth": {"token": token}}
        with running_registry(namespace, "localhost:5004", "127.0.0.1", folder / "registry", config=config) as registry:
            yield registry
    finally:
        end(server)


@pytest.fixture(scope="session")
def open_door(request: pytest.FixtureRequest) -> Callable[[str], Door]:
    """The doors to a registry by name: those of ``_REGISTRIES``."""

    def find(name: str) -> Door:
        registry: Registry = request.getfixturevalue(_REGISTRIES[name])
        match name:
            case "htpasswd" | "htpasswd-tls" | "token-server":
                return Door(registry, USER, PASSWORD)
            case "token":
                assert registry.server
                registry.server.administration().add_account(USER, ["lab"], Role.AUDITOR)  # who may list the catalog
                return Door(registry, USER, registry.server.new_token(USER, ["write:packages", "delete:packages"])[1])
            case _:
                return Door(registry)

    return functools.cache(find)


@pytest.fixture(scope="session")
def twin(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The GHCR twin, over plain HTTP."""
    folder = tmp_path_factory.mktemp("twin") / "registry"
    with running_registry(namespace, "localhost:5001", "127.0.0.1", folder, twin=True) as registry:
        yield registry


@pytest.fixture(scope="session")
def secure_twin(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The GHCR twin, over TLS, at ``localhost`` too."""
    folder = tmp_path_factory.mktemp("secure-twin") / "registry"
    everywhere = "0.0.0.0"  # noqa: S104  of the namespace, where nobody else is
    with running_registry(namespace, "registry.example.com:8444", everywhere, folder, tls=True, twin=True) as registry:
        yield registry


@pytest.fixture
def no_trust_left(namespace: Namespace) -> Iterator[None]:
    """What clients were told to trust in ``/etc/docker/certs.d`` goes again."""
    yield
    shutil.rmtree(namespace.file("/etc/docker/certs.d"), ignore_errors=True)


@pytest.fixture
def lab(namespace: Namespace, tmp_path: Path) -> Iterator[Lab]:
    """A student's lab of its own, TP-1 just begun."""
    with running_lab(namespace, tmp_path, next(_PORT_BASES)) as running:
        yield running
