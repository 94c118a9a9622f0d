"""``pyregistry htpasswd``: passwords for ``auth.htpasswd``, in bcrypt, the only kind that registry:2 takes."""

import argparse
import getpass
import sys
from pathlib import Path

from pyregistry.accounts.passwords import PasswordInvalid, check_password, parse_user, set_password
from pyregistry.commands.arguments import argument
from pyregistry.commands.outcomes import DONE, CommandError
from pyregistry.spec.htpasswd import HtpasswdInvalid


def configure(parser: argparse.ArgumentParser) -> None:
    """The words in the order in which Apache's htpasswd takes them."""
    parser.description = (
        "Add a user to a password file, or change their password; a running registry notices. "
        "The password is asked for twice on a terminal, and else read from standard input, one line."
    )
    parser.add_argument("-b", dest="batch", action="store_true", help="take the password from the command line")
    parser.add_argument("file", type=Path, metavar="FILE", help="made, for its owner's eyes only, where there is none")
    parser.add_argument("user", type=argument(parse_user), metavar="USER")
    parser.add_argument("password", nargs="?", metavar="PASSWORD", help="with -b; others can see it while this runs")
    parser.set_defaults(usage_error=parser.error)


def run(options: argparse.Namespace) -> int:
    """Set the password; what was in the file besides stays."""
    if options.batch != (options.password is not None):
        options.usage_error("PASSWORD goes with -b" if options.password else "-b needs PASSWORD")
    try:
        password = options.password if options.batch else _read_password()
        is_new = set_password(options.file, options.user, password)
    except (PasswordInvalid, HtpasswdInvalid) as exc:
        raise CommandError(str(exc)) from exc
    print(f"{'Adding' if is_new else 'Updating'} password for user {options.user}", file=sys.stderr)
    return DONE


def _read_password() -> str:
    """Twice on a terminal, where nobody sees what they type."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("New password: ")
    check_password(password)
    if getpass.getpass("Re-type new password: ") != password:
        raise PasswordInvalid("the passwords differ; nothing was changed")
    return password
