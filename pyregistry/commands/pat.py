"""``pyregistry pat new``, ``list`` and ``revoke``: personal access tokens."""

import argparse

from pyregistry.accounts.lifetime import parse_lifetime
from pyregistry.accounts.model import AccessToken, TokenState
from pyregistry.accounts.pat import TokenKind
from pyregistry.commands.administering import administer, format_time, new_token_row, print_json, print_new_token
from pyregistry.commands.arguments import add_config, argument, parse_scope_list
from pyregistry.commands.outcomes import DONE


def configure(parser: argparse.ArgumentParser) -> None:
    """The verbs."""
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    _configure_new(verbs.add_parser("new", help="make a token and print its secret once"))
    _configure_list(verbs.add_parser("list", help="list tokens"))
    _configure_revoke(verbs.add_parser("revoke", help="revoke a token at once"))


def run(options: argparse.Namespace) -> int:
    """Do what the verb says."""
    return int(options.act(options))


def _configure_new(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("user", metavar="USER")
    parser.add_argument(
        "--scopes",
        required=True,
        type=argument(parse_scope_list),
        metavar="A,B",
        help="GitHub's names, e.g. write:packages; an empty text for none",
    )
    parser.add_argument("--fine-grained", action="store_true", help="a github_pat_… instead of a classic ghp_…")
    parser.add_argument("--expires-in", type=argument(parse_lifetime), metavar="30d", help="default: never")
    parser.add_argument("--note", default="", help="what it is for")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(act=_new)


def _configure_list(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("user", nargs="?", metavar="USER", help="only this account's")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(act=_list)


def _configure_revoke(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("id", metavar="ID", help="as pat list shows it")
    parser.set_defaults(act=_revoke)


def _new(options: argparse.Namespace) -> int:
    """Make an access token and print its secret, once."""
    kind = TokenKind.FINE_GRAINED if options.fine_grained else TokenKind.CLASSIC
    administration = administer(options.config)
    token = administration.create_token(options.user, kind, options.scopes, options.expires_in, options.note)
    if options.json:
        print_json(new_token_row(token))
    else:
        print_new_token(token)
    return DONE


def _list(options: argparse.Namespace) -> int:
    """List access tokens; their secrets are not kept, so they cannot be shown."""
    tokens = administer(options.config).list_tokens(options.user)
    if options.json:
        print_json([_row(token, state) for token, state in tokens])
    for token, state in tokens if not options.json else ():
        expires = f"expires {format_time(token.expires_at)}" if token.expires_at else "never expires"
        scopes = ",".join(token.scopes) or "no scopes"
        print(f"{token.id}  {token.account}  {token.kind}  {scopes}  {state}  {expires}  {token.note}".rstrip())
    return DONE


def _revoke(options: argparse.Namespace) -> int:
    """Revoke an access token; bearer tokens issued for it stop working too."""
    fresh = administer(options.config).revoke_token(options.id)
    print(f"{options.id}: revoked" if fresh else f"{options.id}: was revoked before")
    return DONE


def _row(token: AccessToken, state: TokenState) -> dict[str, object]:
    return {
        "id": token.id,
        "account": token.account,
        "kind": token.kind,
        "scopes": token.scopes,
        "state": state,
        "created_at": format_time(token.created_at),
        "expires_at": format_time(token.expires_at),
        "revoked_at": format_time(token.revoked_at),
        "note": token.note,
    }
