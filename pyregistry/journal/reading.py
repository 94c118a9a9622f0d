"""Reading a journal back."""

from collections.abc import Iterator
from pathlib import Path

from pyregistry.spec.journal import Event, verify


def read(path: Path) -> Iterator[Event]:
    """The events of a journal, the chain proved as they come. A torn last line is not an event yet.

    Raises:
        JournalBroken: The chain does not hold.
        OSError: The file cannot be read.
    """
    with path.open(encoding="utf-8", newline="\n") as lines:
        yield from verify(line for line in lines if line.endswith("\n"))
