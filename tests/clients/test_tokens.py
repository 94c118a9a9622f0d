"""Real clients and the GHCR twin: the token dance, rights, refusals, and what the journal remembers of it."""

from dataclasses import dataclass, replace

import pytest

from tests.clients.conftest import NewClient
from tests.clients.image import Sample
from tests.clients.namespace import CommandFailedError
from tests.clients.registry import Registry

CLIENTS = ("docker-28", "docker-26", "podman", "buildah", "skopeo", "oras", "crane", "ctr", "labdocker")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the twin and a personal access token of theirs."""

    user: str
    token_id: str
    token: str


def _account(registry: Registry, user: str, scope: str) -> Account:
    """A member of ``acme`` with a token of one scope."""
    assert registry.server
    return Account(user, *registry.server.new_token(user, [scope], orgs=["acme"]))


@pytest.fixture(scope="session")
def author(twin: Registry) -> Account:
    """May write."""
    return _account(twin, "ada", "write:packages")


@pytest.fixture(scope="session")
def reader(twin: Registry) -> Account:
    """May read."""
    return _account(twin, "bob", "read:packages")


@pytest.mark.parametrize("client", CLIENTS)
def test_one_pushes_and_another_pulls(
    client: str, twin: Registry, author: Account, reader: Account, new_client: NewClient
) -> None:
    """With a token to write one pushes, with a token to read another pulls, and the journal names both."""
    name = f"acme/{client}/app:1.0"
    one, other = new_client(client), new_client(client)
    one.login(twin, author.user, author.token)
    one.push(twin, name, Sample(client, {}))
    other.login(twin, reader.user, reader.token)
    held = other.pull(twin, name)
    image = twin.image(*name.split(":"))
    assert held.digest in {image.tagged, image.manifest}
    assert f"acme/{client}/app" in twin.repositories()
    assert twin.server
    events = [event for event in twin.server.events() if event.repository == f"acme/{client}/app"]
    pushes = [event for event in events if event.method == "PUT" and event.reference == "1.0"]
    layers = [event for event in events if event.method == "GET" and event.digest in image.layers]
    assert {(event.actor, event.credential_id) for event in pushes} == {(author.user, author.token_id)}
    assert {(event.actor, event.credential_id) for event in layers} == {(reader.user, reader.token_id)}
    assert {event.digest for event in layers} == set(image.layers)


@pytest.mark.parametrize(
    "client", [client for client in CLIENTS if client not in {"crane", "ctr"}]
)  # which ask nobody at login
def test_a_wrong_token_logs_nobody_in(client: str, twin: Registry, author: Account, new_client: NewClient) -> None:
    """Logging in with a token that does not exist fails in the registry's own words."""
    with pytest.raises(CommandFailedError, match=r"denied|invalid username/password|403"):
        new_client(client).login(twin, author.user, "ghp_" + "0" * 36)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_token_to_read_does_not_write(client: str, twin: Registry, reader: Account, new_client: NewClient) -> None:
    """A push with a read-only token is refused in the registry's own words, and nothing is stored."""
    command_line = new_client(client)
    command_line.login(twin, reader.user, reader.token)
    with pytest.raises(CommandFailedError, match=r"denied|scopes|403"):
        command_line.push(twin, f"acme/refused/{client}:1.0", Sample(client, {}))
    assert f"acme/refused/{client}" not in twin.repositories()


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize("client", [client for client in CLIENTS if client != "docker-28"])
def test_tokens_over_tls(client: str, secure_twin: Registry, new_client: NewClient) -> None:
    """With the CA trusted the whole dance works over TLS, the token endpoint included."""
    account, command_line = _account(secure_twin, "ada", "write:packages"), new_client(client)
    command_line.trust(secure_twin)
    command_line.login(secure_twin, account.user, account.token)
    command_line.push(secure_twin, f"acme/{client}/app:1.0", Sample(client, {}))
    held = command_line.pull(secure_twin, f"acme/{client}/app:1.0")
    image = secure_twin.image(f"acme/{client}/app", "1.0")
    assert held.digest in {image.tagged, image.manifest}


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize("host", ["localhost", "registry.example.com"])
def test_containerd_s_store_takes_tokens_by_the_system_s_trust_only(
    host: str, secure_twin: Registry, new_client: NewClient
) -> None:
    """With containerd's image store Docker logs in, and then cannot push: certs.d does not count for the token.

    Seen with Docker 26.1 and 28.5, each with both image stores, in November 2026. With Docker's own store login, push
    and pull pass with the CA in ``certs.d``, and at ``localhost``, where nothing is verified, without. With containerd
    as the store (Docker Desktop; from version 29 on the default) only the login passes: for push and pull the token is
    fetched by a client that knows the system's CAs alone, at ``localhost`` too. Plain HTTP at ``localhost`` passes with
    both stores, ``build --push`` and private bases included, if the server answers a TLS hello with HTTP 400, as ours
    does. So Docker's own daemon has to meet the twins over plain HTTP.
    """
    place = replace(secure_twin, name=f"{host}:8444")
    account = _account(place, "ada", "write:packages")
    classic, containerd = new_client("docker-26"), new_client("docker-28")
    for docker in (classic, containerd):
        docker.trust(place)
        docker.login(place, account.user, account.token)
    classic.push(place, f"acme/{host}/classic:1.0", Sample("classic", {}))
    assert place.image(f"acme/{host}/classic", "1.0").layers
    with pytest.raises(CommandFailedError, match=r"failed to fetch oauth token: .* signed by unknown authority"):
        containerd.push(place, f"acme/{host}/containerd:1.0", Sample("containerd", {}))
