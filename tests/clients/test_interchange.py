"""What one real client pushes, every other pulls, byte for byte, and container engines run it."""

import json
from itertools import product

import pytest

from tests.clients.conftest import NewClient
from tests.clients.engines import Docker, Podman
from tests.clients.image import Sample
from tests.clients.registry import Registry

CLIENTS = ("docker-28", "docker-26", "podman", "buildah", "skopeo", "skopeo-v2s2", "oras", "crane", "labdocker")
RUNS = [*((client, "docker-28") for client in CLIENTS), ("labdocker", "docker-26"), ("labdocker", "podman")]


class Pushed(dict[str, str]):
    """By client, the name of the image that it pushed; pushes when a client is asked for the first time."""

    def __init__(self, registry: Registry, clients: NewClient) -> None:
        super().__init__()
        self._registry = registry
        self._clients = clients

    def __missing__(self, client: str) -> str:
        name = f"by/{client}:1.0"
        self._clients(client).push(self._registry, name, Sample(f"pushed by {client}", {}))
        return self.setdefault(client, name)


@pytest.fixture(scope="session")
def pushed(plain: Registry, clients: NewClient) -> Pushed:
    """One image of every client."""
    return Pushed(plain, clients)


@pytest.mark.parametrize(("pusher", "puller"), list(product(CLIENTS, CLIENTS)))
def test_one_pulls_what_another_pushed(
    pusher: str, puller: str, pushed: Pushed, plain: Registry, clients: NewClient
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


@pytest.mark.parametrize(("pusher", "engine"), RUNS)
def test_engines_run_what_others_pushed(
    pusher: str, engine: str, pushed: Pushed, plain: Registry, clients: NewClient
) -> None:
    """A container of a pulled image prints what its pusher put into it."""
    client = clients(engine)
    assert isinstance(client, Docker | Podman)
    assert client.execute(plain, pushed[pusher]) == f"pushed by {pusher}\n"


def test_media_types_are_what_each_client_writes(pushed: Pushed, plain: Registry) -> None:
    """Both families of manifests went through the registry above, so neither is only claimed to be supported."""
    docker = plain.image(*pushed["skopeo-v2s2"].split(":"))
    oci = plain.image(*pushed["skopeo"].split(":"))
    assert docker.media_type == "application/vnd.docker.distribution.manifest.v2+json"
    assert oci.media_type == "application/vnd.oci.image.manifest.v1+json"


def test_an_index_with_attestations_arrives_whole(plain: Registry, clients: NewClient) -> None:
    """Two platforms and their provenance, pushed by buildx, come back through skopeo with every byte."""
    docker = clients("docker-28")
    context = Sample("for two platforms", {}).write_context(docker.fresh("context"))
    options = ["--platform", "linux/amd64,linux/arm64", "--provenance", "mode=max", "--push"]
    docker.run("docker", "buildx", "build", *options, "--tag", plain.reference("by/buildx:1.0"), context)
    held = clients("skopeo").pull(plain, "by/buildx:1.0")
    everything = plain.tree("by/buildx", "1.0")
    assert len([digest for digest in everything if b'"attestation-manifest"' in plain.blob(digest)]) == 1
    assert {digest: plain.blob(digest) for digest in everything}.items() <= held.blobs.items()


def test_an_artifact_and_what_refers_to_it_are_found(plain: Registry, clients: NewClient) -> None:
    """A file pushed by oras comes back, and a second one attached to it is discovered by its type."""
    oras, name = clients("oras"), plain.reference("by/oras-artifact:1.0")
    (oras.folder / "report.txt").write_text("all is well\n", encoding="utf-8")
    (oras.folder / "signature.txt").write_text("signed\n", encoding="utf-8")
    oras.run("oras", "push", "--plain-http", "--artifact-type", "text/x-report", name, "report.txt")
    oras.run("oras", "attach", "--plain-http", "--artifact-type", "text/x-signature", name, "signature.txt")
    oras.run("oras", "pull", "--plain-http", "--output", "pulled", name)
    found = json.loads(oras.run("oras", "discover", "--plain-http", "--format", "json", name))
    assert (oras.folder / "pulled" / "report.txt").read_text(encoding="utf-8") == "all is well\n"
    assert [one["artifactType"] for one in found["referrers"]] == ["text/x-signature"]
