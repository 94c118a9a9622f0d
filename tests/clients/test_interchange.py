"""What one real client pushes, every other pulls, byte for byte, and container engines run it."""

from itertools import product

import pytest

from tests.clients.conftest import NewClient
from tests.clients.image import Sample
from tests.clients.registry import Registry

CLIENTS = ("docker-28", "docker-26", "podman", "buildah", "skopeo", "oras", "crane")


@pytest.fixture(scope="session")
def pushed(plain: Registry, clients: NewClient) -> dict[str, str]:
    """By client that pushed it, the name of its image; a mapping that pushes when asked for a client's first time."""

    class Pushed(dict[str, str]):
        def __missing__(self, client: str) -> str:
            name = f"by/{client}:1.0"
            clients(client).push(plain, name, Sample(f"pushed by {client}", {}))
            return self.setdefault(client, name)

    return Pushed()


@pytest.mark.parametrize(("pusher", "puller"), list(product(CLIENTS, CLIENTS)))
def test_one_pulls_what_another_pushed(
    pusher: str, puller: str, pushed: dict[str, str], plain: Registry, clients: NewClient
) -> None:
    """The puller names the digest that the registry holds, and has the registry's bytes, whoever pushed."""
    name = pushed[pusher]
    client = clients(puller)
    held = client.pull(plain, name)
    image = plain.image(*name.split(":"))
    assert held.digest in {image.tagged, image.manifest}
    for kind in client.keeps:
        for digest in image.digests(kind):
            assert held.blobs[digest] == plain.blob(digest)
