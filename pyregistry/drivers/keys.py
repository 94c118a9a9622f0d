"""Keys: the one door between names that came over the wire and paths on a medium."""


def parse_key(key: str) -> tuple[str, ...]:
    """The segments of ``key``.

    Raises:
        ValueError: A segment is empty (so the key is absolute, too), ``.``, ``..`` or holds NUL. Names are validated
            long before; whoever gets here with such a key has a bug, and must not reach another folder with it.
    """
    segments = tuple(key.split("/"))
    if any(segment in {"", ".", ".."} or "\0" in segment for segment in segments):
        raise ValueError(f"{key[:200]!r}: expected a relative path without empty, . or .. segments")
    return segments
