"""The grammar of Apache's password files, as registry:2 reads them. Hashes are verified in ``pyregistry.accounts``."""

from collections.abc import Mapping


class HtpasswdInvalid(ValueError):
    """The content is no password file."""


def parse_htpasswd(content: bytes) -> Mapping[str, bytes]:
    """Hashes by user name; ``#`` lines and blank ones say nothing, of two lines for one user the later holds.

    Raises:
        HtpasswdInvalid: A line has no colon, or a name is not UTF-8.
    """
    # line ::= name ":" hash
    hashes: dict[str, bytes] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        entry = line.strip()
        if not entry or entry.startswith(b"#"):
            continue
        name, colon, digest = entry.partition(b":")
        if not colon:
            raise HtpasswdInvalid(f"htpasswd: invalid entry at line {number}")
        try:
            hashes[name.decode()] = digest
        except UnicodeDecodeError as exc:
            raise HtpasswdInvalid(f"htpasswd: invalid entry at line {number}: the name is not UTF-8") from exc
    return hashes
