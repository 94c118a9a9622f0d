"""The magic: what the command says, and what it answers."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from checker.exit_codes import ExitCode
from checker.notebook import load_ipython_extension


@pytest.fixture
def shell(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    """A notebook's shell with the extension; its history stays out of the home folder."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
    monkeypatch.setenv("LAB_HOME", str(tmp_path_factory.mktemp("lab")))
    shell = InteractiveShell()
    shell.history_manager.enabled = False
    load_ipython_extension(shell)
    return shell


def test_the_magic_shows_what_the_command_says(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """In the language of its arguments, and what goes to standard error as well."""
    shell.run_line_magic("labcheck", "tp1 --lang fr")
    assert capsys.readouterr().out.startswith("labcheck: tp1\u00a0: pas commencé")


def test_the_magic_leaves_the_exit_code(shell: InteractiveShell) -> None:
    """As ``!command`` does, for a cell that wants to know."""
    shell.run_line_magic("labcheck", "tp1")
    assert shell.user_ns["_exit_code"] == ExitCode.NOT_STARTED
    shell.run_line_magic("labcheck", "list")
    assert shell.user_ns["_exit_code"] == ExitCode.PASSED
