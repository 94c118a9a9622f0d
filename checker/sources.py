"""Which probes read an exercise: one for each source, of a registry that is known, or of a stack yet to be found."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from checker.checks import Pack
from checker.endpoints import PRIVATE, is_built
from checker.facts import NO_JOURNAL, AccessLog, Journal, NotObserved, Source, Target, Unavailable
from checker.probes import DEADLINE_SECONDS, Probe, urls
from checker.probes.access_log import AccessLogProbe
from checker.probes.connection import Connection, Credential
from checker.probes.doors import BackendProbe, DoorsProbe, PlainProbe
from checker.probes.files import ClientProbe, StoreProbe, client_credential, grader_credential
from checker.probes.journal import JournalProbe, Mark, by_agent, called, called_through
from checker.probes.keys import KeysProbe
from checker.probes.layers import LayersProbe
from checker.probes.pack import PackProbe
from checker.probes.passwords import PasswordsProbe
from checker.probes.registry import AnswerProbe, ContentProbe, TagsProbe, fetch, image_layers
from checker.probes.signature import SignatureProbe
from checker.probes.stack import StackProbe
from checker.probes.stack import read_surroundings as read_compose
from checker.probes.surroundings import Address, LocalFile, Once, Surroundings
from checker.probes.tls import HandshakeProbe, shown_certificate, unopened
from checker.probes.trust import Trust, is_here
from checker.probes.upload import UploadProbe
from checker.seal import Seal
from labs.attempts import Attempt, Endpoint
from pyregistry import __version__

PUSHING_MACHINE = "a"
DOCKER_ENGINE = "docker"
DOCKER_TRUST = Path("/etc/docker")
"""Where Docker's own daemon looks for ``certs.d``."""
GRADERS_REPOSITORY = "labcheck"
"""Below the exercise's: what an upload of the grader's is called."""
PATIENCE_SECONDS = 1.5
"""registry:2 answers first, and prints then."""
_ALWAYS = frozenset({Source.PACK, Source.ANSWER, Source.JOURNAL})
"""What the runner itself needs to know."""


def choose(attempt: Attempt, endpoint: Endpoint, pack: Pack, seal: Seal | None) -> list[Probe]:
    """One probe for each source that the checks use.

    Args:
        attempt: What the stack recorded.
        endpoint: The attempt's own registry, or another one.
        pack: The checks.
        seal: What an earlier run remembered.
    """
    every = (
        _Built(attempt, endpoint, pack, seal).probes() if is_built(attempt) else _hosted(attempt, endpoint, pack, seal)
    )
    used = _ALWAYS.union(*(check.uses for check in pack.checks))
    return [PackProbe(seal.pack if seal and seal.version == __version__ else None)] + [
        probe for probe in every if probe.source in used
    ]


# --- a registry that is known


def _hosted(attempt: Attempt, endpoint: Endpoint, pack: Pack, seal: Seal | None) -> list[Probe]:
    """Of the lab's registry, or of one that somebody else runs."""
    machine, target = _machine(attempt), pack.target(attempt.parameters)
    if endpoint.credential is not None:
        connection = Connection(endpoint, partial(grader_credential, Path(endpoint.credential)))
    else:
        connection = Connection(endpoint, partial(client_credential, machine, urlsplit(endpoint.url).netloc))
    return [
        AnswerProbe(connection),
        _journal(attempt, endpoint, connection, seal),
        TagsProbe(connection, target),
        ContentProbe(connection, target),
        ClientProbe(machine),
        StoreProbe(machine),
    ]


def _journal(attempt: Attempt, endpoint: Endpoint, connection: Connection, seal: Seal | None) -> Probe:
    """Of the registry's journal, where it keeps one for us."""
    if not endpoint.journal:
        return _Later(Source.JOURNAL, lambda: NO_JOURNAL)
    file = LocalFile(Path(endpoint.journal))
    return JournalProbe(file, attempt.horizon_seq, _mark(seal, file.path), partial(called, connection))


