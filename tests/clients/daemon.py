"""Docker's own daemon of a Debian suite, inside a private namespace, with all its state in a throw-away folder."""

import contextlib
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.clients.cgroups import remove_cgroups
from tests.clients.install import TOOLS
from tests.clients.namespace import Namespace

START_SECONDS = 30
STOP_SECONDS = 20
_BRIDGES = {"sid": ("lab-sid", "172.28.0.1/24"), "trixie": ("lab-trixie", "172.29.0.1/24")}
"""By suite the daemon's bridge and its address, inside the namespace."""


class DaemonError(Exception):
    """The daemon did not start; the message is the end of its log."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon.

    Attributes:
        suite: The Debian suite that it comes from.
        containerd_store: It keeps images in containerd's store, as they came; else unpacked, as Docker always did.
        environment: What a program inside the namespace needs to find ``docker`` and the daemon; no DOCKER_CONFIG.
        state: Its data folder.
    """

    suite: str
    containerd_store: bool
    namespace: Namespace
    environment: Mapping[str, str]
    state: Path

    @property
    def plugins(self) -> Path:
        """Folder of the command line's plugins (buildx), for ``cliPluginsExtraDirs`` of a ``config.json``."""
        return TOOLS / self.suite / "usr" / "libexec" / "docker" / "cli-plugins"


@contextlib.contextmanager
def running_daemon(namespace: Namespace, suite: str, *, containerd_store: bool) -> Iterator[Daemon]:
    """Start the suite's daemon and wait until it answers; at the end nothing of it is left.

    Several may run in one namespace: each has a bridge of its own.
    """
    # Not under pytest's own folders: socket paths end at 107 characters, and image layers are not worth keeping.
    with tempfile.TemporaryDirectory(prefix=f"lab-{suite}-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        programs = TOOLS / suite / "usr"
        environment = {
            "PATH": f"{programs}/bin:{programs}/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder),
            "DOCKER_HOST": f"unix://{folder}/docker.sock",
        }
        daemon = Daemon(suite, containerd_store, namespace, environment, folder / "data")
        cgroup = f"oci-registry-lab-{folder.name}"
        config = _configure(daemon, folder, cgroup)
        with (folder / "log").open("wb") as log:
            process = namespace.start(["dockerd", "--config-file", config], env=environment, log=log)
        try:
            _await_answer(daemon, process, folder / "log")
            yield daemon
        finally:
            _stop(process)
            remove_cgroups(cgroup)


def _configure(daemon: Daemon, folder: Path, cgroup: str) -> Path:
    """Write ``daemon.json``.

    The bridge is named, and made beforehand: a daemon without one (``"bridge": "none"``) deletes ``docker0`` of its
    network namespace, and with a named one that is missing it refuses to start.
    """
    bridge, address = _BRIDGES[daemon.suite]
    for words in (
        ["link", "add", bridge, "type", "bridge"],
        ["address", "add", address, "dev", bridge],
        ["link", "set", bridge, "up"],
    ):
        daemon.namespace.output(["ip", *words], env=daemon.environment)
    config = folder / "daemon.json"
    values = {
        "hosts": [daemon.environment["DOCKER_HOST"]],
        "data-root": str(daemon.state),
        "exec-root": str(folder / "exec"),
        "pidfile": str(folder / "docker.pid"),
        "bridge": bridge,
        "iptables": False,  # nothing to reach: there is only the loopback interface
        "ip6tables": False,
        "cgroup-parent": f"/{cgroup}",
        "features": {"containerd-snapshotter": daemon.containerd_store},
    }
    config.write_text(json.dumps(values), encoding="utf-8")
    return config


def _await_answer(daemon: Daemon, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until ``docker version`` finds the daemon."""
    deadline = time.monotonic() + START_SECONDS
    while daemon.namespace.run(["docker", "version"], env=daemon.environment).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            raise DaemonError(f"dockerd of {daemon.suite}: {log.read_text(encoding='utf-8')[-2000:]}")
        time.sleep(0.05)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM lets the daemon end its containers, its mounts and its containerd."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
