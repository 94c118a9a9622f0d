"""TP-2: whether a layer of 5 MB gets through, and to the address where it belongs. Pure."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from checker.facts import Door, Facts, NotObserved, Unavailable, Upload, known
from checker.model import Cause, Evidence, Finding, Status, Value, Words

HTTPS_PORT = 443
TOO_LARGE = 413
_CHAPTERS_PROXY = "nginx"
_UNAVAILABLE = 503
_GATEWAY_ERRORS = frozenset({502, 504})
_SUCCESSES = range(200, 300)
_SERVER_ERRORS = range(500, 600)
_NOT_THERE = frozenset({200, 404, 405})
_ROOM = 4
"""Times its size that an upload needs at most: nginx keeps a copy until it has all of it, the registry another."""
_MEGABYTE = 1_000_000
# registry:2 hands on what its system says, the number of the error included; ours says it in words of its own.
_FULL = re.compile(r"no space left|storage is full|\"Err\": ?28\b", re.IGNORECASE)


def judge_upload(facts: Facts) -> Finding:
    """5 MB in one request pass the proxy, and the Location of an upload keeps scheme, host and port."""
    upload = known(facts.upload)
    opened, sent = upload.opened, upload.sent
    for name, door in (("POST", opened), ("PATCH", sent)):
        if door is not None:
            _expect_verdict(door, f"{name} /v2/…/blobs/uploads/", upload)
    observed: dict[str, Value] = {
        "location": _beginning(opened.location) if opened.location else "-",
        "upload": f"POST {opened.status}, PATCH {sent.status if sent else '-'}",
    }
    expected: dict[str, Value] = {"location": f"{upload.asked}/v2/…", "upload": "POST 202, PATCH 202"}
    causes = tuple(_upload_causes(upload.asked, upload.size, opened, sent))
    evidence = [Evidence("http", f"POST {opened.status} Location: {opened.location or '-'}")]
    if sent is not None:
        evidence.append(Evidence("http", Words("said.sent", {"size": upload.size, "status": sent.status or "-"})))
    return Finding(Status.FAIL if causes else Status.PASS, tuple(evidence), observed, expected, causes)


def _expect_verdict(door: Door, what: str, upload: Upload) -> None:
    """Raises NotObserved where the registry had troubles of its own: they tell nothing of how it is set up."""
    if door.status is None:
        raise NotObserved(Unavailable("interrupted", {"what": what}))
    is_proxys = door.status in _GATEWAY_ERRORS or (door.status == _UNAVAILABLE and door.page is not None)
    if door.status not in _SERVER_ERRORS or is_proxys:
        return
    told: dict[str, str | int] = {"what": what, "status": door.status or 0}
    said = door.words or (door.page.server if door.page else None) or "-"
    if _FULL.search(said):
        raise NotObserved(Unavailable("disk-full", told | {"said": said}))
    if upload.free is not None and upload.free < _ROOM * upload.size:
        raise NotObserved(Unavailable("disk-short", told | {"said": said, "free": upload.free // _MEGABYTE}))
    raise NotObserved(Unavailable("server-error", told | {"what": f"{what}: {said}"}))


def _upload_causes(asked: str, size: int, opened: Door, sent: Door | None) -> Iterable[Cause]:
    """Where a client would be lost: at the door, on the way that it is sent, or with what it brings."""
    if opened.status not in _SUCCESSES or opened.page:
        yield _refusal(opened, size)
    elif opened.location is None:
        yield Cause("upload.no-location")
    else:
        yield from _location_causes(asked, opened.location)
        if sent is not None and sent.status not in _SUCCESSES:
            yield _refusal(sent, size)


def _beginning(location: str) -> str:
    """What counts of an address: protocol, name and port, where it has them."""
    there = urlsplit(location)
    return f"{there.scheme}://{there.netloc}/v2/…" if there.netloc else "/v2/…"


def _refusal(door: Door, size: int) -> Cause:
    """An upload was refused."""
    if door.status == TOO_LARGE:
        is_anothers = door.page is not None and _CHAPTERS_PROXY not in (door.page.server or "").lower()
        return Cause("upload.over-limit" if is_anothers else "upload.too-large", {"size": size})
    if door.page and door.status in _NOT_THERE:
        return Cause("upload.not-passed-on", {"status": door.status, "server": door.page.server or "-"})
    return Cause("upload.refused", {"status": door.status or 0})


def _location_causes(asked: str, location: str) -> Iterable[Cause]:
    """What a Location lost on its way through the proxy; a relative one loses nothing."""
    there, here = urlsplit(location), urlsplit(asked)
    if not there.netloc:
        return
    params = {"location": f"{there.scheme}://{there.netloc}", "asked": asked}
    if there.scheme != here.scheme:
        yield Cause("upload.scheme-lost", params)
    if there.hostname != here.hostname:
        yield Cause("upload.host-changed", params)
    elif there.scheme == here.scheme and (there.port or HTTPS_PORT) != (here.port or HTTPS_PORT):
        yield Cause("upload.port-lost", params)
