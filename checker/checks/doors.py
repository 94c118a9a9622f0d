"""TP-2: whom the registry lets in, by its doors and by every other way that may lead there. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from checker.checks.passwords import BCRYPT, NOBODY, users
from checker.checks.telling import pair
from checker.facts import (
    ClientConfig,
    Door,
    Doors,
    Facts,
    Kind,
    NotObserved,
    Passwords,
    Plain,
    StackService,
    Unavailable,
    known,
)
from checker.model import Cause, Evidence, Finding, Status, Value, Words

OK, UNAUTHORIZED, FORBIDDEN, TOO_MANY, SERVER_ERROR = 200, 401, 403, 429, 500
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SUCCESSES = range(200, 300)
_REFUSALS = range(400, 500)
_SERVER_ERRORS = range(500, 600)
_READS = ("anonymous-blob", "anonymous-tags", "anonymous-catalog")
"""Further doors by which a registry is read; by the others it is written to."""


def judge_auth(facts: Facts) -> Finding:
    """Nobody, a wrong password and a stranger are refused, for reading and for writing; the right password is not."""
    doors, user = known(facts.doors), facts.task.parameters["user"]
    asked = {
        "anonymous": doors.anonymous,
        "wrong-password": doors.wrong,
        "stranger": doors.stranger,
        "right-password": doors.right,
        "anonymous-read": doors.anonymous_read,
        "anonymous-push": doors.anonymous_push,
        **doors.anonymous_further,
    }
    causes = tuple(_auth_causes(doors, user, facts))
    for name, door in asked.items():
        is_told = name == "right-password" or _misses_passwords(door) or (causes and name in doors.anonymous_further)
        if door is not None and not is_told:
            _expect_verdict(door, name)
    observed = _statuses(asked, tuple(doors.anonymous_further))
    if any(cause.id == "auth.other-name" for cause in causes) and doors.other_name:
        observed["other-name"] = doors.other_name.status or "-"
    expected = dict.fromkeys(observed, UNAUTHORIZED) | {"right-password": OK}
    evidence = (Evidence("http", tuple(pair(Words(f"fact.{name}"), door) for name, door in observed.items())),)
    status = Status.FAIL if causes else Status.PASS
    return Finding(status, evidence, observed, dict(expected), causes, tuple(_login_advice(facts)))


def _statuses(asked: Mapping[str, Door | None], further: Sequence[str]) -> dict[str, Value]:
    """What each door answered; of the further ones those that are not shut."""
    statuses: dict[str, Value] = {name: door.status or "-" if door else "-" for name, door in asked.items()}
    shut = {name for name in further if statuses[name] == UNAUTHORIZED}
    rest: dict[str, Value] = {"anonymous-further": UNAUTHORIZED} if shut else {}
    return {name: status for name, status in statuses.items() if name not in shut} | rest


def _login_advice(facts: Facts) -> Iterable[Cause]:
    """Where the password lies that docker login was given."""
    if isinstance(facts.client, ClientConfig):
        names = {host.partition(":")[0] for host in facts.task.hosts}
        yield from (
            Cause("login.base64", {"host": each}) for each in facts.client.inline if each.partition(":")[0] in names
        )


def _expect_verdict(door: Door, what: str) -> None:
    """Raises NotObserved where the answer neither lets in nor keeps out."""
    if door.status is None:
        raise NotObserved(Unavailable("interrupted", {"what": what}))
    if door.status in _SERVER_ERRORS:
        raise NotObserved(Unavailable("server-error", {"status": door.status, "what": what}))


def _lets_in(door: Door) -> bool:
    """The registry itself answered: that it does not hold a thing, or takes it for wrong, is its word as well."""
    if door.page is not None:
        return False
    is_word = door.status in _REFUSALS and door.status not in {UNAUTHORIZED, FORBIDDEN, TOO_MANY}
    return is_word or door.status in _SUCCESSES


def _misses_passwords(door: Door | None) -> bool:
    """Nginx looked for the password that came, and could not read where: its own page says so."""
    return door is not None and door.page is not None and door.status == SERVER_ERROR


def _auth_causes(doors: Doors, user: str, facts: Facts) -> Iterable[Cause]:
    """Doors that stand open first, the widest first; then those that stay shut to the right password."""
    reading, pushing = _lets_in(doors.anonymous_read), _lets_in(doors.anonymous_push)
    if reading and pushing:
        yield Cause("auth.none")
    elif reading:
        yield Cause("auth.anonymous-read")
    elif pushing:
        yield Cause("auth.anonymous-push")
    elif doors.anonymous.status == UNAUTHORIZED and not doors.anonymous.challenge:
        yield Cause("auth.no-challenge")
    elif _lets_in(doors.anonymous):
        yield Cause("auth.base-open")
    elif _lets_in(doors.wrong) or _lets_in(doors.stranger):
        yield Cause("auth.any-password")
    elif doors.anonymous.status != UNAUTHORIZED:
        yield Cause("auth.not-asked", {"status": doors.anonymous.status or 0})
    yield from _side_doors(doors, reading=reading, pushing=pushing)
    yield from _right_password_causes(doors, user, facts)


def _side_doors(doors: Doors, *, reading: bool, pushing: bool) -> Iterable[Cause]:
    """Ways in that stand open beside the doors that are asked first, and are not told with those already."""
    told = {name for name in doors.anonymous_further if (reading if name in _READS else pushing)}
    opened = {name: door for name, door in doors.anonymous_further.items() if name not in told and _lets_in(door)}
    if opened:
        ways = tuple(pair(Words(f"fact.{name}"), door.status or 0) for name, door in opened.items())
        yield Cause("auth.side-door", {"ways": ways})
    is_open = doors.other_name is not None and doors.other_name.status in _SUCCESSES and _lets_in(doors.other_name)
    if is_open and not (reading or pushing or _lets_in(doors.anonymous)):
        yield Cause("auth.other-name")


def _right_password_causes(doors: Doors, user: str, facts: Facts) -> Iterable[Cause]:
    """Why the student is not let in, by what was answered and by what the files of passwords hold.

    Where they are not logged in, what a wrong password is answered tells whether they could be.
    """
    with_password = doors.right or doors.wrong
    if with_password.status == FORBIDDEN:
        yield Cause("auth.no-password-file")
    elif with_password.status == SERVER_ERROR:  # nginx may not open the file of passwords
        yield Cause("auth.password-file-unreadable")
    elif doors.right is None:
        yield Cause("auth.not-logged-in")
    elif doors.right.status == OK:
        if doors.user != user:
            yield Cause("auth.other-user", {"seen": doors.user or "-"})
    elif doors.right.status == UNAUTHORIZED:
        yield from _refusal_causes(doors.user or user, facts.passwords)
    else:
        yield Cause("auth.refused", {"status": doors.right.status or 0})


def _refusal_causes(user: str, passwords: Passwords | Unavailable) -> Iterable[Cause]:
    """The right password was refused: which file was looked into, and what stands there for this user?"""
    read = [file for file in passwords.files if file.reader != NOBODY] if isinstance(passwords, Passwords) else []
    entries = [(file, entry) for file in read for entry in file.entries if entry.user == user]
    weak = next((entry for file, entry in entries if file.reader == Kind.REGISTRY and entry.scheme != BCRYPT), None)
    if weak:
        yield Cause("auth.not-bcrypt", {"account": user, "scheme": weak.scheme})
    elif read and not entries:
        yield Cause("auth.unknown-user", {"account": user, "users": users(read)})
    else:
        yield Cause("auth.nobody", {"account": user})


def judge_plain(facts: Facts) -> Finding:
    """Plain HTTP gets nothing: it is refused, or sent to https; no password is asked for in the clear."""
    plain = known(facts.plain)
    for name, door in (("http", plain.http), ("http-on-tls-port", plain.on_tls_port)):
        if door.status in _SERVER_ERRORS:
            raise NotObserved(Unavailable("server-error", {"status": door.status or 0, "what": name}))
    seen = {"http": _door(plain.http), "http-on-tls-port": _door(plain.on_tls_port)}
    causes = tuple(_plain_causes(plain, facts.task.hosts))
    return Finding(
        Status.FAIL if causes else Status.PASS,
        tuple(Evidence("http", pair(Words(f"fact.{name}"), said)) for name, said in seen.items()),
        seen,
        {"http": "- | 301 https://…", "http-on-tls-port": "- | 400"},
        causes,
    )


def _plain_causes(plain: Plain, hosts: tuple[str, ...]) -> Iterable[Cause]:
    """What plain HTTP is given that it should not be given."""
    http = plain.http
    if http.status in _SUCCESSES and not http.page:
        yield Cause("http.open", {"status": http.status or 0})
    elif http.status == UNAUTHORIZED:
        yield Cause("http.asks-password")
    elif http.status in REDIRECTS and not _leads_home(http.location, hosts):
        yield Cause("http.redirects-elsewhere", {"location": http.location or "-"})
    if plain.on_tls_port.status in _SUCCESSES or plain.on_tls_port.status == UNAUTHORIZED:
        yield Cause("http.on-tls-port", {"status": plain.on_tls_port.status or 0})


def _leads_home(location: str | None, hosts: tuple[str, ...]) -> bool:
    """A redirect to https on one of the registry's names."""
    there = urlsplit(location or "")
    return there.scheme == "https" and there.hostname in {urlsplit(f"//{host}").hostname for host in hosts}


