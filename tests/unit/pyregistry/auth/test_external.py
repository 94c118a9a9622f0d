"""The doorkeepers that send clients elsewhere; what registry:2 says to the same tokens is in the contract suite."""

import http.client
import logging
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pyregistry.auth.guards import guard_for
from pyregistry.auth.interface import AccessRequest, RequestCredentials
from pyregistry.config.settings import SillyAuth, TokenAuth
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import Unauthorized
from pyregistry.spec.identity import ANONYMOUS, Identity
from tests.contract.test_access_controllers import bare_settings
from tests.fakes.token_server import ISSUER, SERVICE, certify, claims, make_key, serving, sign
from tests.unit.pyregistry.auth.door import BASE_URL, basic

SIGNER = certify("signer", make_key("p256"))
PULL = AccessRequest("acme/app", Access.PULL)
PUSH = [PULL, AccessRequest("acme/app", Access.PUSH)]


@pytest.fixture
def settings(tmp_path: Path) -> TokenAuth:
    """An outside token server that signs with ``SIGNER``."""
    (tmp_path / "bundle.pem").write_bytes(SIGNER.pem)
    return TokenAuth("https://auth.example.com/token", SERVICE, ISSUER, root_cert_bundle=tmp_path / "bundle.pem")


def refusal(auth: TokenAuth | SillyAuth, header: str | None, wanted: list[AccessRequest]) -> Unauthorized:
    """What is said to somebody who may not come in."""
    with pytest.raises(Unauthorized) as refused:
        guard_for(bare_settings(auth)).controller.authorize(RequestCredentials(header, BASE_URL), wanted)
    return refused.value


def test_the_dance_with_a_token_server(settings: TokenAuth) -> None:
    """A client follows the challenge to the token server, comes back with its token, and is let in by its name."""
    with serving(SIGNER, "ES256") as server:
        auth = replace(settings, realm=server.url)
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', refusal(auth, None, PUSH).challenge or ""))
        assert challenge == {"realm": server.url, "service": SERVICE, "scope": "repository:acme/app:pull,push"}
        realm = urlsplit(challenge["realm"])
        connection = http.client.HTTPConnection(realm.netloc, timeout=10)
        query = f"service={challenge['service']}&scope={challenge['scope']}"
        connection.request("GET", f"{realm.path}?{query}", headers={"Authorization": basic("x", "bob")})
        token = re.search(rb'"token": "([^"]+)"', connection.getresponse().read())
        connection.close()
    assert token
    controller = guard_for(bare_settings(auth)).controller
    credentials = RequestCredentials(f"Bearer {token[1].decode()}", BASE_URL)
    assert controller.authorize(credentials, PUSH) == Identity("bob", "bearer")


def test_a_refused_token_is_said_and_the_reason_logged(settings: TokenAuth, caplog: pytest.LogCaptureFixture) -> None:
    """The client learns ``invalid_token``, the operator why; the token is in neither."""
    token = sign(SIGNER.key, "ES256", {"x5c": [SIGNER.encoded]}, claims(aud="other"))
    with caplog.at_level(logging.INFO):
        refused = refusal(settings, f"Bearer {token}", [PULL])
    assert refused.challenge is not None
    assert refused.challenge.endswith(',scope="repository:acme/app:pull",error="invalid_token"')
    assert refused.identity == Identity(credential_kind="bearer")
    assert [record.message for record in caplog.records] == ["token refused: intended for another audience, 'other'"]


def test_a_token_for_less_is_known_and_insufficient(settings: TokenAuth) -> None:
    """Who it is goes into the journal; the challenge names what is missing."""
    access = [{"type": "repository", "name": "acme/app", "actions": ["pull"]}]
    token = sign(SIGNER.key, "ES256", {"x5c": [SIGNER.encoded]}, claims(access=access))
    refused = refusal(settings, f"Bearer {token}", PUSH)
    assert refused.challenge is not None
    assert refused.challenge.endswith(',scope="repository:acme/app:pull,push",error="insufficient_scope"')
    assert refused.identity == Identity("alice", "bearer")


def test_autoredirect_names_the_host_that_the_client_called(settings: TokenAuth) -> None:
    """The token server answers there under ``/auth/token``, or under ``autoredirectpath``."""
    redirecting = replace(settings, auto_redirect=True)
    assert f'realm="{BASE_URL}/auth/token"' in str(refusal(redirecting, None, [PULL]).challenge)
    elsewhere = replace(redirecting, auto_redirect_path="/other")
    assert f'realm="{BASE_URL}/other"' in str(refusal(elsewhere, None, [PULL]).challenge)


def test_silly_asks_for_anything_at_all() -> None:
    """A challenge for nothing, and ``silly`` for whatever is sent."""
    auth = SillyAuth("silly realm", "silly service")
    refused = refusal(auth, None, [PULL])
    assert refused.challenge == 'Bearer realm="silly realm",service="silly service",scope="repository:acme/app:pull"'
    assert refused.identity is ANONYMOUS
    controller = guard_for(bare_settings(auth)).controller
    assert controller.authorize(RequestCredentials("anything", BASE_URL), PUSH) == Identity("silly")
