r"""What registry:2 prints, read as a journal: the memory of a registry that keeps none of its own.

Of each request it prints a line ``response completed`` (or ``… with error``) of ``key=value`` pairs:

    line  ::= pair *( SP pair )
    pair  ::= key "=" ( word | <"> *( char | "\" char ) <"> )

Where it asks for passwords itself, it prints ``authorized request`` before that, with the same ``http.request.id``; the
name that it took the password of stands in lines of errors only.

Paths that it does not know, such as those of referrers, stand in its access log only, in Apache's combined format.

Lacking are who asked, how many bytes came in, and the chain that shows that nobody
changed a line: the lines lie with Docker's daemon. Of what a push by tag stored, the line does not have the digest.
What a container printed goes with it. The store remembers both: when each tag was last made to lead to each digest.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from checker.facts import LET_IN, PRINTED
from checker.probes import nginx
from pyregistry.spec.digest import Digest
from pyregistry.spec.endpoints import ENDPOINTS
from pyregistry.spec.errors import DigestInvalid
from pyregistry.spec.journal import GENESIS, Event, seal

_PAIR = re.compile(r'(?P<key>[\w.-]+)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<word>\S*))')
_COMPLETED = "response completed"
_AUTHORIZED = "authorized request"
_TAG_LINK = "_manifests/tags/*/index/*/*/link"
_PUSH, _CREATED = "end-7", 201
_TICK = timedelta(milliseconds=20)
"""Between the registry's clock and that of a file system, which may stand still for a few milliseconds."""
_NANOSECONDS = re.compile(r"(\.\d{6})\d*")
# duration ::= number ( "ns" | "µs" | "ms" | "s" ), or longer ones in "m" and "h", which no request of a lab takes
_DURATION = re.compile(r"(?P<number>[\d.]+)(?P<unit>ns|µs|ms|s)")
_SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}

_BRACES = re.compile(r"\\{(\w+)\\}")
"""A name in an endpoint's template, as ``re.escape`` leaves it."""


def _pattern(template: str) -> re.Pattern[str]:
    """Paths of a template; only repository names have slashes."""
    return re.compile(
        _BRACES.sub(lambda found: f"(?P<{found[1]}>{'.+' if found[1] == 'name' else '[^/]+'})", re.escape(template))
    )


_ENDPOINTS = tuple((row.id, row.methods, _pattern(row.template)) for row in ENDPOINTS)


def read_events(text: str) -> Iterator[Event]:
    """The requests of a log, in its order; all else that it holds is left out."""
    lines = text.splitlines()
    let_in = _let_in(lines)
    answered = {
        number: replace(event, detail={**event.detail, LET_IN: event.request_id in let_in})
        for number, line in enumerate(lines)
        if _COMPLETED in line and (event := _event(line))
    }
    told_twice = Counter(map(_of_both, answered.values()))
    for number, line in enumerate(lines):
        event = answered.get(number) or _accessed(line)
        if event is None:
            continue
        if number not in answered and told_twice[_of_both(event)]:
            told_twice[_of_both(event)] -= 1
        else:
            yield event


def _let_in(lines: Iterable[str]) -> frozenset[str]:
    """Ids of the requests whose password it took."""
    told = (_told(line) for line in lines if _AUTHORIZED in line)
    return frozenset(pairs.get("http.request.id", "") for pairs in told if pairs.get("msg") == _AUTHORIZED) - {""}


def _of_both(event: Event) -> tuple[object, ...]:
    """What both lines of a request say alike."""
    return event.method, event.path, event.status


def _accessed(line: str) -> Event | None:
    """A line of the access log; None for any other."""
    told = nginx.parse(line, 0)
    if told is None:
        return None
    endpoint, names = _match(told.method, urlsplit(told.path).path)
    return Event(
        kind="request",
        at=told.at,
        monotonic_ns=int(told.at.timestamp() * 1e9),
        user_agent=told.user_agent.replace("\\\\", "\\"),  # Go's quoting; nobody has other escapes
        method=told.method,
        path=told.path,
        endpoint=endpoint,
        repository=names.get("name"),
        reference=names.get("reference") or names.get("digest"),
        digest=_digest(told.path, names),
        status=told.status,
        bytes_out=0 if told.method == "HEAD" else told.size,
        detail={"source": PRINTED},
    )


def write_journal(events: Iterable[Event]) -> bytes:
    """Events as lines of a journal: numbered, and chained as of now. The chain proves nothing of who wrote the log."""
    previous, lines = GENESIS, []
    for seq, event in enumerate(events, start=1):
        previous, line = seal(event, seq, previous)
        lines.append(line)
    return b"".join(lines)


