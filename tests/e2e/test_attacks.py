"""Attacks on the gate of a real server: forged credentials, other people's repositories, faults made on purpose."""

import base64
import hmac
import json
import os
import re
import resource
import socket
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import jwt
import psutil
import pytest

from checker import history
from checker.messages import Messages
from pyregistry.accounts.htpasswd import format_line
from pyregistry.accounts.model import Role
from pyregistry.accounts.pat import TokenKind
from pyregistry.api.router import match
from pyregistry.auth.scopes import parse_scope
from pyregistry.auth.tokens import TokenSigner
from pyregistry.spec.digest import Digest
from pyregistry.spec.endpoints import ENDPOINTS, REFERRERS
from pyregistry.spec.identity import Identity
from tests.e2e.aging import age
from tests.e2e.conftest import Start
from tests.e2e.pushes import MANIFEST_TYPE, Image, make_image
from tests.servers import (
    PROGRAM,
    Answer,
    RunningRegistry,
    ServerEnded,
    end,
    running_registry,
    start_registry,
    write_config,
)

SECRET = "a secret of these tests"  # the one that write_config puts into every configuration
EVERYTHING = ("read:packages", "write:packages", "delete:packages")
OWNERS = ("alice", "acme", "bob", "labcheck")
IMAGE = make_image("private", 1000)
NOWHERE = Digest.of(b"nowhere")
ANSWER_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Twin:
    """A GHCR twin with four owners' private images ``<owner>/app:1.0``, and everybody's access tokens by name."""

    registry: RunningRegistry
    secrets: Mapping[str, str]
    token_path: str = "/token"

    def token(self, name: str | None, *scopes: str) -> str:
        """A bearer token for ``scopes``, as far as they are granted; empty where none is issued."""
        headers = {"Authorization": basic(self.secrets[name])} if name else {}
        query = urlencode([("service", "ghcr.io"), *(("scope", scope) for scope in scopes)])
        answer = self.registry.request("GET", f"{self.token_path}?{query}", headers=headers)
        return str(json.loads(answer.body)["token"]) if answer.status == 200 else ""

    def ask(
        self, authorization: str, method: str, target: str, body: bytes | None = None, media_type: str = ""
    ) -> Answer:
        """One request with an Authorization header, without one where it is empty."""
        headers = {"Authorization": authorization} if authorization else {}
        return self.registry.request(
            method, target, body, headers | ({"Content-Type": media_type} if media_type else {})
        )


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """One for all tests that leave it as it is."""
    with running_registry(tmp_path_factory.mktemp("twin"), twin=True) as registry:
        yield populate(registry)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """The same accounts and images in a registry that is nobody's twin."""
    folder = tmp_path_factory.mktemp("own")
    config = {"pyregistry": {"accounts": {"path": str(folder / "accounts.json")}}}
    with running_registry(folder, config=config) as registry:
        yield populate(registry, "/auth/token")


def populate(registry: RunningRegistry, token_path: str = "/token") -> Twin:  # noqa: S107  a path
    """Accounts, access tokens and one private image an owner."""
    office = registry.administration()
    for login, orgs, role in (("alice", ["acme"], None), ("bob", [], None), ("labcheck", [], Role.AUDITOR)):
        office.add_account(login, orgs, role)
    holders = {"alice": EVERYTHING, "bob": EVERYTHING, "labcheck": EVERYTHING}
    wanted = holders | {"alice-read": ("read:packages",), "alice-write": ("write:packages",)}
    wanted |= {"alice-delete": ("delete:packages",), "alice-repo": ("repo",), "auditor-read": ("read:packages",)}
    secrets = {
        name: office.create_token(
            name.partition("-")[0].replace("auditor", "labcheck"), TokenKind.CLASSIC, scopes
        ).secret
        for name, scopes in wanted.items()
    }
    secrets["alice-fine"] = office.create_token("alice", TokenKind.FINE_GRAINED, EVERYTHING).secret
    secrets["alice-expired"] = office.create_token("alice", TokenKind.CLASSIC, EVERYTHING, timedelta(0)).secret
    revoked = office.create_token("alice", TokenKind.CLASSIC, EVERYTHING)
    office.revoke_token(revoked.record.id)
    secrets["alice-revoked"] = revoked.secret
    twin = Twin(registry, secrets, token_path)
    for owner in OWNERS:
        push_as(twin, "alice" if owner == "acme" else owner, f"{owner}/app", IMAGE)
    return twin


def push_as(twin: Twin, name: str, repository: str, image: Image) -> None:
    """Blobs in one request each, then the manifest."""
    bearer = f"Bearer {twin.token(name, f'repository:{repository}:pull,push')}"
    for content in (image.layer, image.config):
        target = f"/v2/{repository}/blobs/uploads/?digest={Digest.of(content)}"
        assert twin.ask(bearer, "POST", target, content).status == 201
    put = twin.ask(bearer, "PUT", f"/v2/{repository}/manifests/1.0", image.manifest, MANIFEST_TYPE)
    assert put.status == 201, put


def basic(secret: str, user: str = "whoever") -> str:
    """A header with name and password."""
    return f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"


