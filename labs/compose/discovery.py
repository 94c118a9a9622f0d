"""Which compose file is meant, and what the project is called."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labs.compose.dotenv import DotenvInvalid, parse_dotenv
from labs.compose.model import ComposeError
from labs.compose.words import say

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""What Compose looks for, the first goes before the others."""

_OVERRIDES = tuple(f"{name}.override.{kind}" for name in ("compose", "docker-compose") for kind in ("yml", "yaml"))
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Source:
    """A compose file and its surroundings.

    Attributes:
        folder: What its relative paths begin at.
        name: The project's name where ``-p`` or the environment gives one; the file's own ``name:`` comes after it.
        variables: The environment with ``.env`` below it.
        remarks: Warnings in Compose's words.
    """

    file: Path
    folder: Path
    name: str | None
    variables: Mapping[str, str]
    remarks: tuple[str, ...] = ()


def locate(
    environ: Mapping[str, str],
    here: Path,
    *,
    files: Sequence[str] = (),
    name: str | None = None,
    folder: Path | None = None,
    env_files: Sequence[str] = (),
) -> Source:
    """Find the file as Compose does.

    Args:
        environ: ``COMPOSE_FILE``, ``COMPOSE_PROJECT_NAME``, and the language of our own words.
        here: The current folder.
        files: ``-f``.
        name: ``-p``.
        folder: ``--project-directory``.
        env_files: ``--env-file``, in place of ``.env``.

    Raises:
        ComposeError: There is none, it cannot be read, or the name is no project's.
    """
    variables = {**_dotenv(folder or here, environ, env_files), **environ}
    remarks: tuple[str, ...] = ()
    named = list(files) or [part for part in variables.get("COMPOSE_FILE", "").split(":") if part]
    if named:
        paths = [here / file for file in named]
    else:
        paths, remarks = _discover(here)
        if not folder and paths[0].parent != here:
            variables = {**_dotenv(paths[0].parent, environ, env_files), **environ}
    if len(paths) > 1:
        raise ComposeError(say(environ, "files", files=", ".join(path.name for path in paths)))
    if not paths[0].is_file():
        raise ComposeError(f"open {paths[0]}: no such file or directory")
    chosen = name or variables.get("COMPOSE_PROJECT_NAME") or None
    if chosen and not _NAME.fullmatch(chosen):
        raise ComposeError(
            f'invalid project name "{chosen}": must consist only of lowercase alphanumeric characters, hyphens, and '
            "underscores as well as start with a letter or number"
        )
    return Source(paths[0], folder or paths[0].parent, chosen, variables, remarks)


def normalize_name(text: str) -> str:
    """What Compose makes of a folder's name, or of ``name:``; may be empty."""
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-")


def _discover(here: Path) -> tuple[list[Path], tuple[str, ...]]:
    """The file in this folder or the nearest above, and its override if there is one."""
    for folder in (here, *here.parents):
        found = [folder / name for name in NAMES if (folder / name).is_file()]
        if found:
            overrides = [folder / name for name in _OVERRIDES if (folder / name).is_file()]
            return [found[0], *overrides[:1]], _several(found)
    raise ComposeError("no configuration file provided: not found")


def _several(found: Sequence[Path]) -> tuple[str, ...]:
    if len(found) == 1:
        return ()
    names = ", ".join(map(str, found))
    return f"Found multiple config files with supported names: {names}", f"Using {found[0]}"


def _dotenv(folder: Path, environ: Mapping[str, str], named: Sequence[str]) -> dict[str, str]:
    """``.env``, which may be missing, or the files that were named instead, which may not."""
    values: dict[str, str] = {}
    for file in [folder / name for name in named] or [folder / ".env"]:
        if not named and not file.is_file():
            continue
        values |= read_dotenv(file, environ)
    return values


def read_dotenv(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """A file of variables. Raises ComposeError in Compose's words."""
    try:
        return parse_dotenv(file.read_text(encoding="utf-8"), environ)
    except FileNotFoundError as exc:
        message = f"env file {file} not found: stat {file}: no such file or directory"
        raise ComposeError(message) from exc
    except (DotenvInvalid, UnicodeDecodeError) as exc:
        raise ComposeError(f"failed to read {file}: {exc}") from exc
    except OSError as exc:
        raise ComposeError(f"failed to read {file}: {(exc.strerror or str(exc)).lower()}") from exc
