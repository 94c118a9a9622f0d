"""``cosign generate-key-pair`` and ``public-key``, and keys as every other command takes them."""

import os
from pathlib import Path

from labs.engine.commands.console import CommandFailed
from labs.signing.commands.desk import Desk, read_file
from labs.signing.commands.words import Refused
from labs.signing.keys import KeyInvalid, PrivateKey, PublicKey

_ENVIRONMENT = "env://"
_PRIVATE_MODE = 0o600
_PUBLIC_MODE = 0o644


def generate_key_pair(desk: Desk) -> None:
    """Make ``cosign.key`` and ``cosign.pub``; existing ones are asked about."""
    prefix = desk.options.text("output-key-prefix") or "cosign"
    private, public = Path(f"{prefix}.key"), Path(f"{prefix}.pub")
    password = desk.password(twice=True)
    if private.exists():
        desk.warn(f"File {private} already exists. Overwrite?")
        desk.confirm()
    key = PrivateKey.generate()
    _write(private, key.format(password), _PRIVATE_MODE)
    desk.console.warn(f"Private key written to {private}")
    _write(public, key.public.format(), _PUBLIC_MODE)
    desk.console.warn(f"Public key written to {public}")


def public_key(desk: Desk) -> None:
    """Print the public key of a private one."""
    desk.console.output.write(private_key(desk).public.format().decode())


def private_key(desk: Desk) -> PrivateKey:
    """The key that signs.

    Raises:
        CommandFailed: There is none, or it cannot be opened.
    """
    text = _read(desk, "keyless-sign", "reading key: ")
    try:
        return PrivateKey.parse(text, desk.password(twice=False))
    except CommandFailed as exc:
        raise CommandFailed(f"reading key: {exc}") from exc
    except KeyInvalid as exc:
        raise CommandFailed(f"reading key: {exc}") from exc


def verifying_key(desk: Desk) -> PublicKey:
    """The key that a signature is proven with.

    Raises:
        CommandFailed: There is none, or it cannot be read.
    """
    try:
        return PublicKey.parse(_read(desk, "keyless-verify", "loading public key: "))
    except KeyInvalid as exc:
        raise CommandFailed(f"loading public key: {exc}") from exc


def require_key(desk: Desk, keyless: str = "keyless-sign") -> str:
    """What ``--key`` names.

    Raises:
        Refused: Nothing, which asks for a keyless signature.
    """
    named = desk.options.text("key")
    if not named:
        raise Refused(desk.environ, keyless)
    return named


def _read(desk: Desk, keyless: str, prefix: str) -> bytes:
    """The text of the key that ``--key`` names: a file, or ``env://NAME``."""
    named = require_key(desk, keyless)
    if named.startswith(_ENVIRONMENT):
        name = named.removeprefix(_ENVIRONMENT)
        if name not in desk.environ:
            raise CommandFailed(f"{prefix}loading URL: env var ${name} not found")
        return desk.environ[name].encode()
    if "://" in named:
        raise Refused(desk.environ, "no-key-store", key=named)
    return read_file(named, prefix)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write whole or not at all; nobody else may read a private key, not even while it is being written."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
        temporary.replace(path)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        raise CommandFailed(f"open {path}: {(exc.strerror or str(exc)).lower()}") from exc