def parse_time(text: str) -> datetime:
    """Go's RFC 3339 with nanoseconds. Raises ValueError."""
    return datetime.fromisoformat(_NANOSECONDS.sub(r"\1", text)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Tagging:
    """The last time that a tag was made to lead to a digest, as registry:2's store keeps it. ``at`` is aware UTC."""

    repository: str
    tag: str
    digest: str
    at: datetime

    def as_push(self) -> Event:
        """The request that must have done it."""
        return Event(
            kind="request",
            at=self.at,
            monotonic_ns=int(self.at.timestamp() * 1e9),
            method="PUT",
            path=f"/v2/{self.repository}/manifests/{self.tag}",
            endpoint=_PUSH,
            repository=self.repository,
            reference=self.tag,
            digest=self.digest,
            status=_CREATED,
            detail={"source": PRINTED},
        )

    def is_of(self, event: Event) -> bool:
        """It happened while the request was answered."""
        late = timedelta(milliseconds=float(str(event.detail.get("duration_ms", 0)))) + _TICK
        return (self.repository, self.tag) == (event.repository, event.reference) and (
            event.at - _TICK <= self.at <= event.at + late
        )


def read_store(root: Path) -> Sequence[Tagging]:
    """All taggings of a store of registry:2's layout, in their order.

    Raises:
        OSError: It cannot be read.
    """
    repositories = root / "docker" / "registry" / "v2" / "repositories"
    return sorted((_tagging(repositories, link) for link in repositories.rglob(_TAG_LINK)), key=attrgetter("at"))


def _tagging(repositories: Path, link: Path) -> Tagging:
    """Of ``NAME/_manifests/tags/TAG/index/ALGORITHM/ENCODED/link``."""
    encoded, algorithm, _, tag, *_ = link.relative_to(repositories).parts[-2::-1]
    name = str(link.parents[6].relative_to(repositories))
    return Tagging(name, tag, f"{algorithm}:{encoded}", datetime.fromtimestamp(link.stat().st_mtime, UTC))


def completed(events: Sequence[Event], taggings: Sequence[Tagging], since: datetime) -> Iterator[Event]:
    """The events with what the store knows: pushes before ``since``, when the log began, and digests of later ones."""
    yield from (tagging.as_push() for tagging in taggings if tagging.at < since)
    for event in events:
        lacking = event.endpoint == _PUSH and event.status == _CREATED and event.digest is None
        found = next((tagging for tagging in taggings if tagging.is_of(event)), None) if lacking else None
        yield replace(event, digest=found.digest) if found else event


def _told(line: str) -> dict[str, str]:
    """The pairs of a line."""
    return {pair["key"]: _unquoted(pair) for pair in _PAIR.finditer(line)}


def _event(line: str) -> Event | None:
    """One request; None for a line that only looks like one."""
    told = _told(line)
    if not told.get("msg", "").startswith(_COMPLETED) or "http.request.method" not in told:
        return None
    try:
        status, written = int(told["http.response.status"]), int(told["http.response.written"])
        ended = parse_time(told["time"])
    except (KeyError, ValueError):
        return None
    method, target = told["http.request.method"], told.get("http.request.uri", "")
    endpoint, names = _match(method, urlsplit(target).path)
    took = _duration(told.get("http.response.duration", ""))
    return Event(
        kind="request",
        at=ended - took,
        monotonic_ns=int((ended - took).timestamp() * 1e9),
        actor=told.get("auth.user.name"),
        peer=told.get("http.request.remoteaddr"),
        user_agent=told.get("http.request.useragent"),
        host=told.get("http.request.host"),
        method=method,
        path=target,
        endpoint=endpoint,
        repository=names.get("name"),
        reference=names.get("reference") or names.get("digest"),
        digest=_digest(target, names),
        status=status,
        error_code=told["err.code"].upper().replace(" ", "_") if "err.code" in told else None,
        bytes_out=0 if method == "HEAD" else written,  # it counts what it would have sent
        request_id=told.get("http.request.id"),
        detail={"source": PRINTED, "duration_ms": took / timedelta(milliseconds=1)},
    )


def _unquoted(pair: re.Match[str]) -> str:
    """Go's quoting; what JSON does not read of it is taken as it is."""
    quoted = pair["quoted"]
    if quoted is None:
        return pair["word"]
    try:
        return str(json.loads(f'"{quoted}"'))
    except ValueError:
        return quoted


def _duration(text: str) -> timedelta:
    """How long the answer took; nothing where that is not told in a way we read."""
    found = _DURATION.fullmatch(text)
    return timedelta(seconds=float(found["number"]) * _SECONDS[found["unit"]]) if found else timedelta()


def _match(method: str, path: str) -> tuple[str | None, dict[str, str]]:
    """Which endpoint was asked, and the names in its path."""
    for identity, methods, pattern in _ENDPOINTS:
        if method in methods and (found := pattern.fullmatch(path)):
            return identity, found.groupdict()
    return None, {}


def _digest(target: str, names: dict[str, str]) -> str | None:
    """The digest that the request names itself."""
    asked = parse_qs(urlsplit(target).query).get("digest", [])
    for text in filter(None, (names.get("digest"), names.get("reference"), *asked)):
        with suppress(DigestInvalid):
            return str(Digest.parse(text))
    return None
