"""TP-2 in Docker itself, with registry:2, nginx and cosign: the grader sees there what it sees in the lab's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from labs.catalog.model import load
from tests.clients.chapter import COMPOSE, NGINX, PASSWORD, cure_body_limit, cure_port, write_files
from tests.clients.conftest import NewClient
from tests.clients.engines import Docker
from tests.clients.lab import Lab, link_plugins, running_lab
from tests.clients.stand_ins import import_stand_ins
from tests.tools import require

NewLab = Callable[[str, str], Lab]
"""Begins TP-2 in a daemon (``docker-28``), with a cosign (``trixie/cosign``)."""

CODES = tuple(
    f"TP2-{name}"
    for name in (
        *("HTPASSWD", "CERT", "KEY", "UP", "AUTH", "HTTP", "BACKEND", "UPLOAD"),
        *("PUSH", "SECRETS", "SIGN", "LOG", "PULL"),
    )
)
ALL_PASSED = dict.fromkeys(CODES, "pass")
_PORT_BASES = count(20000, 100)

PASSWORDS_AND_CERTIFICATES = f"""
cd "$LAB_WORK/tp2"
mkdir -p auth certs "$LAB_WORK/ca"
htpasswd -Bbc auth/htpasswd "$LAB_USER" {PASSWORD}
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=CA of my own" \\
    -keyout "$LAB_WORK/ca/ca.key" -out "$LAB_WORK/ca/ca.crt"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=registry.example.com" \\
    -keyout certs/privkey.pem -out "$LAB_WORK/ca/request.pem"
echo "subjectAltName=DNS:registry.example.com" >"$LAB_WORK/ca/names"
openssl x509 -req -in "$LAB_WORK/ca/request.pem" -CA "$LAB_WORK/ca/ca.crt" -CAkey "$LAB_WORK/ca/ca.key" \\
    -CAcreateserial -days 30 -extfile "$LAB_WORK/ca/names" -out certs/fullchain.pem
mkdir -p "$LAB_CERTS_D/$LAB_REGISTRY"
cp "$LAB_WORK/ca/ca.crt" "$LAB_CERTS_D/$LAB_REGISTRY/"
"""

UP_AND_PUSH = f"""
cd "$LAB_WORK/tp2"
docker compose up -d
until docker compose logs registry | grep -q "listening on"; do sleep 0.1; done
echo {PASSWORD} | docker login "$LAB_REGISTRY" -u "$LAB_USER" --password-stdin
docker build -t "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app:1.0" .
docker push "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app:1.0"
"""

SIGN = {
    "trixie/cosign": """
cosign generate-key-pair
cosign sign --yes --tlog-upload=false --key cosign.key "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app:1.0"
""",
    "sid/cosign": """
cosign generate-key-pair
cosign signing-config create --out "$LAB_WORK/ca/signing-config.json"
cosign trusted-root create --out "$LAB_WORK/ca/root.json"
cosign sign --yes --signing-config "$LAB_WORK/ca/signing-config.json" --trusted-root "$LAB_WORK/ca/root.json" \\
    --key cosign.key "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app:1.0"
""",
}
"""By generation of cosign: 2.5 puts a tag beside the image, 3.1 a bundle that refers to it."""

# containerd's image store keeps what a build had: without forgetting that, a pull asks for the tag and fetches nothing.
PULL = """
docker image rm --force $(docker image ls --quiet "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app")
docker builder prune --all --force
docker buildx history rm --all || true
docker pull "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app:1.0"
"""


@pytest.fixture
def new_lab(new_client: NewClient, tmp_path: Path) -> Iterator[NewLab]:
    """See ``NewLab``; what was begun is taken down."""
    require("sid/docker-compose", "htpasswd", "openssl")
    with ExitStack() as stack:

        def begin(client: str, cosign: str) -> Lab:
            docker = new_client(client)
            assert isinstance(docker, Docker)
            import_stand_ins(docker)
            (tmp_path / "bin").mkdir()
            (tmp_path / "bin" / "cosign").symlink_to(require(cosign)[cosign])
            environment = {
                "DOCKER_HOST": docker.environment["DOCKER_HOST"],
                "PATH": f"{tmp_path}/bin:{docker.environment['PATH']}",
                "COSIGN_PASSWORD": "labpass",
            }
            link_plugins(docker.daemon, tmp_path / ".docker")
            lab = running_lab(docker.namespace, tmp_path, next(_PORT_BASES), "tp2", environment)
            running = stack.enter_context(lab)
            running.link_plugins(docker.daemon)
            return running

        yield begin


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize(
    ("client", "cosign"), [("docker-28", "trixie/cosign"), ("docker-26", "sid/cosign")], ids=["28-2.5", "26-3.1"]
)
def test_the_chapter_s_commands_get_full_points(client: str, cosign: str, new_lab: NewLab) -> None:
    """By hand, with openssl's certificates: containerd's store or Docker's own, cosign's tag or its bundle."""
    lab = new_lab(client, cosign)
    ca = {"SSL_CERT_FILE": str(lab.home.parent / "work" / "ca" / "ca.crt")}
    lab.shell("a", PASSWORDS_AND_CERTIFICATES)
    write_files(Path(lab.attempt.work), COMPOSE, cure_port(cure_body_limit(NGINX)))
    lab.shell("a", f"{UP_AND_PUSH}{SIGN[cosign]}{PULL}", **ca)
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
