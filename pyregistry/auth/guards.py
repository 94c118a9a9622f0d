"""Which guard a configuration asks for."""

from collections.abc import Callable
from datetime import UTC, datetime

from pyregistry.accounts.file import AccountsFile
from pyregistry.accounts.htpasswd import HtpasswdFile
from pyregistry.auth.controllers import BearerController, HtpasswdController, OpenController
from pyregistry.auth.interface import AccessController, Guard
from pyregistry.auth.issuer import AccessTokenIssuer
from pyregistry.auth.outages import Outages
from pyregistry.auth.tokens import TokenSigner
from pyregistry.config.settings import HtpasswdAuth, Settings, SillyAuth, TokenAuth
from pyregistry.twins import speech_of


def _now() -> datetime:
    return datetime.now(UTC)


def guard_for(settings: Settings, now: Callable[[], datetime] = _now) -> Guard:
    """The controller, and the token endpoint where the registry has its own.

    Accounts come first, then ``auth.htpasswd``; without either everybody may do everything, as in registry:2.
    Processes that share ``settings.http.secret`` understand each other's bearer tokens.

    Raises:
        AccountsUnreadable: The accounts file is damaged.
        OSError: It, or the password file, cannot be read or made.
    """
    if settings.accounts_path:
        speech = speech_of(settings.twin)
        accounts = AccountsFile(settings.accounts_path)
        accounts.current()  # a damaged file is said at the start, not at the first login
        signer = TokenSigner(speech.service, settings.http.secret, now)
        parts = (speech, accounts, signer, Outages(), now)
        return Guard(BearerController(*parts), AccessTokenIssuer(*parts))
    return Guard(_controller(settings.auth))


def _controller(auth: HtpasswdAuth | TokenAuth | SillyAuth | None) -> AccessController:
    match auth:
        case HtpasswdAuth():
            return _htpasswd_controller(auth)
        case None:
            return OpenController()
        case _:
            raise NotImplementedError  # the configuration is refused


def _htpasswd_controller(auth: HtpasswdAuth) -> HtpasswdController:
    passwords = HtpasswdFile(auth.path)
    passwords.provision()
    return HtpasswdController(auth.realm, passwords)
