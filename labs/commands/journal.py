"""``labstack journal``: what a registry remembers, as a table for people."""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

from labs.attempts import Attempt
from labs.catalog.model import Lab
from labs.commands.selection import add_lab, begun, lab, local
from labs.console import Console
from labs.stack import journal
from labs.stack.interface import StackError
from labs.stack.process_runner import ProcessRunner
from pyregistry.spec.journal import Event

COLUMNS = ("seq", "time", "actor", "credential", "request", "answer", "object")
"""What is longest stands last, so that in a narrow window nothing but its end moves to the next line."""

FOLLOW_WIDTHS = (5, 8, 20, 20, 22, 18, 0)
"""When rows come one by one, nobody knows the widest yet."""

OWN_AGENTS = ("labcheck", "labstack")
"""How the user agents of the lab's own programs begin."""

SHORT_DIGEST_LENGTH = len("sha256:") + 12
"""As Docker shortens digests."""


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``TP [--last N] [--all] [--follow]``."""
    add_lab(parser, console)
    parser.add_argument("--last", type=int, metavar="N", help=console.text("help.arg.last"))
    parser.add_argument("--all", action="store_true", help=console.text("help.arg.journal-all"))
    parser.add_argument("--follow", "-f", action="store_true", help=console.text("help.arg.follow"))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Show what happened since the attempt began."""
    runner, asked = local(), lab(arguments.lab)
    attempt = begun(runner, asked)
    path = _journal(runner, asked, attempt)
    events = [event for event in journal.events(path) if event.seq > attempt.horizon_seq]
    wanted = events if arguments.all else [event for event in events if not _is_ours(event)]
    shown = wanted[-arguments.last :] if arguments.last else wanted
    head = [console.text(f"journal.{column}") for column in COLUMNS]
    if arguments.follow:
        seen = events[-1].seq if events else attempt.horizon_seq
        coming = (event for event in journal.follow(path, seen) if arguments.all or not _is_ours(event))
        for row in itertools.chain([head], map(_row, itertools.chain(shown, coming))):
            console.write("  ".join(cell.ljust(width) for cell, width in zip(row, FOLLOW_WIDTHS, strict=True)))
    console.table(head, [_row(event) for event in shown])
    if len(wanted) < len(events):
        console.note("journal.left-out", count=len(events) - len(wanted))
    return 0


def _journal(runner: ProcessRunner, asked: Lab, attempt: Attempt) -> Path:
    """Where the exercise's registry remembers. Raises StackError where none does, or does yet."""
    kept = [Path(row.journal) for row in attempt.registries.values() if row.journal]
    found = next((path for path in [*kept, *runner.projects(asked).journals()] if path.exists()), None)
    if found is None:
        raise StackError("error.no-journal", lab=asked.id)
    return found


def _is_ours(event: Event) -> bool:
    """Whether the lab's own programs asked: the grader looks, and labstack sees whether the registry answers."""
    return event.kind == "request" and (event.user_agent or "").startswith(OWN_AGENTS)


def _row(event: Event) -> Sequence[str]:
    """One event; ``-`` where nothing applies."""
    credential = " ".join(filter(None, (event.credential_kind, event.credential_id)))
    answer = " ".join(filter(None, (str(event.status or ""), event.error_code)))
    return (
        str(event.seq),
        f"{event.at.astimezone():%H:%M:%S}",
        event.actor or _claimed(event) or "-",
        credential or "-",
        _request(event),
        answer or "-",
        _object(event) or "-",
    )


def _claimed(event: Event) -> str:
    """``(zoe)``: the name that came with a request whose password the registry was not asked to check."""
    name = event.detail.get("claimed_user")
    return f"({name})" if name else ""


def _request(event: Event) -> str:
    """What was asked: ``PUT manifests``; for what is no request, the action."""
    if event.kind != "request":
        return str(event.detail.get("action", event.kind))
    words = (event.path or "").partition("?")[0].split("/")
    family = next((word for word in ("manifests", "blobs", "tags", "token", "referrers") if word in words), "")
    return " ".join(filter(None, (event.method, family or event.path)))


def _object(event: Event) -> str:
    """On what: the repository and the reference; for tokens, what was granted."""
    if event.kind == "account":
        return ", ".join(event.credential_scopes)
    granted = event.detail.get("scopes_granted")
    if isinstance(granted, list) and granted:
        return ", ".join(map(str, granted))
    reference = event.reference or event.digest or ""
    separator = "@" if ":" in reference else ":" if reference else ""
    return f"{event.repository or ''}{separator}{reference[:SHORT_DIGEST_LENGTH] if ':' in reference else reference}"
