"""``labstack up``."""

import argparse
from collections.abc import Sequence

from labs.attempts import Attempt
from labs.catalog.model import Lab
from labs.commands.selection import add_engine, add_labs, chosen, embedded
from labs.console import Console
from labs.stack.environment import Internet, choose_docker, choose_internet
from labs.stack.interface import StackRunner


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``[TP…] [--engine ENGINE]``."""
    add_labs(parser, console)
    add_engine(parser, console)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Bring stacks up."""
    attempts = bring_up(embedded(arguments.engine), chosen(arguments.labs), console)
    console.say("up.next", lab=attempts[0].slug)
    return 0


def bring_up(runner: StackRunner, labs: Sequence[Lab], console: Console) -> list[Attempt]:
    """Bring stacks up, one after the other, and say where they are."""
    _say_whose(runner, labs, console)
    return [_bring_up(runner, lab, console) for lab in labs]


def _say_whose(runner: StackRunner, labs: Sequence[Lab], console: Console) -> None:
    """The first line: whose registries and whose docker the commands will meet."""
    internet, choice = choose_internet(runner.environ), choose_docker(runner.home, runner.environ)
    names = ", ".join(sorted({service.name for lab in labs for service in lab.services}))
    private = ", ".join(lab.private.name for lab in labs if lab.private)
    reason = "forced" if choice.is_forced else "auto"
    docker = console.text(f"docker.{choice.docker}.{reason}")
    console.say(f"up.internet.{internet if names else 'none'}", names=names, docker=docker)
    if private:
        console.say("up.internet.private", names=private)
    if names and internet is Internet.REAL:
        console.say("up.internet.grade", names=names)


def _bring_up(runner: StackRunner, lab: Lab, console: Console) -> Attempt:
    """Bring one stack up."""
    attempt = runner.up(lab, console.note)
    services = [f"{service.name} → {service.url}" for service in runner.status(lab).services if service.pid]
    console.say("up.done" if services else "up.begun", lab=lab.id, services=", ".join(services))
    console.say("up.attempt", number=attempt.number, work=attempt.work, **attempt.parameters)
    return attempt
