"""An image in the making: its config, its layers and their history (image-spec 1.1.1, config.md)."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from labs.engine.documents import Manifest, format_json, format_manifest
from labs.engine.layers import Layer
from labs.engine.layout import ImageStore
from pyregistry.spec.descriptor import Descriptor, Platform
from pyregistry.spec.media_types import DOCKER_LAYER_GZIP, OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BUILDER = "labdocker.dockerfile.v0"
"""The comment of every history entry of ours, where BuildKit writes ``buildkit.dockerfile.v0``."""


@dataclass(slots=True)
class ImageDraft:
    """Everything that a stage has decided so far.

    Attributes:
        config: What containers get: ``Env``, ``Cmd`` … in the spec's own keys.
        diff_ids: Digests of the layers' archives, in the layers' order.
        history: Entries as they stand in the document; those of the base image first.
    """

    platform: Platform
    config: dict[str, Any] = field(default_factory=dict)
    author: str = ""
    layers: list[Descriptor] = field(default_factory=list)
    diff_ids: list[str] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def scratch(cls, platform: Platform) -> Self:
        """The empty image, as BuildKit begins it."""
        return cls(platform, {"Env": [f"PATH={DEFAULT_PATH}"], "WorkingDir": "/"})

    @classmethod
    def load(cls, store: ImageStore, descriptor: Descriptor) -> Self:
        """An image of the store, to be built upon.

        Raises:
            BlobMissing: Its manifest or config is not here.
            DocumentInvalid: One of them is something else.
        """
        manifest, document = store.manifest(descriptor), store.config(descriptor)
        return cls(
            platform=Platform(document.get("architecture", ""), document.get("os", "linux"), document.get("variant")),
            config={key: value for key, value in (document.get("config") or {}).items() if value is not None},
            author=document.get("author", ""),
            layers=[_as_oci(layer) for layer in manifest.layers],
            diff_ids=list(document.get("rootfs", {}).get("diff_ids") or ()),
            history=list(document.get("history") or ()),
        )

    def copy(self) -> Self:
        """The same image, to be changed on its own."""
        return copy.deepcopy(self)

    @property
    def environment(self) -> dict[str, str]:
        """``Env`` by name."""
        return dict(row.partition("=")[::2] for row in self.config.get("Env") or ())

    def set_environment(self, name: str, value: str) -> None:
        """Set a variable of ``Env``; one that is there keeps its place."""
        values = self.environment | {name: value}
        self.config["Env"] = [f"{key}={content}" for key, content in values.items()]

    def extend(self, key: str, values: Mapping[str, Any]) -> None:
        """Add to one of the config's objects: ``Labels``, ``ExposedPorts``, ``Volumes``."""
        self.config[key] = {**(self.config.get(key) or {}), **values}

    def record(self, text: str, epoch: int, layer: Layer | None = None) -> None:
        """Write an instruction into the history, with the layer that it made."""
        entry: dict[str, Any] = {"created": format_time(epoch), "created_by": text, "comment": BUILDER}
        if layer is None:
            entry["empty_layer"] = True
        else:
            self.layers.append(layer.descriptor)
            self.diff_ids.append(str(layer.diff_id))
        self.history.append(entry)

    def save(self, store: ImageStore, epoch: int) -> Descriptor:
        """Put config and manifest into the store; the manifest's descriptor carries the platform."""
        config = store.add(format_json(self._document(epoch)), OCI_CONFIG)
        manifest = store.add(format_manifest(Manifest(config, tuple(self.layers))), OCI_MANIFEST)
        return replace(manifest, platform=self.platform)

    def _document(self, epoch: int) -> Mapping[str, Any]:
        document: dict[str, Any] = {"created": format_time(epoch)}
        if self.author:
            document["author"] = self.author
        document |= {"architecture": self.platform.architecture, "os": self.platform.os}
        if self.platform.variant:
            document["variant"] = self.platform.variant
        return document | {
            "config": dict(sorted(self.config.items())),
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
            "history": self.history,
        }


def format_time(epoch: int) -> str:
    """Seconds since 1970 in RFC 3339, in UTC."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_oci(layer: Descriptor) -> Descriptor:
    """A base image's layer in our OCI manifest: the same bytes under OCI's name."""
    media_type = OCI_LAYER_GZIP if layer.media_type == DOCKER_LAYER_GZIP else layer.media_type
    return Descriptor(media_type, layer.digest, layer.size)
