"""What people read, in French and English: one TOML table a language, message ids the same in both."""

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LANGUAGES = ("fr", "en")


def language(environ: Mapping[str, str] = os.environ) -> str:
    """``LAB_LANG``, else French in a French locale, else English."""
    asked = environ.get("LAB_LANG", "")
    if asked in LANGUAGES:
        return asked
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return "fr" if locale.lower().startswith("fr") else "en"


@cache
def table(language: str) -> Mapping[str, str]:
    """All messages of a language by dotted id."""
    nested = tomllib.loads((files(__package__) / f"{language}.toml").read_text(encoding="utf-8"))
    return dict(_flatten("", nested))


def text(language: str, message: str, **parameters: object) -> str:
    """A message in a language.

    Raises:
        KeyError: No such message, or one of its parameters was not given.
    """
    return table(language)[message].format(**parameters)


def _flatten(prefix: str, nested: Mapping[str, object]) -> list[tuple[str, str]]:
    """``{"a": {"b": "text"}}`` → ``[("a.b", "text")]``."""
    rows: list[tuple[str, str]] = []
    for name, value in nested.items():
        if isinstance(value, dict):
            rows += _flatten(f"{prefix}{name}.", value)
        else:
            rows.append((prefix + name, str(value)))
    return rows