def raw_bearer(secret: str) -> str:
    """An access token in place of a bearer token, as ghcr.io takes them."""
    return f"Bearer {base64.b64encode(secret.encode()).decode()}"


def was_admitted(answer: Answer) -> bool:
    """Whether the gate let the request through to its handler, whatever that made of it."""
    assert answer.status < 500, answer
    return answer.status not in (401, 403)


# --- who may do what, where: no credential reads or writes outside its repositories ---

# Each request does no harm where it is let in: it asks for what is not there, or sends what is refused for its content.
REQUESTS = {
    "pull": [
        ("GET", "/v2/{}/manifests/1.0"),
        ("HEAD", "/v2/{}/manifests/1.0"),
        ("GET", f"/v2/{{}}/manifests/{Digest.of(IMAGE.manifest)}"),
        ("GET", f"/v2/{{}}/blobs/{Digest.of(IMAGE.layer)}"),
        ("HEAD", f"/v2/{{}}/blobs/{Digest.of(IMAGE.config)}"),
        ("GET", "/v2/{}/tags/list"),
        ("HEAD", "/v2/{}/tags/list"),
    ],
    "push": [
        ("POST", f"/v2/{{}}/blobs/uploads/?digest={NOWHERE}"),
        ("PATCH", "/v2/{}/blobs/uploads/0000"),
        ("PUT", f"/v2/{{}}/blobs/uploads/0000?digest={NOWHERE}"),
        ("GET", "/v2/{}/blobs/uploads/0000"),
        ("HEAD", "/v2/{}/blobs/uploads/0000"),
        ("DELETE", "/v2/{}/blobs/uploads/0000"),
        ("PUT", "/v2/{}/manifests/1.0"),
    ],
    "delete": [("DELETE", f"/v2/{{}}/manifests/{NOWHERE}"), ("DELETE", f"/v2/{{}}/blobs/{NOWHERE}")],
}
ALL, READ, NOTHING = frozenset({"pull", "push", "delete"}), frozenset({"pull"}), frozenset[str]()
HERS = ("alice", "acme")
MATRIX: Mapping[str | None, Mapping[str, frozenset[str]]] = {
    None: {},
    "alice": dict.fromkeys(HERS, ALL),
    "alice-read": dict.fromkeys(HERS, READ),
    "alice-write": dict.fromkeys(HERS, frozenset({"pull", "push"})),
    "alice-delete": dict.fromkeys(HERS, frozenset({"delete"})),
    "alice-repo": {},
    "alice-fine": {},
    "alice-expired": {},
    "alice-revoked": {},
    "bob": {"bob": ALL},
    "labcheck": {**dict.fromkeys(OWNERS, READ), "labcheck": ALL},
    "auditor-read": dict.fromkeys(OWNERS, READ),
}
"""By credential, then by owner of the repository; what is not written here is not allowed."""
LISTS_EVERYBODY = frozenset({"labcheck", "auditor-read"})


def test_the_matrix_asks_for_every_endpoint() -> None:
    """By each of its methods. Asked elsewhere: the base needs no right, the twin has no referrers, the catalog."""
    matches = [
        match(method, target.format("a").partition("?")[0])
        for requests in REQUESTS.values()
        for method, target in requests
    ]
    methods = [method for requests in REQUESTS.values() for method, _ in requests]
    asked = {(found.endpoint.id, method) for found, method in zip(matches, methods, strict=True)}
    wanted = {(endpoint.id, method) for endpoint in ENDPOINTS for method in endpoint.methods}
    assert {endpoint for endpoint, _ in wanted - asked} == {"end-1", REFERRERS, "catalog"}


@pytest.mark.parametrize("way", ["bearer", "raw"])
@pytest.mark.parametrize("name", MATRIX)
def test_no_credential_reaches_outside_its_repositories(twin: Twin, name: str | None, way: str) -> None:
    """Every credential, greedy for everything, at every owner's repository with every kind of request."""
    authorization = f"Bearer {greedy_token(twin, name)}"
    if way == "raw":
        authorization = raw_bearer(twin.secrets[name]) if name else ""
    assert admissions(twin, authorization) == wanted_admissions(MATRIX[name])
    assert was_admitted(twin.ask(authorization, "GET", "/v2/_catalog")) == (name in LISTS_EVERYBODY)


