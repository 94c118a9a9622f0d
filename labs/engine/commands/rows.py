"""How a container is shown in a table, by ``docker ps`` and ``docker compose ps``."""

from datetime import UTC, datetime
from pathlib import Path

import psutil

from labs.compose.containers import Container
from labs.compose.recording import published
from labs.engine.commands.units import age
from labs.ports import HOST

_COMMAND_WIDTH = 20
"""Characters of a command that are shown, as Docker."""


def shown_command(container: Container, *, whole: bool = False) -> str:
    """What really runs, in one line and in quotes, without the path of its program; cut as Docker cuts it."""
    program, *words = container.plan.command
    shown = words[1:] if words[:1] == ["-m"] else [Path(program).name, *words]
    line = " ".join(" ".join(shown).split())
    return f'"{line}"' if whole or len(line) <= _COMMAND_WIDTH else f'"{line[: _COMMAND_WIDTH - 1]}…"'


def shown_age(container: Container) -> str:
    """``5 minutes ago``."""
    return age(moment(container.created), datetime.now(UTC))


def shown_status(container: Container) -> str:
    """``Up 5 minutes``. How a process ended that is no child of ours, nobody can say."""
    now, pid = datetime.now(UTC), container.pid()
    if pid is not None:
        return f"Up {age(moment(psutil.Process(pid).create_time()), now).removesuffix(' ago')}"
    if container.stopped is None:
        return "Exited (?)"
    return f"Exited (0) {age(moment(container.stopped), now)}"


def shown_ports(container: Container) -> str:
    """``127.0.0.1:8443->443/tcp`` for what is published, ``5000/tcp`` for what is not."""
    outside = {port.container: f"{HOST}:{port.here}->" for port in published(container)}
    return ", ".join(f"{outside.get(port, '')}{port}/tcp" for port in sorted({*outside, *container.plan.listens}))


def moment(seconds: float) -> datetime:
    """A time of the system's clock."""
    return datetime.fromtimestamp(seconds, UTC)
