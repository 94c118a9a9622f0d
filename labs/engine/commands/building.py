"""``docker build``: the flags of buildx, and a build told as BuildKit tells it on a pipe."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from labs.engine.builder import build as build_image
from labs.engine.builders import DEFAULT
from labs.engine.commands import attestations
from labs.engine.commands.builders import chosen
from labs.engine.commands.console import CommandFailed
from labs.engine.commands.flags import Options
from labs.engine.commands.machine import Machine
from labs.engine.commands.words import say
from labs.engine.platforms import InvalidPlatform, parse_platform
from labs.engine.progress import SilentProgress
from labs.engine.reference import InvalidReference, Reference
from labs.engine.stage import BuildError, SilentBuild
from pyregistry.spec.descriptor import Descriptor, Platform

STDIN = "-"
EXCERPT_PADDING = 2
"""Lines of the Dockerfile around the faulty one, as BuildKit counts them."""
_RULE = "-" * 20
_SHORT_RULE = "-" * 6


class BuildLines:
    """Tells a build in BuildKit's plain lines: ``#5 [2/3] COPY …``, ``#5 DONE 0.0s``.

    Args:
        stream: Where to.
        builder: Whose build it is, by name.
        clock: Monotonic seconds.
    """

    def __init__(self, stream: TextIO, builder: str = DEFAULT, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._number = 0
        self._began_at = 0.0
        self._open: str | None = None
        self._warnings: list[str] = []
        self._write(f'#0 building with "{builder}" instance using labdocker')

    def begin(self, step: str) -> None:
        """``#2 [internal] load .dockerignore``."""
        self._number += 1
        self._began_at, self._open = self._clock(), step
        self._write(f"\n#{self._number} {step}")

    def note(self, text: str) -> None:
        """``#2 transferring context: 2B done``."""
        self._write(f"#{self._number} {text}")

    def end(self, *, cached: bool = False) -> None:
        """``#2 DONE 0.0s`` or ``#2 CACHED``."""
        took = f"DONE {self._clock() - self._began_at:.1f}s"
        self._write(f"#{self._number} {'CACHED' if cached else took}")
        self._open = None

    def warn(self, message: str, line: int | None = None) -> None:
        """Kept for the end, as BuildKit does."""
        self._warnings.append(message + (f" (line {line})" if line else ""))

    def fail(self, fault: BuildError) -> None:
        """The step that is under way did not end."""
        if self._open is not None:
            self._write(f"#{self._number} ERROR: {fault}\n{_SHORT_RULE}\n > {self._open}:\n{_SHORT_RULE}")

    def finish(self) -> None:
        """The warnings."""
        if self._warnings:
            count = len(self._warnings)
            self._write(f"\n {count} warning{'s' if count > 1 else ''} found (use docker --debug to expand):")
            for warning in self._warnings:
                self._write(f" - {warning}")

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


class _SilentLines(SilentBuild):
    """``--quiet``: nothing but the image's id at the end."""

    def fail(self, fault: BuildError) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""


def build(machine: Machine, options: Options) -> None:
    """Build an image from a context and a Dockerfile; with ``--push`` send it to its registries, too."""
    attestations.check(machine, options)
    builder = chosen(machine, options.text("builder"))
    with _context(machine, options) as (context, dockerfile):
        tags = [_parse_tag(text) for text in options.list("tag")]
        if options.on("push") and not tags:
            raise _failure("tag is needed when pushing to registry")
        platform = _platform(options)
        quiet = options.on("quiet") or options.text("progress") in {"quiet", "none"}
        lines = _SilentLines() if quiet else BuildLines(machine.console.errors, builder)
        try:
            descriptor = build_image(
                context,
                dockerfile,
                store=machine.store,
                build_args=_pairs(options.list("build-arg"), machine),
                target=options.text("target") or "",
                platform=platform,
                labels=_pairs(options.list("label"), machine),
                tags=tags,
                pull=lambda reference, wanted: _pull(machine, reference, wanted),
                progress=lines,
            )
        except BuildError as exc:
            lines.fail(exc)
            raise _failure(f"failed to solve: {exc}", _excerpt(dockerfile, exc.line)) from exc
        if options.on("push"):
            _push(machine, tags, descriptor, lines)
        lines.finish()
    _tell_identity(machine, options, descriptor, quiet=options.on("quiet"))


