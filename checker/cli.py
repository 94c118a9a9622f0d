"""``labcheck``: reads what really happened, and explains it.

The first line must come within 0.3 s: what a command needs beyond this module's own imports it imports when it runs.
"""

import argparse
import locale
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from checker import checks
from checker.endpoints import UnusableUrl, other_registry, own_registry
from checker.exit_codes import ExitCode, exit_code, worst
from checker.messages import LANGUAGES, Messages
from checker.model import Check, Report
from checker.record import follows, secret_of
from checker.screen import ConsoleScreen, JsonScreen, PlainScreen, Screen, colour_wanted, leads_to, width_wanted, write
from labs.attempts import Attempt, AttemptUnreadable
from labs.catalog import model as catalog
from labs.home import LabHome
from pyregistry import __version__

if TYPE_CHECKING:
    from checker.watching import Sight

WATCH_SECONDS = 1.0
"""Between two looks at what there is; each costs a stat a file."""
DEBUG = "LABCHECK_DEBUG"
"""Set, a fault of our own shows where it happened; a student never sees a traceback."""
CLEAR_SCREEN = "\x1b[2J\x1b[H"

_AddParser = Callable[..., argparse.ArgumentParser]
_Run = Callable[[argparse.Namespace, Messages], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``labcheck``; returns its exit code."""
    options = _parser().parse_args(arguments)
    messages = Messages(language(options.lang, os.environ))
    try:
        return int(options.run(options, messages))
    except KeyboardInterrupt:
        return _refuse(ExitCode.INTERRUPTED, messages, "interrupted", {})
    except Exception as exc:
        if os.environ.get(DEBUG):
            raise
        return _refuse(ExitCode.INCONCLUSIVE, messages, "own-fault", {"error": type(exc).__name__, "debug": DEBUG})


def language(wanted: str | None, environ: Mapping[str, str]) -> str:
    """``--lang``, else LAB_LANG, else French in a French locale, else English."""
    named = wanted or environ.get("LAB_LANG", "")
    if named in LANGUAGES:
        return named
    spoken = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), None)
    return "fr" if (spoken or locale.getlocale()[0] or "").lower().startswith("fr") else "en"


def _parser() -> argparse.ArgumentParser:
    """The command line: one subcommand for each lab, and four more."""
    parser = argparse.ArgumentParser(prog="labcheck", description="Reads what really happened, and explains it.")
    parser.add_argument("--version", action="version", version=f"labcheck {__version__}")
    parser.add_argument("--lang", choices=LANGUAGES, default=None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for slug in checks.slugs():
        lab = _grading(commands.add_parser, slug, f"grade {slug}")
        lab.add_argument("steps", nargs="*", metavar="STEP", help="step numbers or check codes; all without any")
        lab.add_argument("--registry", metavar="URL", help="grade a registry that the lab does not run")
        lab.add_argument("--watch", action="store_true", help="grade again whenever something happened")
        lab.set_defaults(run=partial(_run_lab, slug))
    _grading(commands.add_parser, "all", "grade every exercise that was started")
    _command(commands.add_parser, "explain", _run_explain, "what a check asks, and on what evidence").add_argument(
        "code", nargs="?", metavar="CODE", help="all checks without it"
    )
    _command(commands.add_parser, "hint", _run_hint, "the next hint for a check").add_argument("code", metavar="CODE")
    _command(commands.add_parser, "list", _run_list, "the checks and their points")
    return parser


def _command(add_parser: _AddParser, name: str, run: _Run, text: str) -> argparse.ArgumentParser:
    """One subcommand."""
    command = add_parser(name, help=text, description=text)
    command.add_argument("--lang", choices=LANGUAGES, default=argparse.SUPPRESS)
    command.set_defaults(run=run)
    return command


def _grading(add_parser: _AddParser, name: str, text: str) -> argparse.ArgumentParser:
    """A subcommand that grades, with the options that all of them have."""
    command = _command(add_parser, name, _run_all, text)
    command.set_defaults(steps=[], registry=None, watch=False)
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the result document, on standard output")
    form.add_argument("--plain", action="store_true", help="no colours, one fact a line")
    command.add_argument("--junit", metavar="FILE", type=Path, help="also write JUnit XML")
    command.add_argument("--html", metavar="FILE", type=Path, help="also write a page")
    return command


# --- grading


def _run_lab(slug: str, options: argparse.Namespace, messages: Messages) -> ExitCode:
    """``labcheck tp1 [STEP…]``; with ``--watch`` again and again, until all is done or Ctrl-C."""
    reader = leads_to(sys.stdout) if options.watch else None
    while True:
        # Taken before grading: what happens meanwhile is not lost.
        seen = _look(slug) if options.watch else None
        outcome = _grade(slug, options, messages)
        if seen is None or outcome not in {ExitCode.NOT_DONE, ExitCode.INCONCLUSIVE}:
            return outcome
        _say(messages.text("line", "watching") + "\n")
        if leads_to(sys.stdout) != reader:
            return outcome
        while not _has_news(slug, seen):
            time.sleep(WATCH_SECONDS)
        _say(CLEAR_SCREEN if sys.stdout.isatty() else "")


def _run_all(options: argparse.Namespace, messages: Messages) -> ExitCode:
    """``labcheck all``."""
    return worst([_grade(slug, options, messages) for slug in checks.slugs()])


def _grade(slug: str, options: argparse.Namespace, messages: Messages) -> ExitCode:
    """Grade one lab once: find the attempt, show what is found, write the files that were asked for."""
    folder, only = LabHome.locate().stack(slug), _codes(slug, options.steps)
    if only == []:
        known = ", ".join(f"{check.step} {check.code}" for check in checks.pack(slug).checks)
        told = {"lab": slug, "step": " ".join(options.steps), "known": known}
        return _refuse(ExitCode.USAGE, messages, "unknown-step", told)
    try:
        attempt = Attempt.load(folder)
    except AttemptUnreadable as exc:
        return _refuse(ExitCode.INCONCLUSIVE, messages, "attempt-unreadable", {"lab": slug, "reason": str(exc)})
    if attempt is None:
        return _refuse(ExitCode.NOT_STARTED, messages, "not-started", {"lab": slug})
    if not follows(attempt, LabHome.locate(), os.environ):
        return _refuse(ExitCode.INTEGRITY, messages, "attempt-changed", {"lab": slug})
    try:
        return _graded(attempt, folder, only, options, _wording(attempt, messages.language))
    except UnusableUrl:
        return _refuse(ExitCode.USAGE, messages, "bad-url", {"url": options.registry})


def _graded(
    attempt: Attempt, folder: Path, only: Sequence[str] | None, options: argparse.Namespace, messages: Messages
) -> ExitCode:
    """Show the header, then import what is slow, then grade."""
    registry = other_registry(attempt, options.registry) if options.registry else own_registry(attempt)
    screen = _screen(options, messages)
    screen.begin(attempt, registry.name)
    from checker import grading, hints

    report = grading.grade(
        attempt,
        registry,
        folder,
        secret=secret_of(attempt, LabHome.locate(), os.environ),
        only=only,
        hint_levels=hints.levels(folder),
        on_verdict=screen.verdict,
    )
    screen.end(report)
    written = _write_files(report, options, messages)
    return exit_code(report) if written else ExitCode.USAGE


def _codes(slug: str, steps: Sequence[str]) -> list[str] | None:
    """Codes of the checks that the arguments name, by step or by code; None for all, empty if one is unknown."""
    if not steps:
        return None
    codes: list[str] = []
    for step in steps:
        named = [check.code for check in checks.pack(slug).checks if step.upper() in {str(check.step), check.code}]
        if not named:
            return []
        codes += named
    return codes


def _wording(attempt: Attempt, spoken: str) -> Messages:
    """The texts with this attempt's names and this exercise's steps."""
    steps = {step.number: step.title[spoken] for step in catalog.load(attempt.slug).steps}
    return Messages(spoken, {**attempt.parameters, "tp": attempt.slug}, steps)


def _screen(options: argparse.Namespace, messages: Messages) -> Screen:
    """The way of showing that was asked for."""
    if options.json:
        return JsonScreen(messages, sys.stdout)
    if options.plain:
        return PlainScreen(messages, sys.stdout)
    return ConsoleScreen(messages, sys.stdout, colour_wanted(), width_wanted())


def _write_files(report: Report, options: argparse.Namespace, messages: Messages) -> bool:
    """Write what ``--junit`` and ``--html`` ask for; False when a file cannot be written."""
    from checker.report import html, junit

    for path, render in ((options.junit, junit.render), (options.html, html.render)):
        if path is None:
            continue
        try:
            path.write_text(render(report, messages), encoding="utf-8", errors="replace")
        except OSError as exc:
            _refuse(ExitCode.USAGE, messages, "cannot-write", {"path": str(path), "reason": exc.strerror or ""})
            return False
    return True


def _look(slug: str) -> "Sight":
    """What there is of the exercise now."""
    from checker import watching

    return watching.look(LabHome.locate().stack(slug), time.monotonic())


def _has_news(slug: str, seen: "Sight") -> bool:
    """Whether anybody but the grader did anything since."""
    from checker import watching

    return watching.has_news(LabHome.locate().stack(slug), seen, time.monotonic())


# --- words about checks


def _run_explain(options: argparse.Namespace, messages: Messages) -> ExitCode:
    """``labcheck explain [CODE]``."""
    from checker.report import reference

    if options.code is None:
        _say(reference.render([check for slug in checks.slugs() for check in checks.pack(slug).checks], messages))
        return ExitCode.PASSED
    found = _find(options.code)
    if found is None:
        return _unknown_code(options.code, messages)
    _say(reference.section(found[1], messages))
    return ExitCode.PASSED


def _run_hint(options: argparse.Namespace, messages: Messages) -> ExitCode:
    """``labcheck hint CODE``: one rung further each time."""
    from checker import hints

    found = _find(options.code)
    if found is None:
        return _unknown_code(options.code, messages)
    slug, check = found
    folder, rungs = LabHome.locate().stack(slug), catalog.load(slug).hints(messages.language).get(check.code, ())
    if not rungs:
        return _refuse(ExitCode.INCONCLUSIVE, messages, "hint-none", {"code": check.code})
    if not folder.is_dir():
        return _refuse(ExitCode.NOT_STARTED, messages, "not-started", {"lab": slug})
    try:
        level = hints.climb(folder, check.code, len(rungs))
    except OSError as exc:
        level = min(hints.levels(folder).get(check.code, 0) + 1, len(rungs))
        told = {"path": str(folder / hints.FILE_NAME), "reason": exc.strerror or ""}
        _refuse(ExitCode.PASSED, messages, "cannot-remember", told)
    named: dict[str, str | int] = {"code": check.code, "level": level, "total": len(rungs)}
    _say(f"{messages.text('line', 'hint_rung', named)}\n\n{rungs[level - 1]}\n")
    if level == len(rungs):
        _say(f"\n{messages.text('line', 'hint_last', named)}\n")
    return ExitCode.PASSED


def _run_list(options: argparse.Namespace, messages: Messages) -> ExitCode:  # noqa: ARG001  every command gets both
    """``labcheck list``."""
    for slug in checks.slugs():
        for check in checks.pack(slug).checks:
            title = messages.check(check.code, "title")
            _say(f"{slug} {check.step}  {check.code.ljust(10)} {check.points:2}  {title}\n")
    return ExitCode.PASSED


def _find(code: str) -> tuple[str, Check] | None:
    """The lab and the check of a code."""
    found = ((slug, checks.pack(slug).check(code)) for slug in checks.slugs())
    return next(((slug, check) for slug, check in found if check is not None), None)


def _unknown_code(code: str, messages: Messages) -> ExitCode:
    """Name the codes that there are."""
    known = ", ".join(check.code for slug in checks.slugs() for check in checks.pack(slug).checks)
    return _refuse(ExitCode.USAGE, messages, "unknown-code", {"code": code, "known": known})


def _refuse(code: ExitCode, messages: Messages, error: str, params: Mapping[str, str]) -> ExitCode:
    """Say why not, and exit with ``code``."""
    sys.stderr.write(f"labcheck: {messages.text('error', error, params)}\n")
    return code


def _say(text: str) -> None:
    """On standard output."""
    write(sys.stdout, text)


if __name__ == "__main__":
    sys.exit(main())
