"""What the grader remembers of an attempt between two runs (``.lab/<tp>/seal.json``): by it, changes are noticed.

The first run of an attempt writes down which check files judged and how far the journal had come; each later run must
find both again. It is trust on first use: whoever deletes the file loses the memory, and nothing else.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "seal.json"


@dataclass(frozen=True, slots=True)
class Seal:
    """One run's memory.

    Attributes:
        attempt: When the attempt began; another attempt begins without memory.
        version: The lab's version: a new one brings new checks, which is no tampering.
        pack: Digest of the check files.
        seq: How far the journal had come.
        head: Its hash there.
        journal: Which journal that was: a stack that the student builds anew has another.
    """

    attempt: str
    version: str
    pack: str
    seq: int
    head: str
    journal: str

    def save(self, folder: Path) -> None:
        """Write it, atomically; a folder that cannot be written keeps no memory."""
        temporary = folder / f"{FILE_NAME}.tmp"
        temporary.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        temporary.replace(folder / FILE_NAME)

    @classmethod
    def load(cls, folder: Path, attempt: str) -> "Seal | None":
        """The memory of this attempt; None when there is none, or it is damaged."""
        try:
            seal = cls(**json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        sound = isinstance(seal.seq, int) and seal.seq > 0 and isinstance(seal.head, str)
        return seal if sound and seal.attempt == attempt else None