@pytest.mark.parametrize("name", MATRIX)
def test_nobodys_twin_keeps_the_same_walls(own: Twin, name: str | None) -> None:
    """The registry that speaks like no hosted one takes fine-grained tokens as well; all else is the same table."""
    authorization = f"Bearer {greedy_token(own, name)}"
    rights = MATRIX["alice"] if name == "alice-fine" else MATRIX[name]
    assert admissions(own, authorization) == wanted_admissions(rights)
    assert was_admitted(own.ask(authorization, "GET", "/v2/_catalog")) == (name in LISTS_EVERYBODY)
    referrers = f"/v2/bob/app/referrers/{Digest.of(IMAGE.manifest)}"
    assert was_admitted(own.ask(authorization, "GET", referrers)) == ("pull" in rights.get("bob", NOTHING))


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_kept_in_memory_for_one_is_kept_from_others(tmp_path: Path, workers: int) -> None:
    """Answers are given again without being read again, and never without asking who asks."""
    config = {"pyregistry": {"accounts": {"path": str(tmp_path / "accounts.json")}, "workers": workers}}
    with running_registry(tmp_path, config=config) as registry:
        own = populate(registry, "/auth/token")
        age(registry)
        hers = f"Bearer {own.token('alice', 'repository:alice/app:pull')}"
        others = [None, "bob", "alice-expired", "alice-revoked", "alice-delete"]
        strangers = ["", *(f"Bearer {greedy_token(own, name)}" for name in others)]
        for method, target in [*REQUESTS["pull"], ("GET", f"/v2/{{}}/referrers/{Digest.of(IMAGE.manifest)}")] * 3:
            path = target.format("alice/app")
            assert [own.ask(hers, method, path).status for _ in range(4)] == [200] * 4
            assert not any(was_admitted(own.ask(stranger, method, path)) for stranger in strangers), path


def greedy_token(twin: Twin, name: str | None) -> str:
    """A token for everything that can be asked for."""
    wishes = [f"repository:{owner}/app:pull,push,delete,*" for owner in OWNERS]
    return twin.token(name, *wishes, "registry:catalog:*")


def admissions(twin: Twin, authorization: str) -> dict[tuple[str, ...], bool]:
    """Which requests the gate lets through."""
    return {
        (owner, kind, method, target): was_admitted(twin.ask(authorization, method, target.format(f"{owner}/app")))
        for owner in OWNERS
        for kind, requests in REQUESTS.items()
        for method, target in requests
    }


def wanted_admissions(rights: Mapping[str, frozenset[str]]) -> dict[tuple[str, ...], bool]:
    """Which requests it should."""
    return {
        (owner, kind, method, target): kind in rights.get(owner, NOTHING)
        for owner in OWNERS
        for kind, requests in REQUESTS.items()
        for method, target in requests
    }


def test_what_the_matrix_was_let_in_for_is_really_there(twin: Twin) -> None:
    """An open gate in front of nothing would prove nothing: the auditor reads everybody's bytes and changes none."""
    for owner in OWNERS:
        bearer = f"Bearer {twin.token('auditor-read', f'repository:{owner}/app:pull')}"
        assert twin.ask(bearer, "GET", f"/v2/{owner}/app/manifests/1.0").body == IMAGE.manifest
        assert twin.ask(bearer, "GET", f"/v2/{owner}/app/blobs/{Digest.of(IMAGE.layer)}").body == IMAGE.layer


@pytest.mark.parametrize(
    "scope",
    [
        "repository:alice/app:pull repository:bob/app:pull,push,delete",
        "repository:alice/app:pull\trepository:bob/app:push",
        "repository:alice/app:*",
        "repository:*:*",
        "repository:bob/app/../../alice/app:pull",
        "repository:../alice/app:pull",
        "repository:bob/app:pull repository:Alice/app:pull",
        "repository(plugin):alice/app:pull",
        "repository:alice/app:",
        "repository::pull",
        "registry:catalog:*",
        "registry:catalog:pull",
        "*",
        ":",
        "",
    ],
)
def test_a_scope_with_a_trick_opens_nothing(twin: Twin, scope: str) -> None:
    """Bob asks in every spelling; what he is given never lets him at Alice's image or the catalog."""
    authorization = f"Bearer {twin.token('bob', scope)}"
    for method, target in (*REQUESTS["pull"], *REQUESTS["push"], *REQUESTS["delete"]):
        assert not was_admitted(twin.ask(authorization, method, target.format("alice/app"))), (method, target)
    assert not was_admitted(twin.ask(authorization, "GET", "/v2/_catalog"))


def test_thousands_of_scopes_are_answered(twin: Twin) -> None:
    """As far as a request line carries them: no error of ours, and only the own repositories are granted."""
    scopes = [f"repository:{owner}/a{number}:pull" for number in range(500) for owner in ("alice", "bob")]
    claims = jwt.decode(twin.token("bob", *scopes), options={"verify_signature": False})
    assert {row["name"].partition("/")[0] for row in claims["access"]} == {"bob"}
    assert len(claims["access"]) == 500
    assert twin.registry.request("GET", f"/token?scope={'repository:a:pull%20' * 10_000}").status == 414


@pytest.mark.parametrize(
    ("scope", "kinds"),
    [
        ("repository:alice/app:pull", {"pull"}),
        ("repository:alice/app:delete", {"delete"}),
        ("repository:alice/other:pull,push,delete", set()),
        ("repository:alice/ap:pull,push,delete", set()),
        ("repository:alice/app/app:pull,push,delete", set()),
        ("", set()),
    ],
)
def test_a_bearer_token_is_good_only_for_what_it_was_issued_for(twin: Twin, scope: str, kinds: set[str]) -> None:
    """Alice may do everything here; her token to pull neither pushes nor deletes, nor does another repository's."""
    authorization = f"Bearer {twin.token('alice', scope)}"
    for kind, requests in REQUESTS.items():
        for method, target in requests:
            admitted = was_admitted(twin.ask(authorization, method, target.format("alice/app")))
            assert admitted == (kind in kinds), (kind, method, target)


