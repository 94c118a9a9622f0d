"""What can go wrong between us and a registry, each in the words that Docker prints for it."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from labs.engine.transport.challenge import Challenge
from labs.gowords import json_fault, quote
from pyregistry.spec.errors import ERRORS, ErrorCode


class TransportError(Exception):
    """Anything that keeps an image from being moved."""


class RequestFailed(TransportError):
    """No answer came, or none could be asked for: Go's ``Get "https://…": cause``.

    Attributes:
        cause: The fault itself: a text about the network, or the refusal of a token server.
    """

    def __init__(self, method: str, url: str, cause: "TransportError | str") -> None:
        super().__init__(f'{method.capitalize()} "{url}": {cause}')
        self.cause = cause


class ConnectionBroken(RequestFailed):
    """The connection was there and broke: worth another attempt."""


class CredentialsMissing(TransportError):
    """The registry wants a password and there is none."""

    def __init__(self) -> None:
        super().__init__("no basic auth credentials")


class RealmForeign(TransportError):
    """The challenge points at a token server of somebody else: credentials are not sent there (CVE-2026-33540)."""

    def __init__(self, realm: str, registry: str) -> None:
        super().__init__(f"token realm {quote(realm)} does not belong to {registry}: credentials are not sent to it")


class ContentWrong(TransportError):
    """What came is not what was asked for."""


@dataclass(frozen=True, slots=True)
class RefusalEntry:
    """One entry of an error body, as far as it is printed. ``message`` is empty where it only repeats the code."""

    code: ErrorCode
    message: str

    def __str__(self) -> str:
        """``code: message``, the code in lower case with spaces."""
        word = self.code.value.lower().replace("_", " ")
        return f"{word}: {self.message}" if self.message else word


class AnswerFault(TransportError):
    """An answer that is no success.

    Attributes:
        body: As it came: other programs than Docker tell it in other words.
    """

    def __init__(self, text: str, status: int, body: bytes = b"") -> None:
        super().__init__(text)
        self.status = status
        self.body = body


class Refusal(AnswerFault):
    """The registry said no, with an error body."""

    def __init__(self, status: int, entries: tuple[RefusalEntry, ...], body: bytes = b"") -> None:
        text = str(entries[0]) if len(entries) == 1 else "errors:\n" + "".join(f"{entry}\n" for entry in entries)
        super().__init__(text, status, body)
        self.entries = entries

    @property
    def code(self) -> ErrorCode:
        """The first entry's code; it decides how Docker words the whole."""
        return self.entries[0].code


class AnswerUnexpected(AnswerFault):
    """An answer without a usable error body: a proxy's, a web server's, a broken registry's."""


def read_refusal(status: int, body: bytes, challenges: tuple[Challenge, ...] = ()) -> Refusal | AnswerUnexpected:
    """What an error answer says (distribution's registry/client/errors.go, which Docker prints)."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.BAD_REQUEST:
        return AnswerUnexpected(f"received unexpected HTTP status: {status} {phrase(status)}".rstrip(), status, body)
    parsed = _parse_body(status, body)
    announced = _announced(challenges)
    if announced is None:
        if isinstance(parsed, AnswerUnexpected) and status == HTTPStatus.UNAUTHORIZED:
            entry = RefusalEntry(ErrorCode.UNAUTHORIZED, ERRORS[ErrorCode.UNAUTHORIZED].message)
            return Refusal(status, (entry,), body)
        return parsed
    return Refusal(status, (announced,), body)


def _announced(challenges: tuple[Challenge, ...]) -> RefusalEntry | None:
    """The OAuth error inside a challenge, which stands before the body (RFC 6750, 3.1)."""
    codes = {"invalid_token": ErrorCode.UNAUTHORIZED, "insufficient_scope": ErrorCode.DENIED}
    for challenge in challenges:
        code = codes.get(challenge.parameters.get("error", ""))
        if challenge.scheme == "bearer" and code:
            return RefusalEntry(code, challenge.parameters.get("error_description") or ERRORS[code].message)
    return None


def _parse_body(status: int, body: bytes) -> Refusal | AnswerUnexpected:
    text = body.decode(errors="replace")
    try:
        document = json.loads(text)
    except ValueError:
        fault = f"error parsing HTTP {status} response body: {json_fault(text)}: {quote(text)}"
        return AnswerUnexpected(fault, status, body)
    if isinstance(document, dict) and isinstance(document.get("details"), str) and document["details"]:
        return Refusal(status, (RefusalEntry(_code_of_status(status), document["details"]),), body)
    rows = document.get("errors") if isinstance(document, dict) else None
    entries = tuple(_parse_entry(row) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
    if not entries:
        fault = (
            f"error parsing HTTP {status} response body: no error details found in HTTP response body: {quote(text)}"
        )
        return AnswerUnexpected(fault, status, body)
    return Refusal(status, entries, body)


def _parse_entry(row: dict[str, Any]) -> RefusalEntry:
    """A message that only repeats the code's, without detail, is not printed."""
    code = next((known for known in ErrorCode if known.value == row.get("code")), ErrorCode.UNKNOWN)
    message = str(row.get("message") or "")
    repeats = row.get("detail") is None and message == ERRORS[code].message
    return RefusalEntry(code, "" if repeats else message)


def _code_of_status(status: int) -> ErrorCode:
    codes = {HTTPStatus.UNAUTHORIZED: ErrorCode.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS: ErrorCode.TOOMANYREQUESTS}
    return next((code for known, code in codes.items() if known == status), ErrorCode.UNKNOWN)


def phrase(status: int) -> str:
    """``Not Found``; empty for a number that HTTP does not know."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