def _door(door: Door) -> Value:
    """What a door answered, in a word."""
    if door.status is None:
        return Words(f"said.{door.fault}") if door.fault else "-"
    return f"{door.status} {door.location}" if door.location else str(door.status)


def judge_backend(facts: Facts) -> Finding:
    """No other port that the stack opens answers as a registry to somebody without credentials."""
    doors, stack = known(facts.backend).doors, known(facts.stack)
    for name, door in doors.items():
        if door.status in _SERVER_ERRORS:
            raise NotObserved(Unavailable("server-error", {"status": door.status or 0, "what": name}))
    opened = {name: door for name, door in doors.items() if door.status in _SUCCESSES and not door.page}
    closed = [Evidence("http", pair(name, _door(door))) for name, door in doors.items()]
    published = [Evidence("stack", pair(each.name, _ports(each))) for each in stack.services] or [
        Evidence("stack", stack.source)
    ]
    return Finding(
        Status.FAIL if opened else Status.PASS,
        tuple(closed or published),
        {"open-ports": ", ".join(opened) or "-"},
        {"open-ports": "-"},
        tuple(Cause("backend.open", {"door": name, "status": door.status or 0}) for name, door in opened.items()),
    )


def _ports(service: StackService) -> str:
    """The ports that a service publishes."""
    return ", ".join(map(str, sorted(service.published))) or "-"
