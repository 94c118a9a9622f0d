"""Images signed by cosign 2, cosign 3 and notation through every door: signed, verified, and found by others."""

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from tests.clients.command_lines import CommandLine
from tests.clients.conftest import NewClient
from tests.clients.doors import Door
from tests.clients.image import Sample
from tests.clients.namespace import CommandFailedError, Namespace
from tests.clients.signers import Cosign2, Cosign3, Notation, NotationByTag, Signer
from tests.tools import require

DOORS = ("http", "tls", "htpasswd", "token", "token-server")
SIGNERS: dict[str, tuple[type[Signer], str]] = {
    "cosign-2": (Cosign2, "trixie/cosign"),
    "cosign-3": (Cosign3, "sid/cosign"),
    "notation": (Notation, "sid/notation"),
    "notation-by-tag": (NotationByTag, "sid/notation"),
}

CLOSED = {
    "tls": "certificate signed by unknown authority",
    "htpasswd": "(?i)unauthorized|basic credential not found",
    "token": "(?i)unauthorized",
    "token-server": "(?i)unauthorized",
}
"""What they say there, cosign first."""

NewSigner = Callable[[str], Signer]
"""Makes a signer by name, with a key of its own."""


@pytest.fixture
def new_signer(namespace: Namespace, tmp_path: Path) -> NewSigner:
    """Makes signers, each in a home of its own."""

    def make(name: str) -> Signer:
        kind, program = SIGNERS[name]
        return kind(namespace, tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}", require(program)[program])

    return make


@pytest.fixture
def pusher(new_client: NewClient) -> CommandLine:
    """oras: it pushes, and shows what refers to an image."""
    return new_client("oras")


@pytest.mark.parametrize(("door", "name"), list(product(DOORS, SIGNERS)))
def test_a_signature_is_verified(
    door: str, name: str, open_door: Callable[[str], Door], new_signer: NewSigner, pusher: CommandLine
) -> None:
    """Refused unsigned and with another's key; verified when signed; found by others where the signer should put it."""
    opened, signer, stranger = open_door(door), new_signer(name), new_signer(name)
    for client in (signer, stranger, pusher):
        opened.let_in(client)
    image = _pushed(pusher, opened, f"lab/signed/{name}")
    with pytest.raises(CommandFailedError, match=signer.unsigned):
        signer.verify(image)
    signer.sign(image)
    signer.verify(image)
    with pytest.raises(CommandFailedError, match=signer.forged):
        stranger.verify(image)
    tag = (signer.tag or "1.0").format(image.rpartition("@")[2].replace(":", "-"))
    found = _discovered(pusher, opened, image)
    assert opened.registry.tags(f"lab/signed/{name}") == sorted({"1.0", tag})
    assert list(found.values()) == ([signer.artifact_type] if signer.artifact_type else [])
    assert all(place in signer.tree(image) for place in found or [tag])


@pytest.mark.parametrize(("door", "name"), list(product(CLOSED, SIGNERS)))
def test_nobody_signs_through_a_closed_door(
    door: str, name: str, open_door: Callable[[str], Door], new_signer: NewSigner, pusher: CommandLine
) -> None:
    """Without the CA or without a login no signature comes in."""
    opened, signer = open_door(door), new_signer(name)
    opened.let_in(pusher)
    image = _pushed(pusher, opened, f"lab/closed/{name}")
    with pytest.raises(CommandFailedError, match=CLOSED[door]):
        signer.sign(image)
    assert _discovered(pusher, opened, image) == {}
    assert opened.registry.tags(f"lab/closed/{name}") == ["1.0"]


def _pushed(pusher: CommandLine, door: Door, repository: str) -> str:
    """Push an image of its own; its reference by digest."""
    pusher.push(door.registry, f"{repository}:1.0", Sample(repository, {}))
    return door.registry.reference(f"{repository}@{door.registry.image(repository, '1.0').tagged}")


def _discovered(oras: CommandLine, door: Door, image: str) -> dict[str, str]:
    """Artifact types of what refers to the image, by digest."""
    plain = [] if door.registry.ca else ["--plain-http"]
    told = json.loads(oras.run("oras", "discover", *plain, "--format", "json", image))
    return {row["digest"]: row["artifactType"] for row in told["referrers"]}
