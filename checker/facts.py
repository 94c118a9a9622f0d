"""What probes read, as values. Nothing here reads, and nothing here judges.

A source that could not be read is a value too (``Unavailable``): a check that needs it becomes INCONCLUSIVE.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from pyregistry.spec.journal import Event

Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A source that did not yield its facts; ``reason`` is a message id below ``unavailable.``."""

    reason: str
    params: Mapping[str, str | int] = field(default_factory=dict)


PRINTED = "registry log"
"""``detail.source`` of an event that is known by what registry:2 prints, which does not say who asked."""

LET_IN = "let_in"
"""``detail.let_in`` of such an event: the registry asked for a password, and took the one that came."""

NO_JOURNAL = Unavailable("no-journal")
"""The registry is not ours and keeps no journal for us: what happened there cannot be known, what is there can."""


INTEGRITY_REASONS = frozenset({"journal-broken", "journal-truncated", "journal-elsewhere", "pack-changed"})
"""Not missing, but changed: nothing that rests on it can be judged."""


NOBODY_THERE = frozenset({"unreachable"})
"""Nobody answers at an address: neither a refusal, nor a word that makes no sense."""


class NotObserved(Exception):
    """A check needed a source that is ``Unavailable``; the runner turns it into INCONCLUSIVE."""

    def __init__(self, unavailable: Unavailable) -> None:
        super().__init__(unavailable.reason)
        self.unavailable = unavailable


class Source(StrEnum):
    """What can be read; each is a field of ``Facts``."""

    ANSWER = "answer"
    JOURNAL = "journal"
    TAGS = "tags"
    CONTENT = "content"
    CLIENT = "client"
    STORE = "store"
    PACK = "pack"
    STACK = "stack"
    HANDSHAKE = "handshake"
    DOORS = "doors"
    PLAIN = "plain"
    BACKEND = "backend"
    UPLOAD = "upload"
    PASSWORDS = "passwords"
    KEYS = "keys"
    LAYERS = "layers"
    SIGNATURES = "signatures"
    ACCESS_LOG = "access_log"


@dataclass(frozen=True, slots=True)
class Task:
    """The attempt as checks see it.

    Attributes:
        hosts: Names by which clients may call the registry.
        is_ours: The lab runs the registry, so that its silence is nobody's failure. A stack that the student builds is
            the student's.
        is_named: It is named by its address alone: that nobody answers there is no failure of the student's stack.
    """

    parameters: Mapping[str, str]
    hosts: tuple[str, ...]
    is_ours: bool = True
    is_named: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What an exercise wants in the registry: one repository; ``tags[0]`` is the one that is read down to its bytes."""

    repository: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The registry speaks: its status on ``/v2/`` and how far its clock is ahead of ours."""

    status: int
    clock_skew_ms: int = 0


@dataclass(frozen=True, slots=True)
class Journal:
    """The registry's memory, its chain verified from the first line; the grader's own requests are left out.

    Attributes:
        events: In order of sequence, those before the horizon included: they explain, and count for nothing.
        horizon_seq: The last sequence number before the attempt.
        head: Hash of the last line read.
        seq_to: Its sequence number.
        path: Which journal it is.
    """

    events: tuple[Event, ...]
    horizon_seq: int
    head: str
    seq_to: int
    path: str = ""

    @property
    def since_start(self) -> tuple[Event, ...]:
        """The events that count."""
        return tuple(event for event in self.events if event.seq > self.horizon_seq)


@dataclass(frozen=True, slots=True)
class Tags:
    """What the repository's tags are.

    Attributes:
        listed: All tags of the repository.
        resolved: For each wanted tag the digest of the manifest behind it, recomputed from its bytes; None is absent.
    """

    listed: tuple[str, ...]
    resolved: Mapping[str, str | None]


