"""What of nginx's configuration says where to look, and how requests are handed on and logged. Pure.

``nginx -T`` prints all files that nginx reads, each behind a line ``# configuration file PATH:``; crossplane, nginx's
grammar in Python, cuts them into words.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from crossplane import lex_string  # type: ignore[import-untyped]
from crossplane.errors import NgxParserSyntaxError  # type: ignore[import-untyped]

from checker.facts import Logging
from checker.probes.proxy_files import ProxyFiles, Unreadable

MAIN = PurePosixPath("/etc/nginx/nginx.conf")
INCLUDED = PurePosixPath("/etc/nginx/conf.d")
DEFAULT_LOG = "/var/log/nginx/access.log"
_PASSWORDS, _CERTIFICATE, _KEY = "auth_basic_user_file", "ssl_certificate", "ssl_certificate_key"
_FILE = re.compile(r"^# configuration file (?P<path>\S+):$", re.MULTILINE)
_NO_LOG = frozenset({"off", "/dev/null"})
_OUTPUTS = frozenset({"/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/1"})
"""What the image's own log is a link to: with one of these beside it, each line is written twice."""
_USUAL_FORMATS = frozenset({"combined", "main"})
# The words of ``combined``; ``main`` has one more in quotes.
_FORMAT = re.compile(
    r'\$\w+ - \$remote_user \[\$time_local\] "\$request" \$status \$body_bytes_sent'
    r' "[^"]*" "\$http_user_agent"( "[^"]*")*'
)
# target ::= scheme "://" host [ ":" port ] [ path ]   (proxy_pass); without a path, nginx hands on the client's
_TARGET = re.compile(r"https?://(?P<host>[^/$]+)(?P<path>/.*)?")
_API = "/v2/"
_MEDDLING = frozenset(
    {
        "add_after_body", "add_before_body", "auth_request", "empty_gif", "fastcgi_pass", "grpc_pass",
        "gunzip", "gzip", "log_subrequest", "memcached_pass", "mirror", "perl", "post_action", "proxy_cache",
        "proxy_method", "proxy_store", "random_index", "rewrite", "scgi_pass", "slice",
        "ssi", "stub_status", "sub_filter", "try_files", "uwsgi_pass",
    }
)  # fmt: skip
"""With these nginx may answer for the registry, ask it other things than the client did, or send on something else."""
_MEDDLING_MODULES = ("js_", "perl_")
_CLIENT_HEADERS = frozenset({"authorization", "user-agent"})
"""Without these as they came, the registry does not know who came."""


def join(texts: Mapping[PurePosixPath, str]) -> str:
    """What ``nginx -T`` would print of files, by path: the main one, and what the official image's includes."""
    included = sorted(path for path in texts if path.parent == INCLUDED)
    return "".join(f"# configuration file {path}:\n{texts[path]}\n" for path in (MAIN, *included) if path in texts)


def read_paths(dump: str) -> Sequence[str]:
    """The files that were read."""
    return _FILE.findall(dump)


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
    outermost = _Block(None, "", own=[("access_log", DEFAULT_LOG, "combined")])
    blocks = [outermost]
    parts = _FILE.split(dump)
    if len(parts) == 1:
        raise Unreadable("no file")
    for path, text in zip(parts[1::2], parts[2::2], strict=True):
        for block, (name, *arguments) in _directives(text, outermost, blocks):
            block.take(name, arguments)
            if name == "include" and path == str(MAIN):
                outermost = block
            elif name in named and arguments[0] != "off":
                named[name].append(arguments[0])
    logs = [log[1] for block in blocks if block.proxies for log in block.logs]
    return ProxyFiles(
        _paths(logs),
        _paths(named[_PASSWORDS]),
        _paths(named[_CERTIFICATE]),
        _paths(named[_KEY]),
        logging=_logging(blocks),
    )


@dataclass(slots=True)
class _Block:
    """A block: what it says, and what of the block around it holds where it says nothing.

    Attributes:
        title: The words before its ``{``.
        own: Its ``access_log`` statements, word by word; ``off`` takes back what is inherited.
    """

    around: "_Block | None"
    title: str
    own: list[tuple[str, ...]] | None = None
    said: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def logs(self) -> Sequence[tuple[str, ...]]:
        """Known when the file is read to its end: a block may name its log behind the blocks within."""
        return self.own if self.own is not None else self.around.logs if self.around else ()

    @property
    def proxies(self) -> bool:
        """Whether it hands requests on."""
        return any(name == "proxy_pass" for name, *_ in self.said)

    @property
    def server(self) -> "_Block":
        """The server that it is part of; else the outermost block."""
        return self if self.title == "server" or self.around is None else self.around.server

    def take(self, name: str, arguments: list[str]) -> None:
        """One more directive."""
        self.said.append((name, *arguments))
        if name == "access_log":
            self.own = [*(self.own or []), *([] if arguments[0] in _NO_LOG else [(name, *arguments)])]


