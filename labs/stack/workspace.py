"""The student's files: made from the starter, never overwritten once changed, kept when a stack is reset."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from labs.catalog.model import Lab
from labs.engine.platforms import host_platform
from labs.home import CHECKOUT, LabHome

MANIFEST = "starter.json"
"""Digests of the starter's files as we wrote them: what differs is the student's."""

PROGRAM = "greet"
"""The application of the exercises: a static executable for this machine's architecture."""

PAYLOAD = "payload.bin"
"""Where an exercise needs a layer of some size: bytes of the attempt's own, which look random to a compressor."""


def install(home: LabHome, lab: Lab, parameters: Mapping[str, str], language: str) -> None:
    """Write the starter's files that are missing, and those that the student left as they were."""
    folder = home.files(lab.id)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = home.stack(lab.id) / MANIFEST
    written = _load(manifest)
    for name, content in starter(lab, parameters, language).items():
        path = folder / name
        if not path.exists() or _digest(path.read_bytes()) == written.get(name):
            path.write_bytes(content)
            path.chmod(0o755 if name == PROGRAM else 0o644)
            written[name] = _digest(content)
    manifest.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def starter(lab: Lab, parameters: Mapping[str, str], language: str) -> dict[str, bytes]:
    """The starter's files by name: parameters filled in, texts in the student's language, the program built.

    The notebook is one of them, so that a student who saves it changes a file of theirs and none of the project's. An
    installed package without the project's checkout has none.
    """
    from labs.engine.program import program

    files = {PROGRAM: program(host_platform().architecture)}
    if lab.payload:
        files[PAYLOAD] = hashlib.shake_256(parameters["nonce"].encode()).digest(lab.payload)
    notebook = CHECKOUT / "notebooks" / notebook_name(lab.id, language)
    if notebook.exists():
        files[notebook.name] = notebook.read_bytes()
    for folder in (lab.folder / "starter", lab.folder / "starter" / language):
        for entry in folder.iterdir():
            if entry.is_file():
                files[entry.name] = _render(entry.read_text(encoding="utf-8"), parameters).encode()
    return files


def notebook_name(slug: str, language: str) -> str:
    """What an exercise's notebook is called."""
    return f"{slug}.{language}.ipynb"


def keep(folder: Path, backups: Path) -> Path | None:
    """Move the student's files aside, into a new folder of ``backups``; None where there are none.

    The folder itself stays, for a shell may stand in it, unless something in it is another user's: a container's
    store, which only moves with the folder around it. Moving needs no space, so that it works on a full disk.
    """
    if not folder.is_dir():
        return None
    folder.chmod(folder.stat().st_mode | 0o700)
    entries = sorted(folder.iterdir())
    if not entries:
        return None
    kept = backups / datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    if all(_is_movable(entry) for entry in entries):
        kept.mkdir(parents=True)
        for entry in entries:
            _move(entry, kept / entry.name)
    else:
        kept.parent.mkdir(parents=True, exist_ok=True)
        _move(folder, kept)
        folder.mkdir()
    return kept


def _is_movable(path: Path) -> bool:
    """Whether it can be given another parent: a folder must be writable for that, the system keeps its ``..`` there."""
    return path.is_symlink() or not path.is_dir() or os.access(path, os.W_OK)


def _move(source: Path, target: Path) -> None:
    """Rename; copy only where the backups lie on another file system."""
    try:
        source.rename(target)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        shutil.move(source, target)


def _render(text: str, parameters: Mapping[str, str]) -> str:
    """Fill in ``{{name}}``."""
    for name, value in parameters.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


def _digest(content: bytes) -> str:
    """What tells a changed file from ours."""
    return hashlib.sha256(content).hexdigest()


def _load(manifest: Path) -> dict[str, str]:
    """The digests; none where the manifest is missing or damaged, so that every file is taken for the student's."""
    try:
        values = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
