"""The registry's error vocabulary: one enum, one table, one exception per code.

Statuses and messages are those of distribution v3; codes are distribution-spec 1.1.1 "Error Codes" (code-1 …
code-14) and the few that distribution, Harbor and Quay add. Nobody types a code or an error status anywhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

from pyregistry.spec.identity import ANONYMOUS, Identity


class ErrorCode(StrEnum):
    """An error code as it stands on the wire."""

    BLOB_UNKNOWN = "BLOB_UNKNOWN"
    BLOB_UPLOAD_INVALID = "BLOB_UPLOAD_INVALID"
    BLOB_UPLOAD_UNKNOWN = "BLOB_UPLOAD_UNKNOWN"
    DIGEST_INVALID = "DIGEST_INVALID"
    MANIFEST_BLOB_UNKNOWN = "MANIFEST_BLOB_UNKNOWN"
    MANIFEST_INVALID = "MANIFEST_INVALID"
    MANIFEST_UNKNOWN = "MANIFEST_UNKNOWN"
    NAME_INVALID = "NAME_INVALID"
    NAME_UNKNOWN = "NAME_UNKNOWN"
    SIZE_INVALID = "SIZE_INVALID"
    UNAUTHORIZED = "UNAUTHORIZED"
    DENIED = "DENIED"
    UNSUPPORTED = "UNSUPPORTED"
    TOOMANYREQUESTS = "TOOMANYREQUESTS"
    RANGE_INVALID = "RANGE_INVALID"
    TAG_INVALID = "TAG_INVALID"
    TAG_IMMUTABLE = "TAG_IMMUTABLE"
    PRECONDITION = "PRECONDITION"
    PAGINATION_NUMBER_INVALID = "PAGINATION_NUMBER_INVALID"
    UNAVAILABLE = "UNAVAILABLE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """What a code means on the wire: its status, its default message and the spec's id where it has one."""

    status: int
    message: str
    spec_id: str | None = None


ERRORS: Mapping[ErrorCode, ErrorRow] = MappingProxyType(
    {
        ErrorCode.BLOB_UNKNOWN: ErrorRow(404, "blob unknown to registry", "code-1"),
        ErrorCode.BLOB_UPLOAD_INVALID: ErrorRow(404, "blob upload invalid", "code-2"),
        ErrorCode.BLOB_UPLOAD_UNKNOWN: ErrorRow(404, "blob upload unknown to registry", "code-3"),
        ErrorCode.DIGEST_INVALID: ErrorRow(400, "provided digest did not match uploaded content", "code-4"),
        ErrorCode.MANIFEST_BLOB_UNKNOWN: ErrorRow(400, "blob unknown to registry", "code-5"),
        ErrorCode.MANIFEST_INVALID: ErrorRow(400, "manifest invalid", "code-6"),
        ErrorCode.MANIFEST_UNKNOWN: ErrorRow(404, "manifest unknown", "code-7"),
        ErrorCode.NAME_INVALID: ErrorRow(400, "invalid repository name", "code-8"),
        ErrorCode.NAME_UNKNOWN: ErrorRow(404, "repository name not known to registry", "code-9"),
        ErrorCode.SIZE_INVALID: ErrorRow(400, "provided length did not match content length", "code-10"),
        ErrorCode.UNAUTHORIZED: ErrorRow(401, "authentication required", "code-11"),
        ErrorCode.DENIED: ErrorRow(403, "requested access to the resource is denied", "code-12"),
        ErrorCode.UNSUPPORTED: ErrorRow(405, "The operation is unsupported.", "code-13"),
        ErrorCode.TOOMANYREQUESTS: ErrorRow(429, "too many requests", "code-14"),
        ErrorCode.RANGE_INVALID: ErrorRow(416, "invalid content range"),
        ErrorCode.TAG_INVALID: ErrorRow(400, "manifest tag did not match URI"),
        ErrorCode.TAG_IMMUTABLE: ErrorRow(409, "tag is immutable"),
        ErrorCode.PRECONDITION: ErrorRow(412, "precondition failed"),
        ErrorCode.PAGINATION_NUMBER_INVALID: ErrorRow(400, "invalid number of results requested"),
        ErrorCode.UNAVAILABLE: ErrorRow(503, "service unavailable"),
        ErrorCode.UNKNOWN: ErrorRow(500, "unknown error"),
    }
)


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """One entry of an error body: ``{"code", "message", "detail"}``."""

    code: ErrorCode
    message: str
    detail: object = None