# --- forged and dead tokens ---


def claims_of_alice(twin: Twin) -> tuple[str, dict[str, object]]:
    """A good token to pull, and what it says."""
    token = twin.token("alice", "repository:alice/app:pull")
    return token, jwt.decode(token, options={"verify_signature": False})


def signed(claims: object, key: str) -> str:
    """A token signed with a guess; the libraries warn of short keys, so by hand."""
    content = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded(claims)}"
    signature = hmac.digest(key.encode(), content.encode(), "sha256")
    return f"{content}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def encoded(value: object) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_forged_tokens_are_refused(twin: Twin) -> None:
    """No algorithm, another one, guessed keys, the attacker's key in the header, edited claims, another service."""
    good, claims = claims_of_alice(twin)
    head, body, signature = good.split(".")
    more = claims | {"access": [{"type": "repository", "class": "", "name": "bob/app", "actions": ["pull", "push"]}]}
    identity, scopes = (
        Identity("alice", "pat-classic", str(claims["credential_id"])),
        [parse_scope("repository:alice/app:pull")],
    )
    other = TokenSigner("pyregistry", SECRET, lambda: datetime.now(UTC)).sign(identity, scopes, timedelta(minutes=5))
    keyed = TokenSigner("ghcr.io", "another secret", lambda: datetime.now(UTC))
    forged = {
        **{f"alg {word}": f"{encoded({'alg': word, 'typ': 'JWT'})}.{body}." for word in ("none", "None", "NONE", "")},
        **{
            f"alg {word}, signed": f"{encoded({'alg': word})}.{body}.{signature}" for word in ("none", "RS256", "HS512")
        },
        **{f"key {key!r}": signed(claims, key) for key in ("", "secret", SECRET, "\0" * 32)},
        "kid": jwt.encode(claims, "k" * 64, "HS256", {"kid": "../../dev/null"}),
        "own key": jwt.encode(
            claims, "k" * 64, "HS256", {"jwk": {"kty": "oct", "k": "a2tr"}, "jku": "http://127.0.0.1/"}
        ),
        "HS512": jwt.encode(claims, "k" * 64, "HS512"),
        "edited": f"{head}.{encoded(more)}.{signature}",
        "unsigned": f"{head}.{body}",
        "empty signature": f"{head}.{body}.",
        "two signatures": f"{good}.{signature}",
        "other service": other,
        "other secret": keyed.sign(identity, scopes, timedelta(minutes=5)),
        "list": f"{encoded([1])}.{body}.{signature}",
        "deep": f"{encoded({})}.{'W1tb' * 15_000}.{signature}",
    }
    assert twin.ask(f"Bearer {good}", "GET", "/v2/alice/app/manifests/1.0").status == 200
    for what, token in forged.items():
        answer = twin.ask(f"Bearer {token}", "GET", "/v2/alice/app/manifests/1.0")
        assert (answer.status, b"invalid token" in answer.body) == (403, True), what


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_token_of_another_time_is_refused(twin: Twin, minutes: int) -> None:
    """With the right key: one whose five minutes are over, and one that has not begun."""
    _, claims = claims_of_alice(twin)
    identity = Identity("alice", "pat-classic", str(claims["credential_id"]))
    signer = TokenSigner("ghcr.io", SECRET, lambda: datetime.now(UTC) + timedelta(minutes=minutes))
    token = signer.sign(identity, [parse_scope("repository:alice/app:pull")], timedelta(minutes=5))
    assert not was_admitted(twin.ask(f"Bearer {token}", "GET", "/v2/alice/app/manifests/1.0"))


def test_revoking_ends_every_token_at_once(twin: Twin) -> None:
    """The access token, the bearer tokens that were issued for it, and no other token of its owner."""
    token_id, secret = twin.registry.new_token("alice", EVERYTHING)
    mine = Twin(twin.registry, {"mine": secret})
    bearer = f"Bearer {mine.token('mine', 'repository:alice/app:pull')}"
    for authorization in (bearer, raw_bearer(secret)):
        assert was_admitted(twin.ask(authorization, "GET", "/v2/alice/app/manifests/1.0"))
    twin.registry.administration().revoke_token(token_id)
    for authorization in (bearer, raw_bearer(secret)):
        assert not was_admitted(twin.ask(authorization, "GET", "/v2/alice/app/manifests/1.0"))
        assert not was_admitted(twin.ask(authorization, "GET", "/v2/"))
    assert mine.token("mine") == ""
    assert claims_of_alice(twin)[0]


@pytest.mark.parametrize("name", ["alice-fine", "alice-expired", "alice-revoked"])
@pytest.mark.parametrize("position", ["login", "registry", "raw", "bare", "user name", "url"])
def test_a_useless_access_token_is_useless_everywhere(twin: Twin, name: str, position: str) -> None:
    """As password, at the registry itself, as bearer in base64 or bare, as user name, in the query."""
    secret = twin.secrets[name]
    where = {
        "login": (basic(secret), "/token?scope=repository:alice/app:pull"),
        "registry": (basic(secret), "/v2/"),
        "raw": (raw_bearer(secret), "/v2/"),
        "bare": (f"Bearer {secret}", "/v2/"),
        "user name": (basic("", secret), "/token?scope=repository:alice/app:pull"),
        "url": ("", f"/v2/?access_token={secret}"),
    }
    assert not was_admitted(twin.ask(where[position][0], "GET", where[position][1]))


