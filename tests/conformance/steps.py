"""The form of the conformance tables: a row is a fact about an endpoint and the exchanges that show it. Data only.

Texts may hold placeholders, filled in when the row runs:

    {repo}       the row's own repository             {elsewhere}  a repository that holds the same blob
    {blob}       digest of a content, by its name     {blob512}    its sha512 digest
    {blob quoted} and {blob size}: the digest as a query has it, and the length
    {missing}    digest of content that nobody has    {missing512} another one
    {empty}      digest of no bytes at all            {empty512}   its sha512 digest
    {location}   Location of the last answer that had one         {stale}  the one before
    {session}    Location of the last session         {fallback}   the tag that lists the image's referrers
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Body:
    """Content of a request or an answer, by its name in ``contents.py``; part of it with start and end."""

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
        given: What is pushed before. ``blob`` and ``blob512``: it alone. ``elsewhere`` and ``elsewhere512``: likewise,
            there. ``parts``: the blobs of all manifests. ``image`` and ``image512``: with its blobs, as tag 1.0 and by
            its sha512 digest. ``tags``: three more. ``index parts``: all that an index needs to be there. Other names:
            that manifest, by digest; ``listing`` at the fallback tag.
    """

    id: str
    fact: str
    steps: tuple[Step, ...]
    given: tuple[str, ...] = ()
