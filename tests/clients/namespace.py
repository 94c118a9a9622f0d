"""A private network and mount namespace for programs that must reach nothing but themselves.

Inside there is the loopback interface only, so nothing can leave; ``/etc`` and ``/run`` take writes that the machine
never sees; and ``ADDRESS`` lies on the loopback interface, outside 127/8, so that Docker's daemon really verifies TLS
there (for a name that resolves to 127/8 it does not). ``NAMES`` resolve to it.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

ADDRESS = "198.51.100.7"
"""Of the range for documentation (RFC 5737): nobody's."""

RUN_SECONDS = 120
"""More than any client takes, on a busy machine too."""

NAMES = ("registry.example.com", "registry.lab.test")

_HOSTS = rf"127.0.0.1 localhost\n::1 localhost\n{ADDRESS} {' '.join(NAMES)}\n"

# An overlay on /etc, not bind mounts of single files: certs.d is hard-wired to /etc/docker, and a machine without
# that folder must not get one. /run is where daemons leave sockets and locks.
_SETUP = f"""
set -e
ip link set lo up
ip address add {ADDRESS}/32 dev lo
mount -t tmpfs tmpfs "$1"
mkdir -p "$1/work" "$1/upper/docker"
printf '{_HOSTS}' >"$1/upper/hosts"
: >"$1/upper/resolv.conf"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
mount -t tmpfs tmpfs /etc/docker
mount -t tmpfs tmpfs /run
echo ready
exec sleep infinity
"""


class NamespaceError(Exception):
    """The kernel or the machine's rights refuse a private namespace."""


class CommandFailedError(Exception):
    """A client ended with another exit code than 0; the message is what it printed."""


class Namespace:
    """A running namespace, as a context manager. Mounts and interfaces end with its last process."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="lab-ns-")
        command = ["unshare", "--net", "--mount", "sh", "-c", _SETUP, "sh", self._folder.name]
        self._holder = subprocess.Popen(
            [*dying_with_us("KILL"), *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._holder.stdout
        if (first := self._holder.stdout.readline()) != "ready\n":
            rest, _ = self._holder.communicate()
            self._folder.cleanup()
            raise NamespaceError(f"no private namespace: {first}{rest}")
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._inhabitants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._holder.communicate()
        self._folder.cleanup()

    def _inhabitants(self) -> list[int]:
        """All that runs inside, what was started there by others than us included; the holder too."""
        ours = Path(f"/proc/{self._holder.pid}/ns/mnt").readlink()
        found = []
        for entry in Path("/proc").glob("[0-9]*/ns/mnt"):
            with contextlib.suppress(OSError):  # it ended meanwhile
                if entry.readlink() == ours:
                    found.append(int(entry.parts[2]))
        return found

    def file(self, path: str) -> Path:
        """A path of the namespace (``/etc/docker/…``) as seen from outside."""
        return Path(f"/proc/{self._holder.pid}/root{path}")

    def command(self, argv: Sequence[str | Path], folder: Path = Path("/")) -> list[str]:
        """What to execute so that ``argv`` runs inside, in ``folder``; signals reach it directly."""
        # env changes the folder: nsenter's own --wd leaves a working directory of the other mount namespace.
        enter = ["nsenter", "--target", str(self._holder.pid), "--net", "--mount"]
        return [*enter, "env", "-C", str(folder), *(str(word) for word in argv)]

    def run(
        self, argv: Sequence[str | Path], *, env: Mapping[str, str], folder: Path = Path("/"), text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a client to its end, whatever its exit code; ``text`` is its standard input."""
        command = self.command(argv, folder)
        return subprocess.run(
            command, check=False, capture_output=True, text=True, env=env, input=text, timeout=RUN_SECONDS
        )

    def output(
        self, argv: Sequence[str | Path], *, env: Mapping[str, str], folder: Path = Path("/"), text: str | None = None
    ) -> str:
        """Standard output of a client.

        Raises:
            CommandFailedError: It did not exit with 0.
        """
        done = self.run(argv, env=env, folder=folder, text=text)
        if done.returncode != 0:
            line = " ".join(str(word) for word in argv)
            raise CommandFailedError(f"{line}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, argv: Sequence[str | Path], *, env: Mapping[str, str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
        """Start a server; it gets SIGTERM when this process dies before stopping it."""
        command = [*dying_with_us("TERM"), *self.command(argv)]
        return subprocess.Popen(command, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def dying_with_us(signal_name: str) -> list[str]:
    """Command prefix: the kernel sends that signal to the process when the thread that started it ends."""
    return ["setpriv", "--pdeathsig", signal_name, "--"]
