"""What goes into the container image, as far as it shows without a container engine."""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from pyregistry.config import load

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "image"
LAB, REGISTRY = ROOT / "requirements" / "lab.lock", ROOT / "requirements" / "registry.lock"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder to be PATH: programs that print what they were called with."""
    for name in ("registry", "sh"):
        (tmp_path / name).write_text(f'#!{sys.executable}\nimport sys\nprint("{name}", *sys.argv[1:])\n')
        (tmp_path / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "run"),
    [
        ("", "registry"),
        ("/etc/docker/registry/config.yml", "registry serve /etc/docker/registry/config.yml"),
        ("mine.yaml", "registry serve mine.yaml"),
        ("serve mine.yml", "registry serve mine.yml"),
        ("garbage-collect -d mine.yml", "registry garbage-collect -d mine.yml"),
        ("help", "registry help"),
        ("--version", "registry --version"),
        ("scrub mine.yml", "registry scrub mine.yml"),
        ("registry serve mine.yml", "registry serve mine.yml"),
        ("sh -c true", "sh -c true"),
    ],
)
def test_the_entrypoint_takes_registry_2s_words(words: str, run: str, programs: Path) -> None:
    """A configuration is served, a verb is the registry's, a program is run as it is."""
    command = [sys.executable, IMAGE / "entrypoint.py", *words.split()]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={"PATH": str(programs)})
    assert done.stdout == f"{run}\n"


def test_the_shipped_configuration_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """registry:2's own file starts the registry; deleting is not enabled, as there."""
    for name in ("REGISTRY_CONFIGURATION_PATH", "REGISTRY_STORAGE_DELETE_ENABLED"):
        monkeypatch.delenv(name, raising=False)
    settings = load(IMAGE / "config.yml")
    assert settings.storage.driver.root == Path("/var/lib/registry")
    assert not settings.storage.delete_enabled


def test_the_lock_is_a_part_of_the_lab_s() -> None:
    """The image runs the very files that the tests run: ``make lock`` renews both."""
    lab = _read_lock(LAB)
    assert {name: lab.get(name) for name in _read_lock(REGISTRY)} == _read_lock(REGISTRY)


def test_the_lock_has_all_that_the_registry_imports() -> None:
    """Each module of another project that ``pyregistry`` imports comes with a requirement of the image."""
    wanted = (ROOT / "requirements" / "registry.in").read_text(encoding="utf-8").split("\n")
    distributions = packages_distributions()
    found = {name.lower() for module in _imported() for name in distributions.get(module, ())}
    assert found - {"oci-registry-lab"} <= set(wanted)


def _read_lock(path: Path) -> dict[str, tuple[str, set[str]]]:
    """By project its pin and the digests of its files."""
    blocks = re.findall(r"^(\S+)==(\S+)((?:.|\n(?! *\n|\S))*)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: (version, set(re.findall(r"sha256:\w+", rest))) for name, version, rest in blocks}


def _imported() -> set[str]:
    """Top modules that ``pyregistry`` imports anywhere."""
    modules = set()
    for source in (ROOT / "pyregistry").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    modules |= {name.name.partition(".")[0] for name in names}
                case ast.ImportFrom(module=str(module), level=0):
                    modules.add(module.partition(".")[0])
    return modules - sys.stdlib_module_names
