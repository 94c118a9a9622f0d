"""What of nginx's configuration says where to look: logs, password files, certificates and keys. Pure.

``nginx -T`` prints all files that nginx reads, each behind a line ``# configuration file PATH:``; crossplane, nginx's
grammar in Python, cuts them into words.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from crossplane import lex_string  # type: ignore[import-untyped]
from crossplane.errors import NgxParserSyntaxError  # type: ignore[import-untyped]

from checker.probes.proxy_files import ProxyFiles, Unreadable

MAIN = PurePosixPath("/etc/nginx/nginx.conf")
INCLUDED = PurePosixPath("/etc/nginx/conf.d")
DEFAULT_LOG = "/var/log/nginx/access.log"
_PASSWORDS, _CERTIFICATE, _KEY = "auth_basic_user_file", "ssl_certificate", "ssl_certificate_key"
_FILE = re.compile(r"^# configuration file (?P<path>\S+):$", re.MULTILINE)


def join(texts: Mapping[PurePosixPath, str]) -> str:
    """What ``nginx -T`` would print of files, by path: the main one, and what the official image's includes."""
    included = sorted(path for path in texts if path.parent == INCLUDED)
    return "".join(f"# configuration file {path}:\n{texts[path]}\n" for path in (MAIN, *included) if path in texts)


def look_up(dump: str) -> ProxyFiles:
    """What the files of ``nginx -T`` name, the main file first; other files are taken for what it includes.

    Raises:
        Unreadable: There is none, or no nginx could read it.
    """
    try:
        return _look_up(dump)
    except NgxParserSyntaxError as exc:
        raise Unreadable(str(exc)) from exc


def _look_up(dump: str) -> ProxyFiles:
    named: dict[str, list[str]] = {directive: [] for directive in (_PASSWORDS, _CERTIFICATE, _KEY)}
    logs: list[str] = []
    outermost = _Block(None, [DEFAULT_LOG])
    parts = _FILE.split(dump)
    if len(parts) == 1:
        raise Unreadable("no file")
    for path, text in zip(parts[1::2], parts[2::2], strict=True):
        blocks = [outermost]
        for block, (name, *arguments) in _directives(text, outermost):
            blocks.append(block)
            if name == "access_log":
                block.name_log(arguments[0])
            elif name == "proxy_pass":
                block.proxies = True
            elif name == "include" and path == str(MAIN):
                outermost = block
            elif name in named and arguments[0] != "off":
                named[name].append(arguments[0])
        logs += [log for block in blocks if block.proxies for log in block.logs]
    return ProxyFiles(_paths(logs), _paths(named[_PASSWORDS]), _paths(named[_CERTIFICATE]), _paths(named[_KEY]))


@dataclass(slots=True)
class _Block:
    """A block: the logs that it names itself, or else has of the block around it, and whether it hands requests on."""

    around: "_Block | None"
    own: list[str] | None = None
    proxies: bool = False

    @property
    def logs(self) -> Sequence[str]:
        """Known when the file is read to its end: a block may name its log behind the blocks within."""
        return self.own if self.own is not None else self.around.logs if self.around else ()

    def name_log(self, path: str) -> None:
        """``off`` takes back what is inherited."""
        self.own = [*(self.own or []), *([] if path == "off" else [path])]


def _directives(text: str, outermost: _Block) -> Iterator[tuple[_Block, list[str]]]:
    """Each directive that ends in ``;`` and has arguments, with its block."""
    block, words = outermost, list[str]()
    for word, quoted in _words(text):
        if quoted or word not in ("{", "}", ";"):
            words.append(word)
            continue
        if word == "{":
            block = _Block(block)
        elif word == "}":
            block = block.around or outermost
        elif len(words) > 1:
            yield block, words
        words = []


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """Words, and whether each stood in quotes; comments are left out."""
    for word, _, quoted in lex_string(text):
        if quoted or not word.startswith("#"):
            yield word, quoted


def _paths(names: Iterable[str]) -> tuple[PurePosixPath, ...]:
    """Each once, in order; what has a variable, or goes to syslog, is no path."""
    paths = (name for name in names if "$" not in name and not name.startswith("syslog:"))
    return tuple(dict.fromkeys(MAIN.parent / path for path in paths))
