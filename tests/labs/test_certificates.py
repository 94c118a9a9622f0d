"""Three ways to a certificate, typed from docs/certificates.md: nginx serves it, and docker believes it."""

import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from labs.catalog.model import load
from labs.stack.acme import DIRECTORY_PORT
from labs.stack.interface import NEVER_USED, StackState
from labs.stack.process_runner import ProcessRunner
from tests.labs.conftest import LabUnderTest
from tests.labs.verdicts import codes, told
from tests.tools import absent, require

NAME = "registry.example.com"
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "certificates.md"
STEPS = ROOT / "labs" / "catalog" / "tp2" / "solution" / "steps.sh"
PREPARE = "make_passwords; write_compose; write_proxy"
LOG_IN = f"log_in {NAME}"
TIMEOUT_SECONDS = 180
"""certbot and nginx take seconds each on a machine that does other things too."""

UNKNOWN = "x509: certificate signed by unknown authority"


@pytest.fixture
def lab(new_lab: LabUnderTest) -> LabUnderTest:
    """TP-2, begun."""
    require("openssl")
    new_lab.labstack("up", "tp2")
    return new_lab


@pytest.fixture
def acme(new_lab: LabUnderTest) -> LabUnderTest:
    """TP-2, begun with an ACME server beside it."""
    require("pebble", "openssl")
    if not (Path(sys.executable).parent / "certbot").exists():
        absent("certbot not found; pip install 'oci-registry-lab[acme]'")
    new_lab.labstack("up", "tp2", "--acme")
    return new_lab


def blocks(heading: str, kind: str = "sh") -> list[str]:
    """What stands as code on the page, under a heading that begins so."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (section,) = [section for section in sections if section.startswith(heading)]
    return re.findall(rf"^```{kind}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def work(lab: LabUnderTest) -> Path:
    """The student's folder."""
    return lab.home.files("tp2")


