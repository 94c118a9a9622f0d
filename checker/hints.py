"""How far a student has climbed the ladder of hints (``.lab/<tp>/hints.json``)."""

import json
from collections.abc import Mapping
from pathlib import Path

FILE_NAME = "hints.json"


def levels(folder: Path) -> Mapping[str, int]:
    """Hints taken, by check code; none where nothing was written, or it is damaged."""
    try:
        values = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    rows = values.items() if isinstance(values, dict) else ()
    return {str(code): level for code, level in rows if isinstance(level, int)}


def climb(folder: Path, code: str, total: int) -> int:
    """Take the next hint of ``code``, of ``total``; the number of the rung, from 1, the last one again at the end."""
    taken = levels(folder)
    level = min(taken.get(code, 0) + 1, total)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{FILE_NAME}.tmp"
    temporary.write_text(json.dumps({**taken, code: level}) + "\n", encoding="utf-8")
    temporary.replace(folder / FILE_NAME)
    return level
