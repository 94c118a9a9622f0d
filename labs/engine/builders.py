"""The builders of an engine home: names that ``docker buildx`` gives out, all for the one builder that there is."""

import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT = "default"
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9._-]*")


class BuilderError(Exception):
    """A name that cannot be given out, or that leads nowhere. Its text is buildx's."""


@dataclass(frozen=True, slots=True)
class Builders:
    """``<engine home>/builders``: a file a builder, and the name of the one in use.

    Names that differ in case only are one name, as in buildx.
    """

    home: Path

    def names(self) -> list[str]:
        """All but the default one, in order."""
        return [path.read_text(encoding="utf-8") for path in sorted(self._instances.glob("*"))]

    def current(self) -> str:
        """The one in use."""
        try:
            name = self._current.read_text(encoding="utf-8")
        except FileNotFoundError:
            return DEFAULT
        return self.find(name) or DEFAULT

    def find(self, name: str) -> str | None:
        """The builder of that name, as it was written when it was created."""
        if name == DEFAULT:
            return DEFAULT
        try:
            return self._path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def create(self, name: str) -> None:
        """Give out a name. Raises BuilderError."""
        if name == DEFAULT:
            raise BuilderError("default is a reserved name and cannot be used to identify builder instance")
        path = self._path(name)
        if path.exists():
            raise BuilderError(
                f'existing instance for "{name}" but no append mode, '
                "specify the node name to make changes for existing instances"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")

    def use(self, name: str) -> None:
        """Have builds use it. Raises BuilderError."""
        try:
            found = self.find(name)
        except BuilderError as exc:
            raise BuilderError(f'failed to find instance "{name}": {exc}') from exc
        if found is None:
            fault = f"open {self._path(name)}: no such file or directory"
            raise BuilderError(f'failed to find instance "{name}": {fault}')
        if found == DEFAULT:
            self._current.unlink(missing_ok=True)
            return
        self._current.parent.mkdir(parents=True, exist_ok=True)
        self._current.write_text(found, encoding="utf-8")

    def delete(self, name: str) -> str:
        """Take a name back, and return it; where it was in use, the default one is. Raises BuilderError."""
        found = self.find(name)
        if found == DEFAULT:
            raise BuilderError(
                "context builder cannot be removed, run `docker context rm default` to remove this context"
            )
        if found is None:
            raise BuilderError(f'no builder "{name}" found')
        if self.current() == found:
            self._current.unlink()
        self._path(name).unlink()
        return found

    @property
    def _instances(self) -> Path:
        return self.home / "builders" / "instances"

    @property
    def _current(self) -> Path:
        return self.home / "builders" / "current"

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise BuilderError(
                f"invalid name {name}, name needs to start with a letter and may not contain symbols, except ._-"
            )
        return self._instances / name.lower()
