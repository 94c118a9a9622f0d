"""Directives that name files: container paths become paths of this machine. Which files matter to a grader is noted.

In the image ``/var/log/nginx/access.log`` and ``error.log`` are links to the container's output. Here the error log
is the program's output, and the access log is written twice: to the output, where ``docker compose logs`` shows it,
and to a file of its own, whose lines a grader reads.
"""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from labs.compose.nginx.syntax import Token, quote
from labs.compose.nginx.tree import Blocks, Source, Statement, absolute, in_force, walk
from labs.compose.place import Place

SERVED = {
    "auth_basic_user_file": "password_files",
    "ssl_certificate": "certificates",
    "ssl_certificate_key": "keys",
}
"""Directives whose files a plan lists, and where."""

PATHS = frozenset(
    {
        "alias", "fastcgi_temp_path", "client_body_temp_path", "fastcgi_cache_path", "grpc_ssl_certificate",
        "grpc_ssl_certificate_key", "grpc_ssl_crl", "grpc_ssl_password_file", "grpc_ssl_trusted_certificate",
        "lock_file", "pid", "proxy_cache_path", "proxy_ssl_certificate", "proxy_ssl_certificate_key", "proxy_ssl_crl",
        "proxy_ssl_password_file", "proxy_ssl_trusted_certificate", "proxy_store", "proxy_temp_path", "root",
        "scgi_cache_path", "scgi_temp_path", "ssl_client_certificate", "ssl_crl", "ssl_dhparam", "ssl_password_file",
        "ssl_session_ticket_key", "ssl_stapling_file", "ssl_trusted_certificate", "uwsgi_cache_path",
        "uwsgi_temp_path", "working_directory", *SERVED,
    }
)  # fmt: skip
"""Directives whose first argument is a path."""

NOTHING = "/dev/null"
"""The same device here and there: what is logged there is logged nowhere."""
NO_PATHS = frozenset({"off", "on", "stderr", NOTHING})
NO_FILES = ("data:", "engine:", "memory:", "store:", "syslog:", "$")
"""How an argument begins that stands where a path may stand and is none, or is not known before a request comes."""

TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
OUTPUT = "/dev/stdout"
OUTPUTS = frozenset({PurePosixPath(OUTPUT), PurePosixPath("/dev/stderr")})
IMAGE_LOG = "/var/log/nginx/access.log"
IMAGE_ERROR_LOG = "/var/log/nginx/error.log"


@dataclass(slots=True)
class Files:
    """Maps paths.

    Attributes:
        folders: Those that nginx writes to, to be made before it starts.
    """

    place: Place
    main: Source
    access_logs: dict[Path, None] = field(default_factory=dict)
    password_files: dict[Path, None] = field(default_factory=dict)
    certificates: dict[Path, None] = field(default_factory=dict)
    keys: dict[Path, None] = field(default_factory=dict)
    folders: set[Path] = field(default_factory=set)

    @property
    def access_log(self) -> Path:
        """Where the image's access log lies."""
        return self.place.logs / "access.log"

    def find(self) -> None:
        """Map every statement that names a path, and note which access logs hold."""
        for statement, _ in walk(self.main.statements):
            if statement.arguments:
                self._map(statement)
        for blocks in _logging_blocks(self.main):
            logs = in_force("access_log", self.main, blocks)
            self._note_logs([log.values[0] for log in logs if log.values] if logs else [IMAGE_LOG])

    def default_log(self) -> tuple[str, ...]:
        """The statements that hold where a configuration names no access log."""
        here, is_output = self._log(IMAGE_LOG)
        return (f"access_log {quote(str(here))};", *([f"access_log {OUTPUT};"] if is_output else []))

    def temporary(self, kind: str) -> Path:
        """Where the image keeps bodies of one kind that memory does not hold."""
        folder = self.place.path(f"/var/cache/nginx/{kind.removesuffix('_body')}_temp")
        self.folders.add(folder.parent)
        return folder

    def _map(self, statement: Statement) -> None:
        path = statement.arguments[0]
        if statement.name == "access_log":
            self._map_access_log(statement, path)
        elif statement.name == "error_log":
            self._map_error_log(statement, path)
        elif statement.name in PATHS and _is_path(path.text):
            here = self.place.path(absolute(path.text))
            statement.source.edits.replace(path, f"{here}/" if path.text.endswith("/") else str(here))
            self._note(statement.name, here)

    def _map_access_log(self, statement: Statement, path: Token) -> None:
        if not _is_path(path.text):
            return
        here, also_output = self._log(path.text)
        statement.source.edits.replace(path, str(here))
        self.folders.add(_literal_parent(here))
        if also_output:
            options = "".join(f" {word}" for word in statement.one_line().split(" ")[2:])
            statement.source.edits.insert(statement.directive.end, f" access_log {OUTPUT}{options};")

    def _map_error_log(self, statement: Statement, path: Token) -> None:
        if not _is_path(path.text) or path.text == OUTPUT:
            return
        inside = absolute(path.text)
        here = self.place.path(inside)
        is_output = inside in OUTPUTS or (str(inside) == IMAGE_ERROR_LOG and here.is_relative_to(self.place.root))
        statement.source.edits.replace(path, "stderr" if is_output else str(here))
        if not is_output:
            self.folders.add(here.parent)

    def _log(self, path: str) -> tuple[Path, bool]:
        """Where an access log lies, and whether it is the container's output as well."""
        inside = absolute(path)
        here = self.place.path(inside)
        is_output = inside in OUTPUTS or (str(inside) == IMAGE_LOG and here.is_relative_to(self.place.root))
        return (self.access_log, True) if is_output else (here, False)

    def _note_logs(self, paths: list[str]) -> None:
        for path in paths:
            if _is_path(path) and "$" not in path:
                self.access_logs[self._log(path)[0]] = None

    def _note(self, name: str, here: Path) -> None:
        if name in SERVED and "$" not in str(here):
            getattr(self, SERVED[name])[here] = None
        if name.endswith(("_temp_path", "_cache_path", "_store")) or name in {"pid", "lock_file", "working_directory"}:
            self.folders.add(_literal_parent(here))


def _is_path(text: str) -> bool:
    return text not in NO_PATHS and not text.startswith(NO_FILES)


def _literal_parent(path: Path) -> Path:
    """The folder that exists before a request comes: what stands before the first variable."""
    folder = path.parent
    while "$" in str(folder):
        folder = folder.parent
    return folder


def _logging_blocks(main: Source) -> list[Blocks]:
    """The blocks whose logs count: those that pass requests on; where nothing is passed on, every server.

    A server that only redirects to the one that does the work may log what it likes: the registry never hears of it.
    """
    found = [(statement, blocks) for statement, blocks in walk(main.statements) if blocks and blocks[0].name == "http"]
    passing = [blocks for statement, blocks in found if statement.name.endswith("_pass")]
    serving: list[Blocks] = [
        (*blocks, statement) for statement, blocks in found if statement.name == "server" and len(blocks) == 1
    ]
    return passing or serving
