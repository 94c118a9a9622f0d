"""The command line: one function a subcommand; each prints, and returns its exit code.

0 done, 1 failed, 2 called wrongly. Failures go to stderr, in registry:2's words where it has some.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn, TypeVar

from pyregistry import __version__
from pyregistry.accounts.administration import Administration, NewToken
from pyregistry.accounts.file import AccountsFile
from pyregistry.accounts.lifetime import parse_lifetime
from pyregistry.accounts.model import AccessToken, AccessTokenUnknown, Account, AccountUnknown, Role, TokenState
from pyregistry.accounts.names import parse_name
from pyregistry.accounts.pat import TokenKind
from pyregistry.accounts.records import AccountsUnreadable
from pyregistry.accounts.scopes import parse_scopes
from pyregistry.config import ConfigurationError, Issue, Settings, load
from pyregistry.config.settings import FilesystemStorage
from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.interface import Driver, DriverError
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.journal import JournalError, open_journal
from pyregistry.store.gc import Options, Plan, StoreInUse, StoreUnknown, collect
from pyregistry.store.scrub import QUARANTINE, Finding, Progress, Scrub

Value = TypeVar("Value")

DONE, FAILED = 0, 1

CONFIG_HELP = "the config.yml, registry:2's with a pyregistry: section"

STOP_HELP = (
    "The registry must be stopped, or read-only (storage.maintenance.readonly), as long as this runs: it does not see "
    "what a client is in the middle of pushing."
)

PROGRESS_SECONDS = 1.0
"""Before the first sign of progress, and between two."""


class CommandError(Exception):
    """A command cannot do what it was asked; the message is for the person who asked."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code."""
    parser = _build_parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except ConfigurationError as exc:
        print(f"configuration error: {exc}", file=sys.stderr)
        if exc.path is None:
            parser.print_usage(sys.stderr)
    except (CommandError, AccountUnknown, AccessTokenUnknown, AccountsUnreadable, JournalError) as exc:
        print(f"pyregistry: {exc}", file=sys.stderr)
    except OSError as exc:
        print(f"pyregistry: {_describe(exc)}", file=sys.stderr)
    return FAILED


def serve(options: argparse.Namespace) -> int:
    """Serve until told to stop."""
    settings = load(options.config, files_too=True)
    for warning in settings.warnings:
        print(f"configuration warning: {warning}", file=sys.stderr)
    from pyregistry.server import serve as serve_settings

    return serve_settings(settings)


def check_config(options: argparse.Namespace) -> int:
    """Say everything that is wrong with a configuration, and what is odd about it."""
    try:
        settings = load(options.config, files_too=True)
    except ConfigurationError as exc:
        for issue in exc.issues or [Issue(exc.summary)]:
            print(_locate(options.config, issue))
        return FAILED
    for warning in settings.warnings:
        print(f"{_locate(options.config, warning)} (warning)")
    print(f"{options.config} is valid")
    return DONE


def garbage_collect(options: argparse.Namespace) -> int:
    """Delete what nobody refers to, in registry:2's words; a dry run tells and deletes nothing."""
    settings = _load_for_maintenance(options.config)
    age = timedelta(seconds=settings.storage.upload_purging.age_seconds)
    what = Options(delete_untagged=options.delete_untagged, stale_before=datetime.now(UTC) - age)
    emit = _say_nothing if options.quiet else print
    try:
        plan = collect(_open_driver(settings), what, emit, dry_run=options.dry_run)
    except (StoreUnknown, StoreInUse, DriverError) as exc:
        print(f"failed to garbage collect: {exc}", file=sys.stderr)
        return FAILED
    emit(f"\n{_summarize(plan, 'would be freed' if options.dry_run else 'freed')}")
    return DONE


def scrub(options: argparse.Namespace) -> int:
    """Read everything, say what is wrong, and put damaged content into quarantine."""
    settings = _load_for_maintenance(options.config)
    ticker = _Ticker()
    scrubbing = Scrub(_open_driver(settings), datetime.now(UTC), ticker.show)
    found: list[Finding] = []
    try:
        for finding in scrubbing.findings():
            found.append(finding)
            ticker.clear()
            print(_describe_finding(finding))
    except (StoreUnknown, StoreInUse, DriverError) as exc:
        print(f"failed to scrub: {exc}", file=sys.stderr)
        return FAILED
    finally:
        ticker.clear()
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(each.kind for each in found).items()))
    print(f"{scrubbing.progress.contents} contents, {scrubbing.progress.size} bytes read: {counts or 'all whole'}")
    if any(finding.moved_to for finding in found):
        print(f"damaged content is in {_quarantine(settings)}; pushing the images again mends them")
    return FAILED if any(finding.is_damage for finding in found) else DONE


