"""A configuration of a container as one of this machine: the same lines, other paths, names and ports.

Writes the mapped files and leaves the student's alone. What the image has built in and a process of an ordinary user
lacks (folders to write to, a user to run as) is included at the beginning of a block, on the block's own line.
"""

import grp
import os
import pwd
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import escape
from pathlib import Path, PurePosixPath

from labs.compose.model import Issue
from labs.compose.nginx.doors import Doors
from labs.compose.nginx.files import TEMPORARY, Files
from labs.compose.nginx.neighbours import Neighbours
from labs.compose.nginx.programs import Program
from labs.compose.nginx.syntax import quote
from labs.compose.nginx.tree import Reader, Source, Statement, flat, walk
from labs.compose.nginx.words import say
from labs.compose.place import Place

PID = "/var/run/nginx.pid"
FOLDER = "conf"
"""Below the service's state: the mapped files under their container paths."""

SERVER_PORT = re.compile(r"\$(?:server_port\b|\{server_port\})")
CONTAINER_PORT = "$lab_server_port"
"""What ``$server_port`` is in the container."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A configuration that was mapped and written.

    Attributes:
        main: The written main file.
        sources: All that was read, the main file first.
        issues: What cannot be honoured. nginx may have more to say.
    """

    main: Path
    sources: tuple[Source, ...]
    doors: Doors
    files: Files
    issues: tuple[Issue, ...]


def write_configuration(place: Place, program: Program, path: PurePosixPath) -> Mapped:
    """Map the configuration whose main file lies at a container path, and write it below the service's state.

    Raises:
        ComposeError: The main file cannot be read.
    """
    reader = Reader(place)
    main = reader.main(path)
    doors, files = Doors(place), Files(place, main)
    doors.open(main)
    neighbours = Neighbours(place, doors, main)
    neighbours.connect()
    files.find()
    refused = list(_load_modules(main))
    _settle(main, place, files, doors, program)
    _include(reader.sources, place)
    _write(reader.sources, place)
    issues = (*reader.issues, *refused, *doors.issues, *neighbours.issues)
    return Mapped(written(place, main), tuple(reader.sources), doors, files, issues)


def written(place: Place, source: Source) -> Path:
    """Where the mapped text of a source lies; each reading of a file has its own."""
    folder = place.state / FOLDER if source.copy == 0 else place.state / FOLDER / f"again-{source.copy}"
    return folder / source.inside.relative_to("/")


def _load_modules(main: Source) -> Iterator[Issue]:
    for statement, _ in walk(main.statements):
        if statement.name == "load_module":
            yield statement.decline(say("load-module", raw=statement.raw))


def _settle(main: Source, place: Place, files: Files, doors: Doors, program: Program) -> None:
    """Give the process the user, the files and the folders that the image has built in."""
    top = {statement.name: statement for statement in flat(main.statements)}
    if "user" in top:
        top["user"].source.edits.remove(top["user"].directive)
    main.edits.insert(0, f"{_add(place.state / 'main.conf', _main_defaults(set(top), place))} ")
    if "http" in top:
        http = top["http"]
        said = {statement.name for statement in flat(http.children)}
        added = _add(place.state / "http.conf", _http_defaults(said, files, doors, program))
        http.source.edits.insert(http.directive.end, f" {added}")


def _add(path: Path, lines: Iterable[str]) -> str:
    """Write lines of ours to a file. What brings them in fits on a line of the student's, so that lines keep."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="surrogateescape")
    return _inclusion(path)


def _main_defaults(said: set[str], place: Place) -> Iterator[str]:
    if os.geteuid() == 0:
        yield f"user {pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name};"
    if "pid" not in said:
        yield f"pid {quote(str(place.path(PID)))};"
    if "error_log" not in said:
        yield "error_log stderr;"


def _http_defaults(said: set[str], files: Files, doors: Doors, program: Program) -> Iterator[str]:
    """What the image's program was built with, where the configuration is silent; and the container's own port."""
    if "access_log" not in said:
        yield from files.default_log()
    for kind in TEMPORARY:
        if f"{kind}_temp_path" not in said and program.has(f"http_{kind}"):
            yield f"{kind}_temp_path {quote(str(files.temporary(kind)))};"
    yield f"map $server_port {CONTAINER_PORT} {{"
    yield "    default $server_port;"
    yield from (f"    {here} {port};" for ports in (doors.outer, doors.inner) for port, here in ports.items())
    yield "}"


def _include(sources: list[Source], place: Place) -> None:
    """Name each file that an ``include`` brings in: a pattern would find what is mapped and nothing new."""
    for source in sources:
        for statement in _includes(source.statements):
            files = [_inclusion(written(place, file)) for file in statement.files]
            source.edits.remove(statement.directive)
            source.edits.insert(statement.directive.end, " ".join(files))


def _inclusion(path: Path) -> str:
    """The statement that brings a file in; in a folder called ``cours [2026]`` nginx would see a pattern."""
    return f"include {quote(escape(str(path)))};"


def _includes(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """The ``include`` statements of one file, in tables too."""
    for statement in statements:
        if statement.name == "include":
            yield statement
        yield from _includes(statement.children)


def _write(sources: list[Source], place: Place) -> None:
    shutil.rmtree(place.state / FOLDER, ignore_errors=True)
    for source in sources:
        path = written(place, source)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = SERVER_PORT.sub(CONTAINER_PORT, source.edits.apply(source.text))
        path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
