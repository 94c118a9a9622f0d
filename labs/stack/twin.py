"""One registry process of a stack: its configuration, its accounts, its life.

The registry is met as anybody would meet it: its command line, its configuration file, HTTP.
"""

import http.client
import json
import os
import secrets
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from labs.attempts import Attempt, Endpoint
from labs.catalog.model import Service
from labs.stack.files import write_private
from labs.stack.interface import ServiceStatus, StackError
from labs.stack.ports import HOST
from labs.stack.processes import DetachedProcess, module_command

GRADER = "labcheck"
"""Account of the grader: reads everything, writes nothing."""

READY_TIMEOUT_SECONDS = 20.0
PROBE_TIMEOUT_SECONDS = 2.0
COMMAND_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Twin:
    """A hosted registry's stand-in, running or not. ``folder`` is all that it owns on disk."""

    service: Service
    folder: Path
    port: int
    ca: Path

    @property
    def config(self) -> Path:
        """Its configuration: registry:2's file with one key of ours."""
        return self.folder / "config.yml"

    @property
    def store(self) -> Path:
        """Root of what was pushed; ``docker/registry/v2`` below it is registry:2's layout."""
        return self.folder / "store"

    @property
    def journal(self) -> Path:
        """All that it remembers."""
        return self.folder / "journal.jsonl"

    @property
    def credential(self) -> Path:
        """``user:token`` of the grader's account."""
        return self.folder / "labcheck.credential"

    @property
    def tls(self) -> Path:
        """Folder of its certificate and key."""
        return self.folder / "tls"

    @property
    def url(self) -> str:
        """Where it really listens."""
        return f"https://{HOST}:{self.port}"

    @cached_property
    def process(self) -> DetachedProcess:
        """Its process."""
        return DetachedProcess("registry", self.folder, module_command("pyregistry", "serve", str(self.config)))

    def endpoint(self) -> Endpoint:
        """It, as the grader reaches it."""
        return Endpoint(self.service.name, self.url, str(self.ca), str(self.journal), str(self.credential))

    def status(self, attempt: Attempt | None) -> ServiceStatus:
        """It, as it is now; under the address that the attempt has, should the ports have been moved since."""
        there = attempt.registries.get(self.service.role) if attempt else None
        url = there.url if there else self.url
        return ServiceStatus(self.service.role, self.service.name, url, self.process.pid(), self.process.log)

    def configure(self, certificate: Path, key: Path) -> None:
        """Write its configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        values = {
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(self.store)}},
            "http": {
                "addr": f"{HOST}:{self.port}",
                "secret": secrets.token_hex(),
                "tls": {"certificate": str(certificate), "key": str(key)},
            },
            "pyregistry": {
                "twin": self.service.twin,
                "accounts": {"path": str(self.folder / "accounts.json")},
                "journal": {"path": str(self.journal)},
            },
        }
        write_private(self.config, yaml.safe_dump(values, sort_keys=False))

    def enrol(self, user: str, org: str) -> None:
        """Make the accounts that an attempt begins with: the student's (in the organisation) and the grader's."""
        self.manage("account", "add", str(self.config), user, "--org", org)
        made = self.manage(
            "account", "add", str(self.config), GRADER, "--role", "auditor", "--pat", "read:packages", "--json"
        )
        write_private(self.credential, f"{GRADER}:{json.loads(made)['token']}\n")

    def is_enrolled(self) -> bool:
        """Whether ``enrol`` came to its end."""
        return self.credential.exists()

    def manage(self, *arguments: str) -> str:
        """Run one of the registry's own commands; what it printed.

        Raises:
            StackError: It refused; what it said is told.
        """
        done = subprocess.run(
            module_command("pyregistry", *arguments),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_SECONDS,
            env=_plain_environment(),
        )
        if done.returncode:
            raise StackError("error.registry-refused", command=" ".join(arguments[:2]), reason=_last_line(done.stderr))
        return done.stdout

    def start(self) -> None:
        """Start it and wait until it answers. Raises StackError."""
        self.process.start(_plain_environment())
        self.process.await_ready(self.answers, READY_TIMEOUT_SECONDS)

    def answers(self) -> bool:
        """Whether a registry answers there, with our certificate."""
        # The name is not checked, the chain is: another lab's twin on this port has another CA.
        context = ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection(HOST, self.port, timeout=PROBE_TIMEOUT_SECONDS, context=context)
        try:
            connection.request("GET", "/v2/", headers={"User-Agent": "labstack"})
            return connection.getresponse().status in {http.HTTPStatus.OK, http.HTTPStatus.UNAUTHORIZED}
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _last_line(text: str) -> str:
    """What a command says last is why it refused; before it comes its usage."""
    return next(reversed(text.strip().splitlines()), "").partition(": ")[2]


def _plain_environment() -> Mapping[str, str]:
    """Ours, without what would override the configuration that we write."""
    return {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
