"""Brings the real clients that the client tests drive: run by ``make check``, and quick when all is there.

Two kinds of programs. The distribution's own (skopeo, podman …) come through its package manager, which takes root or
sudo. Docker 26 and 28, registry:2, nginx, oras, crane, cosign and notation come from newer Debian suites and are
unpacked, not installed, into a private folder: Go programs run on an older libc as they are, two versions lie side by
side, the system's packages stay untouched, and ``rm -r`` undoes it. The archive is the one that the machine's own
package sources name; signatures are checked with the machine's own keys.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOOLS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oci-registry-lab" / "tools"
"""One folder a suite, each a small root: ``sid/usr/bin/docker``."""

SYSTEM_PACKAGES: Mapping[str, str] = {
    "buildah": "buildah",
    "busybox": "busybox",
    "htpasswd": "apache2-utils",
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "pebble": "pebble",
    "podman": "podman",
    "runc": "runc",
    "setpriv": "util-linux",
    "skopeo": "skopeo",
    "unshare": "util-linux",
}
"""Command → the package that brings it. runc is the system's own: a newer suite's needs a newer libc."""

SUITE_PACKAGES: Mapping[str, Sequence[str]] = {
    "sid": (
        "containerd",
        "cosign",
        "crane",
        "docker-buildx",
        "docker-cli",
        "docker-compose",
        "docker.io",
        "notation",
        "oras",
    ),
    "bookworm": ("caddy", "nginx", "nginx-common"),
    "trixie": ("containerd", "cosign", "docker-buildx", "docker-cli", "docker-registry", "docker.io"),
}
"""sid has Docker 28 and cosign 3; trixie Docker 26, cosign 2 and registry:2, whose service would start on port 5000.
Likewise Caddy's and nginx's on port 80: bookworm's, since what is not Go's needs libraries that every machine has."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class InstallError(Exception):
    """A program could not be brought; the message says which and how to get it by hand."""


def main() -> int:
    """Bring what is missing; the exit code is 1 when something could not be had."""
    began = time.monotonic()
    problems = _collect(install_system, install_suites)
    for problem in problems:
        say(f"missing: {problem}")
    if not problems:
        say(f"all there ({time.monotonic() - began:.1f} s)")
    return 1 if problems else 0


def _collect(*parts: Callable[[], None]) -> list[str]:
    """Run every part, so that one run names every missing thing."""
    problems = []
    for part in parts:
        try:
            part()
        except InstallError as error:
            problems.append(str(error))
    return problems


def say(line: str) -> None:
    """One line of progress."""
    print(f"clients: {line}", flush=True)  # noqa: T201  a script of the build: its progress is its output


def missing_commands() -> list[str]:
    """System commands that PATH does not have; ``/usr/sbin`` counts even where a user's PATH leaves it out."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return [command for command in SYSTEM_PACKAGES if not shutil.which(command, path=path)]


def missing_packages(suite: str) -> list[str]:
    """Packages of ``suite`` that are not unpacked in its folder."""
    return [package for package in SUITE_PACKAGES[suite] if not _marker(suite, package).exists()]


def _marker(suite: str, package: str) -> Path:
    """The file that says that a package is unpacked whole; it holds the version."""
    return TOOLS / suite / ".have" / package


def install_system() -> None:
    """Install the distribution's packages, as root or through sudo.

    Raises:
        InstallError: Something is missing and cannot be installed from here.
    """
    packages = sorted({SYSTEM_PACKAGES[command] for command in missing_commands()})
    if not packages:
        return
    privilege = _privilege()
    if not shutil.which("apt-get") or privilege is None:
        cure = "run `make check` as root or with sudo on Debian or Ubuntu" if shutil.which("apt-get") else "no apt here"
        raise InstallError(f"{', '.join(packages)} (system packages; {cure}, or install them by hand)")
    say(f"installing {', '.join(packages)} …")
    _run([*privilege, "apt-get", "-q", "update"])
    options = ("-q", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0")
    _run([*privilege, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *options, "install", *packages])
    if left := missing_commands():
        raise InstallError(f"{', '.join(left)} (still not in PATH after installing {', '.join(packages)})")


def _privilege() -> list[str] | None:
    """What to write before a command that needs root: nothing, sudo, or None where there is neither."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], check=False, capture_output=True).returncode == 0:
        return [sudo, "-n"]
    return None


