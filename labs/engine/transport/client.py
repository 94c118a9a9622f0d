"""A registry as Docker reaches it: the ping picks https or http, the challenge says how to prove who we are."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urljoin, urlsplit

from urllib3.response import BaseHTTPResponse

from labs.engine.credentials import Credential
from labs.engine.reference import DEFAULT_DOMAIN
from labs.engine.transport.challenge import Challenge, parse_challenges
from labs.engine.transport.faults import (
    AnswerUnexpected,
    CredentialsMissing,
    RequestFailed,
    TransportError,
    read_refusal,
)
from labs.engine.transport.tokens import TokenSource, format_basic
from labs.engine.transport.wire import Wire

HUB_HOST = "registry-1.docker.io"
PULL = "pull"
PUSH = "push,pull"
MAX_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered. ``url`` is the one that answered, after redirects; ``authorization`` is what it was shown."""

    response: BaseHTTPResponse
    url: str
    authorization: str = ""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    def header(self, name: str) -> str | None:
        """A header, by any case of its name."""
        return self.response.headers.get(name)


class Registry:
    """One registry and who we are there. The first request finds out how it is reached.

    Args:
        wire: How names are reached.
        domain: The name as references have it: ``ghcr.io``, ``docker.io``, ``localhost:5000``.
        credential: Who we are, or None.
        asks_anyway: Without a credential the registry is asked also where it wants a password, and refuses in its own
            words, as cosign does; Docker does not ask.
    """

    def __init__(
        self, wire: Wire, domain: str, credential: Credential | None = None, *, asks_anyway: bool = False
    ) -> None:
        self.domain = domain
        self._wire = wire
        self._host = HUB_HOST if domain == DEFAULT_DOMAIN else domain
        self._credential = credential
        self._asks_anyway = asks_anyway
        self._connecting = threading.Lock()
        self._origin: str | None = None
        self._challenges: tuple[Challenge, ...] = ()
        self._tokens: TokenSource | None = None

    def connect(self) -> str:
        """Ping once; returns the origin that answers, e.g. ``https://ghcr.io``.

        Raises:
            RequestFailed: Nobody answers there, or nobody whom we trust.
        """
        with self._connecting:
            if self._origin is None:
                answer = self.discard(self._ping())
                self._learn(answer)
                parts = urlsplit(answer.url)
                self._origin = f"{parts.scheme}://{parts.netloc}"
                self._tokens = TokenSource(self._wire, self._origin, self._credential)
            return self._origin

    def login(self) -> str | None:
        """Prove who we are, as ``docker login`` does; returns an identity token where the registry gives one.

        Raises:
            TransportError: The credentials were refused, or nobody answers.
        """
        url = f"{self.connect()}/v2/"
        identity = self._login_token(url)
        response = self._wire.send("GET", url, self._headers("GET", url, (), None))
        body = self._wire.read(response, url)
        if response.status != HTTPStatus.OK:
            raise self._login_fault(url, response, body)
        return identity

    def request(
        self,
        method: str,
        target: str,
        *,
        repository: str,
        access: str = PULL,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
        accept: frozenset[int] = frozenset({HTTPStatus.OK}),
    ) -> Answer:
        """Send an authenticated request; a token that is no longer taken is renewed once, GET and HEAD are redirected.

        Args:
            method: HTTP method.
            target: Path from the registry's root, or a URL that the registry gave (``Location``).
            repository: What the token is for.
            access: Actions on it, in the scope grammar.
            headers: Further headers.
            body: Content; pieces need a Content-Length, and cannot be sent twice.
            accept: Statuses that are no refusal.

        Raises:
            Refusal: The registry said no.
            AnswerUnexpected: It said something else.
            RequestFailed: No answer, or no token.
        """
        url = urljoin(self.connect(), target)
        scopes = self._scopes(url, repository, access)
        answer = self._send(method, url, scopes, headers, body)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._may_retry(answer, body):
            answer = self._send(method, url, scopes, headers, body)
        if answer.status not in accept:
            raise self._refusal(answer)
        return answer

    def read(self, answer: Answer) -> bytes:
        """The whole body of a small answer, e.g. a manifest."""
        return self._wire.read(answer.response, answer.url)

    def stream(self, answer: Answer) -> Iterator[bytes]:
        """The body of a large answer, in pieces.

        Raises:
            ConnectionBroken: It broke off; what came before was handed out.
        """
        return self._wire.stream(answer.response, answer.url)

    def discard(self, answer: Answer) -> Answer:
        """Read away what nobody wants, so that the connection can be used again."""
        self._wire.read(answer.response, answer.url)
        return answer

    def _login_token(self, url: str) -> str | None:
        bearer = self._bearer()
        if bearer is None or self._tokens is None:
            return None
        with _naming("GET", url):
            return self._tokens.login(bearer)

    # --- who answers ---

    def _ping(self) -> Answer:
        """The first of https and (where Docker allows it) http that answers; the last fault when none does."""
        *better, last = self._wire.schemes(self._host)
        for scheme in better:
            with suppress(RequestFailed):
                return self._ping_at(scheme)
        return self._ping_at(last)

    def _ping_at(self, scheme: str) -> Answer:
        url = f"{scheme}://{self._host}/v2/"
        return Answer(self._wire.send("GET", url), url)

    # --- who we are ---

    def _learn(self, answer: Answer) -> None:
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._challenges = parse_challenges(answer.response.headers.getlist("WWW-Authenticate"))

    def _bearer(self) -> Challenge | None:
        return next((challenge for challenge in self._challenges if challenge.scheme == "bearer"), None)

    def _authorization(self, url: str, scopes: tuple[str, ...]) -> dict[str, str]:
        """The header for a request to the registry itself; requests to other origins go without.

        Raises:
            CredentialsMissing: Only a password would do.
        """
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self._origin or not self._challenges:
            return {}
        bearer = self._bearer()
        if bearer and self._tokens:
            return {"Authorization": f"Bearer {self._tokens.fetch(bearer, scopes)}"}
        if self._credential is None and self._asks_anyway:
            return {}
        if self._credential is None:
            raise CredentialsMissing
        return {"Authorization": format_basic(self._credential)}

    def _scopes(self, url: str, repository: str, access: str) -> tuple[str, ...]:
        """A mount reads another repository too."""
        sources = parse_qs(urlsplit(url).query).get("from", ())
        return (f"repository:{repository}:{access}", *(f"repository:{source}:pull" for source in sources))

    def _may_retry(self, answer: Answer, body: bytes | Iterable[bytes] | None) -> bool:
        """A refusal that says our rights do not suffice stands; an expired token or a new challenge is worth a try."""
        challenges = parse_challenges(answer.response.headers.getlist("WWW-Authenticate"))
        insufficient = any(challenge.parameters.get("error") == "insufficient_scope" for challenge in challenges)
        renewable = any(challenge.scheme == "bearer" for challenge in challenges) or not self._challenges
        rewindable = body is None or isinstance(body, bytes)
        if not challenges or insufficient or not renewable or not rewindable or self._tokens is None:
            return False
        self.discard(answer)
        self._tokens.forget(answer.authorization.removeprefix("Bearer "))
        self._challenges = challenges
        return True

    # --- requests ---

    def _send(
        self,
        method: str,
        url: str,
        scopes: tuple[str, ...],
        headers: Mapping[str, str] | None,
        body: bytes | Iterable[bytes] | None,
    ) -> Answer:
        for _ in range(MAX_REDIRECTS):
            sent = self._headers(method, url, scopes, headers)
            answer = Answer(self._wire.send(method, url, sent, body), url, sent.get("Authorization", ""))
            location = answer.header("Location")
            if answer.status not in _REDIRECTS or not location or method not in {"GET", "HEAD"}:
                return answer
            self.discard(answer)
            url = urljoin(url, location)
        raise RequestFailed(method, url, f"stopped after {MAX_REDIRECTS} redirects")

    def _headers(
        self, method: str, url: str, scopes: tuple[str, ...], headers: Mapping[str, str] | None
    ) -> dict[str, str]:
        with _naming(method, url):
            return dict(headers or {}) | self._authorization(url, scopes)

    def _refusal(self, answer: Answer) -> TransportError:
        challenges = parse_challenges(answer.response.headers.getlist("WWW-Authenticate"))
        return read_refusal(answer.status, self.read(answer), challenges)

    def _login_fault(self, url: str, response: BaseHTTPResponse, body: bytes) -> TransportError:
        status = HTTPStatus(response.status)
        if status == HTTPStatus.UNAUTHORIZED and self._bearer():
            return RequestFailed("GET", url, read_refusal(status, body))
        text = f"login attempt to {url} failed with status: {status.value} {status.phrase}"
        return AnswerUnexpected(text, status, body)


@contextmanager
def _naming(method: str, url: str) -> Iterator[None]:
    """A fault in getting a token is told as that of the request that needed it."""
    try:
        yield
    except RequestFailed:
        raise
    except TransportError as exc:
        raise RequestFailed(method, url, exc) from exc
