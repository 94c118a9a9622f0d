"""The twin of ghcr.io refuses what ghcr.io refuses, in its words and with its statuses."""

import base64
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from pyregistry.accounts.pat import TokenKind
from pyregistry.auth.guards import guard_for
from pyregistry.auth.interface import TokenRequest
from pyregistry.config.settings import Twin
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import Denied, RegistryError, Unauthorized, Unsupported
from pyregistry.spec.identity import Identity
from pyregistry.twins import speech_of
from tests.unit.pyregistry.auth.door import BASE_URL, Door, basic, settings_for

PUSH = ("acme/app", Access.PUSH)
SCOPE = "repository:acme/app:pull,push"
DENIED = "403 DENIED denied"
INVALID = "403 DENIED invalid token"
HIDDEN = "403 DENIED requested access to the resource is denied"
SCOPES = "403 DENIED permission_denied: The token provided does not match expected scopes."
FOREIGN_PUSH = "403 DENIED permission_denied: write_package"
FOREIGN_DELETE = "403 DENIED permission_denied: delete_package"
STRANGER = "401 UNAUTHORIZED unauthenticated: User cannot be authenticated with the token provided."
OK = "ok"

TOKENS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "repo": ("repo",),
    "read": ("read:packages",),
    "write": ("write:packages",),
    "delete": ("delete:packages",),
    "all": ("repo", "write:packages", "read:packages", "delete:packages"),
}
OWN = {("alice", "alice"), ("alice", "acme"), ("bob", "bob"), ("labcheck", "labcheck")}
NEEDED = {
    Access.PULL: {"read:packages", "write:packages"},
    Access.PUSH: {"write:packages"},
    Access.DELETE: {"delete:packages"},
}
FOREIGN = {Access.PULL: HIDDEN, Access.PUSH: FOREIGN_PUSH, Access.DELETE: FOREIGN_DELETE}


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """The twin's door."""
    return Door(tmp_path, Twin.GHCR)


def said(error: RegistryError) -> str:
    """What a client sees of a refusal."""
    return f"{error.status} {error.code} {error.message}"


def outcome(door: Door, secret: str | None, repository: str, access: Access) -> str:
    """How a client's whole dance ends."""
    try:
        door.dance(secret, repository, access)
    except RegistryError as refused:
        return said(refused)
    return OK


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("login", ["alice", "bob", "labcheck"])
def test_the_matrix_of_rights(door: Door, login: str, token: str) -> None:
    """Account x scopes x namespace x access: the scope is looked at first, then whose repository it is."""
    secret, _ = door.make_pat(login, *TOKENS[token])
    cells = list(product(("alice", "acme", "bob", "labcheck", "nobody"), NEEDED))
    expected = {(namespace, access): expected_outcome(login, token, namespace, access) for namespace, access in cells}
    assert {cell: outcome(door, secret, f"{cell[0]}/app", cell[1]) for cell in cells} == expected


def expected_outcome(login: str, token: str, namespace: str, access: Access) -> str:
    """What the page on GitHub's packages says should happen."""
    if not NEEDED[access] & set(TOKENS[token]):
        return SCOPES
    audited = login == "labcheck" and access is Access.PULL
    return OK if audited or (login, namespace) in OWN else FOREIGN[access]


@pytest.mark.parametrize(
    ("access", "expected"), [(Access.PULL, HIDDEN), (Access.PUSH, STRANGER), (Access.DELETE, STRANGER)]
)
def test_without_login_nothing_can_be_done(door: Door, access: Access, expected: str) -> None:
    """A private package is hidden at the token endpoint; a push gets as far as the registry."""
    assert outcome(door, None, "acme/app", access) == expected


def test_a_hidden_package_is_refused_without_a_challenge(door: Door) -> None:
    """403, so that no WWW-Authenticate goes with it; for the known and for strangers alike."""
    secret, token_id = door.make_pat("bob", "read:packages")
    for credential, account in ((None, None), (secret, "bob")):
        with pytest.raises(Denied) as refused:
            door.login(credential, "repository:acme/app:pull")
        assert said(refused.value) == HIDDEN
        assert refused.value.identity.account == account
    assert refused.value.identity.credential_id == token_id


