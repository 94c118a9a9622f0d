"""Facts of this machine, as testinfra reads them; of containers, see the tests with real clients."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from checker.facts import NotObserved
from checker.probes.host import read_listening_ports, read_mode, read_os


def test_the_mode_of_a_file(tmp_path: Path) -> None:
    """Permission bits and no more."""
    (tmp_path / "key").touch(0o640)
    (tmp_path / "key").chmod(0o640)  # whatever the umask is
    assert read_mode(str(tmp_path / "key")) == 0o640


def test_a_file_that_is_not_there_was_not_observed(tmp_path: Path) -> None:
    """And is not one that nobody may read."""
    with pytest.raises(NotObserved) as caught:
        read_mode(str(tmp_path / "none"))
    assert caught.value.unavailable.reason == "file-unreadable"


def test_a_port_is_listened_on_or_not() -> None:
    """As long as the program has it open."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert port in read_listening_ports()
    assert port not in read_listening_ports()


def test_the_first_line_does_not_wait_for_testinfra() -> None:
    """Importing the grader's module imports neither it nor pytest."""
    code = "import sys, checker.probes.host; print(*sorted({'testinfra', 'pytest'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "\n"


def test_the_system_is_named() -> None:
    """With its release and processor."""
    assert len(read_os().split()) >= 3
