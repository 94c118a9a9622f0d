"""A file that says who may come in breaks while the registry serves: 503, one line in the log, and then all is well."""

import logging
from pathlib import Path

import pytest

from pyregistry.accounts.htpasswd import format_line
from pyregistry.auth.guards import guard_for
from pyregistry.auth.interface import AccessRequest, RequestCredentials
from pyregistry.config.settings import HtpasswdAuth
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import Unavailable
from pyregistry.spec.identity import Identity
from tests.unit.pyregistry.auth.door import BASE_URL, Door, basic
from tests.unit.pyregistry.auth.test_guards import open_settings

PULL = ("acme/app", Access.PULL)


def test_a_broken_password_file_is_said_once_with_its_line_and_heals(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The client learns neither path nor line; the log learns both, once, and that it is over."""
    path = tmp_path / "htpasswd"
    good = format_line("alice", "secret", 4)
    path.write_text(good, encoding="utf-8")
    controller = guard_for(open_settings(HtpasswdAuth("Lab", path))).controller
    credentials = RequestCredentials(basic("secret", "alice"), BASE_URL)
    wanted = [AccessRequest(*PULL)]
    assert controller.authorize(credentials, wanted)
    path.write_text(f"{good}\nbob\n", encoding="utf-8")
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            with pytest.raises(Unavailable) as refused:
                controller.authorize(credentials, wanted)
            assert str(path) not in str(refused.value.detail)
        assert [record.message for record in caplog.records] == [
            f"nobody can come in: {path}: htpasswd: invalid entry at line 2"
        ]
        path.write_text(f"{good}\n", encoding="utf-8")
        assert controller.authorize(credentials, wanted) == Identity("alice", "password")
    assert [record.message for record in caplog.records][1:] == ["who may come in can be read again"]


@pytest.mark.parametrize("broken", ["{", "[]", '{"schema": "pyregistry/accounts/1"}', ""])
def test_broken_accounts_are_503_at_both_doors(tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str) -> None:
    """The registry and its token endpoint both say 503 with one line between them; the mended file lets in again."""
    door = Door(tmp_path, None)
    secret, _ = door.make_pat("alice", "write:packages")
    token = door.login(secret, "repository:acme/app:pull").token
    good = door.accounts.path.read_bytes()
    door.accounts.path.write_text(broken, encoding="utf-8")
    with pytest.raises(Unavailable):
        door.knock(f"Bearer {token}", PULL)
    with pytest.raises(Unavailable):
        door.login(secret)
    (record,) = caplog.records
    assert record.message.startswith(f"nobody can come in: {door.accounts.path}: expected an accounts file")
    door.accounts.path.write_bytes(good)
    assert door.knock(f"Bearer {token}", PULL).account == "alice"
