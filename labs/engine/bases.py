"""The images that a build stands on: found in the store, or brought by the caller's ``pull``."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from labs.engine.documents import DocumentInvalid
from labs.engine.image import ImageDraft
from labs.engine.layers import ArchiveInvalid, apply_layer, open_archive
from labs.engine.layout import BlobMissing, ImageStore, ImageUnknown, PlatformMissing, StoreError
from labs.engine.platforms import fits
from labs.engine.reference import InvalidReference, Reference
from labs.engine.stage import BuildError, BuildProgress
from labs.engine.tree import Tree
from pyregistry.spec.descriptor import Descriptor, Platform

Pull = Callable[[Reference, Platform], Descriptor]
"""Brings an image into the store; raises LookupError, in Docker's words, when there is none."""


@dataclass(frozen=True, slots=True)
class BaseImage:
    """An image to build on, or to copy from.

    Attributes:
        reference: Complete, with the digest that was found.
        tree: Reads its layers, anew at each call.
    """

    reference: Reference
    image: ImageDraft
    tree: Callable[[], Tree]


@dataclass(frozen=True, slots=True)
class BaseImages:
    """Base images of one build.

    Attributes:
        platform: What is wanted where a stage does not say.
        resources: Keeps layers open until the build is done.
    """

    store: ImageStore
    platform: Platform
    pull: Pull | None
    progress: BuildProgress
    resources: contextlib.ExitStack
    _loaded: dict[tuple[str, Platform], BaseImage] = field(default_factory=dict)

    def load(self, name: str, platform: Platform | None, line: int) -> BaseImage:
        """An image by the name that the Dockerfile gives.

        Raises:
            BuildError: The name is no reference, or there is no such image.
        """
        key = name, platform or self.platform
        if key not in self._loaded:
            self._loaded[key] = self._load(*key, line)
        return self._loaded[key]

    def _load(self, name: str, platform: Platform, line: int) -> BaseImage:
        try:
            reference = Reference.parse(name)
        except InvalidReference as exc:
            raise BuildError(f'failed to parse stage name "{name}": {exc}', line) from exc
        self.progress.begin(f"[internal] load metadata for {reference}")
        try:
            found = self._find(reference, platform)
            image = ImageDraft.load(self.store, self.store.select(found, platform))
        except (LookupError, StoreError, DocumentInvalid) as exc:
            raise BuildError(f"{name}: failed to resolve source metadata for {reference}: {exc}", line) from exc
        self.progress.end()
        self._check(name, image, platform, line)
        return BaseImage(replace(reference, digest=found.digest), image, lambda: self._tree(image, line))

    def _find(self, reference: Reference, platform: Platform) -> Descriptor:
        """The image or index of that name; pulled where it is not here, or not for this platform."""
        try:
            found = self.store.resolve(reference)
            self.store.select(found, platform)
        except (ImageUnknown, PlatformMissing):
            if self.pull is None:
                raise
            return self.pull(reference, platform)
        return found

    def _check(self, name: str, image: ImageDraft, platform: Platform, line: int) -> None:
        if image.config.get("OnBuild"):
            raise BuildError(f"{name}: its ONBUILD instructions are not done by labdocker", line)
        if not fits(image.platform, platform):
            advice = (
                f'InvalidBaseImagePlatform: Base image {name} was pulled with platform "{image.platform}", '
                f'expected "{platform}" for current build'
            )
            self.progress.warn(advice, line)

    def _tree(self, image: ImageDraft, line: int) -> Tree:
        """Every layer applied, the lowest first."""
        tree = Tree()
        for layer in image.layers:
            try:
                with self.store.open(layer.digest) as stream:
                    apply_layer(tree, self.resources.enter_context(open_archive(stream)))
            except (BlobMissing, ArchiveInvalid) as exc:
                raise BuildError(f"failed to extract layer {layer.digest}: {exc}", line) from exc
        return tree
