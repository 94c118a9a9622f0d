"""TP-2 in Docker with Caddy or Traefik in nginx's place: as right as nginx, and as wrong."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.clients.chapter import NAME, PASSWORD
from tests.clients.conftest import NewClient
from tests.clients.engines import Docker
from tests.clients.lab import Lab
from tests.clients.stand_ins import import_caddy, import_registry, import_traefik
from tests.clients.tp2 import ALL_PASSED, PASSWORDS_AND_CERTIFICATES, PULL, PUSH, SIGN, begun
from tests.fakes.proxies import Proxy
from tests.tools import require

COSIGN = "trixie/cosign"
PROXY = Proxy(NAME, "0.0.0.0", 443, "registry:5000", "/certs", "/auth/htpasswd")  # noqa: S104  of its container
COMPOSE = """\
services:
  registry:
    image: registry:2
    environment:
      REGISTRY_HTTP_ADDR: :5000
      REGISTRY_STORAGE_DELETE_ENABLED: "true"
    volumes: ["./registry:/var/lib/registry"]
  proxy:
    image: {image}
    ports: ["443:443"]
    volumes: [{mounts}]
"""
MOUNTS = {
    "Caddyfile": "/etc/caddy/Caddyfile",
    "traefik.yaml": "/etc/traefik/traefik.yaml",
    "routes.yaml": "/etc/traefik/routes.yaml",
    "routes": "/routes",
    "certs": "/certs",
    "auth": "/auth",
}
OPTIONS = (
    "global.checkNewVersion=false",
    "global.sendAnonymousUsage=false",
    "entryPoints.websecure.address=:443",
    "providers.file.directory=/routes",
    "accesslog",
    "accesslog.format=json",
    "accesslog.fields.headers.names.User-Agent=keep",
)
UP = f"""
cd "$LAB_WORK/tp2"
docker compose up -d
until echo {PASSWORD} | docker login "$LAB_REGISTRY" -u "$LAB_USER" --password-stdin; do sleep 0.1; done
"""


@pytest.fixture
def lab(new_client: NewClient, tmp_path: Path) -> Iterator[Lab]:
    """TP-2 just begun in Docker, passwords and certificates made."""
    require("sid/docker-compose", "htpasswd", "openssl")
    docker = new_client("docker-26")
    assert isinstance(docker, Docker)
    for import_image in (import_registry, import_caddy, import_traefik):
        import_image(docker)
    with ExitStack() as stack:
        lab = stack.enter_context(begun(docker, tmp_path, COSIGN))
        lab.shell("a", PASSWORDS_AND_CERTIFICATES)
        yield lab


def caddy(work: Path) -> Mapping[str, str]:
    """What a student writes for Caddy, by file."""
    return {
        "compose.yaml": _compose("caddy:2", "Caddyfile", "certs"),
        "Caddyfile": PROXY.caddyfile((work / "auth" / "htpasswd").read_text(encoding="utf-8")),
    }


def traefik(_work: Path) -> Mapping[str, str]:
    """What a student writes for Traefik, by file."""
    return {
        "compose.yaml": _compose("traefik:v3", "traefik.yaml", "routes.yaml", "certs", "auth"),
        "traefik.yaml": PROXY.traefik("/etc/traefik/routes.yaml"),
        "routes.yaml": PROXY.routes(),
    }


def _compose(image: str, *names: str) -> str:
    """The compose file, with these of the student's files in the proxy."""
    return COMPOSE.format(image=image, mounts=", ".join(f'"./{name}:{MOUNTS[name]}:ro"' for name in names))


def caddy_to_a_file(work: Path) -> Mapping[str, str]:
    """Likewise; its log goes to a file that lies in the container only."""
    files = caddy(work)
    return {
        **files,
        "Caddyfile": files["Caddyfile"].replace("  log\n", "  log {\n    output file /data/access.log\n  }\n"),
    }


def traefik_by_options(_work: Path) -> Mapping[str, str]:
    """What a student writes who tells Traefik all in compose, and has it log in JSON."""
    command = "\n".join(f"      - --{option}" for option in OPTIONS)
    compose = _compose("traefik:v3", "routes", "certs", "auth")
    return {"compose.yaml": f"{compose}    command:\n{command}\n", "routes/registry.yaml": PROXY.routes()}


Write = Callable[[Path], Mapping[str, str]]


RIGHT: Sequence[Write] = (caddy, caddy_to_a_file, traefik, traefik_by_options)


