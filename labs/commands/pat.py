"""``labstack pat``: the student's access tokens at the hosted registry's twin; the real one has a web page for them."""

import argparse
import json

from labs.commands.selection import hosted, local
from labs.console import Console

COLUMNS = ("id", "kind", "scopes", "state", "expires_at", "note")


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``new | list | revoke``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help=console.text("help.pat-new"), description=console.text("help.pat-new"))
    new.add_argument("--scopes", required=True, metavar="A,B", help=console.text("help.arg.scopes"))
    new.add_argument("--fine-grained", action="store_true", help=console.text("help.arg.fine-grained"))
    new.add_argument("--expires-in", metavar="30d", help=console.text("help.arg.expires-in"))
    new.add_argument("--note", metavar="TEXT", help=console.text("help.arg.note"))
    actions.add_parser("list", help=console.text("help.pat-list"), description=console.text("help.pat-list"))
    revoke = actions.add_parser(
        "revoke", help=console.text("help.pat-revoke"), description=console.text("help.pat-revoke")
    )
    revoke.add_argument("id", metavar="ID", help=console.text("help.arg.pat-id"))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Make, list or revoke."""
    return {"new": _new, "list": _list, "revoke": _revoke}[arguments.action](arguments, console)


def _new(arguments: argparse.Namespace, console: Console) -> int:
    """The secret alone goes to standard output, so that ``PAT=$(labstack pat new …)`` and a pipe work."""
    attempt, twin = hosted(local())
    options = [*("--scopes", arguments.scopes), *(["--fine-grained"] if arguments.fine_grained else [])]
    for name in ("expires_in", "note"):
        if value := getattr(arguments, name):
            options += [f"--{name.replace('_', '-')}", value]
    user = attempt.parameters["user"]
    made = json.loads(twin.manage("pat", "new", user, *options, "--json"))
    console.write(made["token"])
    console.note("pat.made", id=made["id"], user=user, scopes=", ".join(made["scopes"]) or "-")
    console.note("pat.shown-once")
    return 0


def _list(_arguments: argparse.Namespace, console: Console) -> int:
    """The student's tokens, without their secrets."""
    attempt, twin = hosted(local())
    tokens = json.loads(twin.manage("pat", "list", attempt.parameters["user"], "--json"))
    rows = [[_cell(token.get(column)) for column in COLUMNS] for token in tokens]
    console.table([console.text(f"pat.{column}") for column in COLUMNS], rows)
    return 0


def _revoke(arguments: argparse.Namespace, console: Console) -> int:
    """End a token's life."""
    _, twin = hosted(local())
    twin.manage("pat", "revoke", arguments.id)
    console.note("pat.revoked", id=arguments.id)
    return 0


def _cell(value: object) -> str:
    """A value for a table."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value or "-")
