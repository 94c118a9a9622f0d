"""The same tokens at a real registry:2 and at ours: both take them, or neither does; where not, it stands here why."""

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

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyregistry.auth.guards import guard_for
from pyregistry.auth.interface import AccessController, AccessRequest, RequestCredentials
from pyregistry.config.settings import TokenAuth
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import Unauthorized
from pyregistry.spec.jwk import libtrust_id, thumbprint
from tests.contract.test_access_controllers import bare_settings
from tests.fakes.token_server import (
    ALGORITHMS,
    ISSUER,
    NEWER_ALGORITHMS,
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
OWN = {kind: certify(f"own {kind}", make_key(kind, 6)) for kind in ("rsa", "p256", "p384", "p521", "ed25519")}
"""Certificates in the bundle that sign tokens themselves, as small token servers have them."""

BUNDLE = (ROOT, *(own for kind, own in OWN.items() if kind != "ed25519"))
"""Without Ed25519, which keeps registry:2 from starting."""

Make = Callable[[], str]
TABLE: dict[str, tuple[bool, Make]] = {}
"""By a word for it: whether we take the token, and the token."""

DIFFERENCES = {
    **{f"x5c {algorithm}": "registry:2 knows RSA PKCS#1 and ECDSA only" for algorithm in NEWER_ALGORITHMS},
}
"""Where registry:2 decides otherwise, and why we do."""


def row(name: str, make: Make, *, taken: bool) -> None:
    """One token."""
    TABLE[name] = (taken, make)


def jwk_of(authority: Authority, **more: object) -> dict[str, Any]:
    """The public key as a token's header holds it; registry:2 wants its ``kid`` there too."""
    import jwt

    algorithm = jwt.get_algorithm_by_name("RS256" if "rsa" in type(authority.key).__module__ else "ES256")
    values = algorithm.to_jwk(authority.key.public_key(), as_dict=True)
    values.pop("key_ops", None)
    return values | {"kid": libtrust_id(authority.certificate.public_key())} | more  # type: ignore[arg-type]


def at(seconds: int) -> int:
    """A moment as claims hold it."""
    return int(datetime.now(UTC).timestamp()) + seconds


def by_signer(signer: Authority = SIGNER, chain: tuple[Authority, ...] = (), **changes: Any) -> Make:
    """A token with the signer's certificates."""
    x5c = [each.encoded for each in (signer, *chain)]
    return lambda: sign(signer.key, "RS256", {"x5c": x5c}, claims(**changes))


def expired_signer() -> Authority:
    """Its certificate's time is over."""
    return certify("late", make_key("rsa", 2), ROOT, lifetime=(-2 * HOUR, -HOUR))


def confused(algorithm: str) -> str:
    """The old trick: the public key, which everybody knows, as the secret of an HMAC."""
    import hmac

    pem = OWN["rsa"].certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": algorithm, "typ": "JWT", "kid": libtrust_id(OWN["rsa"].certificate.public_key())}  # type: ignore[arg-type]
    content = as_text(header, claims())
    return f"{content}.{as_text(hmac.digest(pem, content.encode(), 'sha256'))}"


def fill() -> None:
    """All tokens."""
    for algorithm, kind in (ALGORITHMS | NEWER_ALGORITHMS).items():
        own = OWN[kind]
        row(
            f"x5c {algorithm}",
            lambda own=own, algorithm=algorithm: sign(own.key, algorithm, {"x5c": [own.encoded]}),
            taken=kind != "ed25519",
        )
    rsa, key_id = OWN["rsa"], libtrust_id(OWN["rsa"].certificate.public_key())  # type: ignore[arg-type]
    row("kid of libtrust", lambda: sign(rsa.key, "RS256", {"kid": key_id}), taken=True)
    row("jwk", lambda: sign(rsa.key, "RS256", {"jwk": jwk_of(rsa)}), taken=True)
    row("jwk with x5c", lambda: sign(SIGNER.key, "RS256", {"jwk": jwk_of(SIGNER, x5c=[SIGNER.encoded])}), taken=True)
    row("signed by the root itself", by_signer(ROOT), taken=True)
    row("chain over an intermediate", by_signer(DEEP_SIGNER, (INTERMEDIATE,)), taken=True)
    row("chain out of order", by_signer(DEEP_SIGNER, (STRANGER, INTERMEDIATE)), taken=True)
    row("no sub", by_signer(sub=None), taken=True)
    row("no nbf", by_signer(nbf=None), taken=True)
    row("expired within the leeway", by_signer(exp=at(-30)), taken=True)
    row("nbf within the leeway", by_signer(nbf=at(30)), taken=True)
    row("aud as a list", by_signer(aud=[SERVICE, "other"]), taken=True)
    row("all actions", by_signer(access=[{"type": "repository", "name": "acme/app", "actions": ["*"]}]), taken=True)
    row(
        "access in two entries",
        by_signer(access=[{"type": "repository", "name": "acme/app", "actions": [each]} for each in ("push", "pull")]),
        taken=True,
    )

    row("no access", by_signer(access=None), taken=False)
    row(
        "access null",
        lambda: sign(SIGNER.key, "RS256", {"x5c": [SIGNER.encoded]}, claims() | {"access": None}),
        taken=False,
    )
    row("access elsewhere", by_signer(access=[{"type": "repository", "name": "b", "actions": ["pull"]}]), taken=False)
    row(
        "access to another type",
        by_signer(access=[{"type": "r", "name": "acme/app", "actions": ["pull"]}]),
        taken=False,
    )
    row("push only", by_signer(access=[{"type": "repository", "name": "acme/app", "actions": ["push"]}]), taken=False)
    row("access of another form", by_signer(access={"acme/app": "pull"}), taken=False)
    row("expired", by_signer(exp=at(-90)), taken=False)
    row("no exp", by_signer(exp=None), taken=False)
    row("exp as a text", by_signer(exp=str(at(900))), taken=False)
    row("not valid yet", by_signer(nbf=at(90)), taken=False)
    row("another audience", by_signer(aud="other"), taken=False)
    row("other audiences", by_signer(aud=["other", "another"]), taken=False)
    row("no audience", by_signer(aud=None), taken=False)
    row("another issuer", by_signer(iss="https://evil.example.com"), taken=False)
    row("no issuer", by_signer(iss=None), taken=False)
    row("chain to a stranger", by_signer(certify("s", make_key("rsa", 2), STRANGER), (STRANGER,)), taken=False)
    row("chain to a namesake", by_signer(certify("s", make_key("rsa", 2), NAMESAKE), (NAMESAKE,)), taken=False)
    row("chain with a gap", by_signer(DEEP_SIGNER), taken=False)
    row("signer's time is over", by_signer(expired_signer()), taken=False)
    row("signer of tomorrow", by_signer(certify("t", make_key("rsa", 2), ROOT, lifetime=(HOUR, 2 * HOUR))), taken=False)
    row("issued by a mere signer", by_signer(certify("s", make_key("rsa", 7), SIGNER), (SIGNER,)), taken=False)
    too_deep = certify("second", make_key("p256", 8), INTERMEDIATE, is_authority=True)
    row(
        "one authority too many",
        by_signer(certify("s", make_key("rsa", 7), too_deep), (too_deep, INTERMEDIATE)),
        taken=False,
    )
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    row(
        "an unknown critical extension",
        by_signer(certify("s", make_key("rsa", 2), ROOT, extensions=[(unknown, True)])),
        taken=False,
    )
    row("leaf of another key", lambda: sign(STRANGER.key, "RS256", {"x5c": [SIGNER.encoded]}), taken=False)
    row("jwk of a stranger", lambda: sign(STRANGER.key, "RS256", {"jwk": jwk_of(STRANGER)}), taken=False)
    row(
        "jwk under a trusted name",
        lambda: sign(STRANGER.key, "RS256", {"jwk": jwk_of(STRANGER, kid=key_id)}),
        taken=False,
    )
    row(
        "jwk with another's x5c",
        lambda: sign(STRANGER.key, "RS256", {"jwk": jwk_of(STRANGER, x5c=[SIGNER.encoded])}),
        taken=False,
    )
    row(
        "kid of a stranger",
        lambda: sign(STRANGER.key, "RS256", {"kid": libtrust_id(STRANGER.key.public_key())}),
        taken=False,
    )  # type: ignore[arg-type]
    row("kid of another key", lambda: sign(STRANGER.key, "RS256", {"kid": key_id}), taken=False)
    row("no key named", lambda: sign(rsa.key, "RS256", {}), taken=False)
    row("empty x5c", lambda: sign(rsa.key, "RS256", {"x5c": []}), taken=False)
    row("x5c of nonsense", lambda: sign(rsa.key, "RS256", {"x5c": ["bm8="]}), taken=False)
    row("x5c as a text", lambda: sign(rsa.key, "RS256", {"x5c": rsa.encoded}), taken=False)
    row("alg none", lambda: as_text({"alg": "none", "kid": key_id}, claims()) + ".", taken=False)
    row("alg none with a signature", lambda: as_text({"alg": "none", "kid": key_id}, claims(), b"x"), taken=False)
    row("alg of another hash", lambda: relabelled("RS512"), taken=False)
    row("alg of another kind", lambda: relabelled("ES256"), taken=False)
    row("HMAC with the public key", lambda: confused("HS256"), taken=False)
    row("the public key's HMAC called RS256", lambda: confused("RS256"), taken=False)
    row("two parts", lambda: as_text({"alg": "RS256"}, claims()), taken=False)
    row("four parts", lambda: by_signer()() + ".e30", taken=False)
    row("header of no object", lambda: as_text([], claims(), b"x"), taken=False)
    row("claims of no object", lambda: as_text({"alg": "RS256", "kid": key_id}, [], b"x"), taken=False)
    row("nonsense", lambda: "nonsense", taken=False)


def relabelled(algorithm: str) -> str:
    """A good signature under another algorithm's name."""
    own = OWN["rsa"]
    _, content, signature = sign(own.key, "RS256", {"x5c": [own.encoded]}).split(".")
    return f"{as_text({'alg': algorithm, 'typ': 'JWT', 'x5c': [own.encoded]})}.{content}.{signature}"


fill()


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


@pytest.mark.parametrize("name", TABLE)
def test_the_same_tokens_are_taken(ours: AccessController, name: str) -> None:
    """Ours decides as the table says."""
    taken, make = TABLE[name]
    assert (challenge(ours, f"Bearer {make()}", Access.PULL) is None) is taken


@pytest.mark.parametrize("name", TABLE)
def test_registry_2_decides_likewise(ours: AccessController, registry2: Partner, name: str) -> None:
    """registry:2 takes and refuses the same tokens, with the same challenge, but for the differences above."""
    token = TABLE[name][1]()
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
    kid = thumbprint(own.certificate.public_key())  # type: ignore[arg-type]
    assert challenge(ours, f"Bearer {sign(own.key, 'ES256', {'kid': kid})}", Access.PULL) is None


def test_sha_1_is_no_signature_of_a_certificate(ours: AccessController) -> None:
    """A certificate that SHA-1 vouches for could be anybody's."""
    weak = certify("weak", make_key("rsa", 2), ROOT, algorithm=hashes.SHA1())  # noqa: S303  that is the point
    assert challenge(ours, f"Bearer {by_signer(weak)()}", Access.PULL)
