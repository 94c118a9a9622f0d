"""Real clients and a password that a file or an outside token server knows: what it opens, what a wrong one gets."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.clients.conftest import NewClient
from tests.clients.doors import Door
from tests.clients.image import Sample
from tests.clients.namespace import CommandFailedError

CLIENTS = ("docker-28", "docker-26", "podman", "buildah", "skopeo", "oras", "crane", "ctr", "labdocker")
WRONG = {
    "docker-28": "(?i)unauthorized",
    "docker-26": "(?i)unauthorized",
    "podman": "invalid username/password",
    "buildah": "invalid username/password",
    "skopeo": "invalid username/password",
    "oras": "unauthorized: authentication required",
    "labdocker": "(?i)unauthorized",
}
"""What each client says at the login; crane and ctr ask nobody there."""

REFUSED = r"(?i)unauthorized|basic auth credentials|basic credential not found|access .* is denied|insufficient_scope"
"""What they say of a challenge that they cannot meet."""

pytestmark = pytest.mark.usefixtures("no_trust_left")


@pytest.fixture(params=["htpasswd", "htpasswd-tls", "token-server"])
def door(request: pytest.FixtureRequest, open_door: Callable[[str], Door]) -> Door:
    """The doors that ask for a password."""
    return open_door(request.param)


@pytest.mark.parametrize("client", CLIENTS)
def test_with_the_password_one_pushes_and_pulls(client: str, door: Door, clients: NewClient) -> None:
    """After one login each client pushes, and pulls what it pushed."""
    command_line, name = clients(client), f"lab/by/{client}:1.0"
    door.let_in(command_line)
    command_line.push(door.registry, name, Sample(client, {}))
    held = command_line.pull(door.registry, name)
    image = door.registry.image(*name.split(":"))
    assert held.digest in {image.tagged, image.manifest}


@pytest.mark.parametrize("client", WRONG)
def test_a_wrong_password_logs_nobody_in(client: str, door: Door, new_client: NewClient) -> None:
    """The login fails in the client's own words for a 401."""
    stranger = replace(door, secret="wrong")
    with pytest.raises(CommandFailedError, match=WRONG[client]):
        stranger.let_in(new_client(client))


@pytest.mark.parametrize("client", CLIENTS)
def test_without_a_password_nothing_is_pushed(client: str, door: Door, new_client: NewClient) -> None:
    """The push fails and nothing is stored."""
    command_line, stranger = new_client(client), replace(door, user=None)
    stranger.let_in(command_line)
    with pytest.raises(CommandFailedError, match=REFUSED):
        command_line.push(door.registry, f"lab/refused/{client}:1.0", Sample(client, {}))
    assert f"lab/refused/{client}" not in door.registry.repositories()
