"""What the cases push: the conformance rows' contents, and Docker's types beside them."""

import json
from collections.abc import Mapping

from pyregistry.spec.media_types import DOCKER_CONFIG, DOCKER_LAYER_GZIP, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST
from tests.conformance.contents import CONTENTS as CONFORMANCE
from tests.conformance.contents import PARTS as CONFORMANCE_PARTS
from tests.conformance.contents import Content

_config = Content(CONFORMANCE["config"].body, DOCKER_CONFIG)
_layer = Content(CONFORMANCE["blob"].body, DOCKER_LAYER_GZIP)


def _docker(media_type: str, **members: object) -> Content:
    return Content(json.dumps({"schemaVersion": 2, "mediaType": media_type, **members}).encode(), media_type)


_image = _docker(DOCKER_MANIFEST, config=_config.described(), layers=[_layer.described()])
_amd64 = {"architecture": "amd64", "os": "linux"}
_arm64 = {"architecture": "arm64", "os": "linux"}

CONTENTS: Mapping[str, Content] = {
    **CONFORMANCE,
    "docker": _image,
    "list": _docker(DOCKER_MANIFEST_LIST, manifests=[_image.described(platform=_amd64)]),
    "armlist": _docker(DOCKER_MANIFEST_LIST, manifests=[_image.described(platform=_arm64)]),
    "schema1": Content(
        b'{"schemaVersion":1,"name":"a/b","tag":"1.0","architecture":"amd64","fsLayers":[],"history":[]}',
        "application/vnd.docker.distribution.manifest.v1+json",
    ),
    "untold": Content(_image.body.replace(f'"mediaType": "{DOCKER_MANIFEST}", '.encode(), b"", 1), DOCKER_MANIFEST),
    "twice": Content(
        CONFORMANCE["image"].body.replace(b"{", b'{"schemaVersion": 2, ', 1), CONFORMANCE["image"].media_type
    ),
}

PARTS: Mapping[str, tuple[str, ...]] = {**CONFORMANCE_PARTS, "list": ("docker",), "armlist": ("docker",)}
