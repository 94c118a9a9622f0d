"""Trees of container images, made of this machine's programs: no image can be pulled where nothing is reached.

A tree is written as a tar for ``docker import``. A binary brings the shared libraries that it names, each at the place
where it lies here, for that is where it is looked for.
"""

import io
import re
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_MERGED = {name: f"usr/{name}" for name in ("bin", "lib", "lib64", "sbin")}
"""Links of a Debian system."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A root file system. Places are paths inside, with or without a leading slash.

    Attributes:
        files: By place, the file of this machine that is copied there, links followed.
        links: By place, where a symbolic link leads.
        texts: By place, the content of a file.
        folders: Empty ones; a folder that holds something need not be named.
    """

    files: Mapping[str, Path]
    links: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    folders: Iterable[str] = ()

    def write(self, path: Path) -> Path:
        """Write it as a tar."""
        binaries = [file for file in self.files.values() if ".so" in file.suffixes or {"bin", "sbin"} & {*file.parts}]
        placed = {**self.files, **{place(library): library for library in _libraries(binaries)}}
        with tarfile.open(path, "w") as archive:
            for name, target in {**_MERGED, **self.links}.items():
                _add_link(archive, name, target)
            for name in self.folders:
                _add_folder(archive, name)
            for name, file in sorted(placed.items()):
                archive.add(file.resolve(), name, recursive=False)
            for name, text in self.texts.items():
                _add_text(archive, name, text)
        return path


def place(file: Path) -> str:
    """Where a file lies, links between folders (``/lib``) followed, its own name kept."""
    return str(file.parent.resolve() / file.name)


def _libraries(binaries: Iterable[Path]) -> set[Path]:
    """Shared libraries that the binaries name, and the loader; ``ldd`` finds those of libraries too."""
    told = subprocess.run(["ldd", *binaries], check=False, capture_output=True, text=True).stdout
    return {Path(found) for found in re.findall(r"(/\S+) \(0x", told)}


def _add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    archive.addfile(member)


def _add_folder(archive: tarfile.TarFile, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
    archive.addfile(member)


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text.encode()))
