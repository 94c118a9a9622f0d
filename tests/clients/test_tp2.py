"""TP-2 in Docker itself, with registry:2, nginx and cosign: the grader sees there what it sees in the lab's own."""

import time
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
from tests.clients.tp2 import ALL_PASSED, UP, begun, do
from tests.fakes.chapter import COMPOSE, NGINX
from tests.fakes.unusual import ANOTHER_CHAIN, RELATIVE_ADDRESSES, WITHOUT_PROXY
from tests.labs.test_certificates import add_port_443, blocks, keep_port_80, with_certbot
from tests.labs.test_grading import FIRST_FAILURES
from tests.labs.verdicts import codes, first_cause, told
from tests.servers import POLL_SECONDS, ROOT, START_SECONDS
from tests.tools import require

STEPS = ROOT / "labs" / "catalog" / "tp2" / "solution" / "steps.sh"

DIGITS = 64
"""Of a digest in a tag's name."""

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


def assert_full_points(lab: Lab) -> None:
    """Every check passes."""
    code, document = lab.labcheck()
    assert codes(document, "pass") == set(ALL_PASSED), told(document)
    assert code == 0


def served(lab: Lab, before: str = "") -> str:
    """Serial number of the certificate that answers, once it is another one: nginx does not say when it has read it."""
    ask = 'openssl s_client -connect "$LAB_DOOR" </dev/null 2>/dev/null | openssl x509 -noout -serial || true'
    deadline = time.monotonic() + START_SECONDS
    while (found := lab.shell("a", ask)) in {"", before} and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found


def by_hand(lab: Lab, script: str, scratch: Path) -> None:
    """Do the exercise as a student would who knows another way; the solution's steps are at hand."""
    lab.shell("a", f'cd "$LAB_WORK/tp2"\n. {STEPS}\n{script}', LAB_SCRATCH=str(scratch))


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize(
    ("client", "cosign", "suffix"),
    [("docker-28", "trixie/cosign", ".sig"), ("docker-26", "sid/cosign", "")],
    ids=["28-2.5", "26-3.1"],
)
def test_the_chapter_s_commands_get_full_points(client: str, cosign: str, suffix: str, new_lab: NewLab) -> None:
    """By hand, with openssl's certificates: containerd's store or Docker's own, cosign's tag or its bundle.

    registry:2 lists no referrers: the bundle is found by the fallback tag, the digest with nothing behind it.
    """
    lab = new_lab(client, cosign)
    do(lab, COMPOSE, cure_port(cure_body_limit(NGINX)), cosign)
    assert_full_points(lab)
    tags = Path(lab.attempt.work) / "registry/docker/registry/v2/repositories" / lab.image / "_manifests/tags"
    signed = [each.name for each in tags.iterdir() if each.name.startswith("sha256-")]
    assert [name.removeprefix("sha256-")[DIGITS:] for name in signed] == [suffix]


OF_IMAGES = {"TP2-UPLOAD", "TP2-SECRETS", "TP2-SIGN", "TP2-LOG"}
"""What hangs on how an image is pushed and pulled: such wrong states are put in place in containerd's store."""


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
    assert codes(document, "inconclusive") == set(), told(document)
    assert first_cause(document, mutant.kills[0]) == mutant.cause, told(document)


@pytest.mark.usefixtures("no_trust_left")
def test_the_notebook_ends_at_full_points(new_lab: NewLab) -> None:
    """Its cells run in Docker as in the lab's own: both traps, the signature, the riddles."""
    lab = new_lab("docker-28", "trixie/cosign")
    notebook = str(Path(lab.attempt.work) / "tp2.en.ipynb")
    lab.run("labstack", "shell", "tp2", "--", "jupyter", "execute", notebook)
    assert_full_points(lab)


@pytest.mark.usefixtures("no_trust_left")
def test_the_solution_ends_at_full_points_each_time(new_lab: NewLab) -> None:
    """From one fresh start and from the next; also in the store that keeps what a build was made of."""
    lab = new_lab("docker-28", "trixie/cosign")
    for attempt in (1, 2):
        lab.run("labstack", "solve", "tp2")
        assert lab.attempt.number == attempt
        assert_full_points(lab)
        lab.run("labstack", "reset", "tp2", "--yes")


def test_the_starter_fails_where_the_work_begins(new_lab: NewLab) -> None:
    """What comes first is missing, and all else waits for it. Where nobody began there is nothing to grade."""
    lab = new_lab("docker-26", "trixie/cosign")
    code, document = lab.labcheck()
    assert (code, codes(document, "fail")) == (1, FIRST_FAILURES["tp2"]), told(document)
    assert codes(document, "pass") == codes(document, "inconclusive") == set(), told(document)
    lab.run("labstack", "down", "tp2")
    lab.run("labstack", "reset", "tp2", "--yes")
    assert lab.labcheck() == (5, {})


UNUSUAL = {"no proxy": WITHOUT_PROXY, "relative addresses": RELATIVE_ADDRESSES, "another chain": ANOTHER_CHAIN}


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize("way", UNUSUAL)
def test_another_way_is_as_good(way: str, new_lab: NewLab, tmp_path: Path) -> None:
    """What is done otherwise than the chapter does it, and right, has every point."""
    lab = new_lab("docker-26", "trixie/cosign")
    by_hand(lab, UNUSUAL[way], tmp_path)
    assert_full_points(lab)


@pytest.mark.usefixtures("no_trust_left")
def test_a_certificate_of_an_acme_server_is_as_good(new_lab: NewLab, tmp_path: Path) -> None:
    """Docker publishes port 80 of the machine itself: there certbot answers, and pebble looks."""
    require("pebble", "certbot")
    lab = new_lab("docker-26", "trixie/cosign")
    lab.run("labstack", "up", "tp2", "--acme")
    by_hand(lab, f"make_certificate() {{\n{with_certbot()}\n}}\nsolve", tmp_path)
    assert_full_points(lab)


@pytest.mark.usefixtures("no_trust_left")
def test_certbot_renews_through_nginx(new_lab: NewLab, tmp_path: Path) -> None:
    """As docs/certificates.md has it: issued and renewed through the container's port 80, read again by its nginx."""
    require("pebble", "certbot")
    lab = new_lab("docker-26", "trixie/cosign")
    work, (issue, serve, renew, _) = Path(lab.attempt.work), blocks("With an ACME")
    lab.run("labstack", "up", "tp2", "--acme")
    by_hand(lab, "make_passwords; write_compose; write_proxy", tmp_path)
    chapter = (work / "nginx" / "conf.d" / "registry.conf").read_text(encoding="utf-8")
    keep_port_80(work)
    by_hand(lab, issue.replace("docker compose up -d\n", UP), tmp_path)
    add_port_443(work, chapter)
    by_hand(lab, serve, tmp_path)
    first = served(lab)
    by_hand(lab, renew, tmp_path)
    assert first
    assert served(lab, first) not in {"", first}
