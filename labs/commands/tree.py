"""``labstack tree``: what an image's name leads to, drawn from the registry's own objects."""

import argparse
from contextlib import closing
from pathlib import Path

from labs.commands.selection import current, local
from labs.console import Console
from labs.engine.credentials import CredentialsError
from labs.engine.internet import InternetUnreadable
from labs.engine.reference import InvalidReference, Reference
from labs.engine.transport.faults import TransportError
from labs.home import MACHINES
from labs.stack.environment import environment
from labs.stack.interface import StackError
from labs.tree.model import read
from labs.tree.remote import RemoteSource
from labs.tree.render import render_svg, render_text

STANDARD_OUTPUT = "-"


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``REFERENCE [--svg FILE] [--machine a|b]``."""
    parser.add_argument("reference", metavar="NAME", help=console.text("help.arg.reference"))
    parser.add_argument("--svg", metavar="FILE", help=console.text("help.arg.svg"))
    parser.add_argument("--machine", choices=MACHINES, default=MACHINES[0], help=console.text("help.arg.machine"))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Read the tree and print it, or draw it as SVG."""
    runner = local()
    attempt = current(runner)
    environ = environment(runner.home, attempt, arguments.machine, runner.environ)
    try:
        reference = Reference.parse(arguments.reference)
        with closing(RemoteSource(reference, runner.home.engine(attempt.slug, arguments.machine), environ)) as source:
            root = read(source, str(reference.digest or reference.tag))
    except (InvalidReference, TransportError, CredentialsError, InternetUnreadable) as exc:
        raise StackError("error.no-tree", name=arguments.reference, reason=exc) from exc
    if arguments.svg == STANDARD_OUTPUT:
        console.write(render_svg(arguments.reference, root))
    elif arguments.svg:
        Path(arguments.svg).write_text(render_svg(arguments.reference, root), encoding="utf-8")
    else:
        console.write(render_text(arguments.reference, root).rstrip("\n"))
    return 0
