"""The environment in which the exercises' commands work: whose docker, whose internet, which machine and parameters."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from labs.attempts import DOCKER, EMBEDDED, PRIVATE, Attempt
from labs.home import MACHINES, LabHome
from labs.stack import acme, contexts
from labs.stack.files import write_whole
from labs.stack.interface import StackError

ENGINE_TIMEOUT_SECONDS = 5.0
"""A daemon that does not answer by then is taken for absent."""

HOSTS = Path("/etc/hosts")
"""The system's own table of names."""

DOCKER_CERTS_D = Path("/etc/docker/certs.d")
"""Where Docker's own daemon, and its command, look for the CAs of a registry."""

_SEARCH = """\
real=
IFS=:
for folder in $PATH; do
    if [ "$folder" != "$here" ] && [ -x "$folder/{name}" ]; then
        real=$folder/{name}
        break
    fi
done
unset IFS"""
"""Another program of that name in PATH."""

# Asked again at each call: the engine may be started, or the setting changed, while a shell is open.
_DOCKER_SHIM = """\
#!/bin/sh
# The lab's docker. LAB_DOCKER=lab is the lab's own, real is Docker's, auto is Docker's where an engine answers.
# Whoever pushes and pulls: a stack that was not begun with --engine docker runs as processes, by the lab's compose.
here={bin}
[ "${{LAB_COMPOSE:-}}" = lab ] && [ "${{1:-}}" = compose ] && exec {labdocker} "$@"
{search}
case ${{LAB_DOCKER:-auto}} in
real)
    [ -n "$real" ] && exec "$real" "$@"
    echo "docker: LAB_DOCKER=real, and there is no other docker in PATH" >&2
    exit 127
    ;;
auto)
    [ -n "$real" ] && "$real" version >/dev/null 2>&1 && exec "$real" "$@"
    ;;
esac
exec {labdocker} "$@"
"""

# Whose cosign follows whose docker, so that both know the same names: Docker's own reaches no twin by its name.
_COSIGN_SHIM = """\
#!/bin/sh
# The lab's cosign. Another one in PATH is taken where docker is Docker's own: LAB_DOCKER=real, or auto and an engine.
here={bin}
{search}
case ${{LAB_DOCKER:-auto}} in
real)
    [ -n "$real" ] && exec "$real" "$@"
    ;;
auto)
    [ -n "$real" ] && LAB_DOCKER=real "$here/docker" version >/dev/null 2>&1 && exec "$real" "$@"
    ;;
esac
exec {labcosign} "$@"
"""


# Whose docker it is plays no role: a password file is the same everywhere.
_HTPASSWD_SHIM = """\
#!/bin/sh
# The lab's htpasswd: Apache's own where it is installed, else the lab's, which makes bcrypt hashes only.
here={bin}
{search}
[ -n "$real" ] && exec "$real" "$@"
exec {python} -m labs.htpasswd "$@"
"""

_SHIMS = {"docker": _DOCKER_SHIM, "cosign": _COSIGN_SHIM, "htpasswd": _HTPASSWD_SHIM}


class Docker(StrEnum):
    """Whose ``docker`` is in use."""

    LAB = "lab"
    REAL = "real"


class Internet(StrEnum):
    """Whose registries answer to the hosted registries' names."""

    TWIN = "twin"
    REAL = "real"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, and whether ``LAB_DOCKER`` forced it."""

    docker: Docker
    is_forced: bool


def choose_docker(home: LabHome, environ: Mapping[str, str] = os.environ) -> Choice:
    """``LAB_DOCKER``; on ``auto`` Docker's own where an engine answers.

    Raises:
        StackError: It has another value, or Docker's own is wanted and not there.
    """
    asked = _setting(environ, "LAB_DOCKER", ("auto", *Docker))
    if asked == Docker.LAB:
        return Choice(Docker.LAB, is_forced=True)
    command = real_docker(home, environ)
    if asked == Docker.REAL:
        if command is None:
            raise StackError("error.no-real-docker")
        return Choice(Docker.REAL, is_forced=True)
    return Choice(Docker.REAL if command and engine_version(command) else Docker.LAB, is_forced=False)


def choose_internet(environ: Mapping[str, str] = os.environ) -> Internet:
    """``LAB_INTERNET``, the twins by default. Raises StackError."""
    return Internet(_setting(environ, "LAB_INTERNET", tuple(Internet)))


def real_docker(home: LabHome, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Docker's own command in PATH, past the lab's."""
    folders = [folder for folder in environ.get("PATH", os.defpath).split(os.pathsep) if folder != str(home.bin)]
    found = shutil.which("docker", path=os.pathsep.join(folders))
    return Path(found) if found else None


