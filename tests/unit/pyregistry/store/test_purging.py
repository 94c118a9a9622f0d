"""Upload sessions that nobody came back to: which go, which stay, and what the log says."""

from datetime import UTC, datetime, timedelta

import pytest

from pyregistry.drivers.interface import DriverError
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.errors import BlobUploadUnknown
from pyregistry.store.purging import purge
from pyregistry.store.registry import open_store
from tests.fakes.drivers import FailingDriver
from tests.fakes.pushes import an_image, append, push_image

REPOSITORY = "acme/app"
LATER = timedelta(hours=1)


def now() -> datetime:
    """Aware UTC."""
    return datetime.now(UTC)


def test_old_sessions_go_young_ones_stay(caplog: pytest.LogCaptureFixture) -> None:
    """Also in repositories that hold nothing else; what was pushed is not touched."""
    caplog.set_level("INFO", "pyregistry")
    driver = MemoryDriver()
    store, image = open_store(driver), an_image()
    push_image(store, REPOSITORY, image)
    sessions = [store.uploads.create(name) for name in (REPOSITORY, "only/began")]
    purge(store, now() - LATER, dry_run=False)
    for session in sessions:
        assert store.uploads.session(session.repository, session.uuid).offset == 0
    purge(store, now() + LATER, dry_run=False)
    for session in sessions:
        with pytest.raises(BlobUploadUnknown):
            store.uploads.session(session.repository, session.uuid)
    assert not [key for key in driver.keys("") if "_uploads" in key]
    assert store.manifests.fetch(REPOSITORY, "1.0").body == image.body
    assert "actuallyDelete=true" in caplog.text
    assert "Purge uploads finished.  Num deleted=2, num errors=0" in caplog.text


def test_a_dry_run_says_and_keeps(caplog: pytest.LogCaptureFixture) -> None:
    """Its log counts what would go, as registry:2's does."""
    caplog.set_level("INFO", "pyregistry")
    store = open_store(MemoryDriver())
    uuid = store.uploads.create(REPOSITORY).uuid
    purge(store, now() + LATER, dry_run=True)
    assert store.uploads.session(REPOSITORY, uuid).offset == 0
    assert f"Upload files in {uuid}" in caplog.text
    assert "actuallyDelete=false" in caplog.text
    assert "Num deleted=1, num errors=0" in caplog.text


def test_a_session_that_is_being_written_to_stays() -> None:
    """However long ago it began: somebody is still there."""
    store = open_store(MemoryDriver())
    uuid = store.uploads.create(REPOSITORY).uuid
    append(store, REPOSITORY, uuid, b"first")
    writer = store.uploads.writer(REPOSITORY, uuid)
    purge(store, now() + LATER, dry_run=False)
    writer.write(b"second")
    writer.close()
    assert store.uploads.session(REPOSITORY, uuid).offset == len(b"firstsecond")


def test_a_disk_that_fails_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """The purge ends and the server goes on; the next one tries again."""
    caplog.set_level("INFO", "pyregistry")
    driver = MemoryDriver()
    open_store(driver).uploads.create(REPOSITORY)
    purge(open_store(FailingDriver(driver, "delete", error=DriverError)), now() + LATER, dry_run=False)
    assert "Num deleted=0, num errors=1" in caplog.text