# --- reaching for what one may not read ---


def test_knowing_a_digest_opens_no_blob(twin: Twin) -> None:
    """Bob knows every digest of Alice's image: he can neither read nor mount them, nor have a manifest name them."""
    hers = make_image("hers alone", 1000)
    push_as(twin, "alice", "alice/hers", hers)
    greedy = f"Bearer {twin.token('bob', 'repository:bob/thief:pull,push', 'repository:alice/hers:pull')}"
    for digest in (Digest.of(hers.layer), Digest.of(hers.config)):
        for method in ("GET", "HEAD"):
            assert twin.ask(greedy, method, f"/v2/bob/thief/blobs/{digest}").status == 404
        for source in (
            "&from=alice/hers",
            "",
            "&from=bob/thief",
            "&from=alice/hers&from=bob/app",
            "&from=bob/app&from=alice/hers",
        ):
            mounted = twin.ask(greedy, "POST", f"/v2/bob/thief/blobs/uploads/?mount={digest}{source}")
            assert mounted.status == 202, source
        assert twin.ask(greedy, "GET", f"/v2/bob/thief/blobs/{digest}").status == 404
    put = twin.ask(greedy, "PUT", "/v2/bob/thief/manifests/1.0", hers.manifest, MANIFEST_TYPE)
    assert put.status in (400, 404)
    row = {"mediaType": MANIFEST_TYPE, "digest": str(Digest.of(hers.manifest)), "size": len(hers.manifest)}
    index_type = "application/vnd.oci.image.index.v1+json"
    index = json.dumps({"schemaVersion": 2, "mediaType": index_type, "manifests": [row]}).encode()
    assert twin.ask(greedy, "PUT", "/v2/bob/thief/manifests/2.0", index, index_type).status in (400, 404)
    assert twin.ask(greedy, "GET", f"/v2/bob/thief/manifests/{Digest.of(hers.manifest)}").status == 404


def test_somebody_elses_upload_is_not_there(twin: Twin) -> None:
    """Bob knows the session of Alice's upload: through his own repository he can neither see nor change it."""
    hers = f"Bearer {twin.token('alice', 'repository:alice/up:pull,push')}"
    his = f"Bearer {twin.token('bob', 'repository:bob/up:pull,push')}"
    session = twin.ask(hers, "POST", "/v2/alice/up/blobs/uploads/").headers["docker-upload-uuid"]
    assert twin.ask(hers, "PATCH", f"/v2/alice/up/blobs/uploads/{session}", b"hers").status == 202
    for method, query in (("GET", ""), ("PATCH", ""), ("PUT", f"?digest={Digest.of(b'hers')}"), ("DELETE", "")):
        assert twin.ask(his, method, f"/v2/bob/up/blobs/uploads/{session}{query}").status == 404
    assert twin.ask(hers, "GET", f"/v2/alice/up/blobs/uploads/{session}").headers["range"] == "0-3"


@pytest.mark.parametrize(
    "path",
    [
        "bob/app/../../alice/app",
        "bob/app/%2e%2e/%2e%2e/alice/app",
        "bob%2f..%2falice%2fapp",
        "bob/..%2f..%2falice/app",
        "/alice/app",
        "alice//app",
        "alice/app/",
        "bob/app%00/../../alice/app",
        "Alice/app",
        "alice%2fapp",
        "alice/app%3fbob",
        "%61lice/app",
    ],
)
def test_no_spelling_of_a_path_gets_around_the_gate(twin: Twin, path: str) -> None:
    """Bob's token for his own repository and every way to write Alice's: nothing of hers comes back."""
    his = f"Bearer {twin.token('bob', 'repository:bob/app:pull,push,delete')}"
    for method in ("GET", "HEAD", "DELETE"):
        answer = twin.ask(his, method, f"/v2/{path}/manifests/{Digest.of(IMAGE.manifest)}")
        assert answer.status in (301, 400, 401, 403, 404), (method, answer)
        assert IMAGE.manifest not in answer.body
    assert twin.ask(his, "GET", "/v2/bob/app/manifests/1.0").body == IMAGE.manifest


# --- credentials that are none ---


def spoken(registry: RunningRegistry, request: bytes) -> bytes:
    """What comes back for bytes that no HTTP library would send."""
    with socket.create_connection((registry.host, registry.port), ANSWER_SECONDS) as connection:
        connection.sendall(request)
        answer = bytearray()
        while piece := connection.recv(65536):
            answer += piece
        return bytes(answer)


