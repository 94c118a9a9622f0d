"""The same tokens at a real registry:2 and at ours: both take them, or neither does; where not, it stands here why."""

import hmac
import http.client
import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyregistry.auth.guards import guard_for
from pyregistry.auth.interface import AccessController, AccessRequest, RequestCredentials
from pyregistry.config.settings import TokenAuth
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import Unauthorized
from pyregistry.spec.jwk import PublicKey, key_of, libtrust_id, thumbprint
from tests.contract.test_access_controllers import bare_settings
from tests.fakes.token_server import (
    ALGORITHMS,
    ISSUER,
    SERVICE,
    Authority,
    as_text,
    certify,
    claims,
    make_key,
    sign,
)
from tests.tools import require

START_SECONDS = 15
HOUR = timedelta(hours=1)
REALM = "https://auth.example.com/token"

ROOT = certify("root", make_key("rsa"), is_authority=True)
INTERMEDIATE = certify("intermediate", make_key("p256", 1), ROOT, is_authority=True, path_length=0)
SIGNER = certify("signer", make_key("rsa", 2), ROOT)
DEEP_SIGNER = certify("deep signer", make_key("rsa", 3), INTERMEDIATE)
STRANGER = certify("stranger", make_key("rsa", 4), is_authority=True)
NAMESAKE = certify("root", make_key("rsa", 5), is_authority=True)
OWN = {kind: certify(f"own {kind}", make_key(kind, 6)) for kind in ("rsa", "p256", "p384", "p521")}
"""Certificates in the bundle that sign tokens themselves, as small token servers have them."""

MAY_NOT_CERTIFY = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)

BUNDLE = (ROOT, *OWN.values())

Make = Callable[[], str]

NEWER = {"PS256": "rsa", "PS384": "rsa", "PS512": "rsa"}
DIFFERENCES = {
    **{f"x5c {algorithm}": "registry:2 knows RSA PKCS#1 and ECDSA only, registry:3 more" for algorithm in NEWER},
    "aud as a list": "RFC 7519 allows a list, and registry:3 takes it",
}
"""Where registry:2 refuses what we take, and why we do."""


def jwk_of(authority: Authority, **more: object) -> dict[str, Any]:
    """The public key as a token's header holds it; registry:2 wants its ``kid`` there too."""
    algorithm = jwt.get_algorithm_by_name("RS256" if "rsa" in type(authority.key).__module__ else "ES256")
    values = algorithm.to_jwk(authority.key.public_key(), as_dict=True)
    values.pop("key_ops", None)
    return values | {"kid": libtrust_id(public(authority))} | more


def public(authority: Authority) -> PublicKey:
    """The key that its certificate vouches for."""
    return key_of(authority.certificate)


def at(seconds: int) -> Callable[[], int]:
    """A moment as claims hold it, counted from when the token is made: a test may run long after it was collected."""
    return lambda: int(datetime.now(UTC).timestamp()) + seconds


def by_signer(signer: Authority = SIGNER, chain: tuple[Authority, ...] = (), **changes: Any) -> Make:
    """A token with the signer's certificates; a change that can be called is, when the token is made."""
    x5c = [each.encoded for each in (signer, *chain)]

    def make() -> str:
        made = {name: value() if callable(value) else value for name, value in changes.items()}
        return sign(signer.key, "RS256", {"x5c": x5c}, claims(**made))

    return make


def confused(algorithm: str) -> str:
    """The old trick: the public key, which everybody knows, as the secret of an HMAC."""
    pem = public(OWN["rsa"]).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": algorithm, "typ": "JWT", "kid": libtrust_id(public(OWN["rsa"]))}
    content = as_text(header, claims())
    return f"{content}.{as_text(hmac.digest(pem, content.encode(), 'sha256'))}"


def relabelled(algorithm: str) -> str:
    """A good signature under another algorithm's name."""
    own = OWN["rsa"]
    _, content, signature = sign(own.key, "RS256", {"x5c": [own.encoded]}).split(".")
    return f"{as_text({'alg': algorithm, 'typ': 'JWT', 'x5c': [own.encoded]})}.{content}.{signature}"


def signed_by_own(algorithm: str, kind: str) -> Make:
    """A token of one of the certificates in the bundle."""
    own = OWN[kind]
    return lambda: sign(own.key, algorithm, {"x5c": [own.encoded]})


def access_to(kind: str, name: str, *actions: str) -> Make:
    """A token with one entry of access."""
    return by_signer(access=[{"type": kind, "name": name, "actions": actions}])


def good_keys() -> dict[str, Make]:
    """Every way in which a token may name a trusted key."""
    own, key_id = OWN["rsa"], libtrust_id(public(OWN["rsa"]))
    return {
        **{f"x5c {each}": signed_by_own(each, kind) for each, kind in (ALGORITHMS | NEWER).items()},
        "kid of libtrust": lambda: sign(own.key, "RS256", {"kid": key_id}),
        "jwk": lambda: sign(own.key, "RS256", {"jwk": jwk_of(own)}),
        "jwk with x5c": lambda: sign(SIGNER.key, "RS256", {"jwk": jwk_of(SIGNER, x5c=[SIGNER.encoded])}),
        "signed by the root itself": by_signer(ROOT),
        "chain over an intermediate": by_signer(DEEP_SIGNER, (INTERMEDIATE,)),
        "chain out of order": by_signer(DEEP_SIGNER, (STRANGER, INTERMEDIATE)),
    }


