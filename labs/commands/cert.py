"""``labstack cert``: certificates of the student's own making, for a server of the student's own."""

import argparse
import os
import shlex
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from labs.console import Console
from labs.hostnames import WILDCARD, parse_address, parse_host
from labs.issuing import AUTHORITY_LIFETIME, SERVER_LIFETIME, KeyKind, names_of
from labs.stack.certificates import CertificateFolder, Issued, Wish
from labs.stack.interface import StackError

EXIT_USAGE = 2


def configure(parser: argparse.ArgumentParser, console: Console) -> None:
    """``NAME… [--ip ADDRESS]… [--out FOLDER] [--days N] [--rsa] [--intermediate] [--force]``."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=console.text("help.arg.cert-names"))
    parser.add_argument("--ip", action="append", default=[], metavar="ADDRESS", help=console.text("help.arg.cert-ip"))
    parser.add_argument("--out", type=Path, default=Path("certs"), metavar="FOLDER", help=console.text("help.arg.out"))
    parser.add_argument("--days", metavar="N", help=console.text("help.arg.days", days=SERVER_LIFETIME.days))
    parser.add_argument("--rsa", action="store_true", help=console.text("help.arg.rsa", default=KeyKind.EC))
    parser.add_argument("--intermediate", action="store_true", help=console.text("help.arg.intermediate"))
    parser.add_argument("--force", action="store_true", help=console.text("help.arg.force"))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Make them, and say what is still to do."""
    if not arguments.names and not arguments.ip:
        console.note("cert.which")
        return EXIT_USAGE
    names = tuple(dict.fromkeys([*map(parse_host, arguments.names), *map(parse_address, arguments.ip)]))
    kind = KeyKind.RSA if arguments.rsa else KeyKind.EC
    wish = Wish(names, _lifetime(arguments.days), kind, has_intermediate=arguments.intermediate)
    folder = CertificateFolder(arguments.out)
    _tell(folder, folder.issue(wish, is_forced=arguments.force), wish, console)
    tell_trust(folder.authority[0], names[0], os.environ, console)
    return 0


def _lifetime(asked: str | None) -> timedelta:
    """Days as they were typed. Raises StackError."""
    if asked is None:
        return SERVER_LIFETIME
    most = AUTHORITY_LIFETIME.days
    if not asked.isdecimal() or not 0 < int(asked) <= most:
        raise StackError("error.days", value=asked, most=most)
    return timedelta(days=int(asked))


def _tell(folder: CertificateFolder, issued: Issued, wish: Wish, console: Console) -> None:
    """What was made, and where it lies."""
    server, end = issued.server.certificate, issued.authority.certificate.not_valid_after_utc
    console.say("cert.folder", folder=folder.path.resolve())
    console.say("cert.authority-made" if issued.is_new_authority else "cert.authority-kept", end=f"{end:%Y-%m-%d}")
    names = ", ".join(name for name in wish.names if name in names_of(server))
    message = "cert.server-intermediate" if issued.server.chain else "cert.server"
    console.say(message, names=names, end=f"{server.not_valid_after_utc:%Y-%m-%d}")
    console.say("cert.key", kind=wish.kind)
    if issued.is_cut:
        console.note("cert.cut")
    if wish.lifetime > SERVER_LIFETIME:
        console.note("cert.long", days=SERVER_LIFETIME.days)
    if issued.is_replaced:
        console.note("cert.replaced")


def tell_trust(authority: Path, name: str, environ: Mapping[str, str], console: Console) -> None:
    """The commands that make the student's docker trust a CA for a registry's name, unless it does."""
    registry = f"registry.{name.removeprefix(WILDCARD)}" if name.startswith(WILDCARD) else name
    known = environ.get("LAB_CERTS_D", "")
    if known and _holds(Path(known) / registry / "ca.crt", authority):
        console.note("cert.trusted", name=registry)
        return
    console.say("cert.trust", name=registry)
    console.write(f'  mkdir -p "$LAB_CERTS_D/{registry}"')
    console.write(f'  cp {shlex.quote(str(authority))} "$LAB_CERTS_D/{registry}/ca.crt"')


def _holds(trusted: Path, authority: Path) -> bool:
    """Whether a file is this CA."""
    try:
        return trusted.read_bytes() == authority.read_bytes()
    except OSError:
        return False
