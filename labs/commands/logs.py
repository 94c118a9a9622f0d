"""``labstack logs``."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from labs.commands.selection import add_lab, lab, local
from labs.console import Console
from labs.stack.docker import DockerProjects
from labs.stack.interface import StackError

POLL_SECONDS = 0.2


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``TP [-f]``."""
    add_lab(parser, console)
    parser.add_argument("--follow", "-f", action="store_true", help=console.text("help.arg.follow"))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print what the services of a stack said."""
    chosen = lab(arguments.lab)
    runner = local()
    stack = runner.status(chosen)
    logs = [log for service in stack.services for log in (service.log, *service.request_logs) if log.is_file()]
    contained = [projects for projects in runner.built(chosen) if isinstance(projects, DockerProjects)]
    for projects in contained:
        projects.show_logs(follow=arguments.follow)
    if not logs and not contained:
        raise StackError("error.no-logs" if stack.attempt else "error.not-started", lab=chosen.id)
    for line in _lines(logs, follow=arguments.follow and not contained):
        console.write(line)
    return 0


def _lines(logs: list[Path], *, follow: bool) -> Iterator[str]:
    """All lines so far, log by log; then, if asked, whatever comes."""
    read = dict.fromkeys(logs, 0)
    while True:
        for log in logs:
            with log.open(encoding="utf-8", errors="replace") as file:
                file.seek(read[log])
                yield from file.read().splitlines()
                read[log] = file.tell()
        if not follow:
            return
        time.sleep(POLL_SECONDS)