class RegistryError(Exception):
    """Something the client can mend. Carries its code; ``api/errors.py`` turns it into a response.

    Args:
        detail: What was seen and what was wanted, the object first; any JSON value.
        message: Replaces the code's default message, where a twin words a refusal its own way.
    """

    code: ClassVar[ErrorCode] = ErrorCode.UNKNOWN
    status_override: ClassVar[int | None] = None

    def __init__(self, detail: object = None, *, message: str | None = None) -> None:
        self.detail = detail
        self.message = message if message is not None else ERRORS[self.code].message
        super().__init__(f"{self.code}: {self.message}" + ("" if detail is None else f" ({detail})"))

    @property
    def status(self) -> int:
        """The HTTP status of the response."""
        return self.status_override or ERRORS[self.code].status

    def entries(self) -> Sequence[ErrorEntry]:
        """The entries of the error body, in order; most errors have one."""
        return [ErrorEntry(self.code, self.message, self.detail)]


class BlobUnknown(RegistryError):
    """The blob is not linked into this repository (code-1)."""

    code = ErrorCode.BLOB_UNKNOWN


class BlobUploadInvalid(RegistryError):
    """The upload session cannot go on, e.g. its state token is broken (code-2)."""

    code = ErrorCode.BLOB_UPLOAD_INVALID


class BlobUploadUnknown(RegistryError):
    """No such upload session in this repository (code-3)."""

    code = ErrorCode.BLOB_UPLOAD_UNKNOWN


class DigestInvalid(RegistryError):
    """A digest is malformed, of an unsupported algorithm, or not that of the content (code-4)."""

    code = ErrorCode.DIGEST_INVALID


class ManifestBlobUnknown(RegistryError):
    """A manifest refers to blobs or children that the repository does not hold (code-5): one entry for each.

    Args:
        digests: The missing digests, as strings, in the manifest's order.
    """

    code = ErrorCode.MANIFEST_BLOB_UNKNOWN

    def __init__(self, digests: Sequence[str]) -> None:
        super().__init__(list(digests))
        self.digests = tuple(digests)

    def entries(self) -> Sequence[ErrorEntry]:
        """One entry for each missing digest, the digest its detail, as distribution answers."""
        return [ErrorEntry(self.code, self.message, digest) for digest in self.digests]


class ManifestInvalid(RegistryError):
    """The manifest's shape is wrong (code-6)."""

    code = ErrorCode.MANIFEST_INVALID


class ManifestTooLarge(ManifestInvalid):
    """The manifest is over the limit: 413, distribution-spec 1.1.1 end-7."""

    status_override = 413


class ManifestUnknown(RegistryError):
    """No such manifest or tag in this repository (code-7)."""

    code = ErrorCode.MANIFEST_UNKNOWN


class NameInvalid(RegistryError):
    """The repository name breaks the grammar or is too long (code-8)."""

    code = ErrorCode.NAME_INVALID


class NameUnknown(RegistryError):
    """The registry holds no such repository (code-9)."""

    code = ErrorCode.NAME_UNKNOWN


class SizeInvalid(RegistryError):
    """The body's length is not the announced one (code-10)."""

    code = ErrorCode.SIZE_INVALID


class Unauthorized(RegistryError):
    """Authentication is missing or was refused (code-11).

    Args:
        challenge: The ``WWW-Authenticate`` header to send, or None for a refusal without one.
        identity: Who tried, as far as is known; for the journal.
    """

    code = ErrorCode.UNAUTHORIZED

    def __init__(
        self,
        detail: object = None,
        *,
        message: str | None = None,
        challenge: str | None = None,
        identity: Identity = ANONYMOUS,
    ) -> None:
        super().__init__(detail, message=message)
        self.challenge = challenge
        self.identity = identity


class Denied(RegistryError):
    """The account may not do this (code-12). ``identity`` says who tried, for the journal."""

    code = ErrorCode.DENIED

    def __init__(self, detail: object = None, *, message: str | None = None, identity: Identity = ANONYMOUS) -> None:
        super().__init__(detail, message=message)
        self.identity = identity


class Unsupported(RegistryError):
    """The operation is not offered here, e.g. delete is disabled (code-13)."""

    code = ErrorCode.UNSUPPORTED


class TooManyRequests(RegistryError):
    """A rate limit was met (code-14)."""

    code = ErrorCode.TOOMANYREQUESTS


class RangeInvalid(RegistryError):
    """A chunk or a byte range does not fit: 416."""

    code = ErrorCode.RANGE_INVALID


class TagInvalid(RegistryError):
    """The tag breaks the grammar, or a policy keeps it from moving."""

    code = ErrorCode.TAG_INVALID


class TooManyTags(TagInvalid):
    """One push names more tags than the registry takes: 414, distribution-spec main 2026-07-16 end-7b."""

    status_override = 414


class TagImmutable(RegistryError):
    """The tag may neither move nor go; Quay's code for it."""

    code = ErrorCode.TAG_IMMUTABLE


class PreconditionFailed(RegistryError):
    """A policy of the project forbids it; Harbor's code."""

    code = ErrorCode.PRECONDITION


class PaginationNumberInvalid(RegistryError):
    """``n`` is not a usable number of results."""

    code = ErrorCode.PAGINATION_NUMBER_INVALID


class Unavailable(RegistryError):
    """The registry cannot serve at the moment: 503."""

    code = ErrorCode.UNAVAILABLE