class BlobState(StrEnum):
    """What became of a blob when it was fetched and hashed."""

    VERIFIED = "verified"
    MISSING = "missing"
    WRONG_SIZE = "wrong-size"
    """Its bytes have the digest, and are more or fewer than its descriptor says."""
    FOREIGN = "foreign"
    """Its descriptor has URLs: it is not this registry's to hold."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob that a manifest names. ``role`` is ``config`` or ``layer``; ``size`` is the descriptor's, in bytes."""

    digest: str
    size: int
    role: str
    state: BlobState


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest, or an index with its children, proved by its digest.

    Attributes:
        platform: ``os/architecture[/variant]`` as the index says, None outside an index.
        attestation: It describes another manifest of the index and is no platform.
        labels: Of the image config; None where the config is missing or is no image config.
        missing: Digests of children that the registry does not hold.
    """

    digest: str
    media_type: str
    size: int
    platform: str | None = None
    attestation: bool = False
    blobs: tuple[Blob, ...] = ()
    labels: Mapping[str, str] | None = None
    children: tuple["Manifest", ...] = ()
    missing: tuple[str, ...] = ()

    def tree(self) -> Iterator["Manifest"]:
        """Itself and all below it."""
        yield self
        for child in self.children:
            yield from child.tree()

    def images(self) -> tuple["Manifest", ...]:
        """What runs: itself, or the real platforms of an index."""
        if not self.children and not self.missing:
            return (self,)
        return tuple(image for child in self.children if not child.attestation for image in child.images())


@dataclass(frozen=True, slots=True)
class Content:
    """The image under the target's first tag, read to its last byte; None where the tag is absent."""

    root: Manifest | None


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Docker's ``config.json`` on the pushing machine. Never holds a secret.

    Attributes:
        present: The file exists.
        hosts: Registries that it names.
        inline: Those whose secret lies in the file itself, in base64.
    """

    present: bool
    hosts: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageStore:
    """Full names of the images in the pushing machine's store. Explains; proves nothing.

    ``seen`` is False where the lab's docker never kept any: those of Docker's own engine are not to be seen.
    """

    references: tuple[str, ...] = ()
    seen: bool = True


@dataclass(frozen=True, slots=True)
class PackFiles:
    """The check files that are judging now; ``digest`` is SHA-256 hex over all of them."""

    digest: str


class Kind(StrEnum):
    """What stands for a service of the student's stack."""

    REGISTRY = "registry"
    NGINX = "nginx"
    CADDY = "caddy"
    TRAEFIK = "traefik"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class StackService:
    """One service of the student's stack.

    Attributes:
        running: It runs now.
        published: By the port that clients type, the port of this machine that leads there.
        said: The last lines that it printed, where it does not run: why it ended.
    """

    name: str
    image: str
    kind: Kind
    running: bool
    published: Mapping[int, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stack:
    """What the student brought up. ``source`` is ``compose`` (ours), ``docker`` or ``url`` (built some other way).

    Attributes:
        project: The compose project's name, None where there is none.
        up: It was brought up and not taken down since.
        refusal: Why the last try to bring it up was refused, in the refusing program's words; empty where it was not.
    """

    source: str
    project: str | None
    up: bool
    services: tuple[StackService, ...] = ()
    refusal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of a chain. Times are aware UTC; ``key`` says kind and size: ``RSA 2048``."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key: str
    sha256: str
    self_signed: bool
    common_name: str | None = None


@dataclass(frozen=True, slots=True)
class Handshake:
    """TLS as it was spoken, by a handshake of the grader's own.

    Attributes:
        address: ``host:port`` that was called.
        name: The name that the certificate was held against.
        version: ``TLSv1.3`` …; None where no handshake succeeded even without verification.
        chain: As the server sent it, the leaf first.
        trusted: It leads to a CA of the student's (``certs.d``), or one that the system trusts; name and dates aside.
        at: When, aware UTC: the chain's dates are held against it.
        fault: OpenSSL's word on the chain, where it is not trusted.
        authorities: Files of the CAs that the student trusts for this name.
        old_versions: Versions below TLS 1.2 that the server takes.
        refusal: Why docker does not call this name at all, in its words: of ``certs.d`` it reads more than CAs.
        blank: Those of ``authorities`` that hold no certificate: docker passes over them.
    """

    address: str
    name: str
    version: str | None
    chain: tuple[Certificate, ...]
    trusted: bool
    at: datetime
    fault: str | None = None
    authorities: tuple[str, ...] = ()
    old_versions: tuple[str, ...] = ()
    refusal: str | None = None
    blank: tuple[str, ...] = ()


class Fault(StrEnum):
    """What came instead of an HTTP answer. Silence and garbage are no facts: their source is ``Unavailable``."""

    REFUSED = "refused"
    """Nothing listens, or the stack opens no such port."""
    CLOSED = "closed"
    """The connection was taken, and closed without a word."""
    TLS = "tls"
    """TLS was spoken where HTTP was asked for, or the other way round."""


@dataclass(frozen=True, slots=True)
class Page:
    """What came in the place of a registry's words: a page of somebody's own.

    Attributes:
        server: Who says so of itself (the header Server); None where nobody does.
        of_registry: A registry made it, which was asked for a path that it does not know: for programs, with its header
            (Docker-Distribution-Api-Version), and in other words than the API's.
    """

    server: str | None = None
    of_registry: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """One answer: the status, and the headers that say why. None: no HTTP answer, ``fault`` says what came instead.

    Attributes:
        page: None: it speaks as a registry does, or needs no words.
        words: A registry's own on an error of its own (5xx); empty where there are none.
    """

    status: int | None
    challenge: str | None = None
    location: str | None = None
    fault: Fault | None = None
    page: Page | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Doors:
    """Who is let in, tried out on ``/v2/``, by reading, by beginning to push, and at every other kind of door.

    Attributes:
        user: Whose login the right password is; None where the student is not logged in on this machine.
        anonymous: Without credentials.
        wrong: The student's name with a password that is not theirs.
        stranger: A name that nobody has.
        right: What ``docker login`` left on the student's machine; None where nothing.
        anonymous_read: GET of the exercise's manifest (or tag list) without credentials.
        anonymous_push: POST of an upload without credentials; one that opened was cancelled.
        anonymous_further: By a word for it what else was asked without credentials. Nothing can be changed by it.
        other_name: ``/v2/`` without credentials, of the same port by a name that nobody gave it; None: no answer.
        inside: GET of a blob that is not there, with the right password; None where there is none.
    """

    user: str | None
    anonymous: Door
    wrong: Door
    stranger: Door
    right: Door | None
    anonymous_read: Door
    anonymous_push: Door
    anonymous_further: Mapping[str, Door] = field(default_factory=dict)
    other_name: Door | None = None
    inside: Door | None = None


@dataclass(frozen=True, slots=True)
class Plain:
    """Plain HTTP to the same name: port 80, and http spoken to the TLS port. A refused connection is right."""

    http: Door
    on_tls_port: Door


@dataclass(frozen=True, slots=True)
class Backend:
    """The registry's own port as others reach it: by ``service port`` what ``/v2/`` answers without credentials.

    Only ports that the stack opens to the outside are in it, besides those of the TLS door and of port 80 (``Plain``).
    """

    doors: Mapping[str, Door]


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload of ``size`` bytes in one chunk, begun with the student's login and cancelled before its end.

    Attributes:
        asked: The base that a Location must keep: ``https://registry.example.com``.
        opened: The POST; its ``location`` as the server sent it.
        sent: The PATCH with all bytes, to that location as a client resolves it; None where there was none to follow.
        free: Bytes left on the fullest disk that the student's folders lie on; None: not known, or not this machine's.
    """

    asked: str
    size: int
    opened: Door
    sent: Door | None
    free: int | None = None


class Presence(StrEnum):
    """What was found where a file should be."""

    FILE = "file"
    NOTHING = "nothing"
    FOLDER = "folder"
    """Docker makes one where what is to be mounted is missing."""


@dataclass(frozen=True, slots=True)
class PasswordEntry:
    """A line of an htpasswd file without its hash. ``scheme``: bcrypt, apr1, sha1, crypt, plain or another."""

    user: str
    scheme: str


@dataclass(frozen=True, slots=True)
class PasswordFile:
    """One htpasswd file.

    Attributes:
        reader: Who reads it: ``nginx``, ``registry`` or ``nobody``.
        presence: What was found there; other than a file it has no entries.
    """

    path: str
    reader: str
    entries: tuple[PasswordEntry, ...]
    presence: Presence = Presence.FILE


@dataclass(frozen=True, slots=True)
class Passwords:
    """All htpasswd files of the stack, and those in the student's folder that nobody reads."""

    files: tuple[PasswordFile, ...]


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key's file.

    Attributes:
        mode: Permission bits.
        purpose: ``tls`` or ``cosign``.
        matches: Whether it is the leaf certificate's key; None where that is not known.
    """

    path: str
    mode: int
    purpose: str
    matches: bool | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """Private keys of the exercise: those that the stack serves with (``tls``), and the signing key (``cosign``).

    Attributes:
        unusable: Files of certificates, and of keys, that hold none in PEM, which all programs want; by path, what each
            should hold (``certificate`` or ``key``) and what it does: ``nothing``, ``certificate``, ``key``, ``other``.
    """

    files: tuple[KeyFile, ...]
    unusable: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layers:
    """What lies inside the image under the target's first tag.

    Attributes:
        largest: Bytes of its largest layer, as pushed.
        private_keys: ``layer digest, path`` of each private key found in a layer.
    """

    largest: int
    private_keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature found for the tag's current digest, or for an earlier one of the tag.

    Attributes:
        form: ``tag`` (cosign 2; its experimental referrers too), ``bundle`` (cosign 3, by referrers or fallback tag).
        digest: The manifest that it hangs on.
        verified: It verifies with the registered key, and what is signed is that digest.
        signed: The digest that the signed words name, None where they make no sense.
        repository: The repository that they name, None where they name none.
        fault: Why it does not verify, in cosign's words.
        step: The step of the proof at which it ended: ``content``, ``shape``, ``signature`` (another key, or changed
            bytes), ``type`` or ``digest`` (the key signed another image); None where it verifies.
    """

    form: str
    digest: str
    verified: bool
    signed: str | None = None
    repository: str | None = None
    fault: str | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Signatures:
    """What is signed. ``key`` is the SHA-256 of the registered public key, None where there is none.

    Attributes:
        digest: The tag's current digest, None where the tag is absent.
        current: Signatures of that digest.
        earlier: Signatures of digests that the tag had before.
        verified_by: Other public keys of the student's folder that verify a signature of ``current``, by path.
    """

    key: str | None
    digest: str | None
    current: tuple[Signature, ...] = ()
    earlier: tuple[Signature, ...] = ()
    verified_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a proxy's access log.

    Attributes:
        at: Aware UTC, to the second or finer.
        size: The body's bytes sent.
        user_agent: Empty where the log does not tell.
        asked: False where the proxy says that it found nobody to ask, and answered by itself.
        log: Which of its logs has the line.
    """

    number: int
    at: datetime
    user: str | None
    method: str
    path: str
    status: int
    size: int
    user_agent: str
    asked: bool = True
    log: str = ""


@dataclass(frozen=True, slots=True)
class Logging:
    """How the proxy hands requests on and logs them, by the configuration that it runs with now.

    Attributes:
        since: Since when it does, aware UTC; None: not known.
        plain: It hands on as they are the requests below /v2/ that it grants, to one registry, and logs each once, in a
            format that is read: what succeeded is the registry's answer. Else nothing follows from a line that the
            registry does not know, nor from a request without one.
        readable: A log of it has such a format.
        rewrites: It asks the registry for other paths than clients ask it for.
        buffers: It keeps lines back.
    """

    since: datetime | None = None
    plain: bool = False
    readable: bool = True
    rewrites: bool = False
    buffers: bool = False


@dataclass(frozen=True, slots=True)
class AccessLog:
    """The proxy's access log since the attempt began; the grader's own requests are left out.

    Attributes:
        kept: A log is written at all; False for ``access_log off``.
        keeper: The proxy that would write it.
        proxied: There is a proxy; without one the registry's journal is the log.
        unreadable: Numbers of lines that are none, as nobody can say when they were written.
        begins_at: Since when all of its logs have lines: earlier ones may have been cleared away. None: not known.
        logging: How lines get into it now.
        read_at: When, aware UTC: later requests have no line yet. The journal is read afterwards, so that a line's
            request is in it. None where there was nothing to read.
        since: From when on both it and the registry's memory were kept; None: since the attempt began, or before. What
            a container prints goes when it is made anew.
    """

    kept: bool
    proxied: bool
    lines: tuple[LogLine, ...] = ()
    unreadable: tuple[int, ...] = ()
    path: str = ""
    read_at: datetime | None = None
    since: datetime | None = None
    keeper: Kind = Kind.NGINX
    begins_at: datetime | None = None
    logging: Logging = field(default_factory=Logging)


NOT_READ = Unavailable("not-read")
"""A source that the exercise has no probe for."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a check may look at."""

    task: Task
    answer: Answer | Unavailable
    journal: Journal | Unavailable
    tags: Tags | Unavailable
    content: Content | Unavailable
    client: ClientConfig | Unavailable
    store: ImageStore | Unavailable
    pack: PackFiles | Unavailable
    stack: Stack | Unavailable = NOT_READ
    handshake: Handshake | Unavailable = NOT_READ
    doors: Doors | Unavailable = NOT_READ
    plain: Plain | Unavailable = NOT_READ
    backend: Backend | Unavailable = NOT_READ
    upload: Upload | Unavailable = NOT_READ
    passwords: Passwords | Unavailable = NOT_READ
    keys: Keys | Unavailable = NOT_READ
    layers: Layers | Unavailable = NOT_READ
    signatures: Signatures | Unavailable = NOT_READ
    access_log: AccessLog | Unavailable = NOT_READ

    @property
    def integrity(self) -> Unavailable | None:
        """What was tampered with, if anything."""
        suspects = (source for source in (self.pack, self.journal) if isinstance(source, Unavailable))
        return next((each for each in suspects if each.reason in INTEGRITY_REASONS), None)

    @property
    def outage(self) -> Unavailable | None:
        """Why nothing at all can be judged, if so: something was tampered with, or our registry does not answer.

        Or one that was named by its address does not, and is not the student's to start.
        """
        silent = self.answer if isinstance(self.answer, Unavailable) else None
        is_nobody = silent is not None and self.task.is_named and silent.reason in NOBODY_THERE
        return self.integrity or (silent if self.task.is_ours or is_nobody else None)


SOURCE_TYPES: Mapping[Source, type] = {
    Source.ANSWER: Answer,
    Source.JOURNAL: Journal,
    Source.TAGS: Tags,
    Source.CONTENT: Content,
    Source.CLIENT: ClientConfig,
    Source.STORE: ImageStore,
    Source.PACK: PackFiles,
    Source.STACK: Stack,
    Source.HANDSHAKE: Handshake,
    Source.DOORS: Doors,
    Source.PLAIN: Plain,
    Source.BACKEND: Backend,
    Source.UPLOAD: Upload,
    Source.PASSWORDS: Passwords,
    Source.KEYS: Keys,
    Source.LAYERS: Layers,
    Source.SIGNATURES: Signatures,
    Source.ACCESS_LOG: AccessLog,
}
"""What a probe of each source yields; anything else is garbage."""


def known(value: Fact | Unavailable) -> Fact:
    """The value, when it was observed.

    Raises:
        NotObserved: It was not.
    """
    if isinstance(value, Unavailable):
        raise NotObserved(value)
    return value