HEADERS = {
    "colons": b"Basic " + base64.b64encode(b"a:b:c:d"),
    "no colon": b"Basic " + base64.b64encode(b"abc"),
    "NUL": b"Basic " + base64.b64encode(b"a\0:b\0"),
    "no UTF-8": b"Basic " + base64.b64encode(b"\xff:\xfe"),
    "no base64": b"Basic ***",
    "half of base64": b"Basic YTpi=",
    "nothing": b"",
    "scheme alone": b"Basic",
    "bearer alone": b"Bearer",
    "other scheme": b"Negotiate AAAA",
    "Latin-1": b"Bearer \xe9\xff.\x85.\x9b",
    "huge": b"Basic " + b"A" * 300_000,
    "deep": b"Bearer " + base64.urlsafe_b64encode(b'{"alg":' + b"[" * 60_000),
    "long number": b"Bearer " + base64.urlsafe_b64encode(b'{"alg":' + b"9" * 6000 + b"}").rstrip(b"=") + b".e30.x",
    "critical": b"Bearer " + base64.urlsafe_b64encode(b'{"alg":"HS256","b64":false,"crit":["b64"]}') + b".e30.x",
}


@pytest.mark.parametrize("path", ["/token?scope=repository:alice/app:pull", "/v2/", "/v2/alice/app/manifests/1.0"])
@pytest.mark.parametrize("what", HEADERS)
def test_what_is_no_credential_is_refused(twin: Twin, what: str, path: str) -> None:
    """A plain refusal at each door, never an error of ours."""
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: ".encode()
    status = spoken(twin.registry, request + HEADERS[what] + b"\r\n\r\n").split(b" ", 2)[1]
    assert status in (b"401", b"403")


CANARY = "correct-horse-battery-canary"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """One with a password file, in which alice has ``CANARY``."""
    folder = tmp_path_factory.mktemp("passwords")
    (folder / "htpasswd").write_text(format_line("alice", CANARY, 4) + "\n", encoding="utf-8")
    auth = {"htpasswd": {"realm": "Lab", "path": str(folder / "htpasswd")}}
    with running_registry(folder, config={"auth": auth}) as registry:
        yield registry


@pytest.mark.parametrize("what", HEADERS)
def test_a_password_file_refuses_what_is_no_credential(guarded: RunningRegistry, what: str) -> None:
    """Likewise where names and passwords come with every request."""
    request = b"GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: " + HEADERS[what] + b"\r\n\r\n"
    assert spoken(guarded, request).startswith(b"HTTP/1.1 401 ")


# --- what is written down ---


def written(registry: RunningRegistry) -> bytes:
    """Everything that the registry has put into files of its folder, and its command line."""
    files = [path for path in registry.config_path.parent.rglob("*") if path.is_file() and path.name != "htpasswd"]
    arguments = "\0".join(psutil.Process(registry.process.pid).cmdline()).encode()
    return b"\n".join([*(path.read_bytes() for path in files), arguments])


def test_no_secret_is_written_down_or_sent_back(twin: Twin) -> None:
    """Good tokens sent to wherever people slip: neither logs nor journal, answers nor arguments have them."""
    _, pat = twin.registry.new_token("alice", EVERYTHING)
    mine = Twin(twin.registry, {"mine": pat})
    bearer = mine.token("mine", "repository:alice/app:pull,push")
    slips = [
        (basic(pat), "GET", "/token?scope=repository:alice/app:pull"),
        (basic("", pat), "GET", "/token"),
        (basic(pat), "GET", "/v2/"),
        (f"Basic {pat}", "GET", "/v2/"),
        (f"Bearer {pat}", "GET", "/v2/alice/app/manifests/1.0"),
        (raw_bearer(pat), "GET", "/v2/alice/app/manifests/none"),
        (f"Bearer {bearer}", "GET", "/v2/alice/app/tags/list"),
        (bearer, "GET", "/v2/"),
        ("", "GET", f"/token?account={pat}&scope=repository:alice/app:pull"),
        ("", "GET", f"/v2/?token={bearer}"),
        ("", "GET", f"/v2/{pat}/tags/list"),
        ("", "GET", f"/v2/alice/app/manifests/{pat}"),
        (raw_bearer(pat), "GET", f"/v2/alice/app/manifests/{pat}"),
        (basic(pat), "GET", f"/token?scope={pat}+repository:alice/app:{pat}"),
        (f"Bearer {bearer}", "POST", f"/v2/alice/app/blobs/uploads/?digest={pat}"),
        (f"Bearer {bearer}", "PUT", "/v2/alice/app/manifests/%20"),
    ]
    answers = [twin.ask(*slip) for slip in slips]
    twin.registry.request("GET", "/v2/", headers={"User-Agent": f"curl {pat}", "Referer": f"http://a/?token={bearer}"})
    given = without_configuration(twin.registry)
    for canary in (pat, bearer.rpartition(".")[2], base64.b64encode(pat.encode()).decode(), SECRET):
        assert canary.encode() not in given, canary
        for answer, slip in zip(answers, slips, strict=True):
            assert canary.encode() not in answer.body + repr(sorted(answer.headers.items())).encode(), slip


def test_no_password_is_written_down_or_sent_back(guarded: RunningRegistry) -> None:
    """The right password and a wrong one, in the header and in the query."""
    wrong = "wrong-donkey-canary"
    for password in (CANARY, wrong):
        answer = guarded.request("GET", "/v2/", headers={"Authorization": basic(password, "alice")})
        assert answer.status == (200 if password == CANARY else 401)
        answers = [answer, guarded.request("GET", f"/v2/?password={password}")]
        assert not any(password.encode() in one.body for one in answers)
    for password in (CANARY, wrong, basic(CANARY, "alice").split()[1]):
        assert password.encode() not in written(guarded)


