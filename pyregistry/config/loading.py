"""From a path and an environment to settings, or to every mistake at once."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pyregistry.config.document import FILE, BrokenYaml, compose
from pyregistry.config.environment import CONFIGURATION_PATH, overlay
from pyregistry.config.files import check_files
from pyregistry.config.issues import ConfigurationError, Issue
from pyregistry.config.section import Findings, Section
from pyregistry.config.sections.root import read_settings
from pyregistry.config.settings import Settings

MAX_BYTES = 256 * 1024
"""Of a configuration file; real ones have some kilobytes. YAML is read at less than 150 kB a second."""


def load(
    path: Path | str | None = None, environ: Mapping[str, str] = os.environ, *, files_too: bool = False
) -> Settings:
    """Read a configuration.

    Args:
        path: The file; None takes ``REGISTRY_CONFIGURATION_PATH``.
        environ: Where ``REGISTRY_*`` overrides are found.
        files_too: Open the certificate, the key and the password file as well, as one who is about to serve must.

    Raises:
        ConfigurationError: With every mistake, in the order of the file.
    """
    source = _source(path, environ)
    summary = f"error parsing {source}"
    try:
        root = overlay(compose(_content(source), FILE), environ)
    except BrokenYaml as exc:
        raise ConfigurationError(summary, [exc.issue], source) from exc
    findings = Findings()
    cursor = Section(root, "", findings)
    settings = read_settings(cursor, source)
    if files_too:
        check_files(settings, cursor)
    if findings.mistakes:
        raise ConfigurationError(summary, _in_order(findings.mistakes), source)
    return replace(settings, warnings=tuple(_in_order(findings.warnings)))


def _in_order(issues: Iterable[Issue]) -> list[Issue]:
    """In the order of the file, each once; the environment's after the file's."""
    return sorted(dict.fromkeys(issues), key=lambda issue: (issue.line is None, issue.line or 0))


def _source(path: Path | str | None, environ: Mapping[str, str]) -> Path:
    named = path or environ.get(CONFIGURATION_PATH)
    if not named:
        raise ConfigurationError("configuration path unspecified")
    return Path(named)


def _content(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise ConfigurationError(f"open {source}: {reason}", path=source) from exc
    if len(content) > MAX_BYTES:
        raise ConfigurationError(f"{source}: expected a configuration of at most {MAX_BYTES} bytes", path=source)
    return content