def _mark(seal: Seal | None, path: str) -> Mark | None:
    """Where an earlier run stopped reading this journal."""
    return Mark(seal.seq, seal.head) if seal and seal.journal == path else None


def _machine(attempt: Attempt) -> Path:
    """Docker's folder on the machine that pushes."""
    return Path(attempt.machines[PUSHING_MACHINE])


# --- a stack that the student builds


@dataclass(frozen=True, slots=True)
class _Later:
    """A probe that can only be made while reading: it must first be known where the stack is."""

    source: Source
    work: Callable[[], object]
    deadline_seconds: float = DEADLINE_SECONDS

    def read(self) -> object:
        """Find the stack, and read.

        Raises:
            NotObserved: It is not there, or cannot be read.
        """
        return self.work()


def _trust(machine: Path) -> Trust:
    """Whom the student's docker believes. The lab's shell tells whose docker it has by where that one's folder lies."""
    ours, daemon = machine / "certs.d", DOCKER_TRUST / "certs.d"
    logins: frozenset[str] = frozenset()
    with suppress(NotObserved):
        logins = frozenset(ClientProbe(machine).read().hosts)
    is_ours = os.environ.get("LAB_CERTS_D") == str(ours)
    return Trust((ours,), None if is_ours else daemon, logins)


class _Built:
    """The probes of a student's stack; they share what is found of it, and one way in.

    The stack is looked for by the first probe that runs, in that one's own thread: finding it may hang.
    """

    def __init__(self, attempt: Attempt, endpoint: Endpoint, pack: Pack, seal: Seal | None) -> None:
        self._attempt = attempt
        self._endpoint = endpoint
        self._seal = seal
        self._machine = _machine(attempt)
        self._work = Path(attempt.work)
        self._target: Target = pack.target(attempt.parameters)
        self._trust = _trust(self._machine)
        self._found = Once(self._find)
        self._connection = Once(self._connect)
        self._logged = Once(self._log)
        self._remembered = Once(self._journal)

    def probes(self) -> list[Probe]:
        """One for each source."""
        return [
            *(_Later(source, read) for source, read in self._later().items()),
            ClientProbe(self._machine),
            StoreProbe(self._machine),
        ]

    def _later(self) -> Mapping[Source, Callable[[], object]]:
        """How each source is read."""
        found, connection, target, work = self._found, self._connection, self._target, self._work
        return {
            Source.STACK: lambda: StackProbe(found()).read(),
            Source.ANSWER: lambda: AnswerProbe(connection()).read(),
            Source.JOURNAL: self._remembered,
            Source.HANDSHAKE: self._shake_hands,
            Source.DOORS: self._try_doors,
            Source.PLAIN: lambda: PlainProbe(self._door(), found().plain).read(),
            Source.BACKEND: self._try_backend,
            Source.UPLOAD: self._try_upload,
            Source.PASSWORDS: lambda: PasswordsProbe(found(), work).read(),
            Source.KEYS: lambda: KeysProbe(found(), work).read(),
            Source.TAGS: lambda: TagsProbe(connection(), target).read(),
            Source.CONTENT: lambda: ContentProbe(connection(), target).read(),
            Source.LAYERS: lambda: LayersProbe(connection(), target).read(),
            Source.SIGNATURES: lambda: SignatureProbe(connection(), target, work, self._remembered).read(),
            Source.ACCESS_LOG: self._logged,
        }

    def _find(self) -> Surroundings:
        """Where the stack is."""
        own, there = self._attempt.registries[PRIVATE], urlsplit(self._endpoint.url)
        if self._endpoint != own:
            standin = urlsplit(own.url)
            at = (standin.hostname or "", standin.port or 0) if there.hostname == own.name else None
            return urls.read_surroundings(there.hostname or "", there.port, at)
        if self._attempt.engine == DOCKER_ENGINE:
            from checker.probes.docker import read_surroundings as read_docker  # has a whole SDK behind it

            return read_docker(self._work, own.name)
        return read_compose(self._machine, self._work, own.name)

    def _door(self) -> Address:
        """The registry's TLS port.

        Raises:
            NotObserved: The stack opens none.
        """
        door = self._found().tls
        if door is None:
            raise NotObserved(Unavailable("stack-down"))
        return door

    def _credential(self) -> Credential | None:
        """What ``docker login`` left on the student's machine, under any name of the registry's."""
        door = self._door()
        names = (
            door.name,
            f"{door.name}:{door.typed}",
            f"localhost:{door.typed}",
            f"localhost:{door.port}",
            "localhost",
        )
        return next((known for name in dict.fromkeys(names) if (known := client_credential(self._machine, name))), None)

    def _connect(self) -> Connection:
        """The grader's way to what the registry holds.

        On this machine it goes to whoever shows the certificate that was shown a moment ago: what is read proves itself
        by its digests, and a certificate that nobody trusts is one red line, not ten. Elsewhere it is as strict as a
        client, for the student's login goes with it.
        """
        door = self._door()
        endpoint = Endpoint(door.name, f"https://{door.host}:{door.port}")
        if is_here(door):
            pin = shown_certificate(door)
            return Connection(endpoint, self._credential, authority=door.authority(), pin=pin)
        return Connection(endpoint, self._credential, authority=door.authority(), trust=self._trust.context(door))

    def _log(self) -> AccessLog | Unavailable:
        """What the proxy wrote down. What a container prints comes late; a file has it already."""
        found = self._found()
        logs = () if isinstance(found.access_logs, Unavailable) else found.access_logs
        is_printed = any(not isinstance(log, LocalFile) for log in logs)
        witness = self._be_heard if is_printed and found.tls is not None else None
        return AccessLogProbe(found, self._attempt.started_at, witness).read()

    def _journal(self) -> Journal | Unavailable:
        """What the stack's registry remembers; proved to be its own where the student's login gets through."""
        file = self._found().journal
        if isinstance(file, Unavailable):
            return file
        with suppress(Exception):  # the log first: a request is remembered before its line is written
            self._logged()
        # A file outlives its containers, as what a container prints does not: only there a gap is a gap.
        lasts = isinstance(file, LocalFile)
        connected = self._found().tls is not None
        probe = JournalProbe(
            file=file,
            horizon_seq=0,
            mark=_mark(self._seal, file.path) if lasts else None,
            witness=self._be_heard if connected else None,
            since=self._attempt.started_at,
            is_own=by_agent,
            is_ours=False,
            patience_seconds=PATIENCE_SECONDS,
        )
        return probe.read()

    def _be_heard(self) -> str | None:
        """What the registry must have written down, if the grader's call got through to it."""
        return called_through(self._connection(), self._target.repository)

    def _shake_hands(self) -> object:
        """TLS at the registry's door; a stack that runs without one is no mystery."""
        found = self._found()
        if found.tls is None and found.stack.services and all(service.running for service in found.stack.services):
            return unopened(self._attempt.registries[PRIVATE].name)
        return HandshakeProbe(self._door(), self._trust).read()

    def _try_doors(self) -> object:
        """Who is let in."""
        door, target = self._door(), self._target
        user = self._attempt.parameters["user"]
        return DoorsProbe(
            door, self._trust, self._credential, user, target.repository, target.tags[0], self._own_blob
        ).read()

    def _own_blob(self) -> str | None:
        """The digest of a layer of the exercise's image, as far as there is one, and it can be read."""
        with suppress(NotObserved):
            raw = fetch(self._connection(), self._target.repository, self._target.tags[0])
            return next(image_layers(self._connection(), self._target.repository, raw), None) if raw else None
        return None

    def _try_backend(self) -> object:
        """Only where something runs: of a stack that is down no open port proves anything."""
        self._door()
        return BackendProbe(self._found().others).read()

    def _try_upload(self) -> object:
        """A large upload, in a repository that nobody looks into."""
        repository = f"{self._target.repository.rpartition('/')[0]}/{GRADERS_REPOSITORY}"
        folders = () if self._endpoint != self._attempt.registries[PRIVATE] else (self._work, self._machine)
        return UploadProbe(self._door(), self._trust, self._credential, repository, folders).read()
