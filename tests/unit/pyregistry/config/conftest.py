"""A configuration file on disk, loaded with an environment of its own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from pyregistry.config import ConfigurationError, Settings, load

Loader = Callable[..., Settings]
Complaint = Callable[..., list[str]]

MINIMAL = "version: 0.1\nstorage: inmemory\nhttp: {secret: s}\n"


@pytest.fixture
def configure(tmp_path: Path) -> Loader:
    """Load a text as ``config.yml``."""

    def configure(
        text: str = MINIMAL, environ: Mapping[str, str] | None = None, *, files_too: bool = False
    ) -> Settings:
        path = tmp_path / "config.yml"
        path.write_text(dedent(text), encoding="utf-8")
        return load(path, environ or {}, files_too=files_too)

    return configure


@pytest.fixture
def complaints(configure: Loader) -> Complaint:
    """Load a text that is wrong, and list what is said of it."""

    def complaints(text: str, environ: Mapping[str, str] | None = None, *, files_too: bool = False) -> list[str]:
        with pytest.raises(ConfigurationError) as refused:
            configure(text, environ, files_too=files_too)
        return [str(issue) for issue in refused.value.issues]

    return complaints
