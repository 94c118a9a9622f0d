"""The files that a configuration names, opened before anything is served: a wrong one is a mistake like any other."""

import ssl
from pathlib import Path

from pyregistry.config.section import Section
from pyregistry.config.settings import HtpasswdAuth, Settings, TlsSettings, TokenAuth
from pyregistry.spec.htpasswd import HtpasswdInvalid, parse_htpasswd


def check_files(settings: Settings, root: Section) -> None:
    """Note what is wrong with the files that ``settings`` name."""
    if settings.http.tls:
        _check_tls(settings.http.tls, root.section("http").section("tls"))
    match settings.auth:
        case HtpasswdAuth(path=path) if not _is_missing(path):  # a missing one is provisioned, as registry:2 does
            _check_htpasswd(path, root.section("auth").section("htpasswd"))
        case TokenAuth(root_cert_bundle=bundle, jwks=jwks):
            _check_keys(bundle, jwks, root.section("auth").section("token"))


def _check_tls(tls: TlsSettings, section: Section) -> None:
    named = [("certificate", tls.certificate), ("key", tls.key), *(("clientcas", path) for path in tls.client_cas)]
    unreadable = [name for name, path in named if not _check_readable(section, name, path)]
    if unreadable:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (ssl.SSLError, ValueError) as exc:
        section.mistake("key", f"{tls.key} and {tls.certificate} are no PEM pair of key and certificate: {exc}")
    for path in tls.client_cas:
        try:
            context.load_verify_locations(path)
        except ssl.SSLError as exc:
            section.mistake("clientcas", f"{path} holds no PEM certificate: {exc}")


def _no_password() -> str:
    """OpenSSL would ask on the terminal otherwise; registry:2 cannot read an encrypted key either."""
    raise ValueError("the key is encrypted")


def _check_htpasswd(path: Path, section: Section) -> None:
    if _check_readable(section, "path", path):
        try:
            parse_htpasswd(path.read_bytes())
        except HtpasswdInvalid as exc:
            section.mistake("path", f"{path}: {exc}")


def _check_keys(bundle: Path | None, jwks: Path | None, section: Section) -> None:
    from pyregistry.spec.jwk import KeyInvalid, parse_certificates, parse_key_set  # heavy, and seldom wanted

    for name, path, parse in (("rootcertbundle", bundle, parse_certificates), ("jwks", jwks, parse_key_set)):
        if path is None or not _check_readable(section, name, path):
            continue
        try:
            if not parse(path.read_bytes()):
                section.mistake(name, f"{path}: token auth requires at least one token signing key")
        except KeyInvalid as exc:
            section.mistake(name, f"{path}: {exc}")


def _is_missing(path: Path) -> bool:
    """Whether there is nothing at all; what cannot be looked at is said when it is opened."""
    try:
        return not path.exists()
    except OSError:
        return False


def _check_readable(section: Section, name: str, path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError as exc:
        section.mistake(name, f"open {path}: {(exc.strerror or str(exc)).lower()}")
        return False
