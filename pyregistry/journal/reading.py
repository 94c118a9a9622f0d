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
    # A torn line may end inside a character; replaced bytes in a whole line break the chain, as they should.
    with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        yield from verify(line for line in lines if line.endswith("\n"))