def _logging(blocks: Sequence[_Block]) -> Logging:
    """How requests are handed on and logged, as far as the registry's are."""
    proxies = [block for block in blocks if block.proxies]
    working = [block for block in blocks if block.server.title != "server" or _hands_on(block.server, proxies)]
    said = [directive for block in working for directive in block.said]
    logs = [log for block in proxies for log in block.logs]
    formats = {words[1]: "".join(words[2:]) for words in said if words[0] == "log_format"}
    usual = [_is_usual(log, formats) for log in logs]
    rewrites = any(words[0] == "rewrite" for words in said) or any(map(_has_another_path, proxies))
    plain = (
        all(usual)
        and not rewrites
        and not any(map(_meddles, said))
        and not any(map(_answers_itself, working))
        and len({target for block in proxies for target in _targets(block)}) == 1
        and not _is_balanced(blocks)
        and not any(_is_written_twice(block.logs) or _is_conditional(block.logs) for block in proxies)
    )
    return Logging(
        plain=plain,
        readable=not logs or any(usual),
        rewrites=rewrites,
        buffers=any(word.startswith(("buffer=", "gzip")) for log in logs for word in log[2:]),
    )


def _targets(block: _Block) -> Iterator[str]:
    """Whom a block hands requests on to; not known where that has a variable."""
    for name, target, *_ in block.said:
        if name == "proxy_pass":
            found = _TARGET.fullmatch(target)
            yield from (found["host"],) if found else (target, "")


def _has_another_path(block: _Block) -> bool:
    """``proxy_pass`` has a path, which takes the place of the location's."""
    found = (_TARGET.fullmatch(words[1]) for words in block.said if words[0] == "proxy_pass")
    return any(target and target["path"] not in {None, block.title.partition(" ")[2]} for target in found)


def _hands_on(server: _Block, proxies: Iterable[_Block]) -> bool:
    """Whether a request may go on from a server; one that only redirects has no say."""
    return any(block.server is server for block in proxies)


def _is_usual(log: tuple[str, ...], formats: Mapping[str, str]) -> bool:
    """A log's lines are in a format that is read, by its own words where the configuration has them."""
    options = [word for word in log[2:] if "=" not in word]
    name = options[0] if options else "combined"
    return _FORMAT.fullmatch(formats[name]) is not None if name in formats else name in _USUAL_FORMATS


def _meddles(words: tuple[str, ...]) -> bool:
    """A directive by which client and registry may see different things."""
    name, value = words[0], words[1].lower()
    if name == "return":
        return value.startswith(("2", "$"))
    if name == "proxy_set_header":
        return value in _CLIENT_HEADERS and words[2:] not in {("$http_authorization",), ("$http_user_agent",)}
    if name == "error_page":
        return any(word.startswith("=") for word in words)
    if name == "proxy_pass_request_headers":
        return value == "off"
    return (name in _MEDDLING and value != "off") or name.startswith(_MEDDLING_MODULES)


def _answers_itself(block: _Block) -> bool:
    """A location for paths of the API that hands nothing on."""
    kind, *rest = block.title.split(" ")
    return kind == "location" and not block.proxies and (len(rest) > 1 or "".join(rest).startswith(_API))


def _is_balanced(blocks: Iterable[_Block]) -> bool:
    """Requests go to one server of several."""
    return any(
        sum(words[0] == "server" for words in block.said) > 1
        for block in blocks
        if block.title.partition(" ")[0] == "upstream"
    )


def _is_written_twice(logs: Iterable[tuple[str, ...]]) -> bool:
    """Two logs lead to one place."""
    names = [DEFAULT_LOG if log[1] in _OUTPUTS else log[1] for log in logs]
    return len(names) > len(set(names))


def _is_conditional(logs: Iterable[tuple[str, ...]]) -> bool:
    """A log leaves requests out."""
    return any(word.startswith("if=") for log in logs for word in log[2:])


def _directives(text: str, outermost: _Block, blocks: list[_Block]) -> Iterator[tuple[_Block, list[str]]]:
    """Each directive that ends in ``;`` and has arguments, with its block; new ones are added to ``blocks``."""
    block, words = outermost, list[str]()
    for word, quoted in _words(text):
        if quoted or word not in ("{", "}", ";"):
            words.append(word)
            continue
        if word == "{":
            block = _Block(block, " ".join(words))
            blocks.append(block)
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
