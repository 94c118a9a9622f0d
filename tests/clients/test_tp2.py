"""TP-2 in Docker itself, with registry:2, nginx and cosign: the grader sees there what it sees in the lab's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from labs.catalog.model import load
from tests.clients.chapter import COMPOSE, NGINX, cure_body_limit, cure_port
from tests.clients.conftest import NewClient
from tests.clients.engines import Docker
from tests.clients.lab import Lab
from tests.clients.stand_ins import import_stand_ins
from tests.clients.tp2 import ALL_PASSED, begun, do
from tests.tools import require

NewLab = Callable[[str, str], Lab]
"""Begins TP-2 in a daemon (``docker-28``), with a cosign (``trixie/cosign``)."""


@pytest.fixture
def new_lab(new_client: NewClient, tmp_path: Path) -> Iterator[NewLab]:
    """See ``NewLab``; what was begun is taken down."""
    require("sid/docker-compose", "htpasswd", "openssl")
    with ExitStack() as stack:

        def begin(client: str, cosign: str) -> Lab:
            docker = new_client(client)
            assert isinstance(docker, Docker)
            import_stand_ins(docker)
            return stack.enter_context(begun(docker, tmp_path, cosign))

        yield begin


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize(
    ("client", "cosign"), [("docker-28", "trixie/cosign"), ("docker-26", "sid/cosign")], ids=["28-2.5", "26-3.1"]
)
def test_the_chapter_s_commands_get_full_points(client: str, cosign: str, new_lab: NewLab) -> None:
    """By hand, with openssl's certificates: containerd's store or Docker's own, cosign's tag or its bundle."""
    lab = new_lab(client, cosign)
    do(lab, COMPOSE, cure_port(cure_body_limit(NGINX)), cosign)
    assert lab.grade() == ALL_PASSED


MUTANTS = {
    "cert-expired": set[str](),
    "key-of-another": set[str](),
    "anonymous-push": set[str](),
    "older-digest": set[str](),
    "backend-open": set[str](),
    "port-lost": {"TP2-PULL"},
    "log-off": {"TP2-PULL"},
}
"""Of the wrong end states those in which Docker has a part of its own: ports, mounts, logs, containers, the store.

By name the checks that are INCONCLUSIVE there: registry:2 notes no names, and nginx's log is off, or went with its
container when that was made anew.
"""


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_end_state_is_found(name: str, new_lab: NewLab) -> None:
    """As in the lab's own engine: the check that it is said to kill fails, for the cause that it is said to have."""
    lab, mutant = new_lab("docker-26", "trixie/cosign"), next(each for each in load("tp2").mutants if each.name == name)
    lab.run("labstack", "solve", "tp2", "--mutant", name)
    checks = lab.report()["checks"]
    failed = {check["code"]: check["causes"][0]["id"] for check in checks if check["status"] == "fail"}
    assert failed == {mutant.kills[0]: mutant.cause}
    assert {check["code"] for check in checks if check["status"] == "inconclusive"} == MUTANTS[name]


@pytest.mark.usefixtures("no_trust_left")
def test_the_notebook_ends_at_full_points(new_lab: NewLab) -> None:
    """Its cells run in Docker as in the lab's own: both traps, the signature, the riddles."""
    lab = new_lab("docker-28", "trixie/cosign")
    notebook = str(Path(lab.attempt.work) / "tp2.en.ipynb")
    lab.run("labstack", "shell", "tp2", "--", "jupyter", "execute", notebook)
    assert lab.grade() == ALL_PASSED


@pytest.mark.usefixtures("no_trust_left")
def test_the_solution_ends_at_full_points(new_lab: NewLab) -> None:
    """Also in the store that keeps what a build was made of."""
    lab = new_lab("docker-28", "trixie/cosign")
    lab.run("labstack", "solve", "tp2")
    assert lab.grade() == ALL_PASSED
