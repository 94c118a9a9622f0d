"""``labstack down``."""

import argparse

from labs.commands.selection import add_labs, chosen, local
from labs.console import Console
from labs.stack.notebooks import NotebookServer


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``[TP…]``."""
    add_labs(parser, console)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Take stacks down; what was pushed stays. Without a name, JupyterLab goes too."""
    runner = local()
    for lab in chosen(arguments.labs):
        runner.down(lab)
        console.say("down.done", lab=lab.id)
    if not arguments.labs:
        NotebookServer(runner.home).stop()
    return 0
