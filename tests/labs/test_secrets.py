"""Canaries: secrets that are easy to find go through TP-1 and TP-2, and are looked for wherever the lab writes."""

import base64
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from labs.catalog.model import load
from tests.labs.conftest import LabUnderTest, make_lab

CATALOG = Path(__file__).parents[2] / "labs" / "catalog" / "tp2"

KEEPERS = ("config.json", "class-secret", "ca.key", "privkey.pem", "cosign.key", "server.key")
"""Files whose business a secret is: what ``docker login`` and the makers of keys leave, and the class's own secret."""

MIN_KEY_LINES, MIN_LINE_LENGTH = 5, 32

MISTAKES = (
    'docker login "$LAB_REGISTRY" -u "$LAB_USER" -p "$CANARY_WRONG"',
    'echo "$CANARY_WRONG" | docker login "$LAB_REGISTRY" -u "$LAB_USER" --password-stdin',
    'curl -sS --cacert certs/ca.crt "https://$LAB_USER:$CANARY_WRONG@localhost:$PORT/v2/"',
    'curl -sS "http://$LAB_USER:$CANARY_PASSWORD@localhost:$PLAIN_PORT/v2/"',
    'COSIGN_PASSWORD=$CANARY_WRONG cosign sign --yes --tlog-upload=false --key cosign.key "$image:1.0"',
    'cosign verify --insecure-ignore-tlog=true --key cosign.key "$image:1.0"',
    'docker push "$LAB_USER:$CANARY_PASSWORD@$LAB_REGISTRY/a/b:1"',
    'printf "%s:%s\\n" "$LAB_USER" "$CANARY_PASSWORD" >auth/htpasswd; docker compose restart nginx',
    "docker compose config; docker compose ps -a; docker compose logs; docker info",
    "cp cosign.key certs/privkey.pem; docker compose up -d --force-recreate",
)
"""What students do with secrets, right and wrong, once all is up; each may end as it likes."""


@dataclass(frozen=True)
class Canaries:
    """Secrets of one run, by the variable that holds them."""

    values: dict[str, str]
    user: str

    def forms(self) -> Iterator[bytes]:
        """Each as it is, in base64 as HTTP and Docker carry it, and as a URL carries it."""
        for secret in self.values.values():
            yield secret.encode()
            yield quote(secret, safe="").encode()
            for carried in (secret, f"{self.user}:{secret}"):
                yield base64.b64encode(carried.encode()).rstrip(b"=")[:-1]

    def found_in(self, content: bytes) -> bool:
        """Whether any of them is in it."""
        return any(form in content for form in self.forms())


Told = tuple[LabUnderTest, Canaries, dict[str, bytes]]


@pytest.fixture
def lab_and_told(tmp_path: Path) -> Iterator[Told]:
    """A lab after a run full of canaries, they, and all that its commands printed, by command."""
    lab = make_lab(tmp_path)
    lab.labstack("up")
    attempt = lab.runner.status(load("tp2")).attempt
    assert attempt is not None
    names = ("CANARY_PASSWORD", "CANARY_WRONG", "CANARY_COSIGN")
    canaries = Canaries(
        {name: f"canary+{secrets.token_hex(8)}/{name[-5:]}" for name in names}, attempt.parameters["user"]
    )
    lab.labstack("solve", "tp1")
    canaries.values["CANARY_PAT"] = _access_token(lab)
    yield lab, canaries, dict(_told(lab, canaries))
    lab.labstack("down")


def _access_token(lab: LabUnderTest) -> str:
    """What the student's machine of TP-1 logs in with."""
    config = json.loads((lab.home.engine("tp1", "a") / "config.json").read_text(encoding="utf-8"))
    (entry,) = config["auths"].values()
    token = base64.b64decode(entry["auth"]).decode().partition(":")[2]
    assert token.startswith("ghp_")
    return token