def account_add(options: argparse.Namespace) -> int:
    """Add an account or extend it, with an access token if wanted."""
    administration = _administer(options.config)
    account = administration.add_account(options.user, options.org, options.role)
    token = None
    if options.pat is not None:
        token = administration.create_token(account.login, TokenKind.CLASSIC, options.pat)
    if options.json:
        _print_json(_account_row(account) | (_new_token_row(token) if token else {}))
    else:
        belongs = f" in {', '.join(account.orgs)}" if account.orgs else ""
        print(f"{account.login}: {account.role}{belongs}")
        if token:
            _print_new_token(token)
    return DONE


def pat_new(options: argparse.Namespace) -> int:
    """Make an access token and print its secret, once."""
    kind = TokenKind.FINE_GRAINED if options.fine_grained else TokenKind.CLASSIC
    administration = _administer(options.config)
    token = administration.create_token(options.user, kind, options.scopes, options.expires_in, options.note)
    if options.json:
        _print_json(_new_token_row(token))
    else:
        _print_new_token(token)
    return DONE


def pat_list(options: argparse.Namespace) -> int:
    """List access tokens; their secrets are not kept, so they cannot be shown."""
    tokens = _administer(options.config).list_tokens(options.user)
    if options.json:
        _print_json([_token_row(token, state) for token, state in tokens])
    for token, state in tokens if not options.json else ():
        expires = f"expires {_format_time(token.expires_at)}" if token.expires_at else "never expires"
        scopes = ",".join(token.scopes) or "no scopes"
        print(f"{token.id}  {token.account}  {token.kind}  {scopes}  {state}  {expires}  {token.note}".rstrip())
    return DONE


def pat_revoke(options: argparse.Namespace) -> int:
    """Revoke an access token; bearer tokens issued for it stop working too."""
    fresh = _administer(options.config).revoke_token(options.id)
    print(f"{options.id}: revoked" if fresh else f"{options.id}: was revoked before")
    return DONE


class _Parser(argparse.ArgumentParser):
    """argparse, with the whole usage of the subcommand that was called wrongly."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\n")


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="pyregistry", description="An OCI registry, a drop-in for registry:2.")
    parser.add_argument("--version", "-v", action="version", version=f"pyregistry {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("serve", help="serve a registry")
    _add_optional_config(run)
    run.set_defaults(run=serve)
    check = commands.add_parser("check-config", help="say every mistake of a configuration, with its line")
    _add_config(check)
    check.set_defaults(run=check_config)
    _build_garbage_collect(commands)
    _build_scrub(commands)
    account = commands.add_parser("account", help="accounts").add_subparsers(required=True, metavar="COMMAND")
    _build_account_add(account.add_parser("add", help="add an account, or extend it"))
    pat = commands.add_parser("pat", help="personal access tokens").add_subparsers(required=True, metavar="COMMAND")
    _build_pat_new(pat.add_parser("new", help="make a token and print its secret once"))
    _build_pat_list(pat.add_parser("list", help="list tokens"))
    _build_pat_revoke(pat.add_parser("revoke", help="revoke a token at once"))
    return parser


def _build_garbage_collect(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = commands.add_parser(
        "garbage-collect",
        help="delete what no manifest refers to; the registry stopped or read-only",
        description=f"Delete what no manifest refers to, and what uploads left behind. {STOP_HELP}",
    )
    parser.add_argument("--dry-run", "-d", action="store_true", help="only say what would be deleted")
    parser.add_argument(
        "--delete-untagged",
        "-m",
        action="store_true",
        help="also delete manifests that no tag leads to, be it through an index or as a referrer",
    )
    parser.add_argument("--quiet", "-q", action="store_true", help="print nothing on stdout")
    _add_optional_config(parser)
    parser.set_defaults(run=garbage_collect)


def _build_scrub(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = commands.add_parser(
        "scrub",
        help="prove all content, move what is damaged to quarantine; the registry stopped or read-only",
        description=f"Hash all content again, follow all links, and move damaged content to {QUARANTINE}/ beside "
        f"docker/, where a push mends it. Exit code 1 if something is damaged or missing. {STOP_HELP}",
    )
    _add_optional_config(parser)
    parser.set_defaults(run=scrub)


def _build_account_add(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument("user", type=_argument(parse_name), metavar="USER")
    parser.add_argument(
        "--org",
        action="append",
        default=[],
        type=_argument(parse_name),
        help="an organization it belongs to; repeatable",
    )
    parser.add_argument("--role", type=Role, choices=list(Role), help="auditor reads everything (default: member)")
    parser.add_argument(
        "--pat", type=_argument(_parse_scope_list), metavar="SCOPES", help="make a classic token with these scopes too"
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=account_add)


def _build_pat_new(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument("user", metavar="USER")
    parser.add_argument(
        "--scopes",
        required=True,
        type=_argument(_parse_scope_list),
        metavar="A,B",
        help="GitHub's names, e.g. write:packages; an empty text for none",
    )
    parser.add_argument("--fine-grained", action="store_true", help="a github_pat_… instead of a classic ghp_…")
    parser.add_argument("--expires-in", type=_argument(parse_lifetime), metavar="30d", help="default: never")
    parser.add_argument("--note", default="", help="what it is for")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=pat_new)


def _build_pat_list(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument("user", nargs="?", metavar="USER", help="only this account's")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=pat_list)


def _build_pat_revoke(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument("id", metavar="ID", help="as pat list shows it")
    parser.set_defaults(run=pat_revoke)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, metavar="CONFIG", help=CONFIG_HELP)


def _add_optional_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", nargs="?", type=Path, metavar="CONFIG", help=f"{CONFIG_HELP}; else $REGISTRY_CONFIGURATION_PATH"
    )


def _argument(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """``parse`` for argparse, which drops the message of a plain ``ValueError``."""

    def parse_argument(text: str) -> Value:
        try:
            return parse(text)
        except ValueError as exc:
            raise argparse.ArgumentTypeError(str(exc)) from exc

    return parse_argument


def _parse_scope_list(text: str) -> tuple[str, ...]:
    return parse_scopes(text.split(","))


def _load_for_maintenance(config: Path | None) -> Settings:
    from pyregistry.api import logs

    settings = load(config)
    logs.configure(settings.log)
    return settings


def _open_driver(settings: Settings) -> Driver:
    """The store's driver as it is: unlike a server, maintenance makes no store where there is none."""
    storage = settings.storage.driver
    return FilesystemDriver(storage.root) if isinstance(storage, FilesystemStorage) else MemoryDriver()


