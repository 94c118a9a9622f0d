"""Where the lab keeps its things. Pure path arithmetic; nothing is created here."""

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT_BASE = 5000


@dataclass(frozen=True, slots=True)
class LabHome:
    """The lab's folders.

    Attributes:
        state: ``.lab/`` at the checkout's root; ``LAB_HOME`` moves it.
        work: ``work/`` beside it, the students' files; ``LAB_WORK`` moves it.
    """

    state: Path
    work: Path

    @classmethod
    def locate(cls, environ: dict[str, str] | os._Environ[str] = os.environ, start: Path | None = None) -> "LabHome":
        """``LAB_HOME``, else ``.lab`` of the checkout around ``start`` (it has a ``pyproject.toml``), else of it."""
        here = (start or Path.cwd()).resolve()
        root = next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").is_file()), here)
        state = Path(environ["LAB_HOME"]).resolve() if environ.get("LAB_HOME") else root / ".lab"
        work = Path(environ["LAB_WORK"]).resolve() if environ.get("LAB_WORK") else state.parent / "work"
        return cls(state, work)

    @property
    def bin(self) -> Path:
        """Commands that the lab puts first in PATH (``docker`` …)."""
        return self.state / "bin"

    @property
    def authority(self) -> Path:
        """The lab's public CA, which stands in for the public web's: ``ca.crt`` and ``ca.key``."""
        return self.state / "ca"

    def engine(self, machine: str) -> Path:
        """Engine home of a machine (``a``, ``b``): Docker's ``config.json`` and the image store."""
        return self.state / "engines" / machine

    def stack(self, slug: str) -> Path:
        """State of one exercise's stack."""
        return self.state / slug

    def files(self, slug: str) -> Path:
        """The student's own files of one exercise."""
        return self.work / slug
