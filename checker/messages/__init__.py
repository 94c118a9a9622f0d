"""Texts by message id and language, with parameters; the only place where words for people are looked up."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from checker.model import Value, Words

LANGUAGES = ("fr", "en")
CHAPTER = {"proxy": "nginx", "settings": "cat nginx/conf.d/registry.conf"}
"""How one looks at the proxy of the chapter's stack; one that is made otherwise has its own (``Verdict.looks``)."""


@lru_cache
def _table(name: str) -> dict[str, dict[str, str]]:
    """One file of texts."""
    return tomllib.loads((files(__package__) / f"{name}.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Messages:
    """The texts of one language.

    Attributes:
        context: Fills placeholders that a message's own parameters leave open.
        steps: The exercise's steps in the task's words, by number.
    """

    language: str
    context: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[int, str] = field(default_factory=dict)

    def text(self, section: str, message: str, params: Mapping[str, Value] | None = None) -> str:
        """The message ``message`` of a section, filled in.

        Raises:
            KeyError: No such message, or a parameter is missing.
        """
        told = {name: self.told(value) for name, value in (params or {}).items()}
        return _table(self.language)[section][message].format_map({**self.context, **told})

    def told(self, value: Value) -> str:
        """What was observed, our own words in this language. Raises KeyError as ``text`` does."""
        if isinstance(value, Words):
            section, _, message = value.id.partition(".")
            return self.text(section, message, value.params)
        return ", ".join(map(self.told, value)) if isinstance(value, tuple) else str(value)

    def check(self, code: str, part: str) -> str:
        """``title``, ``asks``, ``evidence`` or ``unproved`` of a check."""
        table: Mapping[str, Mapping[str, Mapping[str, str]]] = _table(self.language)  # type: ignore[assignment]
        return table["check"][code][part]

    def cause_pattern(self, cause: str) -> str:
        """A cause's text with its placeholders open."""
        return _table(self.language)["cause"][cause]

    def fact(self, name: str) -> str:
        """What an observation is called; a name that is itself a word of the task, as ``latest``, stands for itself."""
        return _table(self.language)["fact"].get(name, name)

    def reading(self, name: str) -> str:
        """What was being read, by its source's name or by what was asked; an address or a path stands for itself."""
        return _table(self.language)["source"].get(name) or self.fact(name)

    def command(self, cause: str, looks: Mapping[str, str] | None = None) -> str:
        """The command that looks further into a cause, with the names of the student's own stack."""
        commands: Mapping[str, str] = _table("commands")  # type: ignore[assignment]
        return commands.get(cause, commands["default"]).format_map({**CHAPTER, **self.context, **(looks or {})})
