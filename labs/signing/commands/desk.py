"""Where a command works: the engine's machine, with cosign's flags for a registry and its ways of asking."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from ssl import SSLContext

from labs.engine.commands.console import CommandFailed, Console
from labs.engine.commands.flags import Options
from labs.engine.commands.machine import Machine, labdocker_version
from labs.engine.credentials import Credential, CredentialsError, registry_key
from labs.engine.reference import InvalidReference, Reference
from labs.engine.transport.client import Registry
from labs.engine.trust import Trust, TrustError, unverified
from labs.signing.commands.words import say
from labs.signing.remote import ImageRemote, RemoteFault, full_name
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest

COSIGN_VERSION = "2.5"
"""The cosign whose texts ours follow, but for bundles, which are 3.1's."""

# the blank line at the end is cosign's
_TAG_WARNING = """WARNING: Image reference {typed} uses a tag, not a digest, to identify the image to sign.
    This can lead you to sign a different image than the intended one. Please use a
    digest (example.com/ubuntu@sha256:abc123...) rather than tag
    (example.com/ubuntu:latest) for the input to cosign. The ability to refer to
    images by tag will be removed in a future release.
"""


class AskedTrust(Trust):
    """The machine's trust, loosened or widened for one command by its flags.

    Args:
        folder: Of the engine home.
        options: ``--allow-insecure-registry`` accepts every certificate, ``--allow-http-registry`` allows plain HTTP,
            ``--registry-cacert`` names a further CA.
    """

    def __init__(self, folder: Path, options: Options) -> None:
        super().__init__(folder)
        self._machine = Trust(folder)
        self._accepts_all = options.on("allow-insecure-registry")
        self._allows_http = options.on("allow-http-registry")
        self._authority = options.text("registry-cacert")

    def is_insecure(self, registry: str) -> bool:
        """Whether plain HTTP may be tried after TLS. Raises TrustError."""
        return self._allows_http or super().is_insecure(registry)

    def context(self, registry: str, authorities: Sequence[Path] | None = None) -> SSLContext:
        """How TLS is verified. Raises TrustError."""
        if self._accepts_all:
            return unverified()
        # the machine's own, for which plain HTTP that only this command allows is no reason not to verify TLS
        context = self._machine.context(registry, authorities)
        if self._authority:
            try:
                context.load_verify_locations(cafile=self._authority)
            except OSError as exc:
                raise TrustError(f"unable to read CA certs from {self._authority}: {exc.strerror or exc}") from exc
        return context


class Desk(Machine):
    """What one command works on.

    Args:
        console: Where it reads and prints.
        environ: Decides the engine home, the internet, the language and the password.
        options: What was typed.
    """

    program = "labcosign"

    def __init__(self, console: Console, environ: Mapping[str, str], options: Options) -> None:
        super().__init__(console, environ)
        self.options = options

    @cached_property
    def trust(self) -> Trust:
        """Whose certificates count for this command."""
        return AskedTrust(self.home, self.options)

    @property
    def user_agent(self) -> str:
        """What registries are told that we are."""
        return f"cosign/{COSIGN_VERSION} labcosign/{labdocker_version()} (linux)"

    def registry(self, domain: str) -> Registry:
        """A registry, with who we are there: as the flags say, else as the last ``docker login`` left it.

        Raises:
            CommandFailed: The credentials cannot be read.
        """
        username, password = self.options.text("registry-username"), self.options.text("registry-password")
        try:
            stored = None if username else self.credentials.fetch(registry_key(domain))
        except CredentialsError as exc:
            raise CommandFailed(str(exc)) from exc
        credential = Credential(username, password or "") if username else stored
        return Registry(self.wire, domain, credential, asks_anyway=True)

    def image(self, typed: str) -> "Image":
        """The image that was typed.

        Raises:
            CommandFailed: It is no reference.
        """
        try:
            reference = Reference.parse(typed)
        except InvalidReference as exc:
            raise CommandFailed(f"parsing reference: could not parse reference: {typed}") from exc
        return Image(reference, ImageRemote(self.registry(reference.domain), reference.path))

    def warn_of_tag(self, image: "Image", typed: str) -> None:
        """Warn, as cosign does, that a tag may have moved since it was looked at."""
        if image.named is None:
            self.console.warn(_TAG_WARNING.format(typed=typed))

    def warn(self, text: str) -> None:
        """Warn in cosign's form."""
        self.console.warn(f"WARNING: {text}")

    def say_own(self, text: str, **values: str) -> None:
        """One of our own texts, beside the result."""
        self.console.warn(say(self.environ, text, **values))

    def password(self, *, twice: bool) -> bytes:
        """The password of a private key: ``COSIGN_PASSWORD``, else typed, else all of stdin.

        Raises:
            CommandFailed: Typed twice, differently.
        """
        given = self.environ.get("COSIGN_PASSWORD")
        if given is not None:
            return os.fsencode(given)
        if not self.console.source.isatty():
            return self.console.source.read().encode()
        try:
            first = self.ask_secret("Enter password for private key: ")
            again = self.ask_secret("Enter password for private key again: ") if twice else first
        except EOFError as exc:
            raise CommandFailed("EOF") from exc
        if first != again:
            raise CommandFailed("passwords do not match")
        return first.encode()

    def confirm(self) -> None:
        """Ask whether to go on.

        Raises:
            CommandFailed: No.
        """
        self.console.errors.write("Are you sure you would like to continue? [y/N] ")
        self.console.errors.flush()
        answer = self.console.source.readline().strip("\r\n")
        if answer.lower() in {"", "n"}:
            raise CommandFailed("user declined the prompt")
        if answer.lower() != "y":
            raise CommandFailed(f'invalid input "{answer}" (allowed values y, n)')


class Image:
    """An image that was typed, and its place in a registry.

    Attributes:
        named: The digest that was typed, if one was.
        remote: Its repository.
    """

    def __init__(self, reference: Reference, remote: ImageRemote) -> None:
        self.reference = reference
        self.remote = remote
        self.named = reference.digest
        self.repository = full_name(reference)

    @property
    def name(self) -> str:
        """The complete name as cosign writes it."""
        digest, tag = self.reference.digest, self.reference.tag
        return f"{self.repository}@{digest}" if digest else f"{self.repository}:{tag}"

    def resolve(self) -> Descriptor:
        """What the name means now. Raises RemoteFault."""
        return self.remote.resolve(str(self.reference.digest or self.reference.tag))

    def digest(self) -> Digest:
        """The digest that was typed, else the tag's. Raises RemoteFault."""
        return self.named or self.resolve().digest


@contextmanager
def failing(prefix: str, absent: str = "", code: int = 1) -> Iterator[None]:
    """Let a fault end the command, told with what was being done.

    Args:
        prefix: Before the fault.
        absent: Between them, where what was asked for is not there.
        code: The exit code then.
    """
    try:
        yield
    except RemoteFault as exc:
        raise CommandFailed(f"{prefix}{absent if exc.is_absent else ''}{exc}", code if exc.is_absent else 1) from exc


def read_file(path: str, prefix: str = "") -> bytes:
    """The content of a file that was named.

    Raises:
        CommandFailed: It cannot be read; in Go's words, after ``prefix``.
    """
    try:
        return Path(path).read_bytes()
    except OSError as exc:
        raise CommandFailed(f"{prefix}open {path}: {(exc.strerror or str(exc)).lower()}") from exc
