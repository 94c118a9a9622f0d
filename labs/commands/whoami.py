"""``labstack whoami``."""

import argparse

from labs import students
from labs.commands.selection import chosen, local
from labs.console import Console


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``[NAME]``."""
    parser.add_argument("name", nargs="*", metavar="NAME", help=console.text("help.arg.name"))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Say who the student is, or set it."""
    runner = local()
    if name := " ".join(arguments.name).strip():
        students.remember(runner.home, name)
    student = students.current(runner.home, runner.environ)
    console.say("whoami.student", name=student.name, login=student.login)
    for lab in chosen(()):
        attempt = runner.status(lab).attempt
        if attempt and attempt.student == student.name:
            console.say("whoami.parameters", lab=lab.id, **attempt.parameters)
        elif attempt:
            console.note("whoami.other", lab=lab.id, student=attempt.student, name=student.name)
    return 0
