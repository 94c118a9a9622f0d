"""Which guard a configuration asks for."""

from collections.abc import Callable
from datetime import UTC, datetime

from pyregistry.accounts.file import AccountsFile
from pyregistry.accounts.htpasswd import HtpasswdFile
from pyregistry.auth.controllers import BearerController, HtpasswdController, OpenController
from pyregistry.auth.external import SillyController, TokenController
from pyregistry.auth.interface import AccessController, Guard
from pyregistry.auth.issuer import AccessTokenIssuer
from pyregistry.auth.outages import Outages
from pyregistry.auth.tokens import TokenSigner, VerifiedTokens
from pyregistry.auth.verification import TokenVerifier, Trust
from pyregistry.config.settings import HtpasswdAuth, Settings, SillyAuth, TokenAuth
from pyregistry.spec.jwk import parse_certificates, parse_key_set
from pyregistry.twins import speech_of


def _now() -> datetime:
    return datetime.now(UTC)


def guard_for(settings: Settings, now: Callable[[], datetime] = _now) -> Guard:
    """The controller, and the token endpoint where the registry has its own.

    Accounts come first, then ``auth``; without either everybody may do everything, as in registry:2.
    Processes that share ``settings.http.secret`` understand each other's bearer tokens.

    Raises:
        AccountsUnreadable: The accounts file is damaged.
        KeyInvalid: The token server's certificates or keys are none.
        OSError: One of these files, or the password file, cannot be read or made.
    """
    if settings.accounts_path:
        speech = speech_of(settings.twin)
        accounts = AccountsFile(settings.accounts_path)
        accounts.current()  # a damaged file is said at the start, not at the first login
        signer = TokenSigner(speech.service, settings.http.secret, now)
        parts = (speech, accounts, signer, Outages(), now)
        return Guard(BearerController(*parts, prefix=settings.http.prefix), AccessTokenIssuer(*parts))
    return Guard(_controller(settings.auth, now), asks=settings.auth is not None)


def _controller(auth: HtpasswdAuth | TokenAuth | SillyAuth | None, now: Callable[[], datetime]) -> AccessController:
    match auth:
        case HtpasswdAuth():
            return _htpasswd_controller(auth)
        case None:
            return OpenController()
        case TokenAuth():
            return TokenController(auth, VerifiedTokens(_verifier(auth, now).verify, now))
        case SillyAuth():
            return SillyController(auth)


def _verifier(auth: TokenAuth, now: Callable[[], datetime]) -> TokenVerifier:
    roots = parse_certificates(auth.root_cert_bundle.read_bytes()) if auth.root_cert_bundle else ()
    keys = parse_key_set(auth.jwks.read_bytes()) if auth.jwks else ()
    return TokenVerifier(Trust(roots, keys), auth.issuer, auth.service, auth.signing_algorithms, now)


def _htpasswd_controller(auth: HtpasswdAuth) -> HtpasswdController:
    passwords = HtpasswdFile(auth.path)
    passwords.provision()
    return HtpasswdController(auth.realm, passwords)