def test_the_challenge_names_ghcr_by_the_name_that_was_called(door: Door) -> None:
    """The realm follows the client's own address, ``ghcr.io`` or ``localhost:5001``; the service is ghcr.io."""
    with pytest.raises(Unauthorized) as refused:
        door.knock(None, PUSH)
    assert refused.value.challenge == f'Bearer realm="{BASE_URL}/token",service="ghcr.io",scope="{SCOPE}"'
    assert refused.value.detail is None
    assert door.issuer.path == "/token"


def test_docker_login(door: Door) -> None:
    """A token without scopes, shown at /v2/, is all of it; any good access token logs in, the name does not matter."""
    secret, token_id = door.make_pat("alice")
    issued = door.login(secret)
    assert issued.granted == ()
    assert door.knock(f"Bearer {issued.token}", ("", Access.NONE)) == Identity("alice", "pat-classic", token_id)


@pytest.mark.parametrize("secret", ["", "password", "ghp_" + "x" * 36, "github_pat_" + "x" * 22 + "_" + "x" * 59])
def test_a_wrong_credential_is_denied_denied(door: Door, secret: str) -> None:
    """403 ``denied``, and Docker prints ``denied: denied``."""
    with pytest.raises(Denied) as refused:
        door.login(secret, SCOPE)
    assert said(refused.value) == DENIED
    assert refused.value.identity.account is None


def test_expired_and_revoked_tokens_are_wrong_credentials(door: Door) -> None:
    """The client learns no more than ``denied``; the journal learns whose token it was."""
    expired, expired_id = door.make_pat("alice", "write:packages", lifetime=timedelta(0))
    revoked, revoked_id = door.make_pat("alice", "write:packages")
    door.revoke(revoked_id)
    for secret, token_id in ((expired, expired_id), (revoked, revoked_id)):
        with pytest.raises(Denied) as refused:
            door.login(secret)
        assert said(refused.value) == DENIED
        assert refused.value.identity == Identity("alice", "pat-classic", token_id, ("write:packages",))


def test_fine_grained_tokens_are_of_no_use(door: Door) -> None:
    """A good ``github_pat_…`` with every right cannot be used with the registry, neither here nor there."""
    secret, token_id = door.make_pat("alice", "write:packages", kind=TokenKind.FINE_GRAINED)
    with pytest.raises(Unauthorized) as refused:
        door.login(secret, SCOPE)
    assert said(refused.value) == STRANGER
    assert refused.value.identity == Identity("alice", "pat-fine-grained", token_id, ("write:packages",))
    with pytest.raises(Unauthorized, match="User cannot be authenticated"):
        door.knock(f"Bearer {base64.b64encode(secret.encode()).decode()}", PUSH)


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_dead_token_takes_its_bearer_tokens_along(door: Door, end: str) -> None:
    """At the very next request, not when the bearer token expires."""
    secret, token_id = door.make_pat("alice", "write:packages", lifetime=timedelta(minutes=1))
    header = f"Bearer {door.login(secret, SCOPE).token}"
    assert door.knock(header, PUSH).account == "alice"
    if end == "revoked":
        door.revoke(token_id)
    else:
        door.now += timedelta(minutes=1)
    with pytest.raises(Unauthorized) as refused:
        door.knock(header, PUSH)
    assert said(refused.value) == STRANGER
    assert refused.value.identity.credential_id == token_id


def test_an_expired_bearer_token_gets_a_challenge(door: Door) -> None:
    """So that a client whose push takes longer than five minutes fetches the next one."""
    secret, _ = door.make_pat("alice", "write:packages")
    header = f"Bearer {door.login(secret, SCOPE).token}"
    door.now += timedelta(minutes=5)
    with pytest.raises(Unauthorized) as refused:
        door.knock(header, PUSH)
    assert (refused.value.challenge or "").endswith(f'scope="{SCOPE}",error="invalid_token"')


def test_a_bearer_token_for_less_gets_a_challenge(door: Door) -> None:
    """A token to pull does not push, though its owner might: the client has to ask for more."""
    secret, _ = door.make_pat("alice", "write:packages")
    header = f"Bearer {door.login(secret, 'repository:acme/app:pull').token}"
    with pytest.raises(Unauthorized) as refused:
        door.knock(header, PUSH)
    assert (refused.value.challenge or "").endswith(f'scope="{SCOPE}",error="insufficient_scope"')


