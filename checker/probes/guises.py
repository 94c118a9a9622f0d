"""Names of ordinary clients, under which the grader knocks where nothing but its manners may tell who it is.

A proxy that asks the grader alone for a password, or lets the grader alone send large layers, is found out by that.
Each guise is made up anew. Where such clients name the commit that they were built of, it holds a checksum of all the
rest: by that the grader knows its own requests again in a log and in a journal, and a configuration's patterns do not.
"""

import hashlib
import re
import secrets
from functools import lru_cache

from checker.probes import GRADER

# What these clients really send, but for the commit, which is of 7, 10 or 12 digits.
_CLIENTS = (
    ("docker/28.{a}.{b} go/go1.24.{b} git-commit/{mark} kernel/6.8.0-{n}-generic os/linux arch/amd64", 7),
    ("containerd/v2.{b}.{a}-{n}-g{mark}", 10),
    ("crane/v0.20.{a} go-containerregistry/v0.20.{b}-0.2025{a:02}1{b}104117-{mark}", 12),
    ("buildkit/v0.2{b}.{a}-{n}-g{mark}", 10),
    ("oras/1.{b}.{a}+{mark}", 7),
)
_MARK = re.compile(r"(?<![0-9a-f])[0-9a-f]{7,12}(?![0-9a-f])")
_REMEMBERED = 4096
"""Names of clients of which it is kept whether they are guises: a log has many lines, and few clients."""


def guise() -> str:
    """A User-Agent as some ordinary client might send it."""
    said, digits = secrets.choice(_CLIENTS)
    drawn = {"a": 1 + secrets.randbelow(5), "b": secrets.randbelow(4), "n": 10 + secrets.randbelow(90)}
    return said.format(mark=_checksum(said.format(mark="", **drawn), digits), **drawn)


def is_graders(agent: str) -> bool:
    """Whether the grader called itself so, by its own name or in a guise."""
    return agent.startswith(f"{GRADER}/") or is_guise(agent)


@lru_cache(_REMEMBERED)
def is_guise(agent: str) -> bool:
    """Whether the grader made this one up: of the commits of real clients one in 2²⁸ looks so."""
    return any(
        found[0] == _checksum(agent[: found.start()] + agent[found.end() :], len(found[0]))
        for found in _MARK.finditer(agent)
    )


def _checksum(rest: str, digits: int) -> str:
    """Hexadecimal digits that stand for the rest."""
    return hashlib.sha256(f"labcheck {rest}".encode()).hexdigest()[:digits]