def _tell_identity(machine: Machine, options: Options, descriptor: Descriptor, *, quiet: bool) -> None:
    identity = str(machine.store.image_id(descriptor))
    if path := options.text("iidfile"):
        Path(path).write_text(identity, encoding="utf-8")
    if quiet:
        machine.console.say(identity)


@contextmanager
def _context(machine: Machine, options: Options) -> Iterator[tuple[Path, Path]]:
    """The folder and the Dockerfile; ``-`` is a Dockerfile on stdin with nothing around it.

    A relative ``--file`` is looked for from where the command runs, then inside the context, as buildx does.
    """
    where = options.arguments[0]
    if "://" in where or where.startswith("git@"):
        raise CommandFailed(say(machine.environ, "build-url"))
    with tempfile.TemporaryDirectory(prefix="labdocker-build-") as folder:
        if where == STDIN or options.text("file") == STDIN:
            dockerfile = Path(folder) / "Dockerfile"
            dockerfile.write_text(machine.console.source.read(), encoding="utf-8")
            yield (Path(folder) if where == STDIN else _folder(where)), dockerfile
        else:
            context = _folder(where)
            typed = options.text("file")
            yield context, Path(typed) if typed else context / "Dockerfile"


def _folder(where: str) -> Path:
    path = Path(where)
    if not path.is_dir():
        raise _failure(f'unable to prepare context: path "{where}" not found')
    return path


def _parse_tag(text: str) -> Reference:
    try:
        reference = Reference.parse(text)
    except InvalidReference as exc:
        # buildx carries an older parser than the other commands: its text is shorter.
        reason = "repository name must be lowercase" if "lowercase" in str(exc) else str(exc)
        raise _failure(f'invalid tag "{text}": {reason}') from exc
    if reference.digest:
        raise _failure(f'invalid tag "{text}": cannot use digest reference as tag')
    return reference


def _platform(options: Options) -> Platform | None:
    texts = [one for text in options.list("platform") for one in text.split(",")]
    if len(texts) > 1:
        raise _failure("Multi-platform build is not supported by labdocker yet: one --platform at a time")
    try:
        return parse_platform(texts[0]) if texts else None
    except InvalidPlatform as exc:
        raise _failure(str(exc)) from exc


def _pairs(texts: tuple[str, ...], machine: Machine) -> dict[str, str]:
    """``NAME=value``; a name alone takes its value from the environment, if it is there."""
    split = [text.partition("=") for text in texts]
    return {
        name: value if equals else machine.environ[name]
        for name, equals, value in split
        if equals or name in machine.environ
    }


def _pull(machine: Machine, reference: Reference, platform: Platform) -> Descriptor:
    """A base image that is not here.

    Raises:
        LookupError: In Docker's words.
    """
    from labs.engine.commands.transfer import bring
    from labs.engine.transport.faults import TransportError

    try:
        return bring(machine, reference, platform, SilentProgress())
    except TransportError as exc:
        raise LookupError(str(exc)) from exc


def _push(
    machine: Machine, tags: Sequence[Reference], descriptor: Descriptor, lines: BuildLines | _SilentLines
) -> None:
    """Send an image under all its names."""
    from labs.engine.commands.transfer import send
    from labs.engine.transport.faults import TransportError

    for reference in tags:
        lines.begin(f"pushing {reference}")
        try:
            send(machine, reference, descriptor, SilentProgress())
        except TransportError as exc:
            fault = BuildError(f"failed to push {reference}: {exc}")
            lines.fail(fault)
            raise _failure(f"failed to solve: {fault}") from exc
        lines.note("pushing layers done")
        lines.note(f"pushing manifest for {reference}@{descriptor.digest} done")
        lines.end()


def _failure(message: str, excerpt: str = "") -> CommandFailed:
    return CommandFailed(f"{excerpt}ERROR: failed to build: {message}")


def _excerpt(dockerfile: Path, line: int | None) -> str:
    """The lines around a fault, the faulty one marked (BuildKit's solver/errdefs/source.go)."""
    try:
        lines = dockerfile.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return ""
    if line is None or not 1 <= line <= len(lines):
        return ""
    start = end = line
    padding = 0
    while padding < EXCERPT_PADDING:
        if start > 1:
            start, padding = start - 1, padding + 1
        if end != len(lines):
            end, padding = end + 1, padding + 1
        padding += 1
    marked = [
        f"{number:4} | {'>>>' if number == line else '   '} {lines[number - 1]}" for number in range(start, end + 1)
    ]
    return "\n".join([f"{dockerfile.name}:{line}", _RULE, *marked, _RULE, ""])
