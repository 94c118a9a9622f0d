"""Who is let in, tried out: at the registry's door with four kinds of callers, on plain HTTP, and at every other port.

The right password is what ``docker login`` left on the student's machine. It is sent over TLS only, and to no other
machine but one that proves to be the registry. What a try begins it cancels.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ssl import SSLContext

from checker.facts import Backend, Door, Doors, Fault, Plain, Source, Unavailable
from checker.probes import DEADLINE_SECONDS
from checker.probes.calls import answered, ask
from checker.probes.connection import Credential, path_and_query
from checker.probes.surroundings import Address
from checker.probes.trust import Trust, unverified

_BASE = "/v2/"
_OPENED, _BAD_REQUEST = 202, 400


@dataclass(frozen=True, slots=True)
class DoorsProbe:
    """Tries who is let in.

    Attributes:
        credential: What the student's machine knows for this registry; None where it is not logged in.
        user: Whose name a wrong password is tried with, where nobody is logged in.
        repository: Of the exercise.
        reference: Likewise.
    """

    address: Address
    trust: Trust
    credential: Callable[[], Credential | None]
    user: str
    repository: str
    reference: str
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.DOORS

    def read(self) -> Doors:
        """What each caller was answered.

        Raises:
            NotObserved: One was not answered in HTTP.
        """
        known = self.credential()
        return Doors(
            user=known.user if known else None,
            anonymous=self._ask(_BASE),
            wrong=self._ask(_BASE, Credential(known.user if known else self.user, secrets.token_urlsafe())),
            stranger=self._ask(_BASE, Credential(f"nobody-{secrets.token_hex(4)}", secrets.token_urlsafe())),
            right=self._ask(_BASE, known) if known else None,
            anonymous_read=self._ask(f"/v2/{self.repository}/manifests/{self.reference}"),
            anonymous_push=self._push(),
        )

    def _push(self) -> Door:
        """An upload begun by nobody, and cancelled if it opened."""
        opened = self._ask(f"/v2/{self.repository}/blobs/uploads/", method="POST")
        if opened.status == _OPENED and opened.location:
            cancel(self.address, opened.location, unverified())
        return opened

    def _ask(self, target: str, caller: Credential | None = None, method: str = "GET") -> Door:
        """One request over TLS."""
        headers = {"Authorization": caller.basic()} if caller else {}
        tls = self.trust.for_login(self.address) if caller else unverified()
        door = ask(self.address, method, target, tls=tls, headers=headers | _sized(method))
        return answered(door, f"https://{self.address.authority()}{target}")


def cancel(address: Address, location: str, tls: SSLContext, headers: Mapping[str, str] | None = None) -> None:
    """End an upload, whatever host its Location names: it lies where it was begun."""
    ask(address, "DELETE", path_and_query(location), tls=tls, headers=headers)


def _sized(method: str) -> dict[str, str]:
    """A POST without a body says so."""
    return {"Content-Length": "0"} if method == "POST" else {}


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
    """What a port answers nobody. A TLS port answers plain HTTP with 400, an alert, or by closing."""
    door = ask(address, "GET", _BASE, tls=None)
    if door.status not in {None, _BAD_REQUEST} or door.fault is Fault.REFUSED:
        return door
    spoken = ask(address, "GET", _BASE, tls=unverified())
    return door if spoken.status is None else spoken
