"""The registry's own token endpoint: distribution's token spec (GET) and its OAuth2 form (POST)."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from starlette.responses import Response

from pyregistry.api.call import Call, in_thread
from pyregistry.api.redaction import redact
from pyregistry.auth.interface import IssuedToken, TokenRequest
from pyregistry.spec.errors import SizeInvalid

_MAX_FORM_BYTES = 64 * 1024
"""Of an OAuth2 POST; a real one has some hundred bytes. More is SIZE_INVALID."""


async def issue(call: Call) -> Response:
    """A bearer token for what the account may do of what is asked; less than was asked is no error."""
    asked = _parse_query(call) if call.request.method in ("GET", "HEAD") else _parse_form(await _read_form(call))
    detail = call.exchange.detail
    detail |= {"scopes_requested": [redact(scope) for scope in asked.scopes], "scopes_granted": []}
    issued = await in_thread(call.issuer.issue, asked)
    call.exchange.identity = issued.identity
    detail["scopes_granted"] = list(issued.granted)
    return _answer(issued)


def _parse_query(call: Call) -> TokenRequest:
    query = call.request.query_params
    return TokenRequest(
        authorization=call.request.headers.get("authorization"),
        service=query.get("service"),
        scopes=_split(query.getlist("scope")),
        account=query.get("account"),
        offline=query.get("offline_token", "").lower() == "true",
    )


def _parse_form(form: Mapping[str, str]) -> TokenRequest:
    return TokenRequest(
        authorization=None,
        service=form.get("service"),
        scopes=_split([form.get("scope", "")]),
        account=form.get("username"),
        offline=form.get("access_type") == "offline",
        form=form,
    )


async def _read_form(call: Call) -> Mapping[str, str]:
    body = bytearray()
    async for data in call.request.stream():
        body += data
        if len(body) > _MAX_FORM_BYTES:
            raise SizeInvalid(f"form: expected at most {_MAX_FORM_BYTES} bytes, got more")
    return dict(parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True))


def _split(scopes: Sequence[str]) -> tuple[str, ...]:
    """Each scope on its own; a parameter may hold several, separated by spaces."""
    return tuple(scope for several in scopes for scope in several.split())


def _answer(issued: IssuedToken) -> Response:
    """Both spellings of the token: Docker reads ``token``, OAuth2 clients ``access_token``."""
    content: dict[str, object] = {
        "token": issued.token,
        "access_token": issued.token,
        "expires_in": issued.expires_in_seconds,
        "issued_at": issued.issued_at,
        "scope": " ".join(issued.granted),
    }
    if issued.refresh_token:
        content["refresh_token"] = issued.refresh_token
    return Response(f"{json.dumps(content)}\n", media_type="application/json", headers={"Cache-Control": "no-store"})
