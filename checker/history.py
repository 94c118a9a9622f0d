"""What the journal's events mean in the words of the exercises: access tokens, logins, pushes, pulls.

Pure selections over events; which of them is right or wrong is for the checks to say.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from checker.facts import Journal
from checker.model import Evidence, Words
from pyregistry.spec.journal import Event

CLASSIC = "pat-classic"
FINE_GRAINED = "pat-fine-grained"
NOBODY = Words("said.nobody")
"""Who came without a name."""
TOKEN_ENDPOINT = "token"  # noqa: S105  an endpoint's id in the journal
_WRITE_METHODS = frozenset({"POST", "PUT", "PATCH"})
_UPLOAD_ENDPOINTS = frozenset({"end-4", "end-5", "end-6"})
_MANIFEST_READ, _MANIFEST_WRITE, _BLOB_READ, _BLOB_DELETE = "end-3", "end-7", "end-2", "end-10"
_CREATED, _OK, _ACCEPTED, _PARTIAL, _REFUSALS_FROM = 201, 200, 202, 206, 400

# A path that names a repository, whatever its name: also what the registry refused as no name at all.
_REPOSITORY_IN_PATH = re.compile(r"/v2/(?P<name>.+)/(?:blobs|manifests|tags)/")
# scope ::= "repository:" name ":" actions   (distribution token spec)
_SCOPE = re.compile(r"repository:(?P<name>[^:\s\x00-\x1f\x7f-\x9f]+):(?P<actions>[a-z,*]*)")


def describe(event: Event) -> Evidence:
    """The event as a line of evidence that finds it again: ``journal #418 14:03:22Z PUT … 401 as anonymous``."""
    what = f"{event.method} {event.path}" if event.kind == "request" else event.detail.get("action", event.kind)
    status = "" if event.status is None else f" {event.status}"
    code = "" if event.error_code is None else f" {event.error_code}"
    told = f"journal #{event.seq} {event.at:%H:%M:%S}Z {what}{status}{code}"
    return Evidence("journal", Words("said.asked", {"request": told, "who": account(event) or NOBODY}), event.hash)


