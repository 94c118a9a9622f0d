"""An ACME server of the lab's own (pebble), by which certbot gets certificates for the student's registry.

Let's Encrypt gives none to a laptop, and this is the same protocol, spoken with the same program. pebble looks the
challenge up where the student's port 80 is published, finds the name through ``resolver``, and keeps all it knows in
memory: its CA and its accounts are new with each start.
"""

import contextlib
import http.client
import json
import os
import shlex
import shutil
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from labs import ports
from labs.home import LabHome
from labs.ports import HOST
from labs.processes import DetachedProcess, module_command
from labs.stack import resolver
from labs.stack.authority import ensure_server
from labs.stack.files import write_whole
from labs.stack.interface import Progress, ServiceStatus, StackError

PROGRAM = "pebble"
CLIENT = "certbot"

DIRECTORY_PORT, MANAGEMENT_PORT, RESOLVER_PORT = 14, 15, 16
"""Added to ``LAB_PORT_BASE``; pebble's own ports begin with the same figures (14000, 15000)."""

READY_TIMEOUT_SECONDS = 20.0
PROBE_TIMEOUT_SECONDS = 2.0

LIFETIME_SECONDS = 90 * 24 * 60 * 60
"""What Let's Encrypt gives. pebble 2.4 would give five years, and nobody would think of renewal."""

# VA_NOSLEEP: a challenge is looked up at once. NONCEREJECT: no nonce is refused for the exercise of it.
# AUTHZREUSE: each order is challenged, so that a web server that is set up wrong shows at the first renewal.
_BEHAVIOUR = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}

_CLIENT_SHIM = """\
#!/bin/sh
# The lab's certbot: the system's folders stay untouched, and it knows and trusts the lab's ACME server only.
if [ ! -f {settings} ]; then
    echo "certbot: the lab's ACME server is not there; bring it up with: labstack up {slug} --acme" >&2
    exit 1
fi
REQUESTS_CA_BUNDLE={authority}
export REQUESTS_CA_BUNDLE
exec {program} --config {settings} "$@"
"""

# What is typed wins over these. Without a terminal, in a notebook, nobody can be asked, and a renewal would wait up to
# eight minutes so that not all the world renews at once.
_CLIENT_SETTINGS = """\
server = {directory}
config-dir = {folder}
work-dir = {folder}/work
logs-dir = {folder}/logs
http-01-port = {port}
http-01-address = {host}
agree-tos = true
register-unsafely-without-email = true
no-eff-email = true
keep-until-expiring = true
no-random-sleep-on-renew = true
"""


