"""The guard that a configuration asks for, in registry:2's own words where no twin speaks."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pyregistry.accounts.htpasswd import format_line
from pyregistry.auth.guards import guard_for
from pyregistry.auth.interface import AccessRequest, RequestCredentials, TokenRequest
from pyregistry.config import Settings
from pyregistry.config.settings import HtpasswdAuth, HttpSettings, MemoryStorage, StorageSettings, TcpAddress
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import Unauthorized, Unsupported
from pyregistry.spec.identity import ANONYMOUS, Identity
from tests.unit.pyregistry.auth.door import BASE_URL, Door, basic, settings_for

PUSH = ("acme/app", Access.PUSH)
REALM = f'Bearer realm="{BASE_URL}/auth/token",service="pyregistry"'


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """Accounts and no twin."""
    return Door(tmp_path, None)


def open_settings(auth: HtpasswdAuth | None = None) -> Settings:
    """The least configuration without accounts."""
    storage = StorageSettings(MemoryStorage())
    return Settings(Path("config.yml"), storage, HttpSettings(TcpAddress("", 0), "s"), auth=auth)


def test_without_a_guard_everybody_may_do_everything() -> None:
    """As registry:2 without ``auth``."""
    guard = guard_for(open_settings())
    wanted = [AccessRequest("acme/app", access) for access in Access]
    for header in (None, basic("x"), "Bearer x"):
        assert guard.controller.authorize(RequestCredentials(header, BASE_URL), wanted) is ANONYMOUS
    assert guard.issuer is None
    assert not guard.asks


def test_a_password_file_asks_for_name_and_password(tmp_path: Path) -> None:
    """Right: everything. Wrong or nothing: 401, a Basic challenge, and a detail that says what was wanted."""
    path = tmp_path / "htpasswd"
    path.write_text(format_line("alice", "secret", 4), encoding="utf-8")
    controller = guard_for(open_settings(HtpasswdAuth("Lab", path))).controller
    wanted = [AccessRequest("acme/app", Access.PUSH)]
    assert controller.authorize(RequestCredentials(basic("secret", "alice"), BASE_URL), wanted) == Identity(
        "alice", "password"
    )
    for header, kind in ((None, None), (basic("wrong", "alice"), "password"), ("Bearer x", None), ("Basic !", None)):
        with pytest.raises(Unauthorized) as refused:
            controller.authorize(RequestCredentials(header, BASE_URL), wanted)
        assert refused.value.challenge == 'Basic realm="Lab"'
        assert refused.value.identity == Identity(None, kind)
        assert refused.value.detail == [
            {"Type": "repository", "Class": "", "Name": "acme/app", "Action": "pull"},
            {"Type": "repository", "Class": "", "Name": "acme/app", "Action": "push"},
        ]


def test_a_missing_password_file_is_provisioned(tmp_path: Path) -> None:
    """registry:2 makes one; so do we."""
    guard_for(open_settings(HtpasswdAuth("Lab", tmp_path / "htpasswd")))
    assert (tmp_path / "htpasswd").read_text(encoding="utf-8").startswith("docker:$2b$")


def test_the_token_dance(door: Door) -> None:
    """Challenge, token, request: the request is the account's, by its access token."""
    with pytest.raises(Unauthorized) as refused:
        door.knock(None, PUSH)
    assert refused.value.challenge == f'{REALM},scope="repository:acme/app:pull,push"'
    secret, token_id = door.make_pat("alice", "write:packages")
    issued = door.login(secret, "repository:acme/app:pull,push")
    assert issued.granted == ("repository:acme/app:pull,push",)
    assert (issued.expires_in_seconds, issued.issued_at) == (300, "2026-01-01T00:00:00Z")
    assert door.knock(f"Bearer {issued.token}", PUSH) == Identity("alice", "pat-classic", token_id, ("write:packages",))


def test_the_base_endpoint_needs_a_token_and_no_scope(door: Door) -> None:
    """``docker login`` asks for a token without scopes and shows it at /v2/; the challenge there has no detail."""
    base = ("", Access.NONE)
    with pytest.raises(Unauthorized) as refused:
        door.knock(None, base)
    assert (refused.value.challenge, refused.value.detail) == (REALM, None)
    secret, _ = door.make_pat("bob")
    assert door.knock(f"Bearer {door.login(secret).token}", base).account == "bob"
    assert door.knock(f"Bearer {door.login(None).token}", base) == Identity(credential_kind="bearer")


@pytest.mark.parametrize("header", [basic("x"), "Basic !", "Digest x", ""])
def test_basic_at_the_registry_gets_a_challenge(door: Door, header: str) -> None:
    """With token authentication a password belongs to the token endpoint."""
    with pytest.raises(Unauthorized) as refused:
        door.knock(header, PUSH)
    assert refused.value.challenge == f'{REALM},scope="repository:acme/app:pull,push"'


