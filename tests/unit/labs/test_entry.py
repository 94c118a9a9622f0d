"""The programs' first moments, on programs that take their time to load, and on the real ones."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TIMEOUT_SECONDS = 60
START = "import sys; from labs.entry import start; sys.exit(start('program'))"

LOADING = """
import time
print("loading", flush=True)
time.sleep(60)
"""
RUNNING = """
import time
def main():
    try:
        print("running", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        return 7
"""


@contextmanager
def started(program: str, folder: Path, prefix: Sequence[str] = ()) -> Iterator["subprocess.Popen[str]"]:
    """A program, started as ours are, that has said its first word."""
    (folder / "program.py").write_text(program)
    process = subprocess.Popen(
        [*prefix, sys.executable, "-c", START],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline().strip() in {"loading", "running"}
        yield process
        process.kill()


def test_an_interrupt_while_it_loads_ends_it_without_a_word(tmp_path: Path) -> None:
    """As a shell counts it that is 130; a traceback would say that we failed."""
    with started(LOADING, tmp_path) as process:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=TIMEOUT_SECONDS) == ("", "")
    assert process.returncode == -signal.SIGINT


def test_an_interrupt_while_it_runs_is_the_programs_own(tmp_path: Path) -> None:
    """It ends as it sees fit."""
    with started(RUNNING, tmp_path) as process:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=TIMEOUT_SECONDS) == ("", "")
    assert process.returncode == 7


def test_who_wants_interrupts_ignored_is_heard(tmp_path: Path) -> None:
    """A shell starts what it puts into the background so."""
    ignoring = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
    with started(LOADING.replace("60", "0.5") + "def main(): return 7\n", tmp_path, ignoring) as process:
        process.send_signal(signal.SIGINT)
        process.wait(TIMEOUT_SECONDS)
    assert process.returncode == 7


def run(*words: str, environ: Mapping[str, str], line: str = '"$@"') -> subprocess.CompletedProcess[str]:
    """Run a module of ours through a shell's redirections."""
    command = ["sh", "-c", line, "sh", sys.executable, "-m", *words]
    env = {**os.environ, **environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)


@pytest.mark.parametrize("words", [("labs", "status"), ("checker", "list")])
def test_french_on_a_terminal_of_ascii(words: tuple[str, str], tmp_path: Path) -> None:
    """What it cannot show becomes a question mark, and nothing else is lost."""
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LAB_LANG": "fr"}
    done = run(*words, environ={**ascii_only, "LAB_HOME": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")
    assert "?" in done.stdout


@pytest.mark.parametrize("words", [("labs", "status"), ("checker", "list")])
def test_a_closed_output_is_no_fault(words: tuple[str, str], tmp_path: Path) -> None:
    """Whoever closes it wants the exit code only."""
    done = run(*words, environ={"LAB_HOME": str(tmp_path)}, line='"$@" >&-')
    assert (done.returncode, done.stderr) == (0, "")
