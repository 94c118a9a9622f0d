"""The form of the conformance tables: a row is a fact about an endpoint and the exchanges that show it. Data only.

Texts may hold placeholders, filled in when the row runs:

    {repo}       the row's own repository             {elsewhere}  a repository that holds the same content
    {blob}       digest of ``BLOB``                   {blob512}    its sha512 digest
    {missing}    digest of content that nobody has    {location}   Location of the last answer that had one
    {image}      digest of the row's image            {image512}   its sha512 digest
    {config}     digest of the image's config         {artifact}   digest of an artifact whose subject is the image
    {second}     another such artifact                {about512}   one whose subject is {image512}
    {second quoted} and {second size}: the digest as a query has it, and the manifest's length; of all content alike
    {silent}     an artifact that names no subject    {fallback}   the tag that lists the image's referrers
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

BLOB = bytes(range(256)) * 8
"""2048 bytes; conformance rows ask for ranges in it."""


@dataclass(frozen=True, slots=True)
class Body:
    """Content of a request or an answer by name: ``blob``, ``image``, ``artifact``; part of it with start and end."""

    name: str
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange.

    Attributes:
        target: Path or URL.
        send: What the request brings.
        status: What the answer must have.
        headers: Of the request.
        expect: Headers that the answer must have, with these very values; None means that it must not have it.
        code: The error code of the first entry of the body.
        body: What the answer's body must be: content, or a text.
        json: Members that the answer's JSON object must have.
    """

    method: str
    target: str
    status: int
    send: Body | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    expect: Mapping[str, str | None] = field(default_factory=dict)
    code: str | None = None
    body: Body | str | None = None
    json: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A fact and the exchanges that show it.

    Attributes:
        id: The spec's number and a word.
        given: What is pushed before: ``blob``, ``blob512``, ``image``, ``image512``, ``elsewhere``, the artifacts by
            their placeholders, and ``listing``: an index of the silent artifact at the fallback tag.
    """

    id: str
    fact: str
    steps: tuple[Step, ...]
    given: tuple[str, ...] = ()
