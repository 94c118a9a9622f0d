"""``docker build`` without a daemon: a context and a Dockerfile become an image in the store.

Builds are reproducible: same files, same Dockerfile, same arguments, same digest (``labs.engine.layers`` says where
zlib has a say). Times are 1970-01-01 unless the build argument SOURCE_DATE_EPOCH, in seconds, says otherwise.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labs.engine.bases import BaseImages, Pull
from labs.engine.context import BuildContext
from labs.engine.dockerfile import Dockerfile, DockerfileInvalid, Instruction
from labs.engine.expansion import ExpansionInvalid, expand
from labs.engine.image import ImageDraft
from labs.engine.instructions import refuse, run
from labs.engine.layout import ImageStore
from labs.engine.plan import SCRATCH, PlannedStage, is_counted, plan
from labs.engine.platforms import host_platform
from labs.engine.progress import format_size
from labs.engine.reference import Reference
from labs.engine.stage import BuildError, BuildProgress, Settings, SilentBuild, StageState
from labs.engine.tree import Tree
from pyregistry.spec.descriptor import Descriptor, Platform

SOURCE_DATE_EPOCH = "SOURCE_DATE_EPOCH"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
_PREDEFINED_ARGS = frozenset({*_PROXIES, *(name.lower() for name in _PROXIES), SOURCE_DATE_EPOCH})
"""Build arguments that need no ARG: the proxies that Docker knows, and what is for the builder itself."""


def build(
    context: Path,
    dockerfile: Path | None = None,
    *,
    store: ImageStore,
    build_args: Mapping[str, str] | None = None,
    target: str = "",
    platform: Platform | None = None,
    labels: Mapping[str, str] | None = None,
    tags: Sequence[Reference] = (),
    pull: Pull | None = None,
    progress: BuildProgress | None = None,
) -> Descriptor:
    """Build an image and return its manifest's descriptor, platform included.

    Args:
        context: The folder whose files COPY may read.
        dockerfile: ``Dockerfile`` in the context unless given.
        store: Holds the base images, and receives the result.
        build_args: Values for the Dockerfile's ARGs.
        target: Stage to stop at; the last one unless given.
        platform: What the image is for; this machine unless given.
        labels: Put over those of the Dockerfile.
        tags: Names for the image; without any it is kept dangling.
        pull: Asked for base images that the store lacks.
        progress: Hears about each step.

    Raises:
        BuildError: In BuildKit's words, with the Dockerfile's line where there is one.
    """
    path = dockerfile or context / "Dockerfile"
    told = progress or SilentBuild()
    with store.writing(), contextlib.ExitStack() as resources:
        parsed = _read_dockerfile(path, told)
        wanted = platform or host_platform()
        settings = _settings(parsed, store, build_args or {}, wanted, told)
        stages = plan(parsed, settings.global_args, target)
        _refuse_and_warn(parsed, stages, settings)
        bases = BaseImages(store, wanted, pull, told, resources)
        image = _Job(settings, BuildContext(context, path, told), bases).run(stages)
        image.platform = platform or image.platform
        if labels:
            image.extend("Labels", labels)
        return _export(image, settings, tags)


def _read_dockerfile(path: Path, progress: BuildProgress) -> Dockerfile:
    progress.begin(f"[internal] load build definition from {path.name}")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        fault = f"failed to read dockerfile: open {path.name}: {(exc.strerror or str(exc)).lower()}"
        raise BuildError(fault) from exc
    except UnicodeDecodeError as exc:
        raise BuildError(
            f"failed to read dockerfile: {path.name} is not UTF-8: {exc.reason} at byte {exc.start}"
        ) from exc
    progress.note(f"transferring dockerfile: {format_size(len(text.encode()))} done")
    progress.end()
    if not text:
        raise BuildError("the Dockerfile cannot be empty")
    try:
        return Dockerfile.parse(text)
    except DockerfileInvalid as exc:
        raise BuildError(str(exc), exc.line) from exc


# --- arguments ---


def _settings(
    dockerfile: Dockerfile,
    store: ImageStore,
    build_args: Mapping[str, str],
    platform: Platform,
    progress: BuildProgress,
) -> Settings:
    """Platform arguments first, then the ARGs before the first FROM, each seeing those before it."""
    global_args = {name: build_args.get(name, value) for name, value in _platform_args(platform).items()}
    for instruction in dockerfile.arguments:
        for name, default in instruction.pairs:
            if name in build_args:
                global_args[name] = build_args[name]
            elif default is not None:
                global_args[name] = _default(default, global_args, dockerfile.escape, instruction.line)
    epoch = _parse_epoch(build_args.get(SOURCE_DATE_EPOCH) or global_args.get(SOURCE_DATE_EPOCH) or "0")
    return Settings(store, build_args, global_args, epoch, dockerfile.escape, progress)


def _platform_args(target: Platform) -> dict[str, str]:
    """The arguments that BuildKit predefines; a stage sees them after ``ARG TARGETARCH`` and the like."""
    sides = {"BUILD": host_platform(), "TARGET": target}
    return {
        f"{side}{name}": value
        for side, platform in sides.items()
        for name, value in {
            "PLATFORM": str(platform),
            "OS": platform.os,
            "ARCH": platform.architecture,
            "VARIANT": platform.variant or "",
        }.items()
    }


def _default(word: str, variables: Mapping[str, str], escape: str, line: int) -> str:
    try:
        return expand(word, variables, escape)
    except ExpansionInvalid as exc:
        raise BuildError(str(exc), line) from exc


def _parse_epoch(text: str) -> int:
    if not text.isdigit():
        raise BuildError(f"invalid {SOURCE_DATE_EPOCH}: {text}: expected seconds since 1970")
    return int(text)


def _refuse_and_warn(dockerfile: Dockerfile, stages: Sequence[PlannedStage], settings: Settings) -> None:
    """Say before anything is built what will not be done."""
    instructions = [instruction for planned in stages for instruction in planned.stage.instructions]
    for instruction in instructions:
        refuse(instruction)
    declared = {
        name
        for instruction in (*dockerfile.arguments, *instructions)
        if instruction.keyword == "ARG"
        for name, _ in instruction.pairs
    }
    unused = sorted(set(settings.build_args) - declared - _PREDEFINED_ARGS - set(_platform_args(host_platform())))
    if unused:
        settings.progress.warn(f"[Warning] One or more build-args [{' '.join(unused)}] were not consumed")


# --- stages ---


@dataclass(frozen=True, slots=True)
class _Job:
    """Builds stages one after the other, each with those before it at hand."""

    settings: Settings
    context: BuildContext
    bases: BaseImages
    built: dict[int, StageState] = field(default_factory=dict)

    def run(self, stages: Sequence[PlannedStage]) -> ImageDraft:
        """Build all stages; the last one's image is the result."""
        for planned in stages:
            self.built[planned.index] = self._build(planned)
        return self.built[stages[-1].index].image

    def _build(self, planned: PlannedStage) -> StageState:
        state = self._begin(planned)
        number = int(planned.has_base_image)
        for instruction in planned.stage.instructions:
            if not is_counted(instruction):
                run(state, instruction)
                continue
            number += 1
            source = self._source(planned, instruction)
            self.settings.progress.begin(planned.step(number, _shown(state, instruction)))
            self.settings.progress.end(cached=run(state, instruction, source))
        return state

    def _begin(self, planned: PlannedStage) -> StageState:
        """The state that FROM leaves."""
        if isinstance(planned.base, int):
            base = self.built[planned.base]
            return StageState(self.settings, base.image.copy(), lambda: base.tree, dict(base.environment))
        if planned.base == SCRATCH:
            image = ImageDraft.scratch(planned.platform or self.bases.platform)
            return StageState(self.settings, image, Tree, image.environment)
        found = self.bases.load(planned.base, planned.platform, planned.stage.line)
        self.settings.progress.begin(planned.step(1, f"FROM {found.reference}"))
        self.settings.progress.end(cached=True)
        return StageState(self.settings, found.image.copy(), found.tree, found.image.environment)

    def _source(self, planned: PlannedStage, instruction: Instruction) -> Tree:
        """The tree that COPY or ADD reads."""
        if instruction.keyword == "WORKDIR":
            return Tree()
        origin = planned.sources.get(instruction.line)
        if origin is None:
            self.context.warn_ignored(instruction.words[:-1], instruction.line)
            return self.context.tree
        if isinstance(origin, int):
            return self.built[origin].tree
        return Tree() if origin == SCRATCH else self.bases.load(origin, planned.platform, instruction.line).tree()


def _shown(state: StageState, instruction: Instruction) -> str:
    """The instruction as BuildKit shows it: variables filled in, where that can be done."""
    _, _, rest = instruction.text.partition(" ")
    with contextlib.suppress(ExpansionInvalid):
        rest = state.expand(rest)
    return f"{instruction.keyword} {rest.strip()}"


def _export(image: ImageDraft, settings: Settings, tags: Sequence[Reference]) -> Descriptor:
    """Write config and manifest, and name the image."""
    settings.progress.begin("exporting to image")
    settings.progress.note("exporting layers done")
    descriptor = image.save(settings.store, settings.epoch)
    settings.progress.note(f"exporting manifest {descriptor.digest} done")
    settings.progress.note(f"exporting config {settings.store.image_id(descriptor)} done")
    settings.store.keep(descriptor)
    for reference in tags:
        settings.store.tag(reference, descriptor)
        settings.progress.note(f"naming to {reference} done")
    settings.progress.end()
    return descriptor
