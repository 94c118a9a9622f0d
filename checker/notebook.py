"""The ``%labcheck`` magic: calls the command, as a terminal would, and grades nothing itself.

Load it with ``%load_ext checker.notebook``. As after ``!command``, ``_exit_code`` holds what the command answered.
"""

import os
import shlex
import subprocess
import sys
from functools import partial

from IPython.core.interactiveshell import InteractiveShell


def labcheck(shell: InteractiveShell, line: str) -> None:
    """Run ``labcheck`` with the arguments on ``line`` and show what it says, as it comes."""
    command = [sys.executable, "-m", "checker", *shlex.split(os.path.expandvars(line))]
    environ = {"FORCE_COLOR": "1", **os.environ}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", env=environ
    ) as process:
        for said in process.stdout or ():
            sys.stdout.write(said)
            sys.stdout.flush()
    shell.user_ns["_exit_code"] = process.returncode


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magic."""
    # IPython wraps the method and loses its type on the way.
    shell.register_magic_function(  # type: ignore[call-arg]
        partial(labcheck, shell),  # type: ignore[arg-type]
        magic_kind="line",
        magic_name="labcheck",
    )
