"""TP-1 as it may have happened: journals told step by step, and the facts that a grader would find afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from checker.checks.tp1 import CHECKS
from checker.facts import (
    Answer,
    Blob,
    BlobState,
    ClientConfig,
    Content,
    Facts,
    ImageStore,
    Journal,
    Manifest,
    PackFiles,
    Source,
    Tags,
    Task,
)
from checker.model import Status, Verdict
from checker.runner import run
from pyregistry.spec.journal import Event, seal
from pyregistry.spec.media_types import OCI_INDEX, OCI_MANIFEST

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
USER, ORG, REPO, NONCE = "ada", "lovelace", "engine", "n0nce"
HERE = f"{ORG}/{REPO}/app"
PARAMETERS = {"user": USER, "org": ORG, "repo": REPO, "nonce": NONCE}
LABELS = {"lab.registry.nonce": NONCE, "org.opencontainers.image.source": f"https://github.com/{ORG}/{REPO}"}
CODES = tuple(check.code for check in CHECKS)
READ, WRITE = ("read:packages",), ("write:packages",)


def digest(letter: str) -> str:
    """A digest that is easy to tell apart; a real one stays as it is."""
    return letter if ":" in letter else f"sha256:{letter * 64}"


def make_image(letter: str = "a", labels: Mapping[str, str] | None = None, **more: Any) -> Manifest:
    """An image of a config of 10 bytes and two layers of 20 and 30, all there."""
    blobs = (
        Blob(digest(f"{letter}"[:1].translate(str.maketrans("abcdef", "123456"))), 10, "config", BlobState.VERIFIED),
        Blob(digest("e"), 20, "layer", BlobState.VERIFIED),
        Blob(digest("f"), 30, "layer", BlobState.VERIFIED),
    )
    values = {"blobs": blobs, "labels": LABELS if labels is None else labels} | more
    return Manifest(digest(letter), OCI_MANIFEST, 500, **values)


def make_index(*children: Manifest, letter: str = "d", **more: Any) -> Manifest:
    """An index over images."""
    return Manifest(digest(letter), OCI_INDEX, 300, children=children, **more)


@dataclass(frozen=True)
class Pat:
    """A personal access token."""

    id: str
    scopes: tuple[str, ...] = WRITE
    kind: str = "pat-classic"
    account: str = USER

    def who(self) -> dict[str, Any]:
        """Its traces in an event."""
        return {
            "actor": self.account,
            "credential_kind": self.kind,
            "credential_id": self.id,
            "credential_scopes": self.scopes,
        }


PUSHER, READER = Pat("p1"), Pat("r1", READ)


@dataclass
class Diary:
    """Writes a journal. Every method is one thing that happened."""

    events: list[Event] = field(default_factory=list)
    horizon: int = 0

    def note(self, **values: Any) -> "Diary":
        """Any event."""
        seq = len(self.events) + 1
        previous = self.events[-1].hash if self.events else ""
        values.setdefault("kind", "request")
        event = Event(at=START + timedelta(seconds=seq), monotonic_ns=seq, seq=seq, previous=previous, **values)
        self.events.append(replace(event, hash=seal(event, seq, previous)[0]))
        return self

    def start_attempt(self) -> "Diary":
        """Nothing before this counts."""
        self.horizon = len(self.events)
        return self

    def make(self, pat: Pat, action: str = "pat.created") -> "Diary":
        """A token is made, or revoked."""
        return self.note(kind="account", detail={"action": action}, **pat.who())

    def login(self, pat: Pat | None, status: int = 200, scope: str = "", granted: str = "") -> "Diary":
        """A request at the token endpoint."""
        detail = {"scopes_requested": [scope] if scope else [], "scopes_granted": [granted] if granted else []}
        who = pat.who() if pat else {}
        return self.note(method="GET", path="/token", endpoint="token", status=status, detail=detail, **who)

    def dance(self, pat: Pat, repository: str, *, granted: str = "pull,push") -> "Diary":
        """What precedes a push: refused as nobody, then a bearer token."""
        self.upload(None, repository, status=401)
        return self.login(pat, scope=f"repository:{repository}:pull,push", granted=f"repository:{repository}:{granted}")

    def upload(
        self, pat: Pat | None, repository: str = HERE, status: int = 202, *, is_name: bool = True, **more: Any
    ) -> "Diary":
        """An upload session is asked for; ``is_name`` False: the registry found no repository name in the path."""
        path = f"/v2/{repository}/blobs/uploads/"
        matched = {"endpoint": "end-4", "repository": repository} if is_name else {}
        values = {**matched, **(pat.who() if pat else {}), **more}
        return self.note(method="POST", path=path, status=status, **values)

    def put(
        self, pat: Pat, reference: str = "1.0", letter: str = "a", repository: str = HERE, status: int = 201
    ) -> "Diary":
        """A manifest is sent."""
        path = f"/v2/{repository}/manifests/{reference}"
        return self.note(
            method="PUT", path=path, endpoint="end-7", repository=repository, reference=reference.partition("?")[0],
            digest=digest(letter), status=status, **pat.who(),
        )  # fmt: skip

    def push(self, pat: Pat = PUSHER, letter: str = "a", tags: Sequence[str] = ("1.0", "1", "latest")) -> "Diary":
        """The image is pushed under each tag."""
        self.dance(pat, HERE).upload(pat)
        for tag in tags:
            self.put(pat, tag, letter)
        return self

    def get(self, pat: Pat | None, letter: str, reference: str = "1.0", **more: Any) -> "Diary":
        """A manifest is asked for; by default it is got."""
        values = {"method": "GET", "status": 200, "repository": HERE, "digest": digest(letter)} | more
        path = f"/v2/{values['repository']}/manifests/{reference}"
        who = pat.who() if pat else {}
        return self.note(endpoint="end-3", path=path, reference=reference, **values, **who)

    def get_blob(self, pat: Pat, what: str, size: int, status: int = 200, method: str = "GET") -> "Diary":
        """A blob is got."""
        return self.note(
            method=method, path=f"/v2/{HERE}/blobs/{what}", endpoint="end-2", repository=HERE, digest=what,
            status=status, bytes_out=size, **pat.who(),
        )  # fmt: skip

    def pull(self, pat: Pat = READER, image: Manifest | None = None, reference: str = "1.0") -> "Diary":
        """The image is got whole."""
        image = image or make_image()
        self.get(pat, image.digest, reference)
        for blob in image.blobs:
            self.get_blob(pat, blob.digest, blob.size)
        return self

    def journal(self) -> Journal:
        """As the probe reads it."""
        return Journal(tuple(self.events), self.horizon, self.events[-1].hash, len(self.events))

    def lines(self) -> str:
        """As the file has it."""
        return "".join(seal(event, event.seq, event.previous)[1].decode() for event in self.events)


def prepared() -> Diary:
    """Steps 1 and 2 as they should be."""
    return Diary().note(kind="server", detail={"action": "start"}).start_attempt().make(PUSHER).login(PUSHER)


def solved() -> Diary:
    """All five steps as they should be."""
    return prepared().push().make(READER).login(READER).pull()


def world(diary: Diary, root: Manifest | None = None, **more: Any) -> Facts:
    """What the grader finds after ``diary`` where ``root`` lies under all three tags; ``more`` replaces facts."""
    found = root.digest if root else None
    values: dict[str, Any] = {
        "task": Task(PARAMETERS, ("ghcr.io", "localhost:5001")),
        "answer": Answer(401),
        "journal": diary.journal(),
        "tags": Tags(("1", "1.0", "latest") if root else (), dict.fromkeys(("1.0", "1", "latest"), found)),
        "content": Content(root),
        "client": ClientConfig(present=True, hosts=("ghcr.io",)),
        "store": ImageStore((f"ghcr.io/{HERE}:1.0",)),
        "pack": PackFiles("d1ge57"),
    }
    return Facts(**values | more)


def tags(**resolved: str | None) -> Tags:
    """Tags by their letters: ``tags(v1_0="a", v1="b", latest=None)``."""
    letters = {"1.0": resolved.get("v1_0"), "1": resolved.get("v1"), "latest": resolved.get("latest")}
    found = {tag: digest(letter) if letter else None for tag, letter in letters.items()}
    return Tags(tuple(sorted(tag for tag, value in found.items() if value)), found)


@dataclass(frozen=True)
class Given:
    """A probe that has read already."""

    source: Source
    value: object
    deadline_seconds: float = 5.0

    def read(self) -> object:
        """What it was given."""
        return self.value


def probes(facts: Facts, **replaced: Any) -> list[Any]:
    """Probes that yield these facts; ``replaced`` puts another probe in the place of a source."""
    return [replaced.get(source) or Given(source, getattr(facts, source)) for source in Source]


def verdicts(facts: Facts, **more: Any) -> dict[str, Verdict]:
    """All of TP-1's verdicts by code."""
    return {verdict.check.code: verdict for verdict in run(CHECKS, facts.task, probes(facts), **more).verdicts}


def failed(found: Mapping[str, Verdict]) -> dict[str, str]:
    """The likeliest cause of each check that fails."""
    return {code: v.finding.causes[0].id for code, v in found.items() if v.status is Status.FAIL}