def test_a_subset_of_scopes_is_no_error(door: Door) -> None:
    """A read-only token that asks to push gets a token to pull; the registry words the refusal of the push."""
    secret, _ = door.make_pat("alice", "read:packages")
    issued = door.login(secret, SCOPE, "repository:bob/app:pull")
    assert issued.granted == ("repository:acme/app:pull",)
    with pytest.raises(Denied) as refused:
        door.knock(f"Bearer {issued.token}", PUSH)
    assert said(refused.value) == SCOPES


def test_a_refused_push_is_called_a_push(door: Door) -> None:
    """The server asks for pull and push together; the words are those of the push, the challenge has one scope."""
    pull_and_push = (("acme/app", Access.PULL), PUSH)
    secret, _ = door.make_pat("bob", "write:packages")
    with pytest.raises(Denied) as denied:
        door.knock(f"Bearer {door.login(secret, SCOPE).token}", *pull_and_push)
    assert said(denied.value) == FOREIGN_PUSH
    with pytest.raises(Unauthorized) as refused:
        door.knock(None, *pull_and_push, ("alice/base", Access.PULL))
    assert (refused.value.challenge or "").endswith(f'scope="{SCOPE} repository:alice/base:pull"')


def test_an_access_token_in_base64_is_a_bearer_token(door: Door) -> None:
    """``echo $PAT | base64`` with its newline works as printed by GitHub; its rights are the token's."""
    secret, token_id = door.make_pat("alice", "write:packages")
    for text in (secret, f"{secret}\n"):
        header = f"Bearer {base64.b64encode(text.encode()).decode()}"
        assert door.knock(header, PUSH).credential_id == token_id
        with pytest.raises(Denied) as refused:
            door.knock(header, ("bob/app", Access.PUSH))
        assert said(refused.value) == FOREIGN_PUSH
    door.revoke(token_id)
    with pytest.raises(Unauthorized, match="User cannot be authenticated"):
        door.knock(header, PUSH)


def test_other_credentials_at_the_registry_are_invalid_tokens(door: Door) -> None:
    """Basic, though right, nonsense, and an access token that is not in base64: 403 ``invalid token``."""
    secret, token_id = door.make_pat("alice", "write:packages")
    for header in (basic(secret), basic("wrong"), "Basic !", "Bearer nonsense", f"Bearer {secret}", "Digest x"):
        with pytest.raises(Denied) as refused:
            door.knock(header, PUSH)
        assert said(refused.value) == INVALID
        assert refused.value.identity.credential_id == (token_id if header == basic(secret) else None)


def test_the_oauth2_form_is_not_offered(door: Door) -> None:
    """POST gets 405, after which clients use GET."""
    with pytest.raises(Unsupported) as refused:
        door.issuer.issue(TokenRequest(None, "ghcr.io", (), form={"grant_type": "password"}))
    assert refused.value.status == 405


def test_another_process_with_the_secret_understands_the_token(door: Door, tmp_path: Path) -> None:
    """Workers that share ``http.secret`` and the accounts share the bearer tokens; others do not."""
    secret, _ = door.make_pat("alice", "write:packages")
    header = f"Bearer {door.login(secret, SCOPE).token}"
    worker, other = Door(tmp_path, Twin.GHCR), Door(tmp_path, Twin.GHCR)
    other.guard = guard_for(settings_for(tmp_path, Twin.GHCR, "another secret"), lambda: other.now)
    assert worker.knock(header, PUSH).account == "alice"
    with pytest.raises(Denied, match="invalid token"):
        other.knock(header, PUSH)


def test_the_catalog_is_nobodys_but_the_auditors(door: Door) -> None:
    """ghcr.io lists nobody's packages; the grader may look."""
    secret, _ = door.make_pat("labcheck", "read:packages")
    token = door.login(secret, "registry:catalog:*").token
    assert door.knock(f"Bearer {token}", ("", Access.CATALOG)).account == "labcheck"
    secret, _ = door.make_pat("alice", "write:packages")
    with pytest.raises(Denied) as refused:
        door.knock(f"Bearer {base64.b64encode(secret.encode()).decode()}", ("", Access.CATALOG))
    assert said(refused.value) == "403 DENIED permission_denied: read_package"


def test_it_lists_no_referrers() -> None:
    """404, as at ghcr.io; everything else that the API has is there."""
    assert speech_of(Twin.GHCR).lacking_endpoints == {"end-12"}
    assert speech_of(None).lacking_endpoints == set()
