"""A student's lab inside the private namespace: the stack of one exercise, its two machines, and the grader."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labs.attempts import Attempt
from tests.clients.daemon import Daemon
from tests.clients.image import Sample
from tests.clients.install import TOOLS
from tests.clients.namespace import Namespace
from tests.clients.registry import Registry

CODES = ("TP1-PAT", "TP1-LOGIN", "TP1-BUILD", "TP1-PUSH", "TP1-BLOBS", "TP1-TAGS", "TP1-PULL")
ALL_PASSED = dict.fromkeys(CODES, "pass")
"""The grade of a finished TP-1, check by check."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab with one exercise that is up.

    Attributes:
        home: LAB_HOME.
        slug: The exercise.
    """

    namespace: Namespace
    home: Path
    environment: Mapping[str, str]
    slug: str = "tp1"

    @property
    def attempt(self) -> Attempt:
        """The attempt under way."""
        attempt = Attempt.load(self.home / self.slug)
        assert attempt
        return attempt

    @property
    def registry(self) -> Registry:
        """What TP-1 pushes to, by the door for clients that are not the lab's: plain HTTP at ``localhost``."""
        endpoint = self.attempt.registries["hosted"]
        store = self.home / "tp1" / "hosted" / "store"
        return Registry(f"localhost:{urlsplit(endpoint.url).port}", None, store)

    @property
    def image(self) -> str:
        """The repository that the exercise wants."""
        return "{org}/{repo}/app".format(**self.attempt.parameters)

    @property
    def sample(self) -> Sample:
        """An image that the exercise takes for this student's."""
        source = "https://github.com/{org}/{repo}".format(**self.attempt.parameters)
        labels = {"lab.registry.nonce": self.attempt.parameters["nonce"], "org.opencontainers.image.source": source}
        return Sample(f"hello from {self.attempt.student}", labels)

    def run(self, *argv: str | Path, **environment: str) -> str:
        """Standard output of a command of the lab. Raises CommandFailedError when it does not exit with 0."""
        return self.namespace.output(argv, env={**self.environment, **environment}, folder=self.home.parent)

    def shell(self, machine: str, script: str, **environment: str) -> str:
        """Run a script as ``labstack shell`` would."""
        return self.run("labstack", "shell", "--machine", machine, "--", "sh", "-euc", script, **environment)

    def with_docker(self, daemon: Daemon) -> dict[str, str]:
        """Variables that let the lab's shell find Docker's own command line and this daemon; its plugins are linked."""
        self.link_plugins(daemon)
        path = os.pathsep.join((str(Path(sys.executable).parent), daemon.environment["PATH"]))
        return {"DOCKER_HOST": daemon.environment["DOCKER_HOST"], "LAB_DOCKER": "real", "PATH": path}

    def link_plugins(self, daemon: Daemon) -> None:
        """Have Docker's command line find its plugins on each machine: the daemon's buildx, and compose of sid."""
        for machine in self.attempt.machines.values():
            link_plugins(daemon, Path(machine))

    def token(self, scopes: str) -> str:
        """Make a personal access token for the student."""
        return self.run("labstack", "pat", "new", "--scopes", scopes).strip()

    def grade(self) -> dict[str, str]:
        """By check its verdict, as ``labcheck`` gives them now."""
        return {check["code"]: check["status"] for check in self.report()["checks"]}

    def report(self) -> dict[str, Any]:
        """What ``labcheck --json`` says now."""
        return self.labcheck()[1]

    def labcheck(self) -> tuple[int, dict[str, Any]]:
        """Its exit code, and what it says; nothing where there is nothing to grade."""
        done = self.namespace.run(["labcheck", self.slug, "--json"], env=self.environment, folder=self.home.parent)
        return done.returncode, json.loads(done.stdout or "{}")


def link_plugins(daemon: Daemon, folder: Path) -> None:
    """Have Docker's command line find its plugins where its configuration lies."""
    compose = TOOLS / "sid" / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-compose"
    (folder / "cli-plugins").mkdir(parents=True)
    for plugin in (daemon.plugins / "docker-buildx", compose):
        (folder / "cli-plugins" / plugin.name).symlink_to(plugin)


@contextlib.contextmanager
def running_lab(
    namespace: Namespace, folder: Path, port_base: int, slug: str = "tp1", environment: Mapping[str, str] | None = None
) -> Iterator[Lab]:
    """Bring an exercise up in ``folder``, take it down at the end.

    Args:
        namespace: Where it runs.
        folder: The student's home.
        port_base: Of its ports.
        slug: The exercise.
        environment: Docker's, where the exercise is done in Docker; without it all is the lab's own.
    """
    programs = Path(sys.executable).parent
    variables = {
        "HOME": str(folder),
        "LAB_HOME": str(folder / ".lab"),
        "LAB_WORK": str(folder / "work"),
        "LAB_PORT_BASE": str(port_base),
        "LAB_DOCKER": "lab",
        "LAB_LANG": "en",
        "PATH": os.environ["PATH"],
        **(environment or {}),
    }
    variables["PATH"] = os.pathsep.join((str(programs), variables["PATH"]))
    lab = Lab(namespace, folder / ".lab", variables, slug)
    lab.run("labstack", "up", slug, "--engine", "docker" if environment else "embedded")
    try:
        yield lab
    finally:
        lab.run("labstack", "down", slug)
