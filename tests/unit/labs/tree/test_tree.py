"""The tree of objects behind a name: read from a registry's own bytes, drawn as text and as SVG."""

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from labs.tree.model import read
from labs.tree.render import render_svg, render_text, size_words
from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST


@dataclass
class FakeSource:
    """A registry in two dictionaries."""

    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def manifest(self, reference: str) -> tuple[str, bytes]:
        """By tag or digest."""
        return self.manifests[reference]

    def blob(self, digest: str) -> bytes:
        """By digest."""
        return self.blobs[digest]

    def add(self, media_type: str, document: object, *names: str) -> dict[str, object]:
        """Keep a manifest under its digest and ``names``; returns its descriptor."""
        body = json.dumps(document).encode()
        digest = str(Digest.of(body))
        self.manifests |= dict.fromkeys((digest, *names), (media_type, body))
        return {"mediaType": media_type, "digest": digest, "size": len(body)}


def image(source: FakeSource, architecture: str, *names: str) -> dict[str, object]:
    """A one-layer image of ``architecture`` with one label."""
    config = json.dumps({"architecture": architecture, "os": "linux", "config": {"Labels": {"who": "<me>"}}}).encode()
    source.blobs[str(Digest.of(config))] = config
    layer = {"mediaType": OCI_LAYER_GZIP, "digest": "sha256:" + "a" * 64, "size": 1234}
    row = {"mediaType": OCI_CONFIG, "digest": str(Digest.of(config)), "size": len(config)}
    return source.add(OCI_MANIFEST, {"config": row, "layers": [layer]}, *names)


def test_an_image_is_drawn_as_its_manifest_config_and_layers() -> None:
    """The text names each object with its digest's head, size and platform."""
    source = FakeSource()
    row = image(source, "amd64", "1.0")
    text = render_text("ghcr.io/o/r/app:1.0", read(source, "1.0"))
    config = next(iter(source.blobs))
    assert text == (
        "ghcr.io/o/r/app:1.0\n"
        f"└─ manifest  {str(row['digest'])[:19]}…  {row['size']} B\n"
        f"   ├─ config  {config[:19]}…  79 B  linux/amd64, who=<me>\n"
        "   └─ layer  sha256:aaaaaaaaaaaa…  1.23 kB\n"
    )


def test_an_attestation_in_an_index_is_not_drawn_as_a_platform_only() -> None:
    """BuildKit's ``unknown/unknown`` entry carries its mark, so that nobody takes it for a third platform."""
    source = FakeSource()
    amd64 = image(source, "amd64") | {"platform": {"os": "linux", "architecture": "amd64"}}
    mark = {"vnd.docker.reference.type": "attestation-manifest"}
    attestation = image(source, "unknown") | {
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": mark,
    }
    source.add(OCI_INDEX, {"manifests": [amd64, attestation]}, "latest")
    tree = read(source, "latest")
    assert [child.facts for child in tree.children] == [("linux/amd64",), ("unknown/unknown", "attestation-manifest")]
    assert tree.role == "index"


def test_the_svg_is_well_formed_and_shows_each_object_once() -> None:
    """Markup in a label cannot break the drawing; every object is one box."""
    source = FakeSource()
    image(source, "amd64", "1.0")
    svg = ET.fromstring(render_svg("a<b>:1.0", read(source, "1.0")))  # noqa: S314  our own output
    assert len(svg.findall("{http://www.w3.org/2000/svg}g")) == 4


@given(st.integers(min_value=0, max_value=10**13))
def test_sizes_are_short_and_close(size: int) -> None:
    """A printed size is within half a percent of the true one and never longer than ten characters."""
    number, unit = size_words(size).split()
    true = float(number) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    assert abs(true - size) <= max(0.005 * size, 0.5)
    assert len(size_words(size)) <= 10
