"""What a stack offers to the commands, in values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from labs.attempts import Attempt
from labs.catalog.model import Lab
from labs.faults import LabError
from labs.home import LabHome

Progress = Callable[..., None]
"""Told what begins: a message id and its parameters, as ``Console.say`` takes them."""


class StackError(LabError):
    """A stack cannot do what was asked; its message id lies below ``error.``."""


class StackState(StrEnum):
    """``never``: no attempt was begun. ``broken``: it should be up, and a service of it is not."""

    NEVER = "never"
    UP = "up"
    DOWN = "down"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service of a stack as it is now.

    Attributes:
        url: Where it is reached; empty where nobody outside the stack reaches it.
        pid: None when it does not run.
        log: All that it prints.
        request_logs: Where it writes requests down, beside that.
    """

    role: str
    name: str
    url: str
    pid: int | None
    log: Path
    request_logs: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class StackStatus:
    """A stack as it is now."""

    slug: str
    state: StackState
    attempt: Attempt | None
    services: tuple[ServiceStatus, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Files by their path below the lab, and processes by their name. Empty for a never-used stack."""

    files: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()

    def count(self, folder: str) -> int:
        """How many of the files lie below a folder."""
        return sum(1 for name in self.files if name.startswith(f"{folder}/"))


NEVER_USED = Inventory()


class StackRunner(Protocol):
    """Runs the stacks of one engine."""

    @property
    def home(self) -> LabHome:
        """Where the lab keeps its things."""
        ...

    @property
    def environ(self) -> Mapping[str, str]:
        """The settings in force."""
        ...

    def up(self, lab: Lab, progress: Progress) -> Attempt:
        """Bring a stack up, or see that it is; begins an attempt where there is none. Raises StackError."""
        ...

    def down(self, lab: Lab) -> None:
        """End its processes; the attempt and what was pushed stay. Idempotent. Raises StackError."""

    def reset(self, lab: Lab, progress: Progress) -> Path | None:
        """Put a stack back to never used; where the student's files were kept, or None where there were none.

        Raises:
            StackError: Something could not be removed; it is named, and the student's files are not lost.
        """
        ...

    def status(self, lab: Lab) -> StackStatus:
        """Look, and change nothing."""
        ...

    def inventory(self, lab: Lab) -> Inventory:
        """All that it has and a never-used one has not: what ``reset`` removes."""
        ...
