"""``labstack shell``: the exercises' commands work in it."""

import argparse
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import NoReturn

from labs.attempts import HOSTED, PRIVATE, Attempt
from labs.commands.selection import current, local
from labs.console import Console
from labs.home import MACHINES, LabHome
from labs.stack.environment import environment
from labs.stack.interface import StackError

_PLACEHOLDERS = {
    HOSTED: {
        "ghcr.io": "$LAB_REGISTRY",
        "<github_user>": "$LAB_USER",
        "<org>": "$LAB_ORG",
        "<repo>": "$LAB_REPO",
    },
    PRIVATE: {
        "registry.example.com": "$LAB_REGISTRY",
        "admin": "$LAB_USER",
        "myproj/myapp": "$LAB_ORG/$LAB_REPO/app",
        "/etc/docker/certs.d": "$LAB_CERTS_D",
    },
}
"""By the registry's role: for what the course prints, the variables that hold the student's own value."""

# The student's own start file may put folders before the lab's in PATH, so that ours must speak after it.
_BASH_START_FILE = """\
[ -f ~/.bashrc ] && . ~/.bashrc
PATH='{path}'
PS1='({slug} {machine}) \\w \\$ '
"""


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``[TP] [--machine a|b] [-- COMMAND ARG…]``."""
    parser.add_argument("lab", nargs="?", metavar="TP", help=console.text("help.arg.shell-lab"))
    parser.add_argument("--machine", choices=MACHINES, default=MACHINES[0], help=console.text("help.arg.machine"))
    parser.epilog = console.text("help.arg.words")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Become a command or a shell of a machine."""
    runner = local()
    attempt = current(runner, arguments.lab)
    values = environment(runner.home, attempt, arguments.machine, runner.environ)
    if arguments.rest:
        _become(arguments.rest, values)
    _welcome(arguments.machine, attempt, values, console)
    os.chdir(_first_folder(runner.home, attempt.slug, arguments.machine))
    _become(_interactive(runner.home, attempt.slug, arguments.machine, values), values)


def _welcome(machine: str, attempt: Attempt, values: Mapping[str, str], console: Console) -> None:
    """Say where one is, and what stands for the course's placeholders: nobody should have to look that up."""
    console.note("shell.welcome", machine=machine, lab=attempt.slug)
    role = HOSTED if HOSTED in attempt.registries else PRIVATE
    rows = _PLACEHOLDERS[role]
    widths = max(map(len, rows)), max(map(len, rows.values()))
    for placeholder, variables in rows.items():
        row = {"placeholder": placeholder.ljust(widths[0]), "variables": variables.ljust(widths[1])}
        console.note("shell.value", value=Template(variables).substitute(values), **row)
    console.note(f"shell.{role}")
    console.note("shell.next", lab=attempt.slug)


def _first_folder(home: LabHome, slug: str, machine: str) -> Path:
    """Machine a has the student's files; another machine has nothing but its engine."""
    return home.files(slug) if machine == MACHINES[0] and home.files(slug).is_dir() else home.engine(slug, machine)


def _interactive(home: LabHome, slug: str, machine: str, values: dict[str, str]) -> list[str]:
    """The student's shell, taught to find the lab's commands first."""
    shell = values.get("SHELL") or shutil.which("bash") or "/bin/sh"
    if Path(shell).name != "bash":
        return [shell, "-i"]
    start_file = home.bin / f".bashrc-{slug}-{machine}"
    text = _BASH_START_FILE.format(path=values["PATH"], slug=slug, machine=machine)
    start_file.write_text(text, encoding="utf-8")
    return [shell, "--rcfile", str(start_file), "-i"]


def _become(command: list[str], values: dict[str, str]) -> NoReturn:
    """Give this process over to a command. Raises StackError where there is none of that name."""
    program = shutil.which(command[0], path=values["PATH"])
    if program is None:
        raise StackError("error.no-such-command", name=command[0])
    os.execve(program, command, values)  # noqa: S606  no shell in between: the words are the student's, each one argument
