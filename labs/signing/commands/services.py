"""Flags about the services around cosign, of which the lab has none: what asks for one is refused."""

from collections.abc import Mapping
from pathlib import Path

from labs.engine.commands.console import CommandFailed
from labs.engine.commands.flags import Options
from labs.gojson import JsonInvalid, format_json, parse_json
from labs.signing.commands.desk import Desk, read_file
from labs.signing.commands.words import Refused

_SIGNING_CONFIG = {
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "rekorTlogConfig": {},
    "tsaConfig": {},
}
_TRUSTED_ROOT = {"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}
_FILES = ("signing-config", "trusted-root")
_IGNORED_LOG = (
    "Skipping tlog verification is an insecure practice that lacks transparency and auditability verification for the "
    "{what}."
)


def create_signing_config(desk: Desk) -> None:
    """``cosign signing-config create``: one without services."""
    _create(desk, _SIGNING_CONFIG)


def create_trusted_root(desk: Desk) -> None:
    """``cosign trusted-root create``: one that trusts no service."""
    _create(desk, _TRUSTED_ROOT)


def require_none_to_sign(desk: Desk) -> None:
    """Nothing is recorded in a log: say so, unless the person did.

    Raises:
        CommandFailed: A log or another service is asked for by name.
    """
    options = desk.options
    if options.on("tlog-upload"):
        raise Refused(desk.environ, "no-log", flag="--tlog-upload=true")
    _require_none_in_files(desk)
    if not {"tlog-upload"} & options.declined and not options.text("signing-config"):
        desk.say_own("not-logged")


def require_none_to_verify(desk: Desk, what: str) -> None:
    """No log is read: warn as cosign does where it is told so, say so where it is not.

    Args:
        desk: The command's.
        what: ``signature`` or ``attestation``.

    Raises:
        CommandFailed: A log is asked for by name.
    """
    options = desk.options
    if "insecure-ignore-tlog" in options.declined:
        raise Refused(desk.environ, "no-log", flag="--insecure-ignore-tlog=false")
    _require_none_in_files(desk)
    if options.on("insecure-ignore-tlog"):
        desk.warn(_IGNORED_LOG.format(what=what))
    elif not options.on("private-infrastructure"):
        desk.say_own("log-unread")


def wants_bundle(options: Options) -> bool:
    """Whether to write cosign 3's form. Its own default is cosign 2's, which both versions verify."""
    if "new-bundle-format" in options.declined:
        return False
    return options.on("new-bundle-format") or options.text("signing-config") is not None


def _create(desk: Desk, document: Mapping[str, object]) -> None:
    text = format_json(document).decode()
    path = desk.options.text("out")
    if path is None:
        desk.console.say(text)
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise CommandFailed(f"open {path}: {(exc.strerror or str(exc)).lower()}") from exc


def _require_none_in_files(desk: Desk) -> None:
    for flag in _FILES:
        path = desk.options.text(flag)
        if path is None:
            continue
        try:
            document = parse_json(read_file(path, f"error reading {flag}: "))
        except JsonInvalid as exc:
            raise CommandFailed(f"error reading {flag}: {path}: {exc}") from exc
        if named := [name for name, value in document.items() if isinstance(value, list) and value]:
            raise Refused(desk.environ, "services", path=path, names=", ".join(named), command=flag)
