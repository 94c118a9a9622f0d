"""Every doorkeeper: what it recalls is what it would say, and it recalls only what is still true."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path

import bcrypt
import pytest

from pyregistry.accounts.htpasswd import format_line
from pyregistry.auth.guards import guard_for
from pyregistry.auth.interface import AccessController, AccessRequest, RequestCredentials
from pyregistry.config import Settings
from pyregistry.config.settings import (
    HtpasswdAuth,
    HttpSettings,
    MemoryStorage,
    SillyAuth,
    StorageSettings,
    TcpAddress,
    TokenAuth,
    Twin,
)
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import Denied, Unauthorized, Unavailable
from pyregistry.spec.identity import Identity
from tests.fakes.token_server import ISSUER, SERVICE, certify, claims, make_key, sign
from tests.unit.pyregistry.auth.door import BASE_URL, Door, basic

WANTED = [
    [AccessRequest("acme/app", Access.PULL)],
    [AccessRequest("acme/app", Access.PULL), AccessRequest("acme/app", Access.PUSH)],
    [AccessRequest("acme/app", Access.DELETE)],
    [AccessRequest("other/app", Access.PULL)],
    [AccessRequest("", Access.NONE)],
    [AccessRequest("", Access.CATALOG)],
]
NONSENSE = (None, "", "Bearer x", "Bearer ", "Basic !", "Basic", basic("wrong", "alice"), "Digest x")


@dataclass
class Place:
    """A doorkeeper, headers that it may let in, and what turns each of them away again."""

    controller: AccessController
    headers: tuple[str, ...]
    spoilers: tuple[Callable[[], object], ...] = ()

    def authorize(self, header: str | None, wanted: list[AccessRequest]) -> Identity | None:
        """Who may go on; None for nobody."""
        try:
            return self.controller.authorize(RequestCredentials(header, BASE_URL), wanted)
        except (Unauthorized, Denied):
            return None

    def recall(self, header: str | None, wanted: list[AccessRequest]) -> Identity | None:
        """What is known without asking."""
        return self.controller.recall(RequestCredentials(header, BASE_URL), wanted)


def open_place(_folder: Path) -> Place:
    """No ``auth`` at all."""
    return Place(guard_for(bare_settings(None)).controller, ("Bearer x",))


def htpasswd_place(folder: Path) -> Place:
    """A password file, which may lose its user, change the password, become nonsense, or vanish."""
    path = folder / "htpasswd"
    path.write_text(format_line("alice", "secret", 4), encoding="utf-8")
    controller = guard_for(bare_settings(HtpasswdAuth("Lab", path))).controller
    spoilers = (
        lambda: path.write_text("# nobody\n", encoding="utf-8"),
        lambda: path.write_text(format_line("alice", "another", 4) + "\n", encoding="utf-8"),
        lambda: path.write_text("alice", encoding="utf-8"),
        path.unlink,
    )
    return Place(controller, (basic("secret", "alice"),), spoilers)


def bearer_place(folder: Path, twin: Twin | None) -> Place:
    """Accounts, whose access tokens may be revoked, expire with their bearer token, or be lost with the file."""
    door = Door(folder, twin)
    secret, token_id = door.make_pat("alice", "write:packages", lifetime=timedelta(minutes=2))
    scopes = ("repository:acme/app:pull,push", "repository:other/app:pull", "registry:catalog:*")
    headers = (f"Bearer {door.login(secret, *scopes).token}", f"Bearer {door.login(None).token}")
    spoilers = (
        lambda: door.revoke(token_id),
        lambda: setattr(door, "now", door.now + timedelta(minutes=3)),
        lambda: setattr(door, "now", door.now + timedelta(minutes=5)),
        lambda: door.accounts.path.write_text("{", encoding="utf-8"),
        door.accounts.path.unlink,
    )
    return Place(door.guard.controller, headers, spoilers)


def silly_place(_folder: Path) -> Place:
    """Whoever sends anything."""
    return Place(guard_for(bare_settings(SillyAuth("r", "s"))).controller, ("x",))


def token_place(folder: Path) -> Place:
    """An outside token server, whose tokens are forgotten or over."""
    now = [datetime.now(UTC)]
    signer = certify("signer", make_key("p256"))
    (folder / "bundle.pem").write_bytes(signer.pem)
    settings = bare_settings(TokenAuth("r", SERVICE, ISSUER, root_cert_bundle=folder / "bundle.pem"))
    token = sign(signer.key, "ES256", {"x5c": [signer.encoded]}, claims(access=ACCESS))

    def pass_time(amount: timedelta) -> None:
        now[0] += amount

    spoilers = (partial(pass_time, timedelta(minutes=62)), partial(pass_time, timedelta(days=1)))
    return Place(guard_for(settings, lambda: now[0]).controller, (f"Bearer {token}",), spoilers)


ACCESS = [
    {"type": "repository", "name": "acme/app", "actions": ["pull", "push"]},
    {"type": "registry", "name": "catalog", "actions": ["*"]},
]

PLACES: dict[str, Callable[[Path], Place]] = {
    "open": open_place,
    "htpasswd": htpasswd_place,
    "accounts": lambda folder: bearer_place(folder, None),
    "ghcr": lambda folder: bearer_place(folder, Twin.GHCR),
    "silly": silly_place,
    "token": token_place,
}
SPOILED = [
    *(("htpasswd", number) for number in range(4)),
    *((kind, number) for kind in ("accounts", "ghcr") for number in range(5)),
    ("token", 0),
    ("token", 1),
]


def bare_settings(auth: HtpasswdAuth | TokenAuth | SillyAuth | None) -> Settings:
    """The least configuration without accounts."""
    storage = StorageSettings(MemoryStorage())
    return Settings(Path("config.yml"), storage, HttpSettings(TcpAddress("", 0), "s"), auth=auth)


@pytest.fixture(params=list(PLACES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """One of them all."""
    return PLACES[request.param](tmp_path)


def test_what_is_recalled_is_what_would_be_said(place: Place) -> None:
    """Before and after everything was asked once: recalled is None, or exactly the identity that may go on."""
    questions = list(product((*place.headers, *NONSENSE), WANTED))
    answers = [place.authorize(*question) for question in questions]
    for question, answer in zip(questions, answers, strict=True):
        assert place.recall(*question) in (None, answer)
        assert place.authorize(*question) == answer


def test_who_came_in_is_recalled(place: Place) -> None:
    """Every question that was answered with an identity is answered at once from then on: that is what it is for."""
    questions = list(product(place.headers, WANTED))
    allowed = [(question, who) for question in questions if (who := place.authorize(*question))]
    assert allowed
    for question, who in allowed:
        assert place.recall(*question) == who


def test_nobody_is_recalled_who_did_not_come_in(place: Place) -> None:
    """A refusal is never recalled as anything, neither before it nor after."""
    for question in product((*place.headers, *NONSENSE), WANTED):
        recalled = place.recall(*question)
        if place.authorize(*question) is None:
            assert recalled is None
            assert place.recall(*question) is None


@pytest.mark.parametrize(("kind", "number"), SPOILED)
def test_what_changed_is_not_recalled(tmp_path: Path, kind: str, number: int) -> None:
    """Once the file or the clock has turned against a credential, the very next question is asked in full."""
    place = PLACES[kind](tmp_path)
    header, wanted = place.headers[0], WANTED[0]
    assert place.authorize(header, wanted)
    assert place.recall(header, wanted)
    place.spoilers[number]()
    assert place.recall(header, wanted) is None
    with pytest.raises((Unauthorized, Denied, Unavailable)):
        place.controller.authorize(RequestCredentials(header, BASE_URL), wanted)


@pytest.fixture
def no_hashing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashing a password, reading a file and proving a signature fail the test."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("recall must not do this")

    with monkeypatch.context() as patched:
        patched.setattr(bcrypt, "checkpw", refuse)
        patched.setattr(Path, "read_bytes", refuse)
        patched.setattr("jwt.decode", refuse)
        yield


def test_recalling_blocks_nobody(place: Place, no_hashing: None) -> None:  # noqa: ARG001  it forbids
    """Nothing is hashed, read or proven, whatever is asked."""
    for question in product((*place.headers, *NONSENSE), WANTED):
        place.recall(*question)
