"""Which stages a build needs, in which order, and what each takes from where. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labs.engine.dockerfile import Dockerfile, Instruction, Stage, suggest
from labs.engine.expansion import ExpansionInvalid, expand
from labs.engine.platforms import InvalidPlatform, parse_platform
from labs.engine.stage import BuildError
from pyregistry.spec.descriptor import Platform

SCRATCH = "scratch"
_COUNTED = frozenset({"COPY", "ADD", "WORKDIR"})
"""Instructions that BuildKit counts in ``[2/3]``."""

Origin = int | str
"""Index of a stage, or the name of an image as it was written."""


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage with its names resolved.

    Attributes:
        label: What BuildKit prints before the step's number; empty in a Dockerfile of one stage.
        platform: ``--platform``; None where the stage is for the build's own.
        sources: Where each COPY and ADD reads, by the instruction's line; those without an entry read the context.
    """

    index: int
    label: str
    stage: Stage
    base: Origin
    platform: Platform | None
    sources: Mapping[int, Origin]

    @property
    def has_base_image(self) -> bool:
        """Whether an image must be in the store."""
        return isinstance(self.base, str) and self.base != SCRATCH

    @property
    def step_count(self) -> int:
        """Steps that are numbered."""
        return self.has_base_image + sum(instruction.keyword in _COUNTED for instruction in self.stage.instructions)

    def step(self, number: int, text: str) -> str:
        """A numbered step as BuildKit prints it: ``[build 2/3] COPY app /app``."""
        count = str(self.step_count)
        return f"[{self.label + ' ' if self.label else ''}{number:>{len(count)}}/{count}] {text}"


def is_counted(instruction: Instruction) -> bool:
    """Whether the instruction is a numbered step."""
    return instruction.keyword in _COUNTED


def plan(dockerfile: Dockerfile, global_args: Mapping[str, str], target: str) -> list[PlannedStage]:
    """The stages that the target needs, each after those that it needs; the target is the last.

    Args:
        dockerfile: All stages.
        global_args: Variables of FROM lines.
        target: Name or number of a stage; empty for the last one.

    Raises:
        BuildError: There is no such target, or a stage takes from a later one.
    """
    stages = _resolve(dockerfile, global_args)
    needed = {_target(dockerfile.stages, target)}
    for planned in reversed(stages):
        if planned.index in needed:
            origins = (planned.base, *planned.sources.values())
            needed.update(origin for origin in origins if isinstance(origin, int))
    return [planned for planned in stages if planned.index in needed]


def _target(stages: Sequence[Stage], target: str) -> int:
    if not target:
        return len(stages) - 1
    names = _names(stages)
    if target.lower() in names:
        return names[target.lower()]
    if target.isdigit() and int(target) < len(stages):
        return int(target)
    raise BuildError(f'target stage "{target}" could not be found{suggest(target, list(names))}')


def _names(stages: Sequence[Stage]) -> dict[str, int]:
    """Index by name; the later of two equal names wins."""
    return {stage.name: index for index, stage in enumerate(stages) if stage.name}


def _resolve(dockerfile: Dockerfile, global_args: Mapping[str, str]) -> list[PlannedStage]:
    """Every stage in order, its names looked up among those before it."""
    alone = len(dockerfile.stages) == 1
    return [
        PlannedStage(
            index=index,
            label="" if alone else stage.name or f"stage-{index}",
            stage=stage,
            base=_base(dockerfile, index, global_args),
            platform=_platform(dockerfile, stage, global_args),
            sources=_sources(dockerfile.stages, index),
        )
        for index, stage in enumerate(dockerfile.stages)
    ]


def _base(dockerfile: Dockerfile, index: int, global_args: Mapping[str, str]) -> Origin:
    stage = dockerfile.stages[index]
    base = _expand(stage.base, global_args, dockerfile.escape, stage.line)
    if not base:
        raise BuildError(f"base name ({stage.base}) should not be blank", stage.line)
    return _names(dockerfile.stages[:index]).get(base.lower(), base)


def _platform(dockerfile: Dockerfile, stage: Stage, global_args: Mapping[str, str]) -> Platform | None:
    if not stage.platform:
        return None
    text = _expand(stage.platform, global_args, dockerfile.escape, stage.line)
    if not text:
        raise BuildError(f"empty platform value from expression {stage.platform}", stage.line)
    try:
        return parse_platform(text)
    except InvalidPlatform as exc:
        raise BuildError(f"failed to parse platform {stage.platform}: {exc}", stage.line) from exc


def _expand(word: str, variables: Mapping[str, str], escape: str, line: int) -> str:
    try:
        return expand(word, variables, escape)
    except ExpansionInvalid as exc:
        raise BuildError(str(exc), line) from exc


def _sources(stages: Sequence[Stage], index: int) -> dict[int, Origin]:
    """What each ``--from`` of a stage names."""
    copies = [instruction for instruction in stages[index].instructions if "from" in instruction.flags]
    return {instruction.line: _source(stages, index, instruction) for instruction in copies}


def _source(stages: Sequence[Stage], index: int, instruction: Instruction) -> Origin:
    """A stage by number or name, else an image."""
    name = instruction.flags["from"]
    if "$" in name:
        fault = (
            "variable expansion is not supported for --from, "
            "define a new stage with FROM using ARG from global scope as a workaround"
        )
        raise BuildError(fault, instruction.line)
    found = int(name) if name.isdigit() else _names(stages).get(name.lower())
    if found is None:
        return name
    if found >= len(stages):
        raise BuildError(f"invalid stage index {found}", instruction.line)
    if found >= index:
        current = stages[index].name or f"stage-{index}"
        fault = f'cannot copy from stage "{name}", it needs to be defined before current stage "{current}"'
        raise BuildError(fault, instruction.line)
    return found