def test_dead_bearer_tokens_are_invalid(door: Door) -> None:
    """Forged, expired, or issued for an access token that was revoked since: ``invalid_token``."""
    secret, token_id = door.make_pat("alice", "write:packages")
    token = door.login(secret, "repository:acme/app:pull,push").token
    for header in ("Bearer nonsense", f"Bearer {token[:-3]}"):
        assert challenge_of(door, header).endswith('error="invalid_token"')
    door.now += timedelta(minutes=5)
    assert challenge_of(door, f"Bearer {token}").endswith('error="invalid_token"')
    door.now -= timedelta(minutes=5)
    assert door.knock(f"Bearer {token}", PUSH).account == "alice"
    door.revoke(token_id)
    assert challenge_of(door, f"Bearer {token}").endswith('error="invalid_token"')


def challenge_of(door: Door, header: str) -> str:
    """The challenge that a refused push gets."""
    with pytest.raises(Unauthorized) as refused:
        door.knock(header, PUSH)
    return refused.value.challenge or ""


def test_fewer_rights_are_no_error_until_they_are_needed(door: Door) -> None:
    """A stranger's token is issued without rights; the push is refused with ``insufficient_scope``."""
    secret, _ = door.make_pat("bob", "write:packages")
    issued = door.login(secret, "repository:acme/app:pull,push", "repository:bob/app:pull,push,delete")
    assert issued.granted == ("repository:bob/app:pull,push",)
    assert challenge_of(door, f"Bearer {issued.token}").endswith('error="insufficient_scope"')


def test_rights_taken_away_are_gone_at_once(door: Door) -> None:
    """A bearer token does not outlive the membership that it was issued for."""
    secret, _ = door.make_pat("alice", "write:packages")
    token = door.login(secret, "repository:acme/app:pull,push").token
    door.accounts.path.write_text(
        door.accounts.path.read_text(encoding="utf-8").replace('"acme"', '"other"'), encoding="utf-8"
    )
    assert challenge_of(door, f"Bearer {token}").endswith('error="insufficient_scope"')


def test_every_wish_of_a_request_must_be_granted(door: Door) -> None:
    """A mount reads one repository and writes another: both count."""
    secret, _ = door.make_pat("alice", "write:packages")
    both = ("repository:acme/app:pull,push", "repository:alice/base:pull")
    mount = (PUSH, ("alice/base", Access.PULL))
    assert door.knock(f"Bearer {door.login(secret, *both).token}", *mount).account == "alice"
    assert door.knock(f"Bearer {door.login(secret, ' '.join(both)).token}", *mount).account == "alice"
    with pytest.raises(Unauthorized):
        door.knock(f"Bearer {door.login(secret, both[0]).token}", *mount)


@pytest.mark.parametrize("secret", ["", "password", "ghp_" + "0" * 36])
def test_a_wrong_secret_gets_no_token(door: Door, secret: str) -> None:
    """401 with a challenge for name and password; the journal learns of what kind it was."""
    with pytest.raises(Unauthorized) as refused:
        door.login(secret)
    assert refused.value.challenge == 'Basic realm="pyregistry"'
    assert refused.value.identity.account is None
    assert refused.value.identity.credential_kind == ("pat-classic" if secret.startswith("ghp_") else "password")


def test_an_unreadable_header_gets_no_token(door: Door) -> None:
    """A credential that cannot be read is a wrong one, not none."""
    with pytest.raises(Unauthorized):
        door.issuer.issue(TokenRequest("Basic !!!", None, ()))


def test_the_oauth2_form_takes_name_and_password(door: Door) -> None:
    """POST with ``grant_type=password``; its scopes are separated by spaces."""
    secret, _ = door.make_pat("alice", "write:packages")
    form = {"grant_type": "password", "username": "alice", "password": secret, "scope": "repository:acme/app:pull"}
    assert door.issuer.issue(TokenRequest(None, None, (), form=form)).granted == ("repository:acme/app:pull",)
    with pytest.raises(Unsupported, match="grant_type: expected password, got 'refresh_token'"):
        door.issuer.issue(TokenRequest(None, None, (), form={"grant_type": "refresh_token"}))


@pytest.mark.parametrize(
    "scope",
    [
        "nonsense",
        "repository:Acme/App:pull",
        "repository:../x:pull",
        "registry:catalog:*",
        "shelf:acme/app:pull",
        "repository:acme/app:burn",
    ],
)
def test_scopes_for_what_does_not_exist_grant_nothing(door: Door, scope: str) -> None:
    """They are no error, and they give nothing."""
    secret, _ = door.make_pat("alice", "write:packages")
    assert door.login(secret, scope).granted == ()


def test_the_catalog_is_the_auditors(door: Door) -> None:
    """It names everybody's repositories."""
    secret, _ = door.make_pat("labcheck", "read:packages")
    issued = door.login(secret, "registry:catalog:*")
    assert issued.granted == ("registry:catalog:*",)
    assert door.knock(f"Bearer {issued.token}", ("", Access.CATALOG)).account == "labcheck"


def test_the_realm_stands_below_the_prefix(tmp_path: Path) -> None:
    """``http.prefix`` moves the token endpoint with everything else."""
    settings = settings_for(tmp_path, None)
    guard = guard_for(replace(settings, http=replace(settings.http, prefix="/registry")))
    with pytest.raises(Unauthorized) as refused:
        guard.controller.authorize(RequestCredentials(None, BASE_URL), [AccessRequest(*PUSH)])
    assert refused.value.challenge is not None
    assert refused.value.challenge.startswith(f'Bearer realm="{BASE_URL}/registry/auth/token"')