def install_suites() -> None:
    """Unpack what is missing of every newer suite, the suites side by side.

    Raises:
        InstallError: The archive or its tools are not to be had.
    """
    wanted = {suite: packages for suite in SUITE_PACKAGES if (packages := missing_packages(suite))}
    if not wanted:
        return
    names = "; ".join(f"{', '.join(packages)} of {suite}" for suite, packages in wanted.items())
    lacking = [command for command in ("apt-get", "dpkg-deb") if not shutil.which(command)]
    if lacking or not KEYRING.exists():
        raise InstallError(f"{names} (Debian packages; unpacking them needs {', '.join(lacking) or KEYRING})")
    archive = debian_archive()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda suite: install_suite(suite, wanted[suite], archive), wanted))


def debian_archive() -> str:
    """Address of the Debian archive in the machine's own package sources.

    Raises:
        InstallError: They name none.
    """
    form = "$(REPO_URI) $(ORIGIN) $(LABEL)"
    targets = _run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"])
    for line in targets.splitlines():
        address, *names = line.split()
        if names == ["Debian", "Debian"]:
            return address
    raise InstallError("the machine's package sources name no Debian archive (after `apt-get update`)")


def install_suite(suite: str, packages: Sequence[str], archive: str) -> None:
    """Download and unpack ``packages`` of ``suite`` with a package manager state of its own, thrown away afterwards."""
    began = time.monotonic()
    state = TOOLS / f"{suite}.apt"
    options = _private_apt(state, suite, archive)
    say(f"{suite}: reading the archive's index …")
    _run(["apt-get", *options, "update"], cwd=state)
    say(f"{suite}: downloading {', '.join(packages)} …")
    _run(["apt-get", *options, "download", *packages], cwd=state)
    for package in packages:
        _unpack(next(state.glob(f"{package}_*.deb")), suite, package)
    shutil.rmtree(state)
    say(f"{suite}: {', '.join(_versions(suite, packages))} ({time.monotonic() - began:.0f} s)")


def _private_apt(state: Path, suite: str, archive: str) -> list[str]:
    """Options that keep apt-get inside ``state``: its lists, its sources and an empty list of installed packages."""
    shutil.rmtree(state, ignore_errors=True)
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {archive} {suite} main\n", encoding="utf-8")
    settings = {
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::State::Lists": state / "lists",
        "Dir::Cache": state / "cache",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Sandbox::User": "root",  # the download user of apt could not write into this folder
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    return ["-q", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]


def _unpack(archive: Path, suite: str, package: str) -> None:
    """Unpack one ``.deb`` into the suite's folder and, when it is whole, mark it with its version."""
    _run(["dpkg-deb", "--extract", str(archive), str(TOOLS / suite)])
    marker = _marker(suite, package)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(_run(["dpkg-deb", "--field", str(archive), "Version"]), encoding="utf-8")
    archive.unlink()


def _versions(suite: str, packages: Iterable[str]) -> list[str]:
    """``docker.io 28.5.2…`` of what was unpacked."""
    return [f"{package} {_marker(suite, package).read_text(encoding='utf-8').strip()}" for package in packages]


def _run(command: Sequence[str], cwd: Path | None = None) -> str:
    """Output of a command.

    Raises:
        InstallError: It failed; with its last words.
    """
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd)
    if done.returncode != 0:
        words = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise InstallError(f"`{' '.join(command[:2])} … {command[-1]}` failed: {' / '.join(words[-3:])}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
