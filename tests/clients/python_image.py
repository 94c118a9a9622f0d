"""A base image for the Dockerfile, made of this machine's own Python.

It stands in for ``python:…-slim``: the interpreter and its standard library, pip, a shell, and the packages of the
registry's lock as they are installed here, so that the Dockerfile's ``pip install`` finds each of them satisfied.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from tests.clients.trees import Tree, place

LOCK = Path(__file__).parents[2] / "requirements" / "registry.lock"
PROGRAMS = ("sh", "env", "busybox")
"""Beside Python: the shell that people expect in a container, what finds a script's interpreter, and a wget."""

# Of the standard library: what nobody runs in a container, and the mark with which Debian's Python refuses pip.
_NEEDLESS = re.compile(
    r"(.*-packages|__pycache__|test|tests|idlelib|tkinter|turtledemo|lib2to3|ensurepip|config-\d.*)/"
    r"|.*/_(tkinter|test\w*|ctypes_test)\.[^/]*$|EXTERNALLY-MANAGED$"
)
_LOCKED = re.compile(r"^([\w-]+)==", re.MULTILINE)


def write_base(path: Path) -> Path:
    """Write the image's tree as a tar, for ``docker import``."""
    python = Path(sys._base_executable).resolve()
    files = [python, *(Path(found) for name in PROGRAMS if (found := shutil.which(name))), *_standard_library()]
    placed = {place(file): file for file in files} | dict(_packages(python))
    return Tree(placed, _links(python), {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"}).write(path)


def _standard_library() -> Iterator[Path]:
    root = Path(sysconfig.get_path("stdlib"))
    for file in root.rglob("*"):
        if file.is_file() and not _NEEDLESS.match(str(file.relative_to(root))):
            yield file


def _packages(python: Path) -> Iterator[tuple[str, Path]]:
    """Where the files of pip and of the locked projects go, outside of any virtual environment."""
    command = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    folder = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    for name in ("pip", *_LOCKED.findall(LOCK.read_text(encoding="utf-8"))):
        for file in distribution(name).files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                yield f"{folder}/{file}", Path(str(file.locate()))


def _links(python: Path) -> dict[str, str]:
    """The name by which busybox is wget, and Python's usual names."""
    return {"usr/bin/wget": "busybox", **{f"usr/local/bin/{name}": str(python) for name in ("python", "python3")}}
