"""The token dance: a challenge's realm is asked for a bearer token (distribution's docs/spec/auth/token.md)."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from labs.certsd import is_loopback
from labs.engine.credentials import Credential
from labs.engine.transport.challenge import Challenge, parse_challenges
from labs.engine.transport.faults import ContentWrong, RealmForeign, read_refusal
from labs.engine.transport.wire import Wire

CLIENT_ID = "docker"
DEFAULT_LIFETIME_SECONDS = 60
"""Of a token whose server does not say; also the least that a client assumes."""
RENEWAL_MARGIN_SECONDS = 5
"""A token this close to its end is not used any more."""
COUNTRY_LENGTH = 2
SHARED_LEVEL_LENGTH = 3
"""Characters of a second level that many owners share under a country: ``co.uk``, ``com.au``, ``ac.jp``."""
_HOST_LABELS = 2


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    expires_at: float
    """On the clock of ``TokenSource``."""


class TokenSource:
    """Bearer tokens for one registry, kept by scope until they expire.

    Args:
        wire: How the token server is reached.
        registry_url: The registry's origin, e.g. ``https://ghcr.io``: decides where credentials may go.
        credential: Who we are, or None.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        wire: Wire,
        registry_url: str,
        credential: Credential | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire = wire
        self._registry_url = registry_url
        self._credential = credential
        self._clock = clock
        self._tokens: dict[tuple[str, ...], _Token] = {}
        self._lock = threading.Lock()

    def fetch(self, challenge: Challenge, scopes: Iterable[str]) -> str:
        """A token for these scopes, from memory while it lives.

        Raises:
            TransportError: The token server refused, cannot be reached, or is somebody else's.
        """
        wanted = tuple(sorted(set(scopes)))
        with self._lock:
            kept = self._tokens.get(wanted)
            if kept is None or kept.expires_at - RENEWAL_MARGIN_SECONDS <= self._clock():
                answer = self._ask(challenge, wanted)
                kept = self._tokens[wanted] = self._token_of(answer)
            return kept.value

    def forget(self, value: str) -> None:
        """Drop a token that the registry no longer takes; one that was renewed meanwhile stays."""
        with self._lock:
            self._tokens = {scopes: token for scopes, token in self._tokens.items() if token.value != value}

    def login(self, challenge: Challenge) -> str | None:
        """Ask for a token as ``docker login`` does; returns the identity token where the server gives one.

        Raises:
            TransportError: As ``fetch``.
        """
        answer = self._ask(challenge, (), offline=True)
        self._tokens[()] = self._token_of(answer)
        identity = answer.get("refresh_token")
        return identity if isinstance(identity, str) and identity else None

    def _ask(self, challenge: Challenge, scopes: tuple[str, ...], *, offline: bool = False) -> dict[str, Any]:
        realm = challenge.parameters.get("realm", "")
        service = challenge.parameters.get("service", "")
        if self._credential and not _same_owner(realm, self._registry_url):
            raise RealmForeign(realm, urlsplit(self._registry_url).netloc)
        if self._credential and self._credential.is_identity_token:
            return self._post(realm, _refresh_form(service, scopes, self._credential.secret))
        return self._get(realm, self._query(service, scopes, offline=offline))

    def _query(self, service: str, scopes: tuple[str, ...], *, offline: bool) -> list[tuple[str, str]]:
        account = [("account", self._credential.username)] if self._credential else []
        login = [("client_id", CLIENT_ID), ("offline_token", "true")] if offline else []
        return [*account, *login, *(("scope", scope) for scope in scopes), *([("service", service)] if service else [])]

    def _get(self, realm: str, query: list[tuple[str, str]]) -> dict[str, Any]:
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}" if query else realm
        headers = {"Authorization": format_basic(self._credential)} if self._credential else {}
        answer = self._wire.send("GET", url, headers)
        return self._read(url, answer.status, self._wire.read(answer, url), answer.headers.getlist("WWW-Authenticate"))

    def _post(self, realm: str, form: dict[str, str]) -> dict[str, Any]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._wire.send("POST", realm, headers, urlencode(form).encode())
        body = self._wire.read(answer, realm)
        return self._read(realm, answer.status, body, answer.headers.getlist("WWW-Authenticate"))

    def _read(self, url: str, status: int, body: bytes, challenges: list[str]) -> dict[str, Any]:
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise read_refusal(status, body, parse_challenges(challenges))
        try:
            answer = json.loads(body)
        except ValueError as exc:
            raise ContentWrong(f"unable to decode token response: {url.partition('?')[0]} sent no JSON") from exc
        if not isinstance(answer, dict):
            raise ContentWrong(f"unable to decode token response: {url.partition('?')[0]} sent no JSON object")
        return answer

    def _token_of(self, answer: dict[str, Any]) -> _Token:
        value = answer.get("token") or answer.get("access_token")
        if not isinstance(value, str) or not value:
            raise ContentWrong("authorization server did not include a token in the response")
        lifetime = answer.get("expires_in")
        seconds = lifetime if isinstance(lifetime, int) else 0
        return _Token(value, self._clock() + max(seconds, DEFAULT_LIFETIME_SECONDS))


def format_basic(credential: Credential) -> str:
    """The value of ``Authorization`` for a user name and password."""
    return f"Basic {b64encode(f'{credential.username}:{credential.secret}'.encode()).decode()}"


def _refresh_form(service: str, scopes: tuple[str, ...], identity_token: str) -> dict[str, str]:
    """OAuth2, the only way an identity token is used (distribution's docs/spec/auth/oauth.md)."""
    form = {"grant_type": "refresh_token", "service": service, "client_id": CLIENT_ID, "refresh_token": identity_token}
    return form | ({"scope": " ".join(scopes)} if scopes else {})


def _same_owner(realm: str, registry_url: str) -> bool:
    """Whether credentials for the registry may go to the realm: same host or domain, and no step down to plain http.

    ``auth.docker.io`` serves ``registry-1.docker.io``: the last two labels agree. Loopback only serves loopback.
    """
    there, here = urlsplit(realm), urlsplit(registry_url)
    theirs, ours = there.hostname or "", here.hostname or ""
    if there.scheme != "https" and here.scheme == "https":
        return False
    if theirs == ours:
        return True
    if is_loopback(ours) or is_loopback(theirs):
        return is_loopback(ours) and is_loopback(theirs)
    return _domain(theirs) == _domain(ours)


def _domain(host: str) -> tuple[str, ...]:
    """The registrable part of a name, near enough: two labels, three under a short second level (``co.uk``)."""
    labels = tuple(host.rstrip(".").split("."))
    if all(label.isdigit() for label in labels):
        return labels
    is_country = len(labels[-1]) == COUNTRY_LENGTH
    is_shared = len(labels) > _HOST_LABELS and is_country and len(labels[-2]) <= SHARED_LEVEL_LENGTH
    return labels[-_HOST_LABELS - 1 :] if is_shared else labels[-_HOST_LABELS:]
