"""In-toto statements: something (a predicate) is said of something (subjects, by digest). Pure.

Sources: github.com/in-toto/attestation, spec/v1/statement.md and spec/v0.1; the predicate types that ``cosign attest``
knows by a short name (cosign, cmd/cosign/cli/options/predicate.go and pkg/cosign/attestation).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

from labs.gojson import JsonInvalid, format_json, parse_json
from labs.gowords import go_kind, json_fault
from pyregistry.spec.digest import Digest

STATEMENT_V1 = "https://in-toto.io/Statement/v1"
STATEMENT_V0 = "https://in-toto.io/Statement/v0.1"
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
"""The predicate of cosign 3's signature: nothing but that the image is signed."""
CUSTOM = "https://cosign.sigstore.dev/attestation/v1"

PREDICATE_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "custom": CUSTOM,
        "slsaprovenance": "https://slsa.dev/provenance/v0.2",
        "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
        "slsaprovenance1": "https://slsa.dev/provenance/v1",
        "spdx": "https://spdx.dev/Document",
        "spdxjson": "https://spdx.dev/Document",
        "cyclonedx": "https://cyclonedx.org/bom",
        "link": "https://in-toto.io/Link/v1",
        "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
        "openvex": "https://openvex.dev/ns",
    }
)
"""``--type`` → the URI that stands in the statement."""

_SLSA_0 = ("provenance predicate: ", ("builder", "buildType"))
_REQUIRED: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "slsaprovenance": _SLSA_0,
        "slsaprovenance02": _SLSA_0,
        "slsaprovenance1": ("provenance predicate: ", ("buildDefinition", "runDetails")),
        "link": (
            "link statement: ",
            ("_type", "name", "materials", "products", "byproducts", "command", "environment"),
        ),
        "vuln": ("", ()),
        "spdxjson": ("", ()),
        "cyclonedx": ("", ()),
        "openvex": ("", ()),
    }
)
"""What cosign calls the predicate in a fault, and the members that it looks for before it signs."""
_ANY_JSON = frozenset({"spdxjson", "cyclonedx", "openvex"})
"""Types whose predicate may be any JSON; the others' is an object."""
_GO_TYPES = MappingProxyType({"vuln": "attestation.CosignVulnPredicate"})
_GO_MAP = "map[string]interface {}"
_PLAIN = frozenset({"custom", "spdx"})
"""Types whose predicate holds the file as a text; all others are JSON."""


class StatementInvalid(ValueError):
    """The bytes are no statement, or the predicate is none of its type. The message is cosign's where it has one."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Of what is spoken. ``digests`` are by algorithm, e.g. ``{"sha256": "ab…"}``."""

    digests: Mapping[str, str]
    name: str | None = None
    annotations: Mapping[str, object] | None = None

    def is_about(self, digest: Digest) -> bool:
        """Whether it names this content."""
        return self.digests.get(digest.algorithm) == digest.encoded

    def describe(self) -> Mapping[str, object]:
        """The subject as a JSON object."""
        row = {"name": self.name, "digest": dict(self.digests), "annotations": self.annotations}
        return {key: value for key, value in row.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of the subjects. ``predicate`` is any JSON, or a text."""

    predicate_type: str
    subjects: tuple[Subject, ...]
    predicate: object = field(default_factory=dict)
    type: str = STATEMENT_V1

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a statement, of version 1 or 0.1.

        Raises:
            StatementInvalid: It is none.
        """
        try:
            document = parse_json(content)
        except JsonInvalid as exc:
            raise StatementInvalid(str(exc)) from exc
        version, kind, rows = document.get("_type"), document.get("predicateType"), document.get("subject")
        if version not in {STATEMENT_V0, STATEMENT_V1} or not isinstance(kind, str) or not isinstance(rows, list):
            raise StatementInvalid(f"expected an in-toto statement, got _type {str(version)[:60]}")
        return cls(kind, tuple(_parse_subject(row) for row in rows), document.get("predicate"), str(version))

    def subject_of(self, digest: Digest) -> Subject | None:
        """The subject that is this content, if it is among them."""
        return next((subject for subject in self.subjects if subject.is_about(digest)), None)

    def format(self) -> bytes:
        """The bytes that are signed, in the member order of the statement's version."""
        subjects = [subject.describe() for subject in self.subjects]
        if self.type == STATEMENT_V1:
            document = {"subject": subjects, "predicateType": self.predicate_type}
        else:
            document = {"predicateType": self.predicate_type, "subject": subjects}
        return format_json({"_type": self.type, **document, "predicate": self.predicate})


def sign(digest: Digest, annotations: Mapping[str, str]) -> Statement:
    """What cosign 3 states when it signs an image."""
    return Statement(SIGNATURE, (Subject({digest.algorithm: digest.encoded}, annotations=dict(annotations)),))


def attest(repository: str, digest: Digest, kind: str, content: bytes, now: datetime) -> Statement:
    """What ``cosign attest --type KIND`` states.

    Args:
        repository: ``registry/repository``, which becomes the subject's name.
        digest: The image's.
        kind: A short name or a URI.
        content: The predicate file.
        now: When; a custom predicate says it.

    Raises:
        StatementInvalid: The file is no predicate of this type.
    """
    subject = Subject({digest.algorithm: digest.encoded}, repository)
    return Statement(parse_type(kind), (subject,), _predicate(kind, content, now), STATEMENT_V0)


def parse_type(kind: str) -> str:
    """The URI of a predicate type.

    Raises:
        StatementInvalid: It is neither a short name nor a URI.
    """
    if kind in PREDICATE_TYPES:
        return PREDICATE_TYPES[kind]
    if not urlsplit(kind).scheme and not kind.startswith("/"):
        raise StatementInvalid(f"invalid predicate type: {kind}")
    return kind


def _predicate(kind: str, content: bytes, now: datetime) -> object:
    if kind in _PLAIN:
        try:
            text = content.decode()
        except UnicodeDecodeError as exc:
            raise StatementInvalid(f"expected a text as predicate: {exc}") from exc
        stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"Data": text, "Timestamp": stamp} if kind == "custom" else text
    spoken, names = _REQUIRED.get(kind, (f"invalid JSON payload for predicate type {kind}: ", ()))
    document = _parse_predicate(content, spoken)
    if kind in _ANY_JSON:
        return document
    if not isinstance(document, dict):
        wanted = _GO_TYPES.get(kind, _GO_MAP)
        raise StatementInvalid(f"{spoken}json: cannot unmarshal {go_kind(document)} into Go value of type {wanted}")
    for name in names:
        if name not in document:
            raise StatementInvalid(f"{spoken}required field {name} missing")
    return document


def _parse_predicate(content: bytes, spoken: str) -> object:
    """Any JSON, as Go reads it."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise StatementInvalid(f"{spoken}{json_fault(content.decode(errors='replace'))}") from exc


def _parse_subject(row: object) -> Subject:
    digests = row.get("digest") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(digests, dict):
        raise StatementInvalid(f"expected a subject with a digest, got {str(row)[:60]}")
    annotations, name = row.get("annotations"), row.get("name")
    return Subject(
        {str(algorithm): str(encoded) for algorithm, encoded in digests.items()},
        name if isinstance(name, str) else None,
        annotations if isinstance(annotations, dict) else None,
    )
