"""Where the lab keeps its things. Pure path arithmetic; nothing is created here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
"""The folder around the packages: the notebooks and the compose files lie there."""

MACHINES = ("a", "b")
"""The client machines of the exercises: the student's own, and the other one."""


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
    def locate(cls, environ: Mapping[str, str] = os.environ, start: Path | None = None) -> "LabHome":
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

    @property
    def internet(self) -> Path:
        """Which names of the internet reach a twin, and by which CA: what the lab's own clients read."""
        return self.state / "internet.json"

    @property
    def lock(self) -> Path:
        """Held while stacks change, so that two commands do not build on each other's rubble."""
        return self.state / "lock"

    @property
    def notebooks(self) -> Path:
        """State of the JupyterLab server that ``labstack start`` opens."""
        return self.state / "jupyter"

    def engines(self, slug: str) -> Path:
        """The machines of one exercise: no other exercise has anything there."""
        return self.state / "engines" / slug

    def engine(self, slug: str, machine: str) -> Path:
        """Engine home of an exercise's machine (``a``, ``b``): Docker's ``config.json`` and the image store."""
        return self.engines(slug) / machine

    def stack(self, slug: str) -> Path:
        """State of one exercise's stack."""
        return self.state / slug

    def files(self, slug: str) -> Path:
        """The student's own files of one exercise."""
        return self.work / slug

    def backups(self, slug: str) -> Path:
        """What resets kept of the student's files, one folder a reset, named by its time."""
        return self.state / "backups" / slug
