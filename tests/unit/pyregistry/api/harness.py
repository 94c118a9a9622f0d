"""The application in this process: over a store in memory, with a guard and a journal that tests can look into."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message

from pyregistry.api.app import build_app
from pyregistry.api.call import Wiring
from pyregistry.auth.interface import AccessController, AccessRequest, Guard, RequestCredentials
from pyregistry.config.settings import HttpSettings, MemoryStorage, Settings, StorageSettings, TcpAddress
from pyregistry.drivers.interface import Driver
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.health import Health
from pyregistry.journal import JournalError
from pyregistry.spec.errors import Denied, Unauthorized
from pyregistry.spec.identity import ANONYMOUS, Identity
from pyregistry.spec.journal import Event
from pyregistry.store.configured import wrap
from pyregistry.store.interface import Store
from pyregistry.store.recall import Prover
from pyregistry.store.registry import open_store

HTTP = HttpSettings(TcpAddress("127.0.0.1", 5000), secret="a secret of these tests")
SETTINGS = Settings(Path("config.yml"), StorageSettings(MemoryStorage(), delete_enabled=True), HTTP)
ALICE = Identity("alice", "pat-classic", "id-1", ("write:packages",))


@dataclass
class RememberedEvents:
    """A journal in a list. ``fails`` makes it one that cannot be written."""

    events: list[Event] = field(default_factory=list)
    fails: bool = False

    def append(self, event: Event) -> Event:
        """Remember."""
        if self.fails:
            raise JournalError("journal.jsonl: no space left on device")
        self.events.append(event)
        return event

    def append_all(self, events: Sequence[Event]) -> None:
        """Remember."""
        for event in events:
            self.append(event)


@dataclass
class Doorkeeper:
    """A controller that knows one account, by the header ``Authorization: alice``, and what it may do.

    Attributes:
        allowed: What alice may do; None means everything.
        asked: What was wanted, request by request.
    """

    allowed: Sequence[AccessRequest] | None = None
    asked: list[list[AccessRequest]] = field(default_factory=list)

    def authorize(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity:
        """Alice, or a refusal."""
        self.asked.append(list(wanted))
        if credentials.authorization != "alice":
            scopes = " ".join(f"{request.repository}:{request.access}" for request in wanted)
            raise Unauthorized(challenge=f'Bearer realm="{credentials.base_url}/token",scope="{scopes}"')
        if self.allowed is not None and any(request not in self.allowed for request in wanted):
            raise Denied(identity=ALICE)
        return ALICE

    def recall(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity | None:
        """Alice, where she is let in."""
        try:
            return self.authorize(credentials, wanted)
        except (Unauthorized, Denied):
            return None


class OpenDoor:
    """Lets everybody in."""

    def authorize(self, _credentials: RequestCredentials, _wanted: Sequence[AccessRequest]) -> Identity:
        """Nobody in particular."""
        return ANONYMOUS

    def recall(self, _credentials: RequestCredentials, _wanted: Sequence[AccessRequest]) -> Identity | None:
        """As ever."""
        return ANONYMOUS


@dataclass(frozen=True)
class Sent:
    """What the application answered.

    Attributes:
        messages: The ASGI messages in order.
        events_at_end: How many events the journal had when the last bytes left; None when they never did.
    """

    messages: Sequence[Message]
    events_at_end: int | None

    @property
    def status(self) -> int:
        """Status of the answer."""
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields, names in lower case."""
        return {name.decode().lower(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        """The body."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def codes(self) -> list[str]:
        """Error codes of the body."""
        return [entry["code"] for entry in json.loads(self.body)["errors"]]


class Application:
    """The wired application, one request at a time."""

    def __init__(
        self,
        *,
        store: Store | None = None,
        driver: Driver | None = None,
        controller: AccessController | None = None,
        guard: Guard | None = None,
        settings: Settings = SETTINGS,
        lacking_endpoints: frozenset[str] = frozenset(),
        health: Health | None = None,
        prover: Prover | None = None,
    ) -> None:
        self.journal = RememberedEvents()
        self.store = wrap(store or open_store(driver or MemoryDriver()), settings)
        self.guard = guard or Guard(controller or OpenDoor())
        self.app = build_app(
            Wiring(settings, self.store, self.guard, self.journal, lacking_endpoints, health, prover=prover)
        )

    @property
    def event(self) -> Event:
        """The last event."""
        return self.journal.events[-1]

    def request(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] | None = None,
        *,
        gone_after: int | None = None,
    ) -> Sent:
        """One exchange.

        Args:
            method: HTTP method.
            target: Path and query, percent-encoded.
            body: Content, or the pieces in which it arrives.
            headers: Request headers.
            gone_after: The client leaves after so many pieces of the request, or messages of the answer.
        """
        pieces = [body] if isinstance(body, bytes) else list(body)
        return asyncio.run(
            exchange(self.app, scope(method, target, pieces, headers or {}), pieces, gone_after, self.journal)
        )


def scope(method: str, target: str, pieces: Sequence[bytes], headers: Mapping[str, str]) -> dict[str, Any]:
    """The ASGI scope that Granian would make."""
    path, _, query = target.partition("?")
    fields = {"host": "registry.test", **headers}
    if any(pieces) and "transfer-encoding" not in fields:
        fields.setdefault("content-length", str(sum(map(len, pieces))))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
        "client": ("127.0.0.1", "40000"),
        "server": ("127.0.0.1", "5000"),
    }


async def exchange(
    app: ASGIApp, scope_: dict[str, Any], pieces: Sequence[bytes], gone_after: int | None, journal: RememberedEvents
) -> Sent:
    """Play the client: send the pieces, collect the answer, leave when told to."""
    gone = asyncio.Event()
    arriving = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
        for number, piece in enumerate(pieces, start=1)
    ]
    if gone_after is not None and gone_after < len(pieces):
        arriving[gone_after:] = []
        gone.set()
    messages: list[Message] = []
    events_at_end = None

    async def receive() -> Message:
        if arriving:
            return arriving.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal events_at_end
        messages.append(message)
        if gone_after is not None and len(messages) >= gone_after:
            gone.set()
        if message["type"] == "http.response.body" and not message.get("more_body"):
            events_at_end = len(journal.events)
        await asyncio.sleep(0)

    await app(scope_, receive, send)
    return Sent(messages, events_at_end)


def settings(**http: Any) -> Settings:
    """The default settings with other ``http`` values."""
    return replace(SETTINGS, http=replace(HTTP, **http))