def test_no_password_is_written_down_where_nobody_asks_for_one(tmp_path: Path) -> None:
    """A proxy in front hands names and passwords on: the journal has the name, and nothing has the password."""
    with running_registry(tmp_path) as registry:
        for user, password in (("alice", CANARY), (CANARY.replace("canary", "name"), CANARY)):
            assert registry.request("GET", "/v2/", headers={"Authorization": basic(password, user)}).status == 200
        registry.request("GET", "/v2/", headers={"Authorization": f"Basic {CANARY}"})
        claimed = [event.detail.get("claimed_user") for event in registry.events() if event.kind == "request"]
        assert claimed[-3:] == ["alice", "correct-horse-battery-name", None]
        for secret in (CANARY, basic(CANARY, "alice").split()[1]):
            assert secret.encode() not in written(registry)


def without_configuration(registry: RunningRegistry) -> bytes:
    """What was written, but for the configuration, which holds ``http.secret``."""
    return written(registry).replace(registry.config_path.read_bytes(), b"")


HOSTILE = {
    "C0": b"GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: a\x1b[31m\x07\r\n\r\n",
    "bare CR": b"GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: a\rb\r\n\r\n",
    "quotes": b'GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: a" 200 0\\"\t\r\n\r\n',
    "C1": b"GET /v2/ HTTP/1.1\r\nHost: \x85\r\nConnection: close\r\nUser-Agent: \x85\x9b31m\r\nReferer: \x9b\r\n\r\n",
    "in the path": b"GET /v2/%0d%0aforged%1b[31m/tags/list HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "in the scope": b"GET /token?scope=repository:a%0d%0aforged:pull HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "in a push's scope": (
        b"GET /token?scope=repository:Acme%1b[2J/app:pull,push HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    ),
    "in the query": b"GET /v2/?\x9b31m\x85 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "in the host": b"GET /v2/ HTTP/1.1\r\nHost: a\r\n b\r\nConnection: close\r\n\r\n",
}


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def test_no_client_writes_lines_of_its_own(tmp_path: Path, start: Start) -> None:
    """Whatever it says: whole lines in both logs and the journal, nothing that anybody's terminal would obey."""
    registry = start(write_config(tmp_path, twin=True))
    for what, request in HOSTILE.items():
        answer = spoken(registry, request)
        assert re.match(rb"HTTP/1\.1 (200|400|401|403) ", answer), what
        assert b"\nforged" not in answer
    registry.stop()
    assert {event.kind for event in registry.events()} == {"request", "server"}
    for line in registry.log().split("\n"):
        assert re.fullmatch(r'time="\S+" level=.*|127\.0\.0\.1 - - \[.*|', line), line
        assert not _CONTROL.search(line), line
    for event in registry.events():
        told = (Messages("en").told(history.describe(event).ref), history.write_target(event) or "")
        assert not _CONTROL.search("".join(told)), told


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"Host": "evil.example"}, "http://evil.example"),
        ({"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}, "https://evil.example"),
        ({"Forwarded": 'for=1;host="evil.example";proto=https'}, "https://evil.example"),
        ({"Host": 'a",realm="http://evil.example'}, ""),
    ],
)
def test_the_realm_follows_the_clients_own_words_only(twin: Twin, headers: dict[str, str], base: str) -> None:
    """As in registry:2: who lies about the host is answered with the lie, if it could be a host, and nobody else is."""
    lie = twin.registry.request("GET", "/v2/", headers=headers).headers["www-authenticate"]
    assert lie == f'Bearer realm="{base}/token",service="ghcr.io"'
    truth = twin.registry.request("GET", "/v2/").headers["www-authenticate"]
    assert truth == f'Bearer realm="{twin.registry.url}/token",service="ghcr.io"'


def test_a_configured_address_is_believed_alone(tmp_path: Path, start: Start) -> None:
    """With ``http.host`` no header moves the realm: what a registry that strangers can reach should set."""
    config = {"http": {"host": "https://registry.example.com"}}
    registry = start(write_config(tmp_path, config=config, twin=True))
    lies = {"Host": "evil", "X-Forwarded-Host": "evil", "X-Forwarded-Proto": "ftp", "Forwarded": "host=evil;proto=ftp"}
    realm = registry.request("GET", "/v2/", headers=lies).headers["www-authenticate"]
    assert realm == 'Bearer realm="https://registry.example.com/token",service="ghcr.io"'


def test_one_request_in_another_is_not_obeyed(twin: Twin) -> None:
    """A length and a chunked body at once: refused or read as chunked, and the connection ends with it."""
    inner = b"GET /v2/smuggled/tags/list HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    outer = b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    answer = spoken(twin.registry, outer + inner)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not [event for event in twin.registry.events() if event.repository == "smuggled"]


# --- files that go bad while it serves ---