def do(lab: Lab, write: Write) -> None:
    """All four steps."""
    work = Path(lab.attempt.work)
    for name, text in write(work).items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text(text, encoding="utf-8")
    ca = {"SSL_CERT_FILE": str(lab.home.parent / "work" / "ca" / "ca.crt")}
    lab.shell("a", f"{UP}{PUSH}{SIGN[COSIGN]}{PULL}", **ca)


def change(lab: Lab, name: str, changes: Mapping[str, str]) -> str:
    """Change a file of the proxy's, by its old words, and have it read anew; what it was before."""
    file = Path(lab.attempt.work) / name
    text = before = file.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    lab.shell("a", f'cd "$LAB_WORK/tp2"\ndocker compose restart --timeout 1 proxy\n{UP}')
    return before


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize("write", RIGHT, ids=[write.__name__ for write in RIGHT])
def test_another_proxy_gets_full_points(write: Write, lab: Lab) -> None:
    """Its log is read in its own format, wherever it goes, and agrees with the registry's account of the requests."""
    do(lab, write)
    assert lab.grade() == ALL_PASSED


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong state: ``changes`` of a file by its old words, and the cause that the check must give.

    Attributes:
        status: Of the check.
    """

    file: str
    changes: Mapping[str, str]
    code: str
    cause: str
    status: str = "fail"


_BUFFERING = "    limit: {buffering: {maxRequestBodyBytes: 1048576}}\n    passwords:"
_LOG = "accessLog:\n  fields: {headers: {names: {User-Agent: keep}}}\n"
WRONG: Mapping[Write, Sequence[Wrong]] = {
    caddy: (
        # Caddy 2.6 answers 502 where it cuts what it hands on.
        Wrong(
            "Caddyfile",
            {"  reverse_proxy": "  request_body {\n    max_size 1MB\n  }\n  reverse_proxy"},
            "TP2-UPLOAD",
            "upload.refused",
        ),
        Wrong("Caddyfile", {"basicauth /v2/*": "basicauth /v1/*"}, "TP2-AUTH", "auth.none"),
        Wrong("Caddyfile", {"  log\n": ""}, "TP2-LOG", "log.caddy-off"),
    ),
    traefik: (
        Wrong(
            "routes.yaml",
            {"[passwords]": "[passwords, limit]", "    passwords:": _BUFFERING},
            "TP2-UPLOAD",
            "upload.over-limit",
        ),
        Wrong("routes.yaml", {"      middlewares: [passwords]\n": ""}, "TP2-AUTH", "auth.none"),
        Wrong("traefik.yaml", {"User-Agent: keep": "User-Agent: drop"}, "TP2-LOG", "log-agentless", "inconclusive"),
        Wrong("traefik.yaml", {_LOG: ""}, "TP2-LOG", "log.traefik-off"),
    ),
}
"""The log's last: of what was asked meanwhile there is no line."""


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize("write", WRONG, ids=["caddy", "traefik"])
def test_what_is_wrong_behind_another_proxy_is_found(write: Write, lab: Lab) -> None:
    """One check tells, in that proxy's words; nothing else fails."""
    do(lab, write)
    for wrong in WRONG[write]:
        written = change(lab, wrong.file, wrong.changes)
        checks = {each["code"]: each for each in lab.report()["checks"]}
        assert (checks[wrong.code]["status"], checks[wrong.code]["causes"][0]["id"]) == (wrong.status, wrong.cause)
        assert {code for code, each in checks.items() if each["status"] == "fail"} <= {wrong.code}
        (Path(lab.attempt.work) / wrong.file).write_text(written, encoding="utf-8")


@pytest.mark.usefixtures("no_trust_left")
def test_a_line_by_hand_is_found_in_what_traefik_prints(lab: Lab) -> None:
    """Written to its standard output from within its container."""
    do(lab, traefik)
    at = datetime.now(UTC) + timedelta(minutes=1)  # what is of the stack's first seconds is not judged
    line = f'172.18.0.1 - ada [{at:%d/%b/%Y:%T} +0000] "GET /v2/x/tags/list HTTP/1.1" 200 2 "-" "docker/28"'
    forged = f"""echo '{line} 99 "registry@file" "http://registry:5000" 1ms' >/proc/1/fd/1"""
    lab.shell("a", 'cd "$LAB_WORK/tp2"\ndocker compose exec -T proxy sh -c "$FORGED"', FORGED=forged)
    failed = {each["code"]: each["causes"][0]["id"] for each in lab.report()["checks"] if each["status"] == "fail"}
    assert failed == {"TP2-LOG": "log.forged-line"}
