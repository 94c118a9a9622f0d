"""Which nginx is chosen."""

from pathlib import Path

import pytest

from labs.compose.model import ComposeError
from labs.compose.nginx import programs as module
from labs.compose.nginx.programs import Program, programs


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without nginx."""
    monkeypatch.setattr(module, "SYSTEM_FOLDERS", ())
    monkeypatch.setattr(module, "_wheel", lambda: None)


def install(folder: Path, said: str) -> Path:
    """Put a program called nginx into a folder, which says something of itself."""
    folder.mkdir()
    program = folder / "nginx"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\n", encoding="ascii")
    program.chmod(0o755)
    return program


def test_the_systems_goes_before_the_labs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are candidates."""
    system = install(tmp_path / "system", "nginx version: nginx/1.22.1")
    wheel = install(tmp_path / "wheel", "nginx version: nginx/1.31.3\nconfigure arguments: --without-http_scgi_module")
    monkeypatch.setattr(module, "_wheel", lambda: wheel)
    found = programs({"PATH": str(system.parent)})
    assert [(program.path, program.version) for program in found] == [(system, (1, 22, 1)), (wheel, (1, 31, 3))]
    assert [program.has("http_scgi") for program in found] == [True, False]


def test_it_is_found_where_only_roots_path_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user's PATH has no /usr/sbin."""
    system = install(tmp_path / "sbin", "nginx version: openresty/1.27.1")
    monkeypatch.setattr(module, "SYSTEM_FOLDERS", (str(system.parent),))
    assert [program.path for program in programs({"PATH": ""})] == [system]


@pytest.mark.parametrize("said", ["nginx version: nginx/1.18.0", "usage: nginx", ""])
def test_what_is_too_old_or_something_else_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """Another program of that name, or one that cannot be told where to say what is wrong."""
    other = install(tmp_path / "other", said)
    wheel = install(tmp_path / "wheel", "nginx version: nginx/1.31.3")
    monkeypatch.setattr(module, "_wheel", lambda: wheel)
    assert [program.path for program in programs({"PATH": str(other.parent)})] == [wheel]


def test_a_program_that_does_not_start_is_none(tmp_path: Path) -> None:
    """One for another machine."""
    program = install(tmp_path / "broken", "")
    program.write_bytes(b"\x7fELF")
    with pytest.raises(ComposeError):
        programs({"PATH": str(program.parent)})


def test_where_there_is_none_it_is_said_how_to_get_one() -> None:
    """In the person's language."""
    with pytest.raises(ComposeError, match="nginx is not installed: sudo apt install nginx-light"):
        programs({"PATH": "", "LAB_LANG": "en"})
    with pytest.raises(ComposeError, match="nginx n'est pas installé\u00a0: sudo apt install nginx-light"):
        programs({"PATH": "", "LAB_LANG": "fr"})


def test_a_module_that_was_left_out_is_known() -> None:
    """One whose name begins likewise is another."""
    program = Program(Path("nginx"), (1, 25, 0), "--without-http_proxy_module")
    assert not program.has("http_proxy")
    assert program.has("http_pro")
