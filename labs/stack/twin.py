"""One registry of a stack: its configuration, its accounts, its life.

The registry is met as anybody would meet it: its command line, its configuration file, HTTP.
"""

import functools
import http.client
import json
import os
import secrets
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from labs.attempts import Endpoint
from labs.catalog.model import Service
from labs.ports import HOST
from labs.processes import DetachedProcess, module_command
from labs.stack.authority import ensure_server
from labs.stack.files import write_private
from labs.stack.interface import ServiceStatus, StackError

GRADER = "labcheck"
"""Account of the grader: reads everything, writes nothing."""

READY_TIMEOUT_SECONDS = 20.0
PROBE_TIMEOUT_SECONDS = 2.0
COMMAND_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Door:
    """One process that serves a twin's store, and the port where it listens.

    Attributes:
        name: What clients call the registry that they find here.
        config: Its configuration: registry:2's file with one key of ours.
        tls: Folder of its certificate and key, None for plain HTTP.
    """

    name: str
    process: DetachedProcess
    config: Path
    port: int
    tls: Path | None = None

    @property
    def url(self) -> str:
        """Where it really listens."""
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.port}"

    def answers(self, ca: Path) -> bool:
        """Whether a registry answers there, with our certificate where it has one."""
        connection: http.client.HTTPConnection
        if self.tls:
            # The name is not checked, the chain is: another lab's twin on this port has another CA.
            context = ssl.create_default_context(cafile=ca)
            connection = http.client.HTTPSConnection(HOST, self.port, timeout=PROBE_TIMEOUT_SECONDS, context=context)
        else:
            connection = http.client.HTTPConnection(HOST, self.port, timeout=PROBE_TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/v2/", headers={"User-Agent": "labstack"})
            return connection.getresponse().status in {http.HTTPStatus.OK, http.HTTPStatus.UNAUTHORIZED}
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Twin:
    """A hosted registry's stand-in, running or not. ``folder`` is all that it owns on disk.

    It has two doors to one store. Behind its name it speaks TLS, to the lab's own clients. Docker's daemon comes by
    ``localhost``, in plain HTTP: there it verifies no certificate, but with containerd's image store it does when it
    fetches a token (Docker 26 and 28), and nothing short of the system's trust would help.
    """

    service: Service
    folder: Path
    port_base: int
    ca: Path

    @property
    def store(self) -> Path:
        """Root of what was pushed; ``docker/registry/v2`` below it is registry:2's layout."""
        return self.folder / "store"

    @property
    def journal(self) -> Path:
        """All that it remembers."""
        return self.folder / "journal.jsonl"

    @property
    def accounts(self) -> Path:
        """Who may do what, and their tokens."""
        return self.folder / "accounts.json"

    @property
    def credential(self) -> Path:
        """``user:token`` of the grader's account."""
        return self.folder / "labcheck.credential"

    @property
    def plain(self) -> Door:
        """For Docker's own daemon, and for the grader."""
        port = self.port_base + self.service.port
        return self._door("registry", f"localhost:{port}", port)

    @property
    def secure(self) -> Door:
        """Where the registry's name leads in the lab."""
        return self._door(
            "registry-tls", self.service.name, self.port_base + self.service.tls_port, self.folder / "tls"
        )

    @property
    def doors(self) -> tuple[Door, ...]:
        """Both."""
        return self.secure, self.plain

    def endpoint(self) -> Endpoint:
        """It, as the grader reaches it."""
        return Endpoint(self.service.name, self.plain.url, str(self.ca), str(self.journal), str(self.credential))

    def status(self) -> tuple[ServiceStatus, ...]:
        """Both doors, as they are now."""
        return tuple(
            ServiceStatus(self.service.role, door.name, door.url, door.process.pid(), door.process.log)
            for door in self.doors
        )

    def configure(self) -> None:
        """Write its configurations and its certificate. Sessions begun at one door can be ended at the other."""
        self.folder.mkdir(parents=True, exist_ok=True)
        secret = secrets.token_hex()
        for door in self.doors:
            address: dict[str, object] = {"addr": f"{HOST}:{door.port}", "secret": secret}
            if door.tls:
                certificate, key = ensure_server(door.tls, self.ca.parent, (self.service.name, "localhost", HOST))
                address["tls"] = {"certificate": str(certificate), "key": str(key)}
            values = {
                "version": 0.1,
                "log": {"level": "info"},
                "storage": {"filesystem": {"rootdirectory": str(self.store)}},
                "http": address,
                "pyregistry": {
                    "twin": self.service.twin,
                    "accounts": {"path": str(self.accounts)},
                    "journal": {"path": str(self.journal)},
                },
            }
            write_private(door.config, yaml.safe_dump(values, sort_keys=False))

    def enrol(self, user: str, org: str) -> None:
        """Make the accounts that an attempt begins with: the student's (in the organisation) and the grader's."""
        self.manage("account", "add", user, "--org", org)
        made = self.manage("account", "add", GRADER, "--role", "auditor", "--pat", "read:packages", "--json")
        write_private(self.credential, f"{GRADER}:{json.loads(made)['token']}\n")

    def is_enrolled(self) -> bool:
        """Whether ``enrol`` came to its end, and what it made is still there."""
        return self.credential.exists() and self.accounts.exists()

    def is_whole(self) -> bool:
        """Whether its files are all there. A process goes on without them, and its journal goes nowhere."""
        return self.is_enrolled() and self.journal.exists() and all(door.config.exists() for door in self.doors)

    def manage(self, what: str, verb: str, *arguments: str) -> str:
        """Run one of the registry's own commands on its accounts; what it printed.

        Raises:
            StackError: It refused; what it said is told.
        """
        done = subprocess.run(
            module_command("pyregistry", what, verb, str(self.plain.config), *arguments),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_SECONDS,
            env=_plain_environment(),
        )
        if done.returncode:
            raise StackError("error.registry-refused", command=f"{what} {verb}", reason=_last_line(done.stderr))
        return done.stdout

    def answers(self) -> bool:
        """Whether it runs and both doors answer where they should."""
        return all(door.process.pid() and door.answers(self.ca) for door in self.doors)

    def start(self) -> None:
        """Start it and wait until both doors answer. Raises StackError."""
        for door in self.doors:
            door.process.start(_plain_environment())
        for door in self.doors:
            door.process.await_ready(functools.partial(door.answers, self.ca), READY_TIMEOUT_SECONDS)

    def stop(self) -> None:
        """End it. Idempotent. Raises StackError."""
        for door in self.doors:
            door.process.stop()

    def is_expected(self) -> bool:
        """Whether it was started and not stopped since."""
        return any(door.process.is_expected() for door in self.doors)

    def _door(self, name: str, called: str, port: int, tls: Path | None = None) -> Door:
        """A door whose process and configuration have a name of their own."""
        config = self.folder / f"{name}.yml"
        process = DetachedProcess(name, self.folder, module_command("pyregistry", "serve", str(config)))
        return Door(called, process, config, port, tls)


def _last_line(text: str) -> str:
    """What a command says last is why it refused; before it comes its usage."""
    return next(reversed(text.strip().splitlines()), "").partition(": ")[2]


def _plain_environment() -> Mapping[str, str]:
    """Ours, without what would override the configuration that we write."""
    return {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
