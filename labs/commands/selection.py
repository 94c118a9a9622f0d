"""Which exercises a command is about, and who runs their stacks."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from labs.attempts import DOCKER, EMBEDDED, HOSTED, Attempt
from labs.catalog.model import Lab, load, slugs
from labs.console import Console
from labs.home import LabHome
from labs.stack.interface import StackError
from labs.stack.process_runner import ProcessRunner
from labs.stack.twin import Twin


def add_labs(parser: argparse.ArgumentParser, console: Console) -> None:
    """``[TP…]``: none means all."""
    parser.add_argument("labs", nargs="*", metavar="TP", help=console.text("help.arg.labs"))


def add_lab(parser: argparse.ArgumentParser, console: Console) -> None:
    """``TP``: exactly one."""
    parser.add_argument("lab", metavar="TP", help=console.text("help.arg.lab"))


def add_engine(parser: argparse.ArgumentParser, console: Console) -> None:
    """``--engine embedded|docker``."""
    parser.add_argument("--engine", choices=(EMBEDDED, DOCKER), help=console.text("help.arg.engine"))


def chosen(names: Sequence[str]) -> list[Lab]:
    """The exercises of those names, all of them for none. Raises StackError."""
    return [lab(name) for name in names or slugs()]


def lab(name: str) -> Lab:
    """One exercise. Raises StackError where there is none of that name."""
    try:
        return load(name.lower())
    except KeyError:
        raise StackError("error.no-such-lab", name=name, names=", ".join(slugs())) from None


def local(engine: str | None = None) -> ProcessRunner:
    """What runs the stacks here, new ones in an engine of one's choice."""
    return ProcessRunner(LabHome.locate(), os.environ, engine)


def begun(runner: ProcessRunner, lab: Lab) -> Attempt:
    """The attempt under way. Raises StackError where there is none."""
    attempt = Attempt.load(runner.home.stack(lab.id))
    if attempt is None:
        raise StackError("error.not-started", lab=lab.id)
    return attempt


def current(runner: ProcessRunner, name: str | None = None) -> Attempt:
    """The attempt that is meant: of the exercise named, around one, of one's shell (``LAB_EXERCISE``), or the first.

    Raises:
        StackError: It was not begun, or none was.
    """
    if name:
        return begun(runner, lab(name))
    here = Path.cwd().resolve()
    labs = chosen(())
    around = [each for each in labs if here.is_relative_to(runner.home.files(each.id))]
    ours = [each for each in labs if each.id == runner.environ.get("LAB_EXERCISE")]
    attempts = (Attempt.load(runner.home.stack(each.id)) for each in (*around, *ours, *labs))
    found = next(filter(None, attempts), None)
    if found is None:
        raise StackError("error.not-started", lab=labs[0].id)
    return found


def hosted(runner: ProcessRunner) -> tuple[Attempt, Twin]:
    """The hosted registry's twin, and the attempt that it serves. Raises StackError where none was started."""
    for each in chosen(()):
        twins = [twin for twin in runner.twins(each) if twin.service.role == HOSTED]
        attempt = Attempt.load(runner.home.stack(each.id))
        if twins and attempt:
            return attempt, twins[0]
    raise StackError("error.not-started", lab=slugs()[0])
