"""Sends a large upload through the registry's door as a client would, and takes it back before its end."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from checker.facts import Door, NotObserved, Source, Unavailable, Upload
from checker.probes import DEADLINE_SECONDS
from checker.probes.calls import ask
from checker.probes.connection import Credential, path_and_query
from checker.probes.doors import cancel, patiently
from checker.probes.surroundings import HTTPS_PORT, Address
from checker.probes.trust import Trust

UPLOAD_BYTES = 5_000_001
"""A byte more than the exercise's own layer has."""
_OPENED, _SERVER_ERROR = 202, 500


@dataclass(frozen=True, slots=True)
class UploadProbe:
    """Tries an upload.

    Attributes:
        credential: What the student's machine knows for this registry.
        repository: Of the grader's own: nobody looks for anything in it.
        folders: Where the stack may keep what it is sent: their disks are looked at where it fails.
    """

    address: Address
    trust: Trust
    credential: Callable[[], Credential | None]
    repository: str
    folders: tuple[Path, ...] = ()
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.UPLOAD

    def read(self) -> Upload:
        """What POST and PATCH were answered.

        Raises:
            NotObserved: Nobody is logged in, or there was no answer in HTTP.
        """
        found = self._tried()
        has_failed = any(door and (door.status or 0) >= _SERVER_ERROR for door in (found.opened, found.sent))
        return replace(found, free=min(_free(self.folders), default=None)) if has_failed else found

    def _tried(self) -> Upload:
        """How it went."""
        asked = f"https://{self.address.authority()}"
        known = self.credential()
        if known is None:
            raise NotObserved(Unavailable("login-needed", {"url": asked, "name": self.address.authority()}))
        headers = {"Authorization": known.basic()}
        opened = self._ask("POST", f"/v2/{self.repository}/blobs/uploads/", headers | {"Content-Length": "0"})
        if opened.status != _OPENED or not opened.location:
            return Upload(asked, UPLOAD_BYTES, opened, None)
        try:
            return Upload(asked, UPLOAD_BYTES, opened, self._send(asked, opened.location, headers))
        finally:
            with suppress(NotObserved):  # an upload that nobody goes on with holds nothing
                cancel(self.address, opened.location, self.trust.for_login(self.address), headers)

    def _send(self, asked: str, location: str, headers: dict[str, str]) -> Door | None:
        """The bytes, to where the location leads; None where that is not the registry's door any more."""
        url = urljoin(f"{asked}/v2/", location)
        there = urlsplit(url)
        if _base(there.scheme, there.hostname, there.port) != _base("https", self.address.name, self.address.typed):
            return None
        more = {"Content-Type": "application/octet-stream"}
        return self._ask("PATCH", path_and_query(url), headers | more, bytes(UPLOAD_BYTES))

    def _ask(self, method: str, target: str, headers: dict[str, str], body: bytes | None = None) -> Door:
        """One request over TLS."""
        tls = self.trust.for_login(self.address)
        url = f"https://{self.address.authority()}{target.partition('?')[0]}"
        return patiently(partial(ask, self.address, method, target, tls=tls, headers=headers, body=body), url)


def _free(folders: tuple[Path, ...]) -> Iterator[int]:
    """Bytes that are left where these folders lie."""
    for folder in folders:
        with suppress(OSError):
            yield shutil.disk_usage(folder).free


def _base(scheme: str, host: str | None, port: int | None) -> tuple[str, str, int | None]:
    """Scheme, host and port that a URL leads to."""
    return scheme, host or "", port or (HTTPS_PORT if scheme == "https" else None)