def good_claims() -> dict[str, Make]:
    """What claims may say and leave out."""
    return {
        "no sub": by_signer(sub=None),
        "no nbf": by_signer(nbf=None),
        "expired within the leeway": by_signer(exp=at(-30)),
        "nbf within the leeway": by_signer(nbf=at(30)),
        "aud as a list": by_signer(aud=[SERVICE, "other"]),
        "all actions": access_to("repository", "acme/app", "*"),
        "access in two entries": by_signer(
            access=[{"type": "repository", "name": "acme/app", "actions": [each]} for each in ("push", "pull")]
        ),
    }


def bad_claims() -> dict[str, Make]:
    """Signed well, and not for this."""
    return {
        "no access": by_signer(access=None),
        "access to something else": access_to("repository", "b", "pull"),
        "access to another type": access_to("registry", "acme/app", "pull"),
        "push only": access_to("repository", "acme/app", "push"),
        "access of another form": by_signer(access={"acme/app": "pull"}),
        "expired": by_signer(exp=at(-90)),
        "no exp": by_signer(exp=None),
        "exp as a text": by_signer(exp=lambda: str(at(900)())),
        "not valid yet": by_signer(nbf=at(90)),
        "another audience": by_signer(aud="other"),
        "other audiences": by_signer(aud=["other", "another"]),
        "no audience": by_signer(aud=None),
        "another issuer": by_signer(iss="https://evil.example.com"),
        "no issuer": by_signer(iss=None),
    }


def bad_chains() -> dict[str, Make]:
    """Certificates that lead nowhere."""
    too_deep = certify("second", make_key("p256", 8), INTERMEDIATE, is_authority=True)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    unable = certify("unable", make_key("p256", 9), ROOT, is_authority=True, extensions=[(MAY_NOT_CERTIFY, True)])
    key, own = make_key("rsa", 7), OWN["rsa"]
    return {
        "chain to a stranger": by_signer(certify("s", key, STRANGER), (STRANGER,)),
        "chain to a namesake": by_signer(certify("s", key, NAMESAKE), (NAMESAKE,)),
        "chain with a gap": by_signer(DEEP_SIGNER),
        "signer of yesterday": by_signer(certify("s", key, ROOT, lifetime=(-2 * HOUR, -HOUR))),
        "signer of tomorrow": by_signer(certify("s", key, ROOT, lifetime=(HOUR, 2 * HOUR))),
        "issued by a mere signer": by_signer(certify("s", key, SIGNER), (SIGNER,)),
        "issued without the right to": by_signer(certify("s", key, unable), (unable,)),
        "one authority too many": by_signer(certify("s", key, too_deep), (too_deep, INTERMEDIATE)),
        "an unknown critical extension": by_signer(certify("s", key, ROOT, extensions=[(unknown, True)])),
        "leaf of another key": lambda: sign(STRANGER.key, "RS256", {"x5c": [SIGNER.encoded]}),
        "x5c of nothing": lambda: sign(own.key, "RS256", {"x5c": []}),
        "x5c of nonsense": lambda: sign(own.key, "RS256", {"x5c": ["bm8="]}),
        "x5c as a text": lambda: sign(own.key, "RS256", {"x5c": own.encoded}),
    }


def bad_keys() -> dict[str, Make]:
    """Keys that nobody trusts, also under a trusted name."""
    own, trusted = OWN["rsa"], libtrust_id(public(OWN["rsa"]))
    stolen = jwk_of(STRANGER, x5c=[SIGNER.encoded])
    return {
        "jwk of a stranger": lambda: sign(STRANGER.key, "RS256", {"jwk": jwk_of(STRANGER)}),
        "jwk under a trusted name": lambda: sign(STRANGER.key, "RS256", {"jwk": jwk_of(STRANGER, kid=trusted)}),
        "jwk with another's x5c": lambda: sign(STRANGER.key, "RS256", {"jwk": stolen}),
        "x5c with another's jwk": lambda: sign(SIGNER.key, "RS256", {"jwk": stolen}),
        "a trusted name over another's jwk": lambda: sign(own.key, "RS256", {"jwk": jwk_of(STRANGER, kid=trusted)}),
        "kid of a stranger": lambda: sign(STRANGER.key, "RS256", {"kid": libtrust_id(public(STRANGER))}),
        "kid of another key": lambda: sign(STRANGER.key, "RS256", {"kid": trusted}),
        "no key named": lambda: sign(own.key, "RS256", {}),
    }


