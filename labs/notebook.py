"""The notebooks' magics: ``%lab`` goes to an exercise, ``%%sh`` runs a cell as a terminal, ``%labtree`` draws a name.

Load them with ``%load_ext labs.notebook``. None knows anything that a terminal does not.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

_PRINT_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


def lab(line: str) -> None:
    """Go to the exercise on ``line``: into its folder, and into the environment that ``labstack shell`` has for it."""
    slug = line.strip()
    shell = [sys.executable, "-m", "labs", "shell", slug, "--", sys.executable, "-c", _PRINT_ENVIRONMENT]
    outcome = subprocess.run(shell, capture_output=True, text=True, check=False)
    sys.stderr.write(outcome.stderr)
    if outcome.returncode:
        raise UsageError(f"labstack shell {slug} ended with exit code {outcome.returncode}")
    os.environ.update(json.loads(outcome.stdout))
    os.chdir(Path(os.environ["LAB_WORK"]) / slug)


def sh(_line: str, cell: str) -> None:
    """Run the cell in a shell that stops at the first failure; both of its streams in one, line by line.

    IPython's own ``%%sh`` keeps the streams apart and shows standard error in red, where docker writes its progress.
    """
    with subprocess.Popen(
        ["/bin/sh", "-e", "-c", cell],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for said in process.stdout or ():
            sys.stdout.write(said)
            sys.stdout.flush()
    if process.returncode:
        raise UsageError(f"the cell ended with exit code {process.returncode}")


def labtree(line: str) -> None:
    """Draw the tree of the name on ``line``; variables of the environment are filled in."""
    command = [sys.executable, "-m", "labs", "tree", "--svg", "-", *os.path.expandvars(line).split()]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stderr.write(outcome.stderr)
    if outcome.returncode == 0:
        # As HTML too: JupyterLab makes an image of an SVG, as wide as it is, and the column may be narrower.
        display({"text/html": outcome.stdout, "image/svg+xml": outcome.stdout}, raw=True)  # type: ignore[no-untyped-call]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics."""
    # IPython wraps the method and loses its type on the way.
    shell.register_magic_function(lab, magic_kind="line")  # type: ignore[arg-type, call-arg]
    shell.register_magic_function(sh, magic_kind="cell")  # type: ignore[arg-type, call-arg]
    shell.register_magic_function(labtree, magic_kind="line")  # type: ignore[arg-type, call-arg]
