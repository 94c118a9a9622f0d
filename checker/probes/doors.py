"""Who is let in, tried out: at the registry's doors with four kinds of callers, on plain HTTP, and at every other port.

The right password is what ``docker login`` left on the student's machine. It is sent over TLS only, and to no other
machine but one that proves to be the registry. What a try begins it cancels, and what it asks for to be written or
deleted is nothing that there is.
"""

import secrets
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from ssl import SSLContext
from urllib.parse import urlsplit

from checker.background import started
from checker.facts import Backend, Door, Doors, Fault, NotObserved, Plain, Source, Unavailable
from checker.probes import DEADLINE_SECONDS
from checker.probes.calls import answered, ask
from checker.probes.connection import Credential, path_and_query
from checker.probes.surroundings import Address
from checker.probes.trust import Trust, unverified
from pyregistry.spec.media_types import OCI_MANIFEST

LANES = 4
"""Questions that are under way at once: with a dear bcrypt all of them in turn would take a second."""
PAUSES_SECONDS = (0.3, 0.6)
"""Before a door is tried again that turns away whoever comes too often."""
_BASE = "/v2/"
_OPENED, _BAD_REQUEST, _TOO_MANY, _TURNED_AWAY = 202, 400, 429, 503
_SUCCESSES = range(200, 300)


