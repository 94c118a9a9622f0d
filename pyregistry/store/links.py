"""Link files: a digest as text, without a newline, as registry:2 writes it."""

import logging

from pyregistry.drivers.interface import Driver, KeyUnknown
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import DigestInvalid

_LOG = logging.getLogger(__name__)

_MAX_BYTES = 512
"""More than any digest has (sha512: 135). What is longer is no link, and is not read into memory."""


def fetch_link(driver: Driver, key: str) -> Digest | None:
    """What the link at ``key`` points to; None where there is no link.

    An empty or garbage file, registry:2's scar of a crash, counts as no link and is logged: whoever asks gets a plain
    404 and can push again, which mends it.
    """
    try:
        with driver.open(key) as reader:
            content = reader.read(_MAX_BYTES)
    except KeyUnknown:
        return None
    try:
        return Digest.parse(content.decode("ascii"))
    except (DigestInvalid, UnicodeDecodeError):
        _LOG.warning("%s: expected a digest, got %r; served as absent until it is pushed again", key, content[:80])
        return None


def push_link(driver: Driver, key: str, digest: Digest) -> None:
    """Make ``key`` point to ``digest``. What it points to must be in place before."""
    driver.write(key, [str(digest).encode("ascii")])
