"""One client machine: the engine home and what hangs on it. Everything heavy is made when it is first asked for."""

import getpass
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from labs.engine.commands.console import CommandFailed, Console, daemon_refusal
from labs.engine.internet import Internet, InternetUnreadable, locate_engine
from labs.engine.layout import ImageStore

if TYPE_CHECKING:
    from labs.engine.credentials import CredentialStore
    from labs.engine.transport.client import Registry
    from labs.engine.transport.origins import Origins
    from labs.engine.transport.wire import Wire
    from labs.engine.trust import Trust

DOCKER_VERSION = "28.5"
"""The Docker whose texts and flags ours follow."""


class Machine:
    """What commands work on.

    Args:
        console: Where they read and print.
        environ: Decides the engine home, the internet and the language.
        home: The engine home, where ``--config`` says it.

    Attributes:
        program: What we call ourselves in faults.
    """

    program = "labdocker"

    def __init__(self, console: Console, environ: Mapping[str, str] = os.environ, home: Path | None = None) -> None:
        self.console = console
        self.environ = environ
        self.home = home or locate_engine(environ)

    @cached_property
    def store(self) -> ImageStore:
        """The images."""
        return ImageStore(self.home / "images")

    @cached_property
    def credentials(self) -> "CredentialStore":
        """``config.json``; a damaged one is warned of once."""
        from labs.engine.credentials import CredentialStore

        store = CredentialStore(self.home, self.environ)
        if store.warning:
            self.console.warn(store.warning)
        return store

    @cached_property
    def trust(self) -> "Trust":
        """Whose certificates count."""
        from labs.engine.trust import Trust

        return Trust(self.home)

    @cached_property
    def internet(self) -> Internet:
        """Which names reach a twin."""
        try:
            return Internet.locate(self.environ, self.home)
        except InternetUnreadable as exc:
            raise CommandFailed(f"{self.program}: {exc}") from exc

    @cached_property
    def origins(self) -> "Origins":
        """Which repository holds which blob."""
        from labs.engine.transport.origins import Origins

        return Origins(self.home)

    @cached_property
    def wire(self) -> "Wire":
        """The way out."""
        from labs.engine.transport.wire import Wire

        return Wire(self.internet, self.trust, self.user_agent)

    @property
    def user_agent(self) -> str:
        """What registries are told that we are."""
        return f"docker/{DOCKER_VERSION} labdocker/{labdocker_version()} (linux)"

    def registry(self, domain: str) -> "Registry":
        """A registry, with who we are there.

        Raises:
            CommandFailed: The credentials cannot be read.
        """
        from labs.engine.credentials import CredentialsError, registry_key
        from labs.engine.transport.client import Registry

        try:
            return Registry(self.wire, domain, self.credentials.fetch(registry_key(domain)))
        except CredentialsError as exc:
            raise daemon_refusal(exc) from exc

    def ask_secret(self, prompt: str) -> str:
        """A line that is not shown while it is typed."""
        return getpass.getpass(prompt, self.console.errors)

    def close(self) -> None:
        """Close connections, if any were made."""
        if "wire" in self.__dict__:
            self.wire.close()


def labdocker_version() -> str:
    """Ours."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("oci-registry-lab")
    except PackageNotFoundError:
        return "0"
