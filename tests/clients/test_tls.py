"""Real clients against a registry over TLS, by a name for which they verify the certificate."""

import pytest

from tests.clients.conftest import NewClient
from tests.clients.image import Sample
from tests.clients.namespace import CommandFailedError
from tests.clients.registry import Registry

CLIENTS = ("docker-28", "docker-26", "podman", "buildah", "skopeo", "oras", "crane", "ctr", "labdocker")


@pytest.mark.parametrize("client", CLIENTS)
def test_an_unknown_authority_is_refused(client: str, secure: Registry, new_client: NewClient) -> None:
    """No client pushes to a registry whose certificate nobody vouches for, and nothing gets there."""
    with pytest.raises(CommandFailedError, match="certificate signed by unknown authority"):
        new_client(client).push(secure, f"untrusted/{client}:1.0", Sample(client, {}))
    assert f"untrusted/{client}" not in secure.repositories()


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize("client", CLIENTS)
def test_a_trusted_authority_is_accepted(client: str, secure: Registry, new_client: NewClient) -> None:
    """With its CA in certs.d, or given to those that do not look there, the same push and a pull succeed."""
    command_line = new_client(client)
    command_line.trust(secure)
    command_line.push(secure, f"trusted/{client}:1.0", Sample(client, {}))
    held = command_line.pull(secure, f"trusted/{client}:1.0")
    image = secure.image(f"trusted/{client}", "1.0")
    assert held.digest in {image.tagged, image.manifest}
    assert f"trusted/{client}" in secure.repositories()
