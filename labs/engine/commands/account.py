"""``docker login`` and ``docker logout``."""

from dataclasses import replace

from labs.engine.commands.console import CommandFailed, daemon_refusal
from labs.engine.commands.flags import Options
from labs.engine.commands.machine import Machine
from labs.engine.credentials import HUB_KEY, IDENTITY_USER, Credential, CredentialsError, registry_key
from labs.engine.reference import DEFAULT_DOMAIN
from labs.engine.transport.client import Registry
from labs.engine.transport.faults import TransportError

NOT_A_TERMINAL = "Error: Cannot perform an interactive login from a non TTY device"
_UNENCRYPTED = """
WARNING! Your credentials are stored unencrypted in '{path}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/
"""
_EXISTING = """Authenticating with existing credentials... [Username: {username}]

 Info -> To login with a different account, run 'docker logout' followed by 'docker login'

"""


def login(machine: Machine, options: Options) -> None:
    """Prove who we are at a registry, and keep the credentials."""
    key = registry_key(options.arguments[0] if options.arguments else "")
    known = None if _is_named(options) else _known(machine, key)
    if known:
        machine.console.say(_EXISTING.format(username=known.username))
        if _succeeds(machine, key, known):
            machine.console.say("Login Succeeded")
            return
    credential = _ask(machine, options, key)
    _keep(machine, key, _prove(machine, key, credential))
    machine.console.say("Login Succeeded")


def logout(machine: Machine, options: Options) -> None:
    """Forget the credentials of a registry; what was not there is forgotten just the same, as Docker does."""
    key = registry_key(options.arguments[0] if options.arguments else "")
    machine.console.say(f"Removing login credentials for {key}")
    try:
        machine.credentials.delete(key)
    except CredentialsError as exc:
        machine.console.warn(f"WARNING: could not erase credentials:\n{key}: {exc}")


def _is_named(options: Options) -> bool:
    return any(options.text(name) is not None for name in ("username", "password")) or options.on("password-stdin")


def _known(machine: Machine, key: str) -> Credential | None:
    try:
        return machine.credentials.fetch(key)
    except CredentialsError as exc:
        raise CommandFailed(str(exc)) from exc


def _succeeds(machine: Machine, key: str, known: Credential) -> bool:
    try:
        _registry(machine, key, known).login()
    except TransportError as exc:
        machine.console.warn(f"Login did not succeed, error: {exc}")
        return False
    return True


def _ask(machine: Machine, options: Options, key: str) -> Credential:
    """User name and password from the flags, from stdin, or from the person at the terminal."""
    username, password = options.text("username") or "", options.text("password") or ""
    if "password" in options.texts:
        machine.console.warn("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
    if options.on("password-stdin"):
        if "password" in options.texts:
            raise CommandFailed("conflicting options: cannot specify both --password and --password-stdin")
        if not username:
            raise CommandFailed("the --password-stdin option requires --username to be set")
        password = machine.console.source.read().rstrip("\r\n")
    if not (username and password):
        username, password = _prompt(machine, username, password, key)
    return Credential(username, password)


def _prompt(machine: Machine, username: str, password: str, key: str) -> tuple[str, str]:
    if not machine.console.source.isatty():
        raise CommandFailed(NOT_A_TERMINAL)
    if key == HUB_KEY:
        machine.console.warn("Log in with your Docker ID or email address to push and pull images from Docker Hub.")
    if not username:
        machine.console.output.write("Username: ")
        machine.console.output.flush()
        username = machine.console.source.readline().strip()
    if not username:
        raise CommandFailed("Error: Non-null Username Required")
    password = password or machine.ask_secret("Password: ")
    if not password:
        raise CommandFailed("Error: Password Required")
    return username, password


def _prove(machine: Machine, key: str, credential: Credential) -> Credential:
    """What to keep: the password, or the identity token that the registry gave for it."""
    try:
        identity = _registry(machine, key, credential).login()
    except TransportError as exc:
        raise daemon_refusal(exc) from exc
    return replace(credential, secret=identity, is_identity_token=True) if identity else credential


def _keep(machine: Machine, key: str, credential: Credential) -> None:
    try:
        machine.credentials.push(key, credential)
    except CredentialsError as exc:
        raise CommandFailed(f"Error saving credentials: {exc}") from exc
    if machine.credentials.helper(key) is None and credential.username != IDENTITY_USER:
        machine.console.warn(_UNENCRYPTED.format(path=machine.credentials.path))


def _registry(machine: Machine, key: str, credential: Credential) -> Registry:
    return Registry(machine.wire, DEFAULT_DOMAIN if key == HUB_KEY else key, credential)