def _quarantine(settings: Settings) -> str:
    storage = settings.storage.driver
    return str(storage.root / QUARANTINE) if isinstance(storage, FilesystemStorage) else QUARANTINE


def _say_nothing(_: str) -> None:
    """``--quiet``."""


def _summarize(plan: Plan, verb: str) -> str:
    parts = (
        f"{len(plan.blobs)} blobs",
        f"{len(plan.manifests)} manifests",
        f"{len(plan.layers)} layer links",
        f"{len(plan.uploads)} uploads",
        f"{len(plan.temporaries)} temporary files",
    )
    return f"{plan.size} bytes {verb}: {', '.join(parts)}"


def _describe_finding(finding: Finding) -> str:
    moved = f"; moved to {finding.moved_to}" if finding.moved_to else ""
    return f"{finding.kind} {finding.name}: {finding.message}{moved}"


class _Ticker:
    """One line of progress on a terminal, rewritten in place; nothing where nobody looks."""

    def __init__(self) -> None:
        self._is_seen = sys.stderr.isatty()
        self._shown_at = time.monotonic()

    def show(self, progress: Progress) -> None:
        """Rewrite the line, once a second."""
        if self._is_seen and time.monotonic() - self._shown_at >= PROGRESS_SECONDS:
            self._shown_at = time.monotonic()
            print(f"\r\x1b[K{progress.contents} contents, {progress.size >> 20} MiB read", end="", file=sys.stderr)
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line to others."""
        if self._is_seen:
            print("\r\x1b[K", end="", file=sys.stderr)
            sys.stderr.flush()


def _administer(config: Path) -> Administration:
    settings = load(config)
    return Administration(_accounts_file(settings), open_journal(settings), lambda: datetime.now(UTC))


def _accounts_file(settings: Settings) -> AccountsFile:
    if settings.accounts_path is None:
        raise CommandError(f"{settings.source}: pyregistry.accounts.path is not set, so there are no accounts")
    return AccountsFile(settings.accounts_path)


def _account_row(account: Account) -> dict[str, object]:
    return {"account": account.login, "orgs": account.orgs, "role": account.role}


def _new_token_row(token: NewToken) -> dict[str, object]:
    record = token.record
    row = {"id": record.id, "token": token.secret, "kind": record.kind, "scopes": record.scopes}
    return {**row, "expires_at": _format_time(record.expires_at)}


def _token_row(token: AccessToken, state: TokenState) -> dict[str, object]:
    return {
        "id": token.id,
        "account": token.account,
        "kind": token.kind,
        "scopes": token.scopes,
        "state": state,
        "created_at": _format_time(token.created_at),
        "expires_at": _format_time(token.expires_at),
        "revoked_at": _format_time(token.revoked_at),
        "note": token.note,
    }


def _print_new_token(token: NewToken) -> None:
    """The secret alone on stdout, so that a script can take it; what else there is to say on stderr."""
    scopes = ", ".join(token.record.scopes) or "no scopes"
    print(f"access token {token.record.id} ({scopes}); its secret is shown this once:", file=sys.stderr)
    print(token.secret)


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _format_time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="seconds")


def _locate(config: Path, issue: Issue) -> str:
    """An issue as compilers print them, so that editors can jump to it."""
    if issue.variable is not None:
        return f"{issue.variable}: {issue.message}"
    return f"{config}:{issue.line}: {issue.message}" if issue.line else f"{config}: {issue.message}"


def _describe(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"{error.filename}: {reason}" if error.filename else reason
