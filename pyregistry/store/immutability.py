"""A store in which some tags, once made, stay where they are (``pyregistry.policy.immutable``).

Pushing again what a tag leads to already is no move: a client that lost the answer may ask again. The check and the
move are one step among the threads of this process; a second process over the same store would need a policy, too,
and could still win a race for a tag that is not there yet.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pyregistry.config.settings import Immutability, ImmutabilitySpeech
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestUnknown, PreconditionFailed, RegistryError, TagImmutable, TagInvalid
from pyregistry.store.interface import PushedManifest, Store, Tags
from pyregistry.store.wrapping import WrappedManifests, WrappedStore, WrappedTags


def open_immutable(store: Store, policy: Immutability) -> Store:
    """``store`` under a policy."""
    rules = _Rules(store.tags, policy)
    return WrappedStore(
        blobs=store.blobs,
        uploads=store.uploads,
        manifests=_LockedManifests(store, rules),
        tags=_LockedTags(store, rules),
        repositories=store.repositories,
    )


class _Rules:
    """Says which tags may not go, and refuses in the words of some registry."""

    def __init__(self, tags: Tags, policy: Immutability) -> None:
        self._tags = tags
        self._repositories = [*map(re.compile, policy.repositories)]
        self._patterns = [*map(re.compile, policy.tags)]
        self._speech = policy.speech
        self._guard = threading.Lock()

    @contextmanager
    def moving(self, repository: str, tag: str, body_or_digest: bytes | Digest) -> Iterator[None]:
        """Hold the tag while it is moved to a manifest, given as such or by its digest."""
        if not self._covers(repository, tag):
            yield
            return
        with self._guard:
            current = self._current(repository, tag)
            if current is not None and current != _digest_of(body_or_digest, current):
                raise _refuse(self._speech, repository, tag)
            yield

    @contextmanager
    def deleting(self, repository: str, reference: str | Digest) -> Iterator[None]:
        """Hold the repository's tags while one, or the manifest that some lead to, is deleted."""
        with self._guard:
            for tag in self._concerned(repository, reference):
                if self._covers(repository, tag) and self._current(repository, tag) is not None:
                    raise _refuse(self._speech, repository, tag)
            yield

    def _concerned(self, repository: str, reference: str | Digest) -> Iterable[str]:
        if isinstance(reference, str):
            return [reference]
        return [tag for tag in self._tags.list(repository) if self._current(repository, tag) == reference]

    def _covers(self, repository: str, tag: str) -> bool:
        return _is_one_of(self._repositories, repository) and _is_one_of(self._patterns, tag)

    def _current(self, repository: str, tag: str) -> Digest | None:
        try:
            return self._tags.resolve(repository, tag)
        except ManifestUnknown:
            return None


class _LockedManifests(WrappedManifests):
    def __init__(self, store: Store, rules: _Rules) -> None:
        super().__init__(store.manifests)
        self._rules = rules

    def push(self, repository: str, reference: str | Digest, media_type: str, body: bytes) -> PushedManifest:
        if isinstance(reference, Digest):
            return super().push(repository, reference, media_type, body)
        with self._rules.moving(repository, reference, body):
            return super().push(repository, reference, media_type, body)

    def delete(self, repository: str, reference: str | Digest) -> Digest:
        with self._rules.deleting(repository, reference):
            return super().delete(repository, reference)


class _LockedTags(WrappedTags):
    def __init__(self, store: Store, rules: _Rules) -> None:
        super().__init__(store.tags)
        self._rules = rules

    def tag(self, repository: str, tag: str, digest: Digest) -> None:
        with self._rules.moving(repository, tag, digest):
            super().tag(repository, tag, digest)


def _is_one_of(patterns: Iterable[re.Pattern[str]], name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in patterns)


def _digest_of(body_or_digest: bytes | Digest, like: Digest) -> Digest:
    """By the algorithm of ``like``, where there is content to take it from."""
    return body_or_digest if isinstance(body_or_digest, Digest) else Digest.of(body_or_digest, like.algorithm)


def _refuse(speech: ImmutabilitySpeech, repository: str, tag: str) -> RegistryError:
    match speech:
        case ImmutabilitySpeech.HARBOR:
            return PreconditionFailed(
                message=f"Failed to process request due to '{repository}:{tag}' configured as immutable."
            )
        case ImmutabilitySpeech.ECR:
            return TagInvalid(
                message=f"The image tag '{tag}' already exists in the '{repository}' repository "
                "and cannot be overwritten because the repository is immutable."
            )
        case ImmutabilitySpeech.QUAY:
            return TagImmutable({"tag": tag})
