"""What a stage of a build has come to, and what holds for the whole build around it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from labs.engine.copying import Draft
from labs.engine.expansion import expand
from labs.engine.image import ImageDraft
from labs.engine.layers import write_layer
from labs.engine.layout import ImageStore
from labs.engine.tree import Tree


class BuildError(Exception):
    """The build cannot go on. The message is what Docker prints behind ``failed to solve: ``.

    Args:
        message: BuildKit's words where it has some.
        line: Line of the Dockerfile, from 1; None where the fault is not in it.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class BuildProgress(Protocol):
    """Hears what a build does. Steps do not overlap; a step that never ends has failed."""

    def begin(self, step: str) -> None:
        """A step begins, e.g. ``[2/3] COPY app /app``."""

    def note(self, text: str) -> None:
        """Something about the step that is under way, e.g. ``transferring context: 97B``."""

    def end(self, *, cached: bool = False) -> None:
        """The step is done; ``cached`` when the store had its result already."""

    def warn(self, message: str, line: int | None = None) -> None:
        """Advice in BuildKit's words; the build goes on."""


class SilentBuild:
    """Hears nothing."""

    def begin(self, step: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def end(self, *, cached: bool = False) -> None:
        """Nothing."""

    def warn(self, message: str, line: int | None = None) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for every stage of a build.

    Attributes:
        build_args: ``--build-arg``.
        global_args: Platform arguments, and the ARGs before the first FROM.
        epoch: Time of everything that is made, in seconds since 1970.
        escape: The Dockerfile's escape character.
    """

    store: ImageStore
    build_args: Mapping[str, str]
    global_args: Mapping[str, str]
    epoch: int
    escape: str
    progress: BuildProgress


@dataclass(slots=True)
class StageState:
    """A stage while it is being built.

    Attributes:
        base_tree: Gives the base's files; asked when they are first needed.
        environment: Variables for expansion: ENV's and ARG's, the later one wins.
        has_cmd: This stage, and not its base, has set CMD.
    """

    settings: Settings
    image: ImageDraft
    base_tree: Callable[[], Tree]
    environment: dict[str, str]
    has_cmd: bool = False
    _tree: Tree | None = field(default=None)

    @property
    def tree(self) -> Tree:
        """The stage's files."""
        if self._tree is None:
            self._tree = self.base_tree().copy()
        return self._tree

    @property
    def working_folder(self) -> str:
        """Absolute."""
        return str(self.image.config.get("WorkingDir") or "/")

    def expand(self, word: str) -> str:
        """A word with the stage's variables.

        Raises:
            ExpansionInvalid: In BuildKit's words.
        """
        return expand(word, self.environment, self.settings.escape)

    def record(self, text: str) -> None:
        """Write an instruction without a layer into the history."""
        self.image.record(text, self.settings.epoch)

    def commit(self, draft: Draft, text: str) -> bool:
        """Write an instruction's files as a layer; returns whether the store had it already."""
        layer = write_layer(self.settings.store, draft.changes, self.settings.epoch)
        self.image.record(text, self.settings.epoch, layer)
        return layer.known
