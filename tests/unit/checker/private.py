"""TP-2 as it may have happened: requests told once to the proxy's log and once to the registry's journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from checker.checks.tp2 import CHECKS
from checker.facts import (
    AccessLog,
    Answer,
    Backend,
    Blob,
    BlobState,
    Certificate,
    ClientConfig,
    Content,
    Door,
    Doors,
    Facts,
    Fault,
    Handshake,
    ImageStore,
    KeyFile,
    Keys,
    Kind,
    Layers,
    Logging,
    LogLine,
    Manifest,
    PackFiles,
    PasswordEntry,
    PasswordFile,
    Passwords,
    Plain,
    Signature,
    Signatures,
    Stack,
    StackService,
    Tags,
    Task,
    Upload,
)
from checker.model import Status, Verdict
from checker.runner import run
from tests.unit.checker.exercise import HERE, NONCE, PARAMETERS, START, USER, Diary, digest, make_image, probes

NAME = "registry.example.com"
BASE = f"https://{NAME}"
DOCKER, COSIGN = "docker/28.5.1 labdocker/0 (linux)", "cosign/3.1.1 labcosign/0 (linux)"
CODES = tuple(check.code for check in CHECKS)
KEY = "5e" * 32
LOG_PATH = "nginx/access.log"
LOGGING = Logging(since=START - timedelta(days=1), plain=True)
"""As the chapter's proxy logs, since before the beginning."""


def make_payload(letter: str = "a", labels: Mapping[str, str] | None = None, size: int = 5_000_000) -> Manifest:
    """The exercise's image: a config, a small layer and the one of 5 MB."""
    plain = make_image(letter, {"lab.registry.nonce": NONCE} if labels is None else labels)
    return replace(plain, blobs=(*plain.blobs[:2], Blob(digest("f"), size, "layer", BlobState.VERIFIED)))


IMAGE = make_payload()


