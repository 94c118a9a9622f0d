"""Where the stacks listen, and who is there already."""

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import psutil

from labs.faults import LabError

DEFAULT_BASE = 5000
"""The course's private registry listens here; the exercises' other services follow it."""

AIRPLAY_BASE = 5050
"""Where the stacks go on macOS, whose AirPlay receiver holds 5000."""

COMMAND_LINE_LIMIT = 200
"""Characters of a command line that are shown."""

HIGHEST_OFFSET = 3500
"""All ports of the stacks are less than this above the base."""

HOST = "127.0.0.1"
"""Nothing of the lab listens anywhere else."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The program that holds a port; ``pid`` None where the system does not tell us.

    Attributes:
        name: Its command line, so that another lab's registry is told from any other Python program.
    """

    name: str
    pid: int | None


def base(environ: Mapping[str, str] = os.environ) -> int:
    """``LAB_PORT_BASE``, else 5000; on macOS 5050 where 5000 is taken.

    Raises:
        LabError: ``LAB_PORT_BASE`` is no port.
    """
    asked = environ.get("LAB_PORT_BASE", "")
    if not asked:
        return AIRPLAY_BASE if sys.platform == "darwin" and not is_free(DEFAULT_BASE) else DEFAULT_BASE
    if not asked.isdecimal() or not 0 < int(asked) < 2**16 - HIGHEST_OFFSET:
        raise LabError("error.port-base", value=asked)
    return int(asked)


def is_free(port: int) -> bool:
    """Whether we could listen there now."""
    with socket.socket() as probe:
        # As the servers do: a port that only has old connections in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def holder(port: int) -> Holder:
    """Who listens on a port. Without root, other users' programs have no name for us."""
    for process in psutil.process_iter(["pid", "name"]):
        try:
            connections = process.net_connections(kind="tcp")
        except psutil.Error:
            continue
        if any(row.status == psutil.CONN_LISTEN and row.laddr.port == port for row in connections):
            return Holder(_command_line(process) or str(process.info["name"]), int(process.info["pid"]))
    return Holder("?", None)


def _command_line(process: psutil.Process) -> str:
    """How a program was called, its own path left out; empty where we may not know."""
    try:
        program, *arguments = process.cmdline() or [""]
    except psutil.Error:
        return ""
    return shorten(" ".join([Path(program).name, *arguments]), COMMAND_LINE_LIMIT, placeholder=" …")


def demand_free(port: int) -> None:
    """Raise LabError, naming the program that holds the port and the setting that moves ours, unless it is free."""
    if not is_free(port):
        who = holder(port)
        raise LabError("error.port-busy", port=port, program=who.name, pid=who.pid or "?")