def account(event: Event) -> str | None:
    """Who asked; None is nobody.

    A registry that asks nobody for a password knows the name that came with the request and no more: the proxy before
    it asked. That the proxy does ask is for other checks to prove.
    """
    if event.actor is not None:
        return event.actor
    claimed = event.detail.get("claimed_user")
    return str(claimed) if claimed else None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A personal access token as the journal knows it, never its secret.

    Attributes:
        scopes: As they were last seen: the owner may change them.
        last: The event that says most about it: the first that shows these scopes, its creation as a rule.
        created: It was made since the attempt began.
        used: It obtained a bearer token, or wrote, since the attempt began.
        pushed: It wrote since the attempt began.
    """

    id: str
    kind: str
    scopes: tuple[str, ...]
    last: Event
    created: bool
    used: bool
    pushed: bool
    revoked: bool


def access_tokens(journal: Journal, user: str) -> Sequence[AccessToken]:
    """The tokens that ``user`` made or used since the attempt began, oldest first."""
    sightings: dict[str, list[Event]] = {}
    for event in journal.events:
        if event.actor == user and event.credential_id and (event.credential_kind or "").startswith("pat-"):
            sightings.setdefault(event.credential_id, []).append(event)
    tokens = [_access_token(identity, events, journal.horizon_seq) for identity, events in sightings.items()]
    return [token for token in tokens if token.created or token.used]


def _access_token(identity: str, events: Sequence[Event], horizon_seq: int) -> AccessToken:
    """Fold all that was seen of one token."""
    scopes = events[-1].credential_scopes
    shown = next(event for event in events if event.credential_scopes == scopes)
    since_start = [event for event in events if event.seq > horizon_seq]
    pushed = any(is_manifest_push(event) for event in since_start)
    return AccessToken(
        id=identity,
        kind=shown.credential_kind or "",
        scopes=scopes,
        last=shown,
        created=any(action(event) == "pat.created" for event in since_start),
        used=pushed or any(is_login(event) for event in since_start),
        pushed=pushed,
        revoked=any(action(event) == "pat.revoked" for event in events),
    )


def action(event: Event) -> str | None:
    """What an account event did, e.g. ``pat.created``; None for any other event."""
    return str(event.detail.get("action")) if event.kind == "account" else None


def is_login(event: Event) -> bool:
    """A bearer token was issued to somebody; with or without scopes, as ``docker login`` and a push each ask."""
    return event.endpoint == TOKEN_ENDPOINT and event.status == _OK


def is_login_refusal(event: Event) -> bool:
    """The token endpoint refused."""
    return event.endpoint == TOKEN_ENDPOINT and is_refusal(event)


def is_refusal(event: Event) -> bool:
    """The registry said no, whatever the reason."""
    return event.status is not None and event.status >= _REFUSALS_FROM


def is_manifest_push(event: Event) -> bool:
    """A manifest or index was stored."""
    return event.endpoint == _MANIFEST_WRITE and event.method == "PUT" and event.status == _CREATED


def is_manifest_attempt(event: Event) -> bool:
    """A manifest was sent, stored or not."""
    return event.endpoint == _MANIFEST_WRITE and event.method == "PUT"


def is_upload(event: Event) -> bool:
    """Bytes of a blob were accepted, or an upload session begun."""
    return event.endpoint in _UPLOAD_ENDPOINTS and event.method in _WRITE_METHODS and not is_refusal(event)


def is_manifest_pull(event: Event) -> bool:
    """A manifest was sent out whole. HEAD is no pull."""
    return event.endpoint == _MANIFEST_READ and event.method == "GET" and event.status == _OK and not event.aborted


def is_manifest_read_attempt(event: Event) -> bool:
    """Somebody asked for a manifest: GET or HEAD, answered or refused."""
    return event.endpoint == _MANIFEST_READ and event.method in {"GET", "HEAD"}


def is_blob_deletion(event: Event) -> bool:
    """A blob was taken out of a repository through the API."""
    return event.endpoint == _BLOB_DELETE and event.status == _ACCEPTED


def is_blob_pull(event: Event) -> bool:
    """A blob was sent out, whole or in part. HEAD is no pull."""
    return event.endpoint == _BLOB_READ and event.method == "GET" and event.status in {_OK, _PARTIAL}


def blob_bytes(events: Iterable[Event]) -> Mapping[str, int]:
    """By digest, the bytes of each blob that left the registry in these events; a resumed download adds up."""
    sizes: Counter[str] = Counter()
    for event in events:
        if is_blob_pull(event) and event.digest:
            sizes[event.digest] += event.bytes_out
    return sizes


def pushed_tags(event: Event) -> tuple[str, ...]:
    """The tags that a push moved: the one that it named, and those of ``?tag=`` (end-7b); none for a digest alone."""
    named = (event.reference,) if event.reference and ":" not in event.reference else ()
    return (*named, *parse_qs(urlsplit(event.path or "").query).get("tag", ()))


def write_target(event: Event) -> str | None:
    """The repository, as the client spelled it, that the request wanted to write to; None for anything else."""
    if event.endpoint == TOKEN_ENDPOINT:
        return next(iter(_scopes(event, "scopes_requested", "push")), None)
    if event.method not in _WRITE_METHODS:
        return None
    match = _REPOSITORY_IN_PATH.match(event.path or "")
    return event.repository or (match["name"] if match else None)


def is_write_refusal(event: Event) -> bool:
    """Somebody wanted to write and was not let; a bearer token that grants less than was asked is such a refusal."""
    target = write_target(event)
    if target is None:
        return False
    if event.endpoint == TOKEN_ENDPOINT and not is_refusal(event):
        return target not in _scopes(event, "scopes_granted", "push")
    return is_refusal(event)


def read_target(event: Event) -> str | None:
    """The repository that the request wanted to read, and only to read; HEAD of a blob reads nothing."""
    if event.endpoint == TOKEN_ENDPOINT:
        return None if write_target(event) else next(iter(_scopes(event, "scopes_requested", "pull")), None)
    reads = event.endpoint == _MANIFEST_READ or (event.endpoint == _BLOB_READ and event.method == "GET")
    return event.repository if reads else None


def _scopes(event: Event, name: str, wanted: str) -> Iterator[str]:
    """Repositories for which the action ``wanted`` stands among the scopes that the token event has under ``name``."""
    scopes = event.detail.get(name)
    for scope in scopes if isinstance(scopes, list) else []:
        match = _SCOPE.fullmatch(str(scope))
        if match and wanted in match["actions"].split(","):
            yield match["name"]