def engine_version(command: Path) -> str | None:
    """Version of the engine that answers a docker command, or None."""
    try:
        done = subprocess.run(
            [command, "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=ENGINE_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def environment(
    home: LabHome, attempt: Attempt, machine: str, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """What a machine's commands run in. ``LAB_REGISTRY`` fits the docker that answers there.

    ``LAB_DOOR`` is where that registry really listens on this machine: ``host:port`` for curl and openssl, which know
    nothing of the lab's names.

    ``LAB_DOCKER`` is about the student's own machine. Another machine is always the lab's engine: Docker's daemon has
    one store for all its clients, so that it cannot be two machines.
    """
    choice = _choose(home, attempt, machine, environ)
    engine = home.engine(attempt.slug, machine)
    return dict(environ) | {
        "PATH": _path(environ, home.bin, Path(sys.executable).parent),
        "LAB_HOME": str(home.state),
        "LAB_WORK": str(home.work),
        "LAB_EXERCISE": attempt.slug,
        "LAB_MACHINE": machine,
        "LAB_DOCKER": choice.docker if choice.is_forced else "auto",
        "LAB_COMPOSE": Docker.LAB if PRIVATE in attempt.registries and attempt.engine == EMBEDDED else "",
        "LAB_ENGINE_HOME": str(engine),
        "DOCKER_CONFIG": str(engine),
        "LAB_CERTS_D": str(DOCKER_CERTS_D if choice.docker is Docker.REAL else engine / "certs.d"),
        "LAB_REGISTRY": registry_name(attempt, choice.docker, choose_internet(environ)),
        "LAB_DOOR": attempt.registry.url.partition("://")[2],
        "LAB_USER": attempt.parameters["user"],
        "LAB_ORG": attempt.parameters["org"],
        "LAB_REPO": attempt.parameters["repo"],
        "LAB_NONCE": attempt.parameters["nonce"],
        **acme.variables(home, attempt.slug),
        **_engine_variables(home, choice.docker, environ),
    }


def _engine_variables(home: LabHome, docker: Docker, environ: Mapping[str, str]) -> dict[str, str]:
    """What leads Docker's own command to the student's engine though ``DOCKER_CONFIG`` is the machine's folder."""
    command = real_docker(home, environ) if docker is Docker.REAL else None
    return contexts.engine_variables(command, environ) if command else {}


def _choose(home: LabHome, attempt: Attempt, machine: str, environ: Mapping[str, str]) -> Choice:
    """Whose docker a machine has. A stack in containers is Docker's to run."""
    if machine != MACHINES[0]:
        return Choice(Docker.LAB, is_forced=True)
    return Choice(Docker.REAL, is_forced=True) if attempt.engine == DOCKER else choose_docker(home, environ)


def registry_name(attempt: Attempt, docker: Docker, internet: Internet) -> str:
    """What to type for the exercise's registry: its name, or where Docker's own daemon finds it without that."""
    endpoint = attempt.registry
    if attempt.engine == DOCKER:
        return endpoint.name if is_here(endpoint.name) else "localhost"
    is_real = internet is Internet.REAL and PRIVATE not in attempt.registries
    if docker is Docker.LAB or is_real:
        return endpoint.name
    # To dockerd a name on 127.0.0.0/8 may speak plain HTTP, so that the system's settings are left alone.
    return f"localhost:{endpoint.url.rpartition(':')[2]}"


def is_here(name: str, hosts: Path = HOSTS) -> bool:
    """Whether the system's own table leads a name to this machine. No name server is asked: it may be far, or gone."""
    try:
        rows = [line.partition("#")[0].split() for line in hosts.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return False
    return any(_is_own(row[0]) for row in rows if name in row[1:])


def _is_own(address: str) -> bool:
    """Whether an address is one of this machine's: we could listen there."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def write_commands(home: LabHome) -> None:
    """Put the lab's own commands where PATH finds them first."""
    home.bin.mkdir(parents=True, exist_ok=True)
    folder = Path(sys.executable).parent
    programs = {"python": Path(sys.executable)} | {name: folder / name for name in ("labdocker", "labcosign")}
    quoted = {name: shlex.quote(str(path)) for name, path in {"bin": home.bin, **programs}.items()}
    for command, shim in _SHIMS.items():
        write_whole(home.bin / command, shim.format(search=_SEARCH.format(name=command), **quoted), mode=0o755)


def _setting(environ: Mapping[str, str], name: str, values: tuple[str, ...]) -> str:
    """A setting's value, the first where it is not set. Raises StackError."""
    value = environ.get(name) or values[0]
    if value not in values:
        raise StackError("error.setting", name=name, value=value, values=", ".join(values))
    return value


def _path(environ: Mapping[str, str], *first: Path) -> str:
    """PATH with some folders in front, each once."""
    front = [str(folder) for folder in first]
    rest = [folder for folder in environ.get("PATH", os.defpath).split(os.pathsep) if folder not in front]
    return os.pathsep.join([*front, *rest])
