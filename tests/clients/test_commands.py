"""Each of the 58 shell commands that the course prints, typed in the lab and with Docker 28 and 26.

There is one world a side, in which all are typed in order, since later ones build on earlier ones.
"""

import fcntl
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.clients import worlds
from tests.clients.commands import ROWS, SIDES, Row, Untyped, by_id, render
from tests.clients.conftest import NewClient
from tests.clients.engines import LabDocker
from tests.clients.image import Sample
from tests.clients.namespace import CommandFailedError, NamespaceError
from tests.clients.registry import Registry
from tests.clients.worlds import Typed, World
from tests.servers import ROOT
from tests.tools import absent, require, require_root

NewWorld = Callable[[Path], AbstractContextManager[World]]
"""Makes a side's world in a folder."""

_ANNOTATIONS = re.compile(r"(^ {4}\S+: .*\n)+", re.MULTILINE)
_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")
_WORLDS: Mapping[str, NewWorld] = MappingProxyType(
    {"ours": worlds.ours, "docker-28": partial(worlds.real, "sid"), "docker-26": partial(worlds.real, "trixie")}
)

Played = dict[str, dict[str, str]]
"""By row what it should have shown and did not, each with what was typed and printed."""


def test_the_course_prints_58_commands() -> None:
    """So many lines of its blocks of shell are commands."""
    assert len(ROWS) == 58


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Played]]:
    """What came of a side's rows. All sides are typed at once, and all workers of a test run share what came of it."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with ThreadPoolExecutor() as pool:
        coming = {side: pool.submit(_read, folder / f"commands-{side}.json", side) for side in SIDES}
        yield lambda side: coming[side].result()


def _read(path: Path, side: str) -> Played:
    """What the first worker wrote down, who may be this one."""
    with _locked(path.with_suffix(".lock")):
        if not path.exists():
            path.write_text(json.dumps(_play(side)), encoding="utf-8")
        found: Played = json.loads(path.read_text(encoding="utf-8"))
        return found


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One worker at a time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _play(side: str) -> Played:
    """Type all rows of a side."""
    require_root()
    require("unshare", "nsenter", "setpriv", "setsid", "ip")
    with tempfile.TemporaryDirectory(prefix="lab-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        try:
            with _WORLDS[side](Path(folder)) as world:
                return {name: _ended(world, side, row) for name, row in by_id().items()}
        except NamespaceError as error:
            absent(f"{error}; run where root may make namespaces (a privileged container)")


def _ended(world: World, side: str, row: Row) -> dict[str, str]:
    """A row that does not end keeps no other from being typed."""
    try:
        return _missing(world, side, row)
    except subprocess.TimeoutExpired as error:
        return {"an end": str(error)}


def _missing(world: World, side: str, row: Row) -> dict[str, str]:
    """What a row should have shown and did not."""
    shown = row.side(side)
    if isinstance(shown, Untyped):
        return {}
    try:
        world.prepare(world.fill(row.given))
    except CommandFailedError as error:
        return {"what it stands on": str(error)}
    asks = [world.fill(request) for request in shown.asks]
    answers = row.answers and {prompt: world.fill(answer) for prompt, answer in row.answers.items()}
    typed = world.type(world.fill(row.line(side)), answers, row.registry, asks)
    missing = {**_differences(typed, shown.code, [world.fill(words) for words in shown.says], asks)}
    try:
        world.prepare(world.fill(shown.proof))
    except CommandFailedError as error:
        missing["a proof"] = str(error)
    if pushed := _DIGEST.search(typed.output):
        world.values["<digest>"] = pushed[1]
    return missing


def _differences(typed: Typed, code: int, says: Sequence[str], asks: Sequence[str]) -> Mapping[str, str]:
    """Between what was printed and logged, and what should have been."""
    told = f"$ {typed.line}\n{typed.output}"
    missing = {f"{words!r}": told for words in says if words not in typed.output}
    missing |= {request: f"$ {typed.line}\n{typed.requests}" for request in asks if not typed.asked(request)}
    return missing if typed.code == code else {f"exit code {code}, not {typed.code}": told, **missing}


@pytest.mark.parametrize("name", by_id())
@pytest.mark.parametrize("side", SIDES)
def test_a_command(side: str, name: str, played: Callable[[str], Played]) -> None:
    """It shows what its row says; one that is not typed has a row that says why."""
    shown = by_id()[name].side(side)
    if isinstance(shown, Untyped):
        assert shown.reason
    else:
        missing = played(side)[name]
        assert not missing, "\n".join(f"missing: {what}\n{told}" for what, told in missing.items())


@pytest.mark.parametrize(
    "words",
    [
        "imagetools inspect NAME:1",
        "imagetools inspect --raw NAME:1",
        "imagetools inspect NAME:gone",
        "imagetools inspect UPPER",
        "create --name default",
        "create --name Bad!",
        "create --driver docker",
        "create --driver nope",
        "inspect nope",
        "rm nope",
        "rm",
        "use",
        "build --sbom=spdx .",
        "build --provenance=maxi .",
        "build --sbom=disabled=maybe .",
        "build --push .",
        "build --builder nope .",
    ],
)
def test_buildx_speaks_alike(words: str, clients: NewClient, image: str) -> None:
    """Its builders, its refusals and its view of an index: letter for letter, on the same stream."""
    mine, docker = clients(LabDocker.name), clients("docker-28")
    assert isinstance(mine, LabDocker)
    typed = words.replace("NAME", image).split()
    told, wanted = (
        client.namespace.run([program, "buildx", *typed], env=client.environment, folder=client.folder)
        for client, program in ((mine, mine.command), (docker, "docker"))
    )
    assert (told.returncode, told.stdout, told.stderr) == (wanted.returncode, _settled(wanted.stdout), wanted.stderr)


def _settled(shown: str) -> str:
    """Annotations in order: buildx shows them in any."""
    return _ANNOTATIONS.sub(lambda found: "".join(sorted(found[0].splitlines(keepends=True))), shown)


@pytest.fixture(scope="module")
def image(clients: NewClient, plain: Registry) -> str:
    """A repository with an index under tag 1, of an image and its provenance."""
    clients("docker-28").push(plain, "buildx/app:1", Sample("an index", {}))
    return plain.reference("buildx/app")


def test_a_refusal_is_told() -> None:
    """A row whose command fails says with which words, and a remark says why."""
    for row in ROWS:
        for side in SIDES:
            shown = row.side(side)
            assert isinstance(shown, Untyped) or not shown.code or (shown.says and row.remark), row.command


def test_the_page_shows_the_table() -> None:
    """``python -m tests.clients.commands > docs/commands.md`` has been run."""
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == render()