@dataclass
class Scene:
    """Writes a log and a journal. Every method is one thing that happened.

    Attributes:
        proxied: nginx asks for passwords and hands names on; else the registry asks itself.
    """

    diary: Diary = field(default_factory=Diary)
    lines: list[LogLine] = field(default_factory=list)
    proxied: bool = True

    def ask(self, method: str, path: str, status: int, *, user: str | None = USER, **more: Any) -> "Scene":
        """A request that the registry answered, through the proxy."""
        self.bypass(method, path, status, user=user, **more)
        event = self.diary.events[-1]
        return self.write(method, path, status, user=user, size=event.bytes_out, agent=event.user_agent)

    def bypass(self, method: str, path: str, status: int, *, user: str | None = USER, **more: Any) -> "Scene":
        """A request that the registry answered, and no proxy saw."""
        values = {"user_agent": DOCKER} | more
        if self.proxied:
            values |= {"detail": {"claimed_user": user} if user else {}}
        else:
            values |= {"actor": user}
        self.diary.note(method=method, path=path, status=status, **values)
        return self

    def slip_past(self) -> "Scene":
        """Somebody pulls without the proxy."""
        more = {"endpoint": "end-3", "repository": HERE, "bytes_out": 500}
        return self.bypass("GET", f"/v2/{HERE}/manifests/0.1", 200, user=None, **more)

    def rewrite(self) -> "Scene":
        """The proxy takes /v2 away from a path, and the registry knows none like it."""
        self.bypass("GET", f"/{HERE}/manifests/1.0", 404, bytes_out=19)
        return self.write("GET", f"/v2/{HERE}/manifests/1.0", 404, size=19)

    def write(self, method: str, path: str, status: int, **more: Any) -> "Scene":
        """A line in the proxy's log; alone, a request that the proxy answered itself, or one that never was."""
        values = {"user": USER, "size": 0, "agent": DOCKER} | more
        at = (START + timedelta(seconds=len(self.diary.events))).replace(microsecond=0)
        user, agent = values["user"], str(values["agent"])
        line = LogLine(len(self.lines) + 1, at, user, method, path, status, int(values["size"]), agent)
        if self.proxied:
            self.lines.append(line)
        return self

    def start_attempt(self) -> "Scene":
        """Nothing before this counts; the log begins here."""
        self.diary.start_attempt()
        self.lines.clear()
        return self

    def log_in(self) -> "Scene":
        """As docker login does it: asked as nobody, then by name."""
        self.write("GET", "/v2/", 401, user=None, size=179)
        return self.ask("GET", "/v2/", 200, endpoint="end-1", bytes_out=2)

    def push(self, letter: str = "a", tag: str = "1.0", repository: str = HERE, user: str | None = USER) -> "Scene":
        """The image is pushed under a tag."""
        uploads = f"/v2/{repository}/blobs/uploads/"
        here = {"repository": repository, "user": user}
        self.ask("HEAD", f"/v2/{repository}/blobs/{digest('f')}", 404, endpoint="end-2", **here)
        self.ask("POST", uploads, 202, endpoint="end-4", **here)
        self.ask("PATCH", f"{uploads}u1?_state=s1", 202, endpoint="end-5", bytes_in=5_000_000, **here)
        self.ask("PUT", f"{uploads}u1?_state=s2&digest={digest('f')}", 201, endpoint="end-6", **here)
        return self.put(letter, tag, repository, user)

    def put(self, letter: str = "a", tag: str = "1.0", repository: str = HERE, user: str | None = USER) -> "Scene":
        """A manifest is stored."""
        path = f"/v2/{repository}/manifests/{tag}"
        found = {"endpoint": "end-7", "repository": repository, "reference": tag, "digest": digest(letter)}
        return self.ask("PUT", path, 201, user=user, bytes_in=500, **found)

    def look(self, letter: str = "a", agent: str = DOCKER, user: str | None = USER) -> "Scene":
        """The manifest is asked about."""
        found = {"endpoint": "end-3", "repository": HERE, "reference": "1.0", "digest": digest(letter)}
        return self.ask("HEAD", f"/v2/{HERE}/manifests/1.0", 200, user=user, user_agent=agent, **found)

    def get(self, letter: str = "a", agent: str = DOCKER, user: str | None = USER, **more: Any) -> "Scene":
        """The manifest is got."""
        found = {"endpoint": "end-3", "repository": HERE, "reference": "1.0", "digest": digest(letter)}
        values = found | {"user_agent": agent, "bytes_out": 500} | more
        return self.ask("GET", f"/v2/{HERE}/manifests/1.0", int(values.pop("status", 200)), user=user, **values)

    def sign(self) -> "Scene":
        """The tag is looked up by cosign, which reads the manifest and pushes the signature."""
        self.get(agent=COSIGN)
        return self.ask("PUT", f"/v2/{HERE}/manifests/sha256-{'a' * 64}.sig", 201, user_agent=COSIGN, endpoint="end-7",
                        repository=HERE, reference=f"sha256-{'a' * 64}.sig", digest=digest("9"))  # fmt: skip

    def pull(self, letter: str = "a", user: str | None = USER) -> "Scene":
        """The image is got whole."""
        self.look(letter, user=user).get(letter, user=user)
        return self.ask("GET", f"/v2/{HERE}/blobs/{digest('f')}", 200, user=user, endpoint="end-2", repository=HERE,
                        digest=digest("f"), bytes_out=5_000_000)  # fmt: skip

    def log(self) -> AccessLog:
        """The proxy's log as the probe reads it."""
        path = LOG_PATH if self.proxied else ""
        return AccessLog(kept=self.proxied, proxied=self.proxied, lines=tuple(self.lines), path=path, logging=LOGGING)


def begun(*, proxied: bool = True) -> Scene:
    """The stack runs, and the student has logged in."""
    scene = Scene(proxied=proxied)
    scene.diary.note(kind="server", detail={"action": "start"})
    return scene.start_attempt().log_in()


def solved(*, proxied: bool = True) -> Scene:
    """All four steps as they should be."""
    return begun(proxied=proxied).push().sign().pull()


# --- what the grader finds

LEAF = Certificate(
    subject=f"CN={NAME}",
    issuer="CN=My CA",
    names=(NAME,),
    not_before=START - timedelta(days=1),
    not_after=START + timedelta(days=89),
    key="ECDSA P-256",
    sha256="1e" * 32,
    self_signed=False,
    common_name=NAME,
)


def handshake(leaf: Certificate = LEAF, name: str = NAME, **more: Any) -> Handshake:
    """TLS as it should be spoken."""
    values: dict[str, Any] = {
        "trusted": True,
        "authorities": (f"certs.d/{NAME}/ca.crt",),
        "version": "TLSv1.3",
        "chain": (leaf,),
    }
    return Handshake(address="127.0.0.1:8443", name=name, at=START, **values | more)


CHALLENGE = 'Basic realm="Registry"'
SHUT, LET_IN, REFUSED = Door(401, CHALLENGE), Door(200), Door(None, fault=Fault.REFUSED)


