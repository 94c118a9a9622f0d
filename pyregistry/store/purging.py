"""Upload sessions that nobody came back to (``storage.maintenance.uploadpurging``), with registry:2's log lines.

Here and not around the store: a purge is the server's own business, and no wrapper's refusal is meant for it.
"""

import logging
from datetime import datetime

from pyregistry.drivers.interface import DriverError
from pyregistry.spec.errors import BlobUploadUnknown, RangeInvalid
from pyregistry.store.interface import UploadSession
from pyregistry.store.registry import DriverStore

_LOG = logging.getLogger(__name__)


def purge(store: DriverStore, older_than: datetime, *, dry_run: bool) -> None:
    """Drop the sessions that began before ``older_than``; a dry run only says which. What fails is logged and left."""
    _LOG.info("PurgeUploads starting: olderThan=%s, actuallyDelete=%s", older_than, str(not dry_run).lower())
    deleted = errors = 0
    try:
        for session in store.uploads.sessions(store.repositories.folders()):
            if session.started_at < older_than:
                deleted += _drop(store, session, older_than, dry_run=dry_run)
    except DriverError:
        _LOG.exception("upload purge")
        errors += 1
    _LOG.info("Purge uploads finished.  Num deleted=%d, num errors=%d", deleted, errors)


def _drop(store: DriverStore, session: UploadSession, older_than: datetime, *, dry_run: bool) -> bool:
    """Whether it went; one that is being written to, or has just ended, is none that nobody came back to."""
    _LOG.info(
        "Upload files in %s of %s have older date (%s) than purge date (%s).  Removing upload directory.",
        session.uuid,
        session.repository,
        session.started_at,
        older_than,
    )
    try:
        if not dry_run:
            store.uploads.cancel(session.repository, session.uuid)
    except (RangeInvalid, BlobUploadUnknown):
        return False
    return True