@dataclass(frozen=True, slots=True)
class AcmeServer:
    """The ACME server of one exercise, running or not.

    Attributes:
        slug: The exercise.
        name: The registry's, for which it gives certificates, and for no other.
        port_base: Where the exercise's ports begin.
        http_port: What stands for port 80 of the registry: where it looks for the answer to a challenge.
        https_port: Likewise 443.
    """

    home: LabHome
    slug: str
    name: str
    port_base: int
    http_port: int
    https_port: int

    @property
    def folder(self) -> Path:
        """All that it owns on disk."""
        return self.home.stack(self.slug) / "acme"

    @property
    def directory(self) -> str:
        """Where an ACME client begins (RFC 8555 7.1.1)."""
        return f"https://localhost:{self.port_base + DIRECTORY_PORT}/dir"

    @property
    def root(self) -> Path:
        """The CA under which its certificates are: what a client of the registry must trust."""
        return self.folder / "pebble-root.pem"

    @property
    def certificates(self) -> Path:
        """Where certbot keeps what it got: accounts, certificates, settings of renewals."""
        return self.home.files(self.slug) / "letsencrypt"

    @property
    def server(self) -> DetachedProcess:
        """The ACME server itself."""
        asked = f"{HOST}:{self.port_base + RESOLVER_PORT}"
        command = (PROGRAM, "-config", str(self._server_settings), "-dnsserver", asked)
        return DetachedProcess(PROGRAM, self.folder, command)

    @property
    def resolver(self) -> DetachedProcess:
        """The name server that it asks."""
        command = module_command("labs.stack.resolver", str(self._resolver_settings))
        return DetachedProcess("resolver", self.folder, command)

    @property
    def processes(self) -> tuple[DetachedProcess, ...]:
        """Both."""
        return self.resolver, self.server

    def is_expected(self) -> bool:
        """Whether it was started and not stopped since."""
        return any(process.is_expected() for process in self.processes)

    def is_broken(self) -> bool:
        """Whether it should run, and something of it does not."""
        return self.is_expected() and not self._runs()

    def status(self) -> tuple[ServiceStatus, ...]:
        """It as it is now; nothing where it was never asked for."""
        if not self.is_expected():
            return ()
        return (ServiceStatus("acme", f"ACME ({PROGRAM})", self.directory, self.server.pid(), self.server.log),)

    def start(self, environ: Mapping[str, str], progress: Progress) -> None:
        """Start it unless it runs, and wait until it answers.

        Raises:
            StackError: pebble is not installed.
            LabError: A port is taken, or it did not answer.
        """
        if self._runs() and self._answers() and self.root.exists():
            return
        program = demand_program(environ)
        self.stop()
        for offset in (DIRECTORY_PORT, MANAGEMENT_PORT, RESOLVER_PORT):
            ports.demand_free(self.port_base + offset)
        progress("progress.acme")
        self._configure(environ)
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            self._run(program, environ)
            undo.pop_all()

    def stop(self) -> None:
        """End it. Idempotent. Raises LabError."""
        for process in self.processes:
            process.stop()

    def client(self, environ: Mapping[str, str]) -> Path | None:
        """The certbot that the lab's command calls: ours where it was installed with us, else one in PATH."""
        folders = [str(Path(sys.executable).parent), *environ.get("PATH", os.defpath).split(os.pathsep)]
        others = os.pathsep.join(folder for folder in folders if folder != str(self.home.bin))
        found = shutil.which(CLIENT, path=others)
        return Path(found) if found else None

    def _configure(self, environ: Mapping[str, str]) -> None:
        """Write what the two processes and certbot read."""
        self.folder.mkdir(parents=True, exist_ok=True)
        certificate, key = ensure_server(self.folder / "tls", self.home.authority, ("localhost", HOST))
        settings = {
            "listenAddress": f"{HOST}:{self.port_base + DIRECTORY_PORT}",
            "managementListenAddress": f"{HOST}:{self.port_base + MANAGEMENT_PORT}",
            "certificate": str(certificate),
            "privateKey": str(key),
            "httpPort": self.http_port,
            "tlsPort": self.https_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "certificateValidityPeriod": LIFETIME_SECONDS,
        }
        names = {"port": self.port_base + RESOLVER_PORT, "names": [self.name]}
        for path, values in ((self._server_settings, {PROGRAM: settings}), (self._resolver_settings, names)):
            write_whole(path, json.dumps(values, indent=2) + "\n")
        values = {"directory": self.directory, "folder": self.certificates, "port": self.http_port, "host": HOST}
        write_whole(self._client_settings, _CLIENT_SETTINGS.format(**values))
        if program := self.client(environ):
            self._write_client(program)

    def _write_client(self, program: Path) -> None:
        """Put the lab's certbot where PATH finds it first."""
        paths = {"settings": self._client_settings, "program": program, "authority": self._authority}
        quoted = {name: shlex.quote(str(path)) for name, path in paths.items()}
        self.home.bin.mkdir(parents=True, exist_ok=True)
        write_whole(self.home.bin / CLIENT, _CLIENT_SHIM.format(slug=self.slug, **quoted), mode=0o755)

    def _run(self, program: str, environ: Mapping[str, str]) -> None:
        """Start both, and learn who signs now."""
        self.resolver.start(environ)
        asked = self.port_base + RESOLVER_PORT
        self.resolver.await_ready(lambda: resolver.ask(asked, self.name), READY_TIMEOUT_SECONDS)
        server = self.server
        replace(server, command=(program, *server.command[1:])).start({**environ, **_BEHAVIOUR})
        server.await_ready(self._answers, READY_TIMEOUT_SECONDS)
        write_whole(self.root, self._fetch(MANAGEMENT_PORT, "/roots/0").decode("ascii"))
        # A pebble that was just started knows no account of before, and certbot would go on with one that it has.
        shutil.rmtree(self.certificates / "accounts" / self._netloc, ignore_errors=True)

    def _runs(self) -> bool:
        """Whether both processes do."""
        return all(process.pid() for process in self.processes)

    def _answers(self) -> bool:
        """Whether an ACME server answers, with our certificate: another lab's has another CA."""
        try:
            return bool(self._fetch(DIRECTORY_PORT, "/dir"))
        except (OSError, http.client.HTTPException):
            return False

    def _fetch(self, offset: int, path: str) -> bytes:
        """Body of a page of it. Raises OSError or HTTPException where it has none for us."""
        context = ssl.create_default_context(cafile=self._authority)
        port = self.port_base + offset
        connection = http.client.HTTPSConnection(HOST, port, timeout=PROBE_TIMEOUT_SECONDS, context=context)
        try:
            connection.request("GET", path, headers={"User-Agent": "labstack"})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise http.client.HTTPException(f"{path}: expected status 200, got {answer.status}")
            return answer.read()
        finally:
            connection.close()

    @property
    def _netloc(self) -> str:
        """By which certbot files the accounts of a server."""
        return f"localhost:{self.port_base + DIRECTORY_PORT}"

    @property
    def _authority(self) -> Path:
        """The lab's public CA, which vouches for the ACME server itself as the web's CAs do for Let's Encrypt's."""
        return self.home.authority / "ca.crt"

    @property
    def _server_settings(self) -> Path:
        return self.folder / "pebble.json"

    @property
    def _resolver_settings(self) -> Path:
        return self.folder / "resolver.json"

    @property
    def _client_settings(self) -> Path:
        return self.folder / "certbot.ini"


def demand_program(environ: Mapping[str, str]) -> str:
    """Path of pebble. Raises StackError where it is not installed."""
    found = shutil.which(PROGRAM, path=environ.get("PATH", os.defpath))
    if found is None:
        raise StackError("error.no-pebble")
    return found


def variables(home: LabHome, slug: str) -> dict[str, str]:
    """What a shell of an exercise knows of its ACME server: nothing where none was ever brought up."""
    try:
        settings = json.loads((home.stack(slug) / "acme" / "pebble.json").read_text(encoding="utf-8"))
        port = settings[PROGRAM]["listenAddress"].rpartition(":")[2]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {"LAB_ACME_DIRECTORY": f"https://localhost:{port}/dir"}