def doors(**more: Any) -> Doors:
    """Shut to all but the student."""
    values: dict[str, Any] = {"user": USER, "right": LET_IN}
    values |= dict.fromkeys(("anonymous", "wrong", "stranger", "anonymous_read", "anonymous_push"), SHUT)
    return Doors(**values | more)


IMAGES = {
    Kind.REGISTRY: "registry:2",
    Kind.NGINX: "nginx:1.25",
    Kind.CADDY: "caddy:2",
    Kind.TRAEFIK: "traefik:v3",
    Kind.OTHER: "haproxy:3",
}


def service(
    kind: Kind, ports: Mapping[int, int] | None = None, *, running: bool = True, said: str = ""
) -> StackService:
    """A service of the chapter's stack."""
    return StackService(str(kind), IMAGES[kind], kind, running, ports or {}, {}, tuple(said.splitlines()))


REGISTRY, NGINX = service(Kind.REGISTRY), service(Kind.NGINX, {443: 8443, 80: 8080})


def stack(*services: StackService, **more: Any) -> Stack:
    """The chapter's stack."""
    values: dict[str, Any] = {
        "source": "compose",
        "project": "tp2",
        "up": True,
        "services": services or (REGISTRY, NGINX),
    }
    return Stack(**values | more)


def passwords(scheme: str = "bcrypt", reader: str = "nginx", user: str = USER) -> Passwords:
    """One file with one entry."""
    return Passwords((PasswordFile("auth/htpasswd", reader, (PasswordEntry(user, scheme),)),))


def keys(tls: int = 0o600, cosign: int | None = 0o600, *, matches: bool | None = True) -> Keys:
    """Both keys, by their permissions."""
    files = (KeyFile("certs/privkey.pem", tls, "tls", matches),)
    return Keys(files if cosign is None else (*files, KeyFile("cosign.key", cosign, "cosign")))


def upload(
    location: str | None = f"{BASE}/v2/u/1", sent: int | None = 202, asked: str = BASE, opened: int = 202
) -> Upload:
    """An upload, by the Location of its beginning and the status of its bytes."""
    return Upload(asked, 5_000_001, Door(opened, location=location), None if sent is None else Door(sent))


def signature(letter: str = "a", form: str = "tag", **more: Any) -> Signature:
    """A signature that verifies."""
    values: dict[str, Any] = {"verified": True, "signed": digest(letter), "repository": f"{NAME}/{HERE}"} | more
    return Signature(form, digest(letter), **values)


def signatures(*current: Signature, **more: Any) -> Signatures:
    """Signatures of the tag's digest, with the student's key registered."""
    values: dict[str, Any] = {"key": KEY, "digest": IMAGE.digest, "current": current}
    return Signatures(**values | more)


def world(scene: Scene, root: Manifest | None = IMAGE, **more: Any) -> Facts:
    """What the grader finds after ``scene`` where ``root`` lies under tag 1.0; ``more`` replaces facts."""
    found = root.digest if root else None
    values: dict[str, Any] = {
        "task": Task(PARAMETERS, (NAME, "127.0.0.1:8443", "localhost:8443"), is_ours=False),
        "answer": Answer(401),
        "journal": scene.diary.journal(),
        "tags": Tags(("1.0",) if root else (), {"1.0": found}),
        "content": Content(root),
        "client": ClientConfig(present=True, hosts=(NAME,)),
        "store": ImageStore((f"{NAME}/{HERE}:1.0",)),
        "pack": PackFiles("d1ge57"),
        "stack": stack(),
        "handshake": handshake(),
        "doors": doors(),
        "plain": Plain(Door(301, location=f"{BASE}/v2/"), Door(400)),
        "backend": Backend({}),
        "upload": upload(),
        "passwords": passwords(),
        "keys": keys(),
        "layers": Layers(5_000_000, ()),
        "signatures": signatures(*([signature()] if root else []), digest=found),
        "access_log": scene.log(),
    }
    return Facts(**values | more)


def verdicts(facts: Facts, **more: Any) -> dict[str, Verdict]:
    """All of TP-2's verdicts by code."""
    return {verdict.check.code: verdict for verdict in run(CHECKS, facts.task, probes(facts), **more).verdicts}


def failed(found: Mapping[str, Verdict]) -> dict[str, str]:
    """The likeliest cause of each check that fails."""
    return {code: v.finding.causes[0].id for code, v in found.items() if v.status is Status.FAIL}