def _told(lab: LabUnderTest, canaries: Canaries) -> Iterator[tuple[str, bytes]]:
    """Do the exercise with the canaries, then make mistakes with them, and be graded after each."""
    yield "solve", _shell(lab, canaries, "solve")
    yield from _graded(lab, "done")
    for mistake in MISTAKES:
        yield mistake, _shell(lab, canaries, mistake)
    yield from _graded(lab, "broken")
    for words in (("status",), ("status", "--json"), ("logs", "tp2"), ("journal", "tp2"), ("doctor",)):
        yield f"labstack {' '.join(words)}", _run(lab, [sys.executable, "-m", "labs", *words])


def _graded(lab: LabUnderTest, state: str) -> Iterator[tuple[str, bytes]]:
    """The grader's words on a state, in every form."""
    report = lab.home.state.parent / "report"
    for form in (
        (),
        ("--plain",),
        ("--json",),
        ("--lang", "fr"),
        ("--html", f"{report}.html"),
        ("--junit", f"{report}.xml"),
    ):
        yield f"{state}: labcheck {' '.join(form)}", _run(lab, [sys.executable, "-m", "checker", "tp2", *form])


def _shell(lab: LabUnderTest, canaries: Canaries, script: str) -> bytes:
    """Both streams of a script in the exercise's shell, with the steps at hand."""
    private = load("tp2").private
    assert private is not None
    base = int(lab.environ["LAB_PORT_BASE"])
    beginning = (
        f'. "$LAB_STEPS"; password=$CANARY_PASSWORD; COSIGN_PASSWORD=$CANARY_COSIGN; '
        f"PORT={base + private.https_port}; PLAIN_PORT={base + private.http_port}; set +e; "
    )
    scratch = lab.home.state.parent / f"scratch-{secrets.token_hex(4)}"
    scratch.mkdir()
    environ = canaries.values | {"LAB_STEPS": str(CATALOG / "solution" / "steps.sh"), "LAB_SCRATCH": str(scratch)}
    command = [
        sys.executable,
        "-m",
        "labs",
        "shell",
        "tp2",
        "--",
        "sh",
        "-c",
        f"cd {lab.home.files('tp2')}; {beginning}{script}",
    ]
    return _run(LabUnderTest(lab.home, lab.environ | environ), command)


def _run(lab: LabUnderTest, command: Sequence[str]) -> bytes:
    """What a command printed, however it ended."""
    done = subprocess.run(
        command, env=lab.environ, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=60
    )
    return done.stdout + done.stderr


def _private_key_lines(work: Path) -> Iterator[bytes]:
    """The lines of the student's private keys, without those that all keys have."""
    for name in ("cosign.key", "certs/ca.key", "certs/privkey.pem"):
        for line in (work / name).read_text(encoding="ascii").splitlines():
            if len(line) > MIN_LINE_LENGTH and not line.startswith("-----"):
                yield line.encode()


def _kept(lab: LabUnderTest) -> Iterator[Path]:
    """Every file that the lab wrote, but for those that keep a secret because a student or a tool put it there."""
    for path in [*lab.home.state.rglob("*"), *lab.home.state.parent.glob("report.*")]:
        if path.is_file() and path.name not in KEEPERS:
            yield path


def test_no_secret_is_told_or_written_down(lab_and_told: Told) -> None:
    """No command prints one and no file of the lab keeps one, in any form, when things go wrong least of all."""
    lab, canaries, printed = lab_and_told
    # With the canaries the exercise came to its end: they were really in use.
    assert b"27/27" in printed["done: labcheck "], printed["solve"].decode() + printed["done: labcheck "].decode()
    written = {str(path): path.read_bytes() for path in _kept(lab)}
    assert {Path(name).name for name in written} >= {"journal.jsonl", "access.log", "project.json", "attempt.json"}
    keys = list(_private_key_lines(lab.home.files("tp2")))
    assert len(keys) > MIN_KEY_LINES
    leaks = [
        name
        for name, content in (printed | written).items()
        if canaries.found_in(content) or any(line in content for line in keys)
    ]
    assert leaks == []