@dataclass(frozen=True, slots=True)
class DoorsProbe:
    """Tries who is let in.

    Attributes:
        credential: What the student's machine knows for this registry; None where it is not logged in.
        user: Whose name a wrong password is tried with, where nobody is logged in.
        repository: Of the exercise.
        reference: Likewise.
        blob: Digest of one of the exercise's blobs; None: as far as is known there is none.
    """

    address: Address
    trust: Trust
    credential: Callable[[], Credential | None]
    user: str
    repository: str
    reference: str
    blob: Callable[[], str | None] = lambda: None
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.DOORS

    def read(self) -> Doors:
        """What each caller was answered.

        Raises:
            NotObserved: One was not answered in HTTP.
        """
        known, further = self.credential(), self._further()
        asked = _at_once(self._callers(known) | further)
        return Doors(
            user=known.user if known else None,
            anonymous=asked["anonymous"],
            wrong=asked["wrong"],
            stranger=asked["stranger"],
            right=asked.get("right"),
            anonymous_read=asked["read"],
            anonymous_push=asked["push"],
            anonymous_further={name: asked[name] for name in further},
            other_name=self._by_other_name(),
            inside=asked.get("inside"),
        )

    def _callers(self, known: Credential | None) -> dict[str, Callable[[], Door]]:
        """Who calls at the front door, and what is behind it."""
        wrong = Credential(known.user if known else self.user, secrets.token_urlsafe())
        stranger = Credential(f"nobody-{secrets.token_hex(4)}", secrets.token_urlsafe())
        asks: dict[str, Callable[[], Door]] = {
            "anonymous": partial(self._ask, _BASE),
            "wrong": partial(self._ask, _BASE, wrong),
            "stranger": partial(self._ask, _BASE, stranger),
            "read": partial(self._ask, self._path(f"manifests/{self.reference}")),
            "push": self._push,
        }
        if known:
            asks["right"] = partial(self._ask, _BASE, known)
            # No manifest: to get one with the student's login would look as if they had pulled.
            asks["inside"] = partial(self._ask, self._path(f"blobs/{_digest_of_nothing()}"), known)
        return asks

    def _further(self) -> dict[str, Callable[[], Door]]:
        """What else nobody may do, by the words of ``fact``. Digest and session are of nothing that there is."""
        digest, session = _digest_of_nothing(), self._path(f"blobs/uploads/{uuid.uuid4()}")
        manifest, typed = self._path(f"manifests/{digest}"), {"Content-Type": OCI_MANIFEST}
        return {
            "anonymous-blob": lambda: self._ask(self._path(f"blobs/{self.blob() or digest}")),
            "anonymous-tags": partial(self._ask, self._path("tags/list")),
            "anonymous-catalog": partial(self._ask, "/v2/_catalog"),
            "anonymous-patch": partial(self._ask, session, method="PATCH"),
            "anonymous-finish": partial(self._ask, f"{session}?digest={digest}", method="PUT"),
            "anonymous-put": partial(self._ask, manifest, method="PUT", headers=typed, body=b"{}"),
            "anonymous-delete": partial(self._ask, manifest, method="DELETE"),
        }

    def _path(self, rest: str) -> str:
        """Something of the exercise's repository."""
        return f"/v2/{self.repository}/{rest}"

    def _push(self) -> Door:
        """An upload begun by nobody, and cancelled if it opened."""
        opened = self._ask(self._path("blobs/uploads/"), method="POST")
        if opened.status == _OPENED and opened.location:
            cancel(self.address, opened.location, unverified())
        return opened

    def _by_other_name(self) -> Door | None:
        """What is answered to a name that nobody gave the registry; None: nothing, or nothing of HTTP."""
        with suppress(NotObserved):
            other = replace(self.address, name=f"{secrets.token_hex(4)}.example")
            return ask(other, "GET", _BASE, tls=unverified())
        return None

    def _ask(
        self,
        target: str,
        caller: Credential | None = None,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Door:
        """One request over TLS."""
        login = {"Authorization": caller.basic()} if caller else {}
        tls = self.trust.for_login(self.address) if caller else unverified()
        told = login | _sized(method, body) | dict(headers or {})
        once = partial(ask, self.address, method, target, tls=tls, headers=told, body=body)
        return patiently(once, f"https://{self.address.authority()}{target}")


def _digest_of_nothing() -> str:
    """One that no content has."""
    return f"sha256:{secrets.token_hex(32)}"


def _at_once(asks: Mapping[str, Callable[[], Door]]) -> dict[str, Door]:
    """The answers by name, a few at a time.

    Raises:
        NotObserved: One was none.
    """
    names = list(asks)
    lanes = [started(partial(_in_turn, asks, names[lane::LANES])) for lane in range(LANES)]
    wait(lanes)  # so that nobody is still asking when the first reason is told
    return {name: door for lane in lanes for name, door in lane.result().items()}


def _in_turn(asks: Mapping[str, Callable[[], Door]], names: Sequence[str]) -> Mapping[str, Door]:
    """One lane."""
    return {name: asks[name]() for name in names}


def patiently(ask_once: Callable[[], Door], url: str) -> Door:
    """An answer of somebody who may turn away whoever comes too often: the grader asks much in little time.

    Raises:
        NotObserved: It was none in HTTP, or the grader was turned away again and again.
    """
    door = answered(ask_once(), url)
    for pause in PAUSES_SECONDS:
        if not _is_throttled(door):
            return door
        time.sleep(pause)
        door = answered(ask_once(), url)
    if _is_throttled(door):
        there = urlsplit(url)
        raise NotObserved(Unavailable("throttled", {"url": f"https://{there.netloc}", "status": door.status or 0}))
    return door


def _is_throttled(door: Door) -> bool:
    """Nginx answers 503 on its own where limit_req or limit_conn says so; for a server that is gone it has 502."""
    server = (door.page.server or "") if door.page else ""
    return door.status == _TOO_MANY or (door.status == _TURNED_AWAY and server.startswith("nginx"))


def cancel(address: Address, location: str, tls: SSLContext, headers: Mapping[str, str] | None = None) -> None:
    """End an upload, whatever host its Location names: it lies where it was begun."""
    ask(address, "DELETE", path_and_query(location), tls=tls, headers=headers)


def _sized(method: str, body: bytes | None) -> dict[str, str]:
    """A request that may have a body says so where it has none."""
    return {"Content-Length": "0"} if body is None and method in {"POST", "PUT", "PATCH"} else {}


@dataclass(frozen=True, slots=True)
class PlainProbe:
    """Speaks plain HTTP to the registry's name.

    Attributes:
        tls: The TLS port.
        plain: Port 80; None where the stack does not open it, which is as good as refusing.
    """

    tls: Address
    plain: Address | None
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.PLAIN

    def read(self) -> Plain:
        """What it is answered.

        Raises:
            NotObserved: Silence or garbage.
        """
        http = ask(self.plain, "GET", _BASE, tls=None) if self.plain else Door(None, fault=Fault.REFUSED)
        return Plain(http, ask(self.tls, "GET", _BASE, tls=None))


@dataclass(frozen=True, slots=True)
class BackendProbe:
    """Calls every further port of the stack, by plain HTTP and, where that is not spoken, by TLS."""

    others: Mapping[str, Address] | Unavailable
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.BACKEND

    def read(self) -> Backend | Unavailable:
        """What each answers without credentials.

        Raises:
            NotObserved: Silence or garbage.
        """
        if isinstance(self.others, Unavailable):
            return self.others
        return Backend({name: _called(address) for name, address in self.others.items()})


def _called(address: Address) -> Door:
    """What a port answers nobody: by the registry's name, else by another that lets in."""
    names = dict.fromkeys((address.name, "localhost", address.host))
    doors = [_called_by_name(replace(address, name=name)) for name in names]
    return next((door for door in doors if door.status in _SUCCESSES and not door.page), doors[0])


def _called_by_name(address: Address) -> Door:
    """What a port answers. A TLS port answers plain HTTP with 400, an alert, or by closing."""
    door = ask(address, "GET", _BASE, tls=None)
    if door.status not in {None, _BAD_REQUEST} or door.fault is Fault.REFUSED:
        return door
    spoken = ask(address, "GET", _BASE, tls=unverified())
    return door if spoken.status is None else spoken
