"""What a proxy's configuration says where to look, whichever proxy it is. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from checker.facts import Logging

Options = Mapping[str, str]
"""What a program is told, by name."""


@dataclass(frozen=True, slots=True)
class ProxyFiles:
    """Paths inside the container.

    Attributes:
        access_logs: Of requests that go on to the registry; empty where they are logged nowhere.
        accounts: Lines as of an htpasswd file that stand in the configuration itself.
        logging: How requests are handed on and logged; since when, a configuration does not say.
    """

    access_logs: tuple[PurePosixPath, ...]
    password_files: tuple[PurePosixPath, ...]
    certificates: tuple[PurePosixPath, ...]
    keys: tuple[PurePosixPath, ...]
    accounts: tuple[str, ...] = field(default=(), repr=False)
    logging: Logging = field(default_factory=Logging)


class Unreadable(ValueError):
    """No configuration of the proxy."""


def parse_arguments(words: Iterable[str]) -> Options:
    """Options of a command line, ``--accesslog``, ``--accesslog.filepath=PATH``, ``--config PATH``, in lower case."""
    found: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            name = name.lower()
            found[name] = value if equals else "true"
        elif name:
            found[name] = word
    return found
