"""labdocker as a person uses it: words in, exit code and two texts out, inside this process."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from labs.engine.cli import run
from labs.engine.commands.console import Console
from labs.engine.layout import ImageStore


@dataclass(frozen=True)
class Result:
    """What a command left."""

    code: int
    output: str
    errors: str

    @property
    def lines(self) -> list[str]:
        """The output's lines."""
        return self.output.splitlines()


class Shell:
    """One machine: an engine home, and an environment that no other test sees.

    Args:
        folder: The engine home is made in it.
        environ: Further variables, e.g. ``LAB_HOME``.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self.home = folder
        self.store = ImageStore(folder / "images")
        self._environ = {"LAB_ENGINE_HOME": str(folder), "LAB_HOME": str(folder / "lab"), "LAB_LANG": "en"}
        self._environ |= {"PATH": "/usr/bin:/bin", **(environ or {})}

    def docker(self, *words: str, typed: str = "", **environ: str) -> Result:
        """Run ``docker`` with these words; ``typed`` is what comes on stdin."""
        console = Console(StringIO(), StringIO(), StringIO(typed))
        code = run(words, console, self._environ | environ)
        return Result(code, console.output.getvalue(), console.errors.getvalue())
