"""Which images have a stand-in, and which tags look like slips."""

import pytest

from labs.compose import images


@pytest.mark.parametrize(
    "tag",
    [
        "1.25",
        "1",
        "1.25.3",
        "latest",
        "stable",
        "mainline",
        "alpine",
        "1.25-alpine",
        "1.25.3-alpine3.18-slim",
        "stable-alpine3.20-perl",
        "mainline-bookworm-otel",
        "1-trixie",
        "perl",
        "alpine-slim",
    ],
)
def test_tags_that_docker_hub_has(tag: str) -> None:
    """Versions, lines and variants; none of them is odd, and no image without a tag."""
    assert not images.is_odd(f"docker.io/library/nginx:{tag}")
    assert images.kind(f"nginx:{tag}") == images.NGINX


@pytest.mark.parametrize("tag", ["lates", "1.25.99x", "v1.25", "1.25.3.4", "alpin", "1.25-alpne"])
def test_tags_that_look_like_slips(tag: str) -> None:
    """They are odd, and stand in all the same: who knows."""
    assert images.is_odd(f"nginx:{tag}")
    assert images.kind(f"nginx:{tag}") == images.NGINX


def test_images_without_a_tag_are_not_odd() -> None:
    """Nor is the registry, whose tags are known."""
    assert not any(map(images.is_odd, ("nginx", "registry:2", "ngnix:lates")))
