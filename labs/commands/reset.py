"""``labstack reset``: says what it will remove, asks, does it, and proves it."""

import argparse
import shlex

from labs.catalog.model import Lab
from labs.commands.selection import add_labs, chosen, local
from labs.console import Console
from labs.home import MACHINES, LabHome
from labs.stack.interface import NEVER_USED, Inventory, StackRunner
from labs.stack.inventory import label
from labs.stack.notebooks import NotebookServer

EXIT_USAGE = 2


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``TP… | --all [--yes]``."""
    add_labs(parser, console)
    parser.add_argument("--all", action="store_true", help=console.text("help.arg.all"))
    parser.add_argument("--yes", "-y", action="store_true", help=console.text("help.arg.yes"))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Put stacks back to never used."""
    if bool(arguments.labs) == arguments.all:
        console.note("reset.which")
        return EXIT_USAGE
    runner = local()
    found = {lab.id: (lab, runner.inventory(lab)) for lab in chosen(arguments.labs)}
    used = {slug: pair for slug, pair in found.items() if pair[1] != NEVER_USED}
    for slug in found.keys() - used.keys():
        console.say("reset.never-used", lab=slug)
    for slug, (_, inventory) in used.items():
        _announce(runner.home, slug, inventory, console)
    if used and not arguments.yes and not console.confirms("reset.ask"):
        console.note("reset.refused")
        return 1
    for lab, _ in used.values():
        _reset(runner, lab, console)
    return 0


def _announce(home: LabHome, slug: str, inventory: Inventory, console: Console) -> None:
    """What will be removed, by where it lies."""
    console.say("reset.will-remove", lab=slug)
    for name in inventory.processes:
        console.say("reset.process", name=name)
    for message, folder in (
        ("reset.state", home.stack(slug)),
        *(("reset.machine", home.engine(slug, machine)) for machine in MACHINES),
        ("reset.work", home.files(slug)),
    ):
        if count := inventory.count(label(home, folder)):
            console.say(message, folder=folder, count=count)


def _reset(runner: StackRunner, lab: Lab, console: Console) -> None:
    """Reset one stack and say how it stands."""
    kept = runner.reset(lab, console.note)
    console.say("reset.proved", lab=lab.id)
    if kept:
        work = shlex.quote(str(runner.home.files(lab.id)))
        console.say("reset.kept", folder=kept, kept=shlex.quote(str(kept)), work=work)
    attempt = runner.status(lab).attempt
    if attempt:
        NotebookServer(runner.home).restart_kernels(lab.id)
        console.say("reset.again", lab=lab.id, number=attempt.number, **attempt.parameters)
