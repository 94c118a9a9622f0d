"""``labstack solve``: for instructors."""

import argparse

from labs.commands.selection import add_lab, lab, local
from labs.console import Console
from labs.stack import solutions
from labs.stack.interface import StackError


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``TP [--mutant NAME]``."""
    add_lab(parser, console)
    parser.add_argument("--mutant", metavar="NAME", help=console.text("help.arg.mutant"))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Put the reference solution, or a named wrong end state, in place."""
    chosen, runner = lab(arguments.lab), local()
    names = [mutant.name for mutant in chosen.mutants]
    if arguments.mutant and arguments.mutant not in names:
        raise StackError("error.no-such-mutant", name=arguments.mutant, names=", ".join(names))
    attempt = runner.up(chosen, console.note)
    if solutions.is_used(runner, chosen, attempt):
        console.note("solve.used", lab=chosen.id)
    code = solutions.put(runner, chosen, attempt, arguments.mutant)
    if code:
        raise StackError("error.script-failed", name=arguments.mutant or chosen.id, code=code)
    console.say("solve.done", lab=chosen.id, name=arguments.mutant or "solution")
    return 0
