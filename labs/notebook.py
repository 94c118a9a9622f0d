"""The ``%labtree`` magic: draws what a name leads to. It calls ``labstack tree``, as a terminal would.

Load it with ``%load_ext labs.notebook``.
"""

import os
import subprocess
import sys

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import SVG, display


def labtree(line: str) -> None:
    """Draw the tree of the name on ``line``; variables of the environment are filled in."""
    command = [sys.executable, "-m", "labs", "tree", "--svg", "-", *os.path.expandvars(line).split()]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stderr.write(outcome.stderr)
    if outcome.returncode == 0:
        display(SVG(outcome.stdout))  # type: ignore[no-untyped-call]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magic."""
    # IPython wraps the method and loses its type on the way.
    shell.register_magic_function(labtree, magic_kind="line")  # type: ignore[arg-type, call-arg]