def type_in(lab: LabUnderTest, *scripts: str, code: int = 0) -> str:
    """Type commands in the lab's shell, the solution's steps at hand; all that they printed."""
    script = "\n".join(["set -eu", f". '{STEPS}'", "password=one-and-the-same", *scripts])
    done = subprocess.run(
        [sys.executable, "-m", "labs", "shell", "tp2", "--", "sh", "-c", script],
        env=lab.environ | {"PYTHONPATH": str(ROOT)},
        cwd=work(lab),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    assert (done.returncode != 0) == bool(code), done.stdout
    return done.stdout


def served(lab: LabUnderTest) -> str:
    """Serial number of the certificate that nginx sends now."""
    ask = (
        f'openssl s_client -connect "$LAB_DOOR" -servername {NAME} </dev/null 2>/dev/null | openssl x509 -noout -serial'
    )
    return type_in(lab, ask).splitlines()[-1]


def in_place(lab: LabUnderTest) -> str:
    """Serial number of the certificate in the student's folder."""
    return type_in(lab, "openssl x509 -in certs/fullchain.pem -noout -serial").splitlines()[-1]


def modes(lab: LabUnderTest, *names: str) -> set[int]:
    """Who may read files of the student's."""
    return {stat.S_IMODE((work(lab) / name).stat().st_mode) for name in names}


@pytest.mark.parametrize("options", ["", "--rsa", "--intermediate", "--rsa --intermediate --ip 127.0.0.1 --days 30"])
def test_with_labstack_cert(lab: LabUnderTest, options: str) -> None:
    """Each kind that it makes is served by nginx, refused before the CA is trusted and accepted after."""
    make, *trust = blocks("With `labstack cert`")[0].splitlines()
    refused = type_in(lab, PREPARE, f"{make} {options}", "bring_up", LOG_IN, code=1)
    assert UNKNOWN in refused
    assert "Login Succeeded" in type_in(lab, *trust, LOG_IN)
    assert modes(lab, "certs/privkey.pem", "certs/ca.key") == {0o600}


@pytest.mark.parametrize("is_old", [False, True])
def test_with_openssl(lab: LabUnderTest, *, is_old: bool) -> None:
    """The page's commands make what docker believes, with an older openssl too; labstack cert goes on with that CA."""
    make, again, verify, connect = blocks("With openssl")
    assert "Login Succeeded" in type_in(lab, PREPARE, make, again if is_old else "", "bring_up", LOG_IN)
    assert modes(lab, "certs/privkey.pem", "certs/ca.key") == {0o600}
    assert "certs/server.crt: OK" in type_in(lab, verify)
    assert "Verify return code: 0 (ok)" in type_in(lab, connect)
    assert "--force" in type_in(lab, f"labstack cert {NAME}", code=1)
    assert "Login Succeeded" in type_in(lab, f"labstack cert {NAME} --force", "restart_proxy", LOG_IN)


def test_names_lost_between_request_and_certificate(lab: LabUnderTest) -> None:
    """What the page says of a forgotten -copy_extensions is what docker says."""
    make = blocks("With openssl")[0].replace("-copy_extensions copy ", "")
    said = type_in(lab, PREPARE, make, "bring_up", LOG_IN, code=1)
    assert "x509: certificate relies on legacy Common Name field, use SANs instead" in said


@pytest.mark.parametrize(
    "make", [f"labstack cert {NAME} --rsa --intermediate", blocks("With openssl")[0]], ids=["cert", "openssl"]
)
def test_a_client_of_go_agrees(lab: LabUnderTest, make: str) -> None:
    """What our docker believes, Docker's own language believes: oras, under that CA and under no other."""
    oras = require("oras")["oras"]
    login = (
        f'echo "$password" | {oras} login --registry-config "$PWD/oras.json" --resolve {NAME}:443:$LAB_DOOR'
        f' -u "$LAB_USER" --password-stdin {NAME}'
    )
    assert UNKNOWN in type_in(lab, PREPARE, make, "bring_up", login, code=1)
    assert "Login Succeeded" in type_in(lab, f"{login} --ca-file certs/ca.crt")


def assert_full_points(lab: LabUnderTest, make: str) -> None:
    """Do the exercise with certificates that are made so; every check passes."""
    type_in(lab, f"make_certificate() {{\n{make}\n}}", "solve")
    code, document = lab.labcheck("tp2")
    assert codes(document, "pass") == {check["code"] for check in document["checks"]}, told(document)
    assert code == 0


def test_openssl_is_worth_full_points(lab: LabUnderTest) -> None:
    """The grader takes a chain that ends in its own root, as the page makes it."""
    assert_full_points(lab, blocks("With openssl")[0])


def with_certbot() -> str:
    """The page's commands while nothing listens on port 80; pebble's root lies where cosign is told of it."""
    *_, standalone = blocks("With an ACME")
    copy = f"mkdir -p certs && cp letsencrypt/live/{NAME}/*.pem certs/"
    return f'{standalone}{copy}\ncp "$LAB_HOME/tp2/acme/pebble-root.pem" certs/ca.crt'


def test_certbot_is_worth_full_points(acme: LabUnderTest) -> None:
    """The grader takes pebble's intermediate, and its root as the student's CA."""
    assert_full_points(acme, with_certbot())


def keep_port_80(folder: Path) -> None:
    """The page's beginning in the chapter's files: nginx serves the challenge's folder and nothing else."""
    (folder / "nginx" / "conf.d" / "registry.conf").write_text(blocks("With an ACME", "nginx")[0])
    compose = folder / "compose.yaml"
    auth = "      - ./auth:/etc/nginx/auth:ro\n"
    assert auth in compose.read_text()
    compose.write_text(compose.read_text().replace(auth, f"{auth}      - ./www:/var/www/acme:ro\n"))


def add_port_443(folder: Path, chapter: str) -> None:
    """Add the chapter's own server, of its file for nginx."""
    secure, _, _ = chapter.rpartition("server {\n  listen 80;")
    assert "listen 443 ssl;" in secure
    conf = folder / "nginx" / "conf.d" / "registry.conf"
    conf.write_text(conf.read_text() + secure)


def test_with_certbot(acme: LabUnderTest) -> None:
    """Issue through nginx, serve, trust, renew with a hook that reloads: nginx sends the new one, under the same CA."""
    issue, serve, renew, _ = blocks("With an ACME")
    type_in(acme, PREPARE)
    chapter = (work(acme) / "nginx" / "conf.d" / "registry.conf").read_text()
    keep_port_80(work(acme))
    assert "Successfully received certificate" in type_in(acme, issue)
    add_port_443(work(acme), chapter)
    reload, *trust = serve.splitlines()
    assert UNKNOWN in type_in(acme, reload, LOG_IN, code=1)
    assert "Login Succeeded" in type_in(acme, *trust, LOG_IN)
    first = served(acme)
    assert first == in_place(acme)
    assert "all renewals succeeded" in type_in(acme, renew)
    assert served(acme) == in_place(acme) != first
    assert "Login Succeeded" in type_in(acme, LOG_IN)
    assert modes(acme, "certs/privkey.pem") == {0o600}


def test_certbot_stands_alone_and_knows_a_new_server(acme: LabUnderTest) -> None:
    """Without nginx certbot answers on the mapped port; a pebble that forgot its accounts is met with a new one."""
    *_, standalone = blocks("With an ACME")
    type_in(acme, standalone)
    before = (acme.home.stack("tp2") / "acme" / "pebble-root.pem").read_bytes()
    assert "not yet due for renewal" in type_in(acme, standalone)
    acme.labstack("down", "tp2")
    acme.labstack("up", "tp2", "--acme")
    root = acme.home.stack("tp2") / "acme" / "pebble-root.pem"
    assert root.read_bytes() != before
    type_in(acme, "certbot renew --force-renewal")
    chain = work(acme) / "letsencrypt" / "live" / NAME / "fullchain.pem"
    verify = f"openssl verify -CAfile '{root}' -untrusted '{chain}' -verify_hostname {NAME} '{chain}'"
    assert "fullchain.pem: OK" in type_in(acme, verify)
    assert not [path.name for path in acme.home.state.parent.iterdir() if path.name not in {".lab", "work"}]


def test_a_challenge_that_the_redirect_swallows(acme: LabUnderTest) -> None:
    """The chapter's own server on port 80 sends the challenge away: certbot fails, and says what was seen."""
    said = type_in(acme, PREPARE, f"labstack cert {NAME}", "bring_up; mkdir www", blocks("With an ACME")[0], code=1)
    assert f'Get "https://{NAME}/.well-known/acme-challenge/' in said
    assert "already in use" in type_in(acme, blocks("With an ACME")[-1], code=1)


def test_other_names_lead_nowhere(acme: LabUnderTest) -> None:
    """The student's registry is the only name that this server finds."""
    assert "could not resolve" in type_in(acme, "certbot certonly --standalone -d www.example.org", code=1)


def status(lab: LabUnderTest) -> tuple[StackState, bool]:
    """How TP-2 stands, and whether its ACME server runs."""
    found = ProcessRunner(lab.home, lab.environ).status(load("tp2"))
    return found.state, any(service.role == "acme" and service.pid for service in found.services)


def test_it_is_known_to_status_down_up_and_reset(acme: LabUnderTest) -> None:
    """Killed, it shows as broken and up mends it; reset brings it back; down ends it, and reset then leaves nothing."""
    (server,) = acme.runner.acme(load("tp2"))
    assert status(acme) == (StackState.UP, True)
    assert acme.labstack("status").stdout.count(server.directory) == 1
    assert type_in(acme, 'echo "$LAB_ACME_DIRECTORY"').strip() == server.directory
    pid = server.server.pid()
    assert pid
    os.kill(pid, 9)
    assert status(acme) == (StackState.BROKEN, False)
    acme.labstack("up", "tp2")
    assert status(acme) == (StackState.UP, True)
    acme.labstack("reset", "tp2", "--yes")
    assert status(acme) == (StackState.UP, True)
    acme.labstack("down", "tp2")
    assert status(acme) == (StackState.DOWN, False)
    acme.labstack("reset", "tp2", "--yes")
    assert acme.runner.inventory(load("tp2")) == NEVER_USED
    assert "labstack up tp2 --acme" in type_in_bin(acme)


def type_in_bin(lab: LabUnderTest) -> str:
    """What the lab's certbot says once its server is gone for good."""
    done = subprocess.run([lab.home.bin / "certbot", "renew"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr


def test_up_again_leaves_it_alone(acme: LabUnderTest) -> None:
    """Whoever types up twice keeps their CA and their certificates."""
    (server,) = acme.runner.acme(load("tp2"))
    before = server.server.pid(), server.root.read_bytes()
    acme.labstack("up", "tp2", "--acme")
    assert (server.server.pid(), server.root.read_bytes()) == before


def test_without_pebble(new_lab: LabUnderTest) -> None:
    """What is missing is said with its cure, and nothing was begun."""
    new_lab.environ["PATH"] = str(Path(sys.executable).parent)
    assert "apt install pebble" in new_lab.labstack("up", "tp2", "--acme", code=1).stderr
    assert status(new_lab) == (StackState.NEVER, False)


def test_for_an_exercise_that_needs_no_certificate(new_lab: LabUnderTest) -> None:
    """GitHub's registry has its own."""
    require("pebble")
    assert "tp1" in new_lab.labstack("up", "tp1", "--acme", code=1).stderr
    assert ProcessRunner(new_lab.home, new_lab.environ).status(load("tp1")).state is StackState.NEVER


def test_a_port_that_is_taken(new_lab: LabUnderTest) -> None:
    """Who holds it is named, and nothing of it is left running."""
    require("pebble")
    port = int(new_lab.environ["LAB_PORT_BASE"]) + DIRECTORY_PORT
    with socket.create_server(("127.0.0.1", port)):
        said = new_lab.labstack("up", "tp2", "--acme", code=1).stderr
    assert f"{port}" in said
    assert status(new_lab) == (StackState.UP, False)


def test_a_pebble_that_ends_at_once(new_lab: LabUnderTest, tmp_path: Path) -> None:
    """Its last words are told, and its name server does not stay behind."""
    program = tmp_path / "bin" / "pebble"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho no such option >&2\nexit 1\n")
    program.chmod(0o755)
    new_lab.environ["PATH"] = os.pathsep.join((str(program.parent), new_lab.environ["PATH"]))
    assert "no such option" in new_lab.labstack("up", "tp2", "--acme", code=1).stderr
    assert status(new_lab) == (StackState.UP, False)
    assert new_lab.runner.inventory(load("tp2")).processes == ()
