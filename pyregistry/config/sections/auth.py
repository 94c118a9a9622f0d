"""``auth``: at most one kind."""

from pathlib import Path

from pyregistry.config.scalars import parse_header_value, parse_url_path
from pyregistry.config.section import Section
from pyregistry.config.settings import (
    ASYMMETRIC_ALGORITHMS,
    DEFAULT_TOKEN_PATH,
    HtpasswdAuth,
    SigningAlgorithm,
    SillyAuth,
    TokenAuth,
)


def read_auth(root: Section) -> HtpasswdAuth | TokenAuth | SillyAuth | None:
    """``auth``; None lets everybody in."""
    with (
        root.section("auth", word_allowed=True) as auth,
        auth.section("none"),
        auth.section("htpasswd") as htpasswd,
        auth.section("token") as token,
        auth.section("silly") as silly,
    ):
        if len(auth.names()) > 1:
            auth.complain(f"must provide exactly one type. Provided: {', '.join(auth.names())}")
        if auth.has("htpasswd"):
            return _read_htpasswd(htpasswd)
        if auth.has("token"):
            return _read_token(token)
        return _read_silly(silly) if auth.has("silly") else None


def _read_htpasswd(htpasswd: Section) -> HtpasswdAuth:
    realm, path = htpasswd.parsed("realm", parse_header_value, ""), htpasswd.path_of("path")
    for name, value in (("realm", realm), ("path", path)):
        if not value:
            htpasswd.complain(f'"{name}" must be set for htpasswd access controller')
    return HtpasswdAuth(realm, path or Path())


def _read_silly(silly: Section) -> SillyAuth:
    words = {name: silly.parsed(name, parse_header_value, "") for name in ("realm", "service")}
    for name, value in words.items():
        if not value:
            silly.complain(f'"{name}" must be set for silly access controller')
    silly.remark("auth.silly lets in whoever sends an Authorization header, whatever it says; it is for development")
    return SillyAuth(**words)


def _read_token(token: Section) -> TokenAuth:
    words = {name: token.parsed(name, parse_header_value, "") for name in ("realm", "service", "issuer")}
    bundle, jwks = token.path_of("rootcertbundle"), token.path_of("jwks")
    missing = [f'"{name}"' for name, value in words.items() if not value]
    if bundle is None and jwks is None:
        missing.append('"rootcertbundle" or "jwks"')
    for name in missing:
        token.complain(f"token auth requires a valid option string: {name}")
    settings = TokenAuth(
        **words,
        root_cert_bundle=bundle,
        jwks=jwks,
        auto_redirect=token.boolean("autoredirect", default=False),
        auto_redirect_path=token.parsed("autoredirectpath", parse_url_path, DEFAULT_TOKEN_PATH),
        signing_algorithms=token.words("signingalgorithms", SigningAlgorithm) or ASYMMETRIC_ALGORITHMS,
    )
    if jwks is None and any(algorithm.is_symmetric for algorithm in settings.signing_algorithms):
        token.mistake("signingalgorithms", "HMAC needs a jwks file that holds the key; a certificate holds none")
    return settings
