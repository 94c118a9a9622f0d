"""``labstack status``."""

import argparse
import json
from pathlib import Path

from labs import students
from labs.commands.selection import chosen, local
from labs.console import Console
from labs.stack.environment import choose_docker, choose_internet
from labs.stack.interface import StackRunner, StackStatus
from labs.stack.notebooks import NotebookServer


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``[--json]``."""
    parser.add_argument("--json", action="store_true", help=console.text("help.arg.json"))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Say how the stacks stand; look only."""
    runner = local()
    stacks = [runner.status(lab) for lab in chosen(())]
    if arguments.json:
        console.write(json.dumps(_document(runner, stacks), indent=2, ensure_ascii=False))
        return 0
    for stack in stacks:
        _show(stack, console)
    url = NotebookServer(runner.home).url()
    if url:
        console.say("start.notebooks", url=url)
    return 0


def _show(stack: StackStatus, console: Console) -> None:
    """One stack, for people."""
    console.say("status.stack", lab=stack.slug, state=console.text(f"status.{stack.state}"))
    for service in stack.services:
        state = "status.running" if service.pid else "status.not-running"
        console.say(state, name=service.name, url=service.url or console.text("status.inside"), pid=service.pid)
    if stack.attempt:
        console.say("up.attempt", number=stack.attempt.number, work=stack.attempt.work, **stack.attempt.parameters)


def _document(runner: StackRunner, stacks: list[StackStatus]) -> dict[str, object]:
    """The same, for programs."""
    return {
        "student": students.current(runner.home).name,
        "home": str(runner.home.state),
        "internet": choose_internet(runner.environ),
        "docker": choose_docker(runner.home, runner.environ).docker,
        "notebooks": NotebookServer(runner.home).url(),
        "labs": [_row(stack, runner.home.files(stack.slug)) for stack in stacks],
    }


def _row(stack: StackStatus, work: Path) -> dict[str, object]:
    """One stack, for programs."""
    attempt = stack.attempt
    return {
        "id": stack.slug,
        "state": stack.state,
        "attempt": attempt.number if attempt else None,
        "started_at": attempt.started_at.isoformat() if attempt else None,
        "student": attempt.student if attempt else None,
        "parameters": attempt.parameters if attempt else {},
        "work": str(work),
        "services": [
            {"role": row.role, "name": row.name, "url": row.url, "pid": row.pid, "log": str(row.log)}
            for row in stack.services
        ],
    }
