"""What pipelines do with a registry: log in with a token, build from a cache that lies there, push several tags."""

from collections.abc import Callable

import pytest

from tests.clients.conftest import NewClient
from tests.clients.doors import Door
from tests.clients.engines import Docker
from tests.clients.image import Sample

# BuildKit's three ways to keep a cache. The first is what it does by itself nowadays; older ones write the others, an
# index whose children are no manifests but layers.
CACHES = {
    "manifest": "image-manifest=true,oci-mediatypes=true",
    "index": "image-manifest=false,oci-mediatypes=true",
    "docker": "image-manifest=false,oci-mediatypes=false",
}


@pytest.mark.parametrize("form", CACHES)
def test_the_next_runner_builds_from_the_cache(form: str, open_door: Callable[[str], Door], clients: NewClient) -> None:
    """A build without anything of its own takes each step from the registry, and pushes the same layers again."""
    docker, door = clients("docker-28"), open_door("token")
    registry, repository = door.registry, f"lab/pipeline/{form}"
    assert isinstance(docker, Docker)
    assert registry.server
    door.let_in(docker)
    context = Sample(f"built with {form}", {}).write_context(docker.fresh("context"))
    cache = f"type=registry,ref={registry.reference(f'{repository}/cache:main')}"
    build = ["docker", "buildx", "build", "--push", context]
    tags = [word for tag in ("0a1b2c3d", "latest") for word in ("--tag", registry.reference(f"{repository}:{tag}"))]
    docker.run(*build, *tags, "--cache-to", f"{cache},mode=max,{CACHES[form]}")
    built = registry.image(repository, "0a1b2c3d")
    docker.forget()
    docker.run(*build, "--tag", registry.reference(f"{repository}:4e5f6071"), "--cache-from", cache)
    events = registry.server.events()
    fetched = {event.digest for event in events if (event.method, event.repository) == ("GET", f"{repository}/cache")}
    assert fetched >= set(built.layers)
    assert registry.image(repository, "4e5f6071").layers == built.layers
    assert registry.tags(repository) == ["0a1b2c3d", "4e5f6071", "latest"]