def bad_forms() -> dict[str, Make]:
    """The algorithm is the attacker's word, and so is the form."""
    trusted = libtrust_id(public(OWN["rsa"]))
    return {
        "alg none": lambda: as_text({"alg": "none", "kid": trusted}, claims()) + ".",
        "alg none with a signature": lambda: as_text({"alg": "none", "kid": trusted}, claims(), b"x"),
        "alg of another hash": lambda: relabelled("RS512"),
        "alg of another kind": lambda: relabelled("ES256"),
        "HMAC with the public key": lambda: confused("HS256"),
        "the public key's HMAC called RS256": lambda: confused("RS256"),
        "two parts": lambda: as_text({"alg": "RS256"}, claims()),
        "four parts": lambda: by_signer()() + ".e30",
        "header of no object": lambda: as_text([], claims(), b"x"),
        "claims of no object": lambda: as_text({"alg": "RS256", "kid": trusted}, [], b"x"),
        "nonsense": lambda: "nonsense",
    }


GOOD = good_keys() | good_claims()
BAD = bad_claims() | bad_chains() | bad_keys() | bad_forms()


@dataclass(frozen=True)
class Partner:
    """A running registry:2 with ``auth.token``."""

    port: int

    def ask(self, target: str, authorization: str | None) -> tuple[int, str]:
        """Status and challenge of a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", target, headers={"Authorization": authorization} if authorization else {})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("WWW-Authenticate", "")
        finally:
            connection.close()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What both trust."""
    path = tmp_path_factory.mktemp("trust") / "bundle.pem"
    path.write_bytes(b"".join(authority.pem for authority in BUNDLE))
    return path


@pytest.fixture(scope="module")
def settings(bundle: Path) -> TokenAuth:
    """The configuration that both have."""
    return TokenAuth(REALM, SERVICE, ISSUER, root_cert_bundle=bundle)


@pytest.fixture(scope="module")
def ours(settings: TokenAuth) -> AccessController:
    """Our doorkeeper."""
    return guard_for(bare_settings(settings)).controller


@pytest.fixture(scope="module")
def registry2(settings: TokenAuth, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """registry:2 with the same configuration."""
    program = require("docker-registry")["docker-registry"]
    folder = tmp_path_factory.mktemp("registry2")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = {"realm": REALM, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": str(settings.root_cert_bundle)}
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "root")}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "s"},
        "auth": {"token": token},
    }
    (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with (folder / "log").open("wb") as log:
        command = [str(program), "serve", str(folder / "config.yml")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_until_it_answers(process, port, folder / "log")
        yield Partner(port)
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    pytest.fail(log.read_text(encoding="utf-8"))


def challenge(controller: AccessController, authorization: str | None, *access: Access) -> str | None:
    """What ours answers: a challenge, or None for who may come in."""
    wanted = [AccessRequest("acme/app" if each is not Access.NONE else "", each) for each in access]
    try:
        controller.authorize(RequestCredentials(authorization, "http://127.0.0.1"), wanted)
    except Unauthorized as refused:
        return refused.challenge
    return None


def parsed(challenge: str | None) -> dict[str, str]:
    """A challenge's parameters."""
    return dict(re.findall(r'(\w+)="([^"]*)"', challenge or ""))


@pytest.mark.parametrize("name", GOOD | BAD)
def test_good_tokens_are_taken_and_bad_ones_refused(ours: AccessController, name: str) -> None:
    """Whatever registry:2 may do."""
    token = (GOOD | BAD)[name]()
    assert (challenge(ours, f"Bearer {token}", Access.PULL) is None) is (name in GOOD)


@pytest.mark.parametrize("name", GOOD | BAD)
def test_registry_2_decides_likewise(ours: AccessController, registry2: Partner, name: str) -> None:
    """registry:2 takes and refuses the same tokens, with the same challenge, but for the differences above."""
    token = (GOOD | BAD)[name]()
    status, said = registry2.ask("/v2/acme/app/tags/list", f"Bearer {token}")
    mine = challenge(ours, f"Bearer {token}", Access.PULL)
    same = (status != 401, parsed(said)) == (mine is None, parsed(mine))
    assert same == (name not in DIFFERENCES), json.dumps({"registry2": [status, said], "ours": mine})


@pytest.mark.parametrize("authorization", [None, "", "Basic YTpi", "Bearer", "Bearer ", "bearer x", "Digest x"])
@pytest.mark.parametrize(("target", "access"), [("/v2/", Access.NONE), ("/v2/acme/app/tags/list", Access.PULL)])
def test_who_brings_no_token_is_sent_to_the_token_server(
    ours: AccessController, registry2: Partner, authorization: str | None, target: str, access: Access
) -> None:
    """The challenge is registry:2's to the letter: realm, service, scope, and an error only for a token."""
    status, said = registry2.ask(target, authorization)
    assert status == 401
    assert challenge(ours, authorization, access) == said


def test_the_names_of_keys(ours: AccessController) -> None:
    """``kid`` may be the RFC 7638 thumbprint too, by which registry:3 knows the bundle's keys."""
    own = OWN["p256"]
    kid = thumbprint(public(own))
    assert challenge(ours, f"Bearer {sign(own.key, 'ES256', {'kid': kid})}", Access.PULL) is None
