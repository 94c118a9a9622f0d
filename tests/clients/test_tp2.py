"""TP-2 in Docker itself, with registry:2, nginx and cosign: the grader sees there what it sees in the lab's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from labs.catalog.model import Mutant, load
from tests.clients.chapter import cure_body_limit, cure_port
from tests.clients.conftest import NewClient
from tests.clients.engines import Docker
from tests.clients.lab import Lab
from tests.clients.stand_ins import import_stand_ins
from tests.clients.tp2 import ALL_PASSED, begun, do
from tests.fakes.chapter import COMPOSE, NGINX
from tests.labs.verdicts import codes, first_cause, told
from tests.tools import require

NewLab = Callable[[str, str], Lab]
"""Begins TP-2 in a daemon (``docker-28``), with a cosign (``trixie/cosign``)."""


def _give_stand_ins(docker: Docker) -> None:
    """Import both images unless an earlier test did; another one may have put its own under these names."""
    label = '{{index .Config.Labels "lab.stand-in"}}'
    inspect = ["docker", "image", "inspect", "--format", label, "registry:2", "nginx:1.25"]
    done = docker.namespace.run(inspect, env=docker.environment)
    if done.returncode or not all(done.stdout.splitlines()):
        import_stand_ins(docker)


@pytest.fixture
def new_lab(new_client: NewClient, tmp_path: Path) -> Iterator[NewLab]:
    """See ``NewLab``; what was begun is taken down."""
    require("sid/docker-compose", "htpasswd", "openssl")
    with ExitStack() as stack:

        def begin(client: str, cosign: str) -> Lab:
            docker = new_client(client)
            assert isinstance(docker, Docker)
            _give_stand_ins(docker)
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


OF_IMAGES = {"TP2-UPLOAD", "TP2-SECRETS", "TP2-SIGN", "TP2-LOG"}
"""What hangs on how an image is pushed and pulled: such wrong states are put in place in containerd's store."""

UNSEEN = {"log-off": {"TP2-PULL"}}
"""By wrong end state what is INCONCLUSIVE in Docker: registry:2 notes no names, and nginx's log, which does, is off."""


def _daemon(mutant: Mutant) -> str:
    """The daemon in which a wrong end state is put in place."""
    return "docker-26" if OF_IMAGES.isdisjoint(mutant.kills) else "docker-28"


MUTANTS = [pytest.param(_daemon(mutant), mutant, id=mutant.name) for mutant in load("tp2").mutants]


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize(("client", "mutant"), MUTANTS)
def test_a_wrong_end_state_is_found(client: str, mutant: Mutant, new_lab: NewLab) -> None:
    """As in the lab's own engine: the checks that it is said to kill fail, for the cause that it is said to have."""
    lab = new_lab(client, "trixie/cosign")
    lab.run("labstack", "solve", "tp2", "--mutant", mutant.name)
    document = lab.report()
    assert codes(document, "fail") == set(mutant.kills), told(document)
    assert codes(document, "inconclusive") == UNSEEN.get(mutant.name, set()), told(document)
    assert first_cause(document, mutant.kills[0]) == mutant.cause, told(document)


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
