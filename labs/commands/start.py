"""``labstack start``."""

import argparse
import webbrowser

from labs.commands.selection import add_engine, chosen, local
from labs.commands.up import bring_up
from labs.console import Console
from labs.stack.environment import environment
from labs.stack.notebooks import NotebookServer


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``[--headless] [--engine ENGINE]``."""
    parser.add_argument("--headless", action="store_true", help=console.text("help.arg.headless"))
    add_engine(parser, console)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Bring everything up, and JupyterLab with it, on the first exercise's notebook."""
    runner = local(arguments.engine)
    labs = chosen(())
    attempts = bring_up(runner, labs, console)
    server = NotebookServer(runner.home)
    if server.url() is None:
        console.note("progress.notebooks")
    urls = server.start(environment(runner.home, attempts[0], "a"), [lab.id for lab in labs], console.language)
    for lab, url in zip(labs, urls, strict=True):
        console.say("start.notebook", lab=lab.id.upper(), title=lab.title[console.language], url=url)
    console.say("start.end")
    if not arguments.headless:
        webbrowser.open(urls[0])
    return 0
