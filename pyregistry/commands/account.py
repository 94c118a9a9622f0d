"""``pyregistry account add``."""

import argparse

from pyregistry.accounts.model import Account, Role
from pyregistry.accounts.names import parse_name
from pyregistry.accounts.pat import TokenKind
from pyregistry.commands.administering import administer, new_token_row, print_json, print_new_token
from pyregistry.commands.arguments import add_config, argument, parse_scope_list
from pyregistry.commands.outcomes import DONE


def configure(parser: argparse.ArgumentParser) -> None:
    """The verbs, of which there is one."""
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    _configure_add(verbs.add_parser("add", help="add an account, or extend it"))


def run(options: argparse.Namespace) -> int:
    """Do what the verb says."""
    return int(options.act(options))


def _configure_add(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("user", type=argument(parse_name), metavar="USER")
    parser.add_argument(
        "--org",
        action="append",
        default=[],
        type=argument(parse_name),
        help="an organization it belongs to; repeatable",
    )
    parser.add_argument("--role", type=Role, choices=list(Role), help="auditor reads everything (default: member)")
    parser.add_argument(
        "--pat", type=argument(parse_scope_list), metavar="SCOPES", help="make a classic token with these scopes too"
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(act=_add)


def _add(options: argparse.Namespace) -> int:
    """Add an account or extend it, with an access token if wanted."""
    administration = administer(options.config)
    account = administration.add_account(options.user, options.org, options.role)
    token = None
    if options.pat is not None:
        token = administration.create_token(account.login, TokenKind.CLASSIC, options.pat)
    if options.json:
        print_json(_row(account) | (new_token_row(token) if token else {}))
    else:
        belongs = f" in {', '.join(account.orgs)}" if account.orgs else ""
        print(f"{account.login}: {account.role}{belongs}")
        if token:
            print_new_token(token)
    return DONE


def _row(account: Account) -> dict[str, object]:
    return {"account": account.login, "orgs": account.orgs, "role": account.role}
