"""The one boundary: exceptions become responses here and nowhere else.

A response never carries a traceback, a path of this machine or a credential; the cause goes to the log.
"""

import json
import logging
from collections.abc import Iterable, Mapping

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response

from pyregistry.api.redaction import redact
from pyregistry.api.router import MethodUnknown, PathUnknown
from pyregistry.drivers.interface import DriverError, DriverFull
from pyregistry.spec.errors import ERRORS, Denied, ErrorCode, ErrorEntry, RangeInvalid, RegistryError, Unauthorized
from pyregistry.spec.ranges import format_unsatisfied

_LOG = logging.getLogger(__name__)


class ContentRangeUnsatisfied(RangeInvalid):
    """A download asked for bytes that are not there (RFC 9110 §15.5.17).

    Args:
        detail: What was asked and what there is.
        size: Of the content, in bytes.
    """

    def __init__(self, detail: object, size: int) -> None:
        super().__init__(detail)
        self.size = size


def error_code(exc: Exception) -> ErrorCode | None:
    """The code that the exception answers with; None where it answers without one."""
    if isinstance(exc, RegistryError):
        return exc.code
    if isinstance(exc, DriverFull):
        return ErrorCode.UNAVAILABLE
    return None if isinstance(exc, PathUnknown | MethodUnknown | ClientDisconnect) else ErrorCode.UNKNOWN


def respond(exc: Exception) -> Response:
    """The response that tells the client of ``exc``."""
    match exc:
        case RegistryError():
            return _json(exc.status, exc.entries(), _headers(exc))
        case PathUnknown():
            return PlainTextResponse("404 page not found\n", 404)
        case MethodUnknown():
            return Response(status_code=405, headers={"Allow": ", ".join(exc.allowed)})
        case DriverFull():
            return _of_code(
                ErrorCode.UNAVAILABLE, "the registry's storage is full; nothing was stored, try again later"
            )
        case _:
            return _of_code(ErrorCode.UNKNOWN)


def log(exc: Exception, fields: Mapping[str, object]) -> None:
    """Write down what the client is not told: our own faults with their cause; and refusals, as registry:2 does."""
    extra = {"fields": fields}
    match exc:
        case Unauthorized() | Denied():
            _LOG.warning("error authorizing context: %s", exc.message, extra=extra)
        case RegistryError() | PathUnknown() | MethodUnknown() | ClientDisconnect():
            _LOG.debug("%s", exc, extra=extra)
        case DriverError():
            _LOG.error("storage: %s%s", exc, f": {exc.__cause__}" if exc.__cause__ else "", extra=extra)
        case _:
            _LOG.error("unexpected %s", type(exc).__name__, extra=extra, exc_info=exc)


def _headers(exc: RegistryError) -> dict[str, str]:
    if isinstance(exc, Unauthorized) and exc.challenge:
        return {"WWW-Authenticate": exc.challenge}
    if isinstance(exc, ContentRangeUnsatisfied):
        return {"Content-Range": format_unsatisfied(exc.size)}
    return {}


def _of_code(code: ErrorCode, detail: str | None = None) -> Response:
    row = ERRORS[code]
    return _json(row.status, [ErrorEntry(code, row.message, detail)], {})


def _json(status: int, entries: Iterable[ErrorEntry], headers: Mapping[str, str]) -> Response:
    body = json.dumps({"errors": [_entry(entry) for entry in entries]}, ensure_ascii=False, separators=(",", ":"))
    return Response(
        f"{redact(body)}\n".encode(errors="replace"), status, headers=dict(headers), media_type="application/json"
    )


def _entry(entry: ErrorEntry) -> dict[str, object]:
    shown: dict[str, object] = {"code": entry.code, "message": entry.message}
    return shown if entry.detail is None else shown | {"detail": entry.detail}