def test_bad_accounts_let_nobody_in(tmp_path: Path, start: Start) -> None:
    """Closed while it is bad, for good tokens too; nothing of it is told to the client; open again once it is whole."""
    registry = start(write_config(tmp_path, twin=True))
    _, secret = registry.new_token("alice", EVERYTHING)
    file = tmp_path / "accounts.json"
    good = file.read_bytes()
    bearer = f"Bearer {Twin(registry, {'mine': secret}).token('mine', 'repository:alice/app:pull')}"
    for content in (good[: len(good) // 2], b"\xff\0" * 99, b"", None):
        file.unlink()
        if content is None:
            file.mkdir()
        else:
            file.write_bytes(content)
        for authorization, target in ((bearer, "/v2/"), (raw_bearer(secret), "/v2/"), (basic(secret), "/token")):
            answer = registry.request("GET", target, headers={"Authorization": authorization})
            assert answer.status >= 400
            assert not re.search(rb"accounts|Traceback|/tmp", answer.body)
        if content is None:
            file.rmdir()
        (tmp_path / "new").write_bytes(good)
        (tmp_path / "new").replace(file)
        assert registry.request("GET", "/v2/", headers={"Authorization": bearer}).status == 200
    file.unlink()
    assert registry.request("GET", "/v2/", headers={"Authorization": bearer}).status == 401


@pytest.mark.parametrize(("content", "said"), [(b"{", "expected an accounts file"), (None, "is a directory")])
def test_it_does_not_start_with_bad_accounts(tmp_path: Path, start: Start, content: bytes | None, said: str) -> None:
    """Said in one line at the start, not at the first login."""
    file = tmp_path / "accounts.json"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(ServerEnded) as ended:
        start(write_config(tmp_path, twin=True))
    assert ended.value.code == 1
    assert re.fullmatch(rf"pyregistry: {re.escape(str(file))}: {said}.*\n", ended.value.output)


def test_a_journal_that_cannot_be_written_stops_nobody_and_is_said(tmp_path: Path, start: Start) -> None:
    """A folder in its place: the answers go on, the log tells of each loss, and what follows is chained again."""
    registry = start(write_config(tmp_path))
    assert registry.request("GET", "/v2/").status == 200
    registry.journal_path.unlink()
    registry.journal_path.mkdir()
    assert registry.request("GET", "/v2/").status == 200
    assert "Is a directory" in registry.log()
    registry.journal_path.rmdir()
    assert registry.request("GET", "/v2/").status == 200
    assert [event.seq for event in registry.events()] == [1]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can fill the disk of one process")
def test_a_full_disk_loses_events_and_not_the_chain(tmp_path: Path, start: Start) -> None:
    """No half line, a word in the log, and the chain goes on when there is room again."""
    registry = start(write_config(tmp_path))
    assert registry.request("GET", "/v2/").status == 200
    size = registry.journal_path.stat().st_size
    limits = resource.prlimit(registry.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(registry.process.pid, resource.RLIMIT_FSIZE, (size + 100, limits[1]))
    assert registry.request("GET", "/v2/lost").status == 404
    assert registry.journal_path.stat().st_size == size
    resource.prlimit(registry.process.pid, resource.RLIMIT_FSIZE, limits)
    assert registry.request("GET", "/v2/").status == 200
    assert [event.path for event in registry.events() if event.kind == "request"] == ["/v2/", "/v2/"]


def test_a_shortened_journal_tells_on_whoever_did_it(tmp_path: Path, start: Start) -> None:
    """The last events are cut off, line by line, so that the chain holds: the next event says what is missing."""
    registry = start(write_config(tmp_path))
    for number in range(3):
        registry.request("GET", f"/v2/app/tags/list?n={number}")
    before = registry.events()
    kept = registry.journal_path.read_bytes().split(b"\n")[:2]
    registry.journal_path.write_bytes(b"\n".join([*kept, b""]))
    registry.request("GET", "/v2/")
    after = registry.events()
    assert after[2].detail == {"action": "journal.cut", "seq": len(before), "hash": before[-1].hash}
    assert after[3].path == "/v2/"


def test_two_servers_and_command_lines_write_one_chain(tmp_path: Path) -> None:
    """All at once: every request, account and token has its event, and the chain proves."""
    path = write_config(tmp_path, twin=True)
    first = start_registry(path)
    try:
        second = start_registry(path)
        try:
            with ThreadPoolExecutor(8) as pool:
                asked = [pool.submit(one.request, "GET", "/v2/") for one in (first, second) for _ in range(40)]
                made = [pool.submit(add_account, path, f"user{number}") for number in range(4)]
            assert {answer.result().status for answer in asked} == {401}
            assert {code.result() for code in made} == {0}
        finally:
            end(second.process)
    finally:
        end(first.process)
    kinds = [event.kind for event in first.events()]
    assert (kinds.count("request"), kinds.count("account"), kinds.count("server")) == (80, 8, 4)


def add_account(config: Path, login: str) -> int:
    """The command line in a process of its own; returns its exit code."""
    command = [*PROGRAM, "account", "add", str(config), login, "--pat", "read:packages"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    return subprocess.run(command, capture_output=True, check=False, env=environ).returncode
