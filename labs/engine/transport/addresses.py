"""Where an exchange goes on: the Location of an upload, the next page of a list. What is given may be relative."""

from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from labs.engine.transport.client import Answer
from labs.engine.transport.faults import ContentWrong
from pyregistry.spec.digest import Digest


def location(answer: Answer, default: str | None = None) -> str:
    """The Location of an answer.

    Raises:
        ContentWrong: There is none.
    """
    given = answer.header("Location") or default
    if not given:
        raise ContentWrong(f"{urlsplit(answer.url).path}: the registry named no Location to go on at")
    return urljoin(answer.url, given)


def with_digest(address: str, digest: Digest) -> str:
    """Add ``digest`` to the query that the registry put into its Location."""
    parts = urlsplit(address)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}{urlencode({'digest': str(digest)})}"))


def next_page(answer: Answer) -> str | None:
    """The Link header's ``rel="next"``, the only one that registries send; None on the last page."""
    link = (answer.header("Link") or "").partition(">")[0].lstrip().removeprefix("<")
    return urljoin(answer.url, link) if link else None
