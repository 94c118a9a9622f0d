"""Answers that were given before, given again from memory: in the loop, without a thread, without reading a file.

The one thing that makes a registry fast, since what is pulled is pulled again. What may be given again is told by its
``Proof`` (``store/recall.py``); who may have it is asked anew each time; and it is remembered and logged as any other.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pyregistry.api.authorization import wanted_access
from pyregistry.api.call import Wiring
from pyregistry.api.exchange import Exchange, begin, header
from pyregistry.api.remembering import EventWriter
from pyregistry.api.request_log import RequestLog
from pyregistry.api.router import Match
from pyregistry.auth.interface import AccessRequest, RequestCredentials
from pyregistry.spec.digest import Digest
from pyregistry.store.recall import Proof

MAX_ANSWER_BYTES = 256 * 1024
"""A body that is longer is read from the disk: the operating system has it in memory already, and sending it takes
longer than reading it."""

MAX_BYTES = 64 << 20
"""Of all answers that one process keeps; the one that was not wanted for longest goes first."""

_OVERHEAD_BYTES = 4096
"""Of an answer beside its body: headers, match and proof, estimated from above."""

_CONDITIONS = frozenset({b"range", b"if-none-match", b"if-range"})
"""Headers that make another answer of the same content."""

_Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was sent, what it was about, and what it rests on."""

    start: Message
    body: Message
    match: Match
    wanted: Sequence[AccessRequest]
    digest: Digest | None
    media_type: str | None
    detail: Mapping[str, object]
    proof: Proof

    @property
    def size(self) -> int:
        """Bytes that it takes in memory."""
        return len(self.body["body"]) + _OVERHEAD_BYTES


class Answers:
    """Answers by method and path, up to a number of bytes. Belongs to one event loop."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[_Key, Answer] = OrderedDict()

    def get(self, key: _Key) -> Answer | None:
        """The answer, if it still holds; one that does not is forgotten."""
        answer = self._kept.get(key)
        if answer is None:
            return None
        if not answer.proof.holds():
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return answer

    def keep(self, key: _Key, answer: Answer) -> None:
        """Keep an answer in the place of another one of that key."""
        if key in self._kept:
            self._forget(key)
        self._kept[key] = answer
        self._bytes += answer.size
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: _Key) -> None:
        self._bytes -= self._kept.pop(key).size


class Recalling:
    """The outermost layer: begins the exchange, and answers at once where that is possible.

    Args:
        app: Everybody else.
        wiring: Its controller is asked for every answer, what it cannot tell at once goes the long way; nothing is
            recalled while its health is failing.
        events: Takes the events of what is answered here,
        log: and what the logs tell of it.
    """

    def __init__(self, app: ASGIApp, wiring: Wiring, events: EventWriter, log: RequestLog) -> None:
        self._app = app
        self._wiring = wiring
        self._events = events
        self._log = log
        self._answers = Answers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        self._wiring.begun()
        exchange = begin(scope)
        if not _is_plain(scope):
            await self._app(scope, receive, send)
        elif answer := self._recall(exchange, scope):
            await send(answer.start)
            await self._events.remember(exchange, scope)
            await send(answer.body)
            self._log.write(exchange, scope)
        else:
            await self._app(scope, receive, _Keeping(send, exchange, self._answers, _key(scope)))

    def _recall(self, exchange: Exchange, scope: Scope) -> Answer | None:
        """The answer, its exchange filled in; None where there is none, or none for this client at once."""
        wiring = self._wiring
        if wiring.health is not None and wiring.health.is_failing:
            return None
        answer = self._answers.get(_key(scope))
        if answer is None:
            return None
        identity = wiring.guard.controller.recall(
            RequestCredentials(header(scope, b"authorization"), ""), answer.wanted
        )
        if identity is None:
            return None
        exchange.identity = identity
        exchange.match = answer.match
        exchange.digest = answer.digest
        exchange.media_type = answer.media_type
        exchange.detail |= answer.detail
        exchange.status = answer.start["status"]
        exchange.bytes_out = len(answer.body["body"])
        return answer


class _Keeping:
    """Passes an answer on, and keeps it if it is a success, of one piece, and proven."""

    def __init__(self, send: Send, exchange: Exchange, answers: Answers, key: _Key) -> None:
        self._send = send
        self._exchange = exchange
        self._answers = answers
        self._key = key
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        exchange = self._exchange
        if exchange.proof is not None and exchange.match is not None:
            if message["type"] == "http.response.start":
                self._start = message if message["status"] == _OK else None
            elif self._start is not None and not message.get("more_body"):
                self._keep(self._start, message, exchange.match, exchange.proof)
            else:
                self._start = None  # the answer comes in pieces
        await self._send(message)

    def _keep(self, start: Message, body: Message, match: Match, proof: Proof) -> None:
        if len(body["body"]) <= MAX_ANSWER_BYTES:
            about = self._exchange
            wanted, detail = wanted_access(match), dict(about.detail)
            self._answers.keep(
                self._key, Answer(start, body, match, wanted, about.digest, about.media_type, detail, proof)
            )


_OK = 200


def _key(scope: Scope) -> _Key:
    return scope["method"], scope["raw_path"]


def _is_plain(scope: Scope) -> bool:
    """Whether the answer depends on method and path alone."""
    if scope["method"] not in ("GET", "HEAD") or scope["query_string"]:
        return False
    return all(name not in _CONDITIONS for name, _ in scope["headers"])
