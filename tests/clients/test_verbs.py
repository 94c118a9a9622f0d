"""What clients do with a registry beside push and pull, through every door: list, copy all platforms, delete."""

import json
from collections.abc import Callable
from itertools import product

import pytest

from tests.clients.command_lines import CommandLine, Copies, Deletes, Lists, ListsRepositories
from tests.clients.conftest import NewClient
from tests.clients.doors import Door
from tests.clients.image import Sample, write_index_layout
from tests.clients.namespace import CommandFailedError

Visit = Callable[[str, str], tuple[Door, CommandLine]]
"""A door by name, and a client by name that was let in by it."""

DOORS = ("http", "tls", "htpasswd", "token", "token-server")
COPIERS = ("docker-28", "docker-26", "podman", "buildah", "skopeo", "oras", "crane")
LISTERS = ("podman", "skopeo", "oras", "crane")
DELETERS = ("skopeo", "oras", "crane")

pytestmark = pytest.mark.usefixtures("no_trust_left")


class Stock:
    """What lies behind every door before a test: pushed by the first test that comes there."""

    def __init__(self, pusher: CommandLine) -> None:
        self._pusher = pusher
        self._stocked: set[str] = set()

    def supply(self, door: Door) -> None:
        """Push ``lab/platforms`` for two platforms, under the tags 1.0 and latest."""
        if door.registry.name in self._stocked:
            return
        door.let_in(self._pusher)
        layout = write_index_layout(self._pusher.fresh("layout"), "1.0", ["amd64", "arm64"])
        reference = door.registry.reference("lab/platforms:1.0")
        verify = [] if door.registry.ca else ["--dest-tls-verify=false"]
        self._pusher.run("skopeo", "copy", "--quiet", "--all", *verify, f"oci:{layout}:1.0", f"docker://{reference}")
        self._pusher.tag(door.registry, "lab/platforms:1.0", "latest")
        self._stocked.add(door.registry.name)


@pytest.fixture(scope="session")
def stock(new_client: NewClient) -> Stock:
    """Pushes with a skopeo of its own."""
    return Stock(new_client("skopeo"))


@pytest.fixture
def visit(clients: NewClient, open_door: Callable[[str], Door], stock: Stock) -> Visit:
    """Lets clients in where the stock is."""

    def visit(door: str, client: str) -> tuple[Door, CommandLine]:
        opened, command_line = open_door(door), clients(client)
        stock.supply(opened)
        opened.let_in(command_line)
        return opened, command_line

    return visit


@pytest.mark.parametrize(("door", "client"), list(product(DOORS, LISTERS)))
def test_tags_are_listed(door: str, client: str, visit: Visit) -> None:
    """Every tag of the repository, and no other."""
    opened, command_line = visit(door, client)
    assert isinstance(command_line, Lists)
    assert sorted(command_line.list_tags(opened.registry, "lab/platforms")) == ["1.0", "latest"]


@pytest.mark.parametrize(("door", "client"), list(product(DOORS, ("podman", "oras", "crane"))))
def test_repositories_are_listed(door: str, client: str, visit: Visit) -> None:
    """Every repository that holds a manifest, in the order of the names."""
    opened, command_line = visit(door, client)
    assert isinstance(command_line, ListsRepositories)
    listed = command_line.list_repositories(opened.registry)
    assert "lab/platforms" in listed
    assert set(listed) <= set(opened.registry.repositories())


@pytest.mark.parametrize(("door", "client"), list(product(DOORS, COPIERS)))
def test_all_platforms_are_copied(door: str, client: str, visit: Visit) -> None:
    """Each platform's manifest, configuration and layers are in the other repository, and the index byte for byte."""
    opened, command_line = visit(door, client)
    assert isinstance(command_line, Copies)
    registry, repository = opened.registry, f"lab/copied/{client}"
    command_line.copy(registry, "lab/platforms:1.0", f"{repository}:1.0")
    index, *rest = registry.tree("lab/platforms", "1.0")
    copied_index, *copied = registry.tree(repository, "1.0")
    assert sorted(copied) == sorted(rest)
    assert all(registry.holds(repository, digest) for digest in [copied_index, *copied])
    assert copied_index == index or not command_line.keeps_index


@pytest.mark.parametrize("client", ["docker-28", "docker-26"])
def test_docker_puts_a_list_together(client: str, visit: Visit) -> None:
    """``docker manifest`` makes a list of images that are there, and everything that it names is held."""
    opened, command_line = visit("http", client)
    registry, repository = opened.registry, f"lab/listed/{client}"
    _, *platforms = registry.tree("lab/platforms", "1.0")[:3]
    images = [registry.reference(f"lab/platforms@{digest}") for digest in platforms]
    listed = registry.reference(f"{repository}:1.0")
    command_line.run("docker", "manifest", "create", "--insecure", listed, *images)
    command_line.run("docker", "manifest", "push", "--purge", "--insecure", listed)
    index, *rest = registry.tree(repository, "1.0")
    assert {row["digest"] for row in json.loads(registry.blob(index))["manifests"]} == set(platforms)
    assert all(registry.holds(repository, digest) for digest in [index, *rest])


@pytest.mark.parametrize(("door", "client"), list(product(DOORS, DELETERS)))
def test_what_is_deleted_is_gone(door: str, client: str, visit: Visit) -> None:
    """All tags of the image go with it, the client is told so when it asks again, and nobody else's image goes."""
    opened, command_line = visit(door, client)
    assert isinstance(command_line, Deletes)
    registry, repository = opened.registry, f"lab/deleted/{client}"
    command_line.push(registry, f"{repository}:1.0", Sample("soon gone", {}))
    command_line.push(registry, f"{repository}:2.0", Sample("to stay", {}))
    command_line.tag(registry, f"{repository}:1.0", "latest")
    command_line.delete(registry, f"{repository}:1.0")
    assert registry.tags(repository) == ["2.0"]
    with pytest.raises(CommandFailedError, match=r"manifest unknown|MANIFEST_UNKNOWN|not found"):
        command_line.pull(registry, f"{repository}:1.0")
    assert command_line.pull(registry, f"{repository}:2.0").digest == registry.image(repository, "2.0").tagged
