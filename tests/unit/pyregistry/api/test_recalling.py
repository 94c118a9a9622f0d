"""Answers from memory: the same as ever, for those who may have them, and none for what is gone."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest

from pyregistry.api.recalling import Answer, Answers
from pyregistry.api.router import match
from pyregistry.auth.interface import Guard
from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.spec.digest import Digest
from pyregistry.store import paths
from pyregistry.store.recall import RESTS_ON_NOTHING, Proof, Prover
from tests.fakes.pushes import Image, an_image, push_image
from tests.unit.pyregistry.api.harness import ALICE, Application, Doorkeeper, OpenDoor

AS_ALICE = {"authorization": "alice"}


class CountingDriver(FilesystemDriver):
    """Counts what is opened, and lets every change be old enough to be told from the next one."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.opened = 0

    def open(self, key: str) -> BinaryIO:
        """Count."""
        self.opened += 1
        return super().open(key)

    def identify_children(self, prefix: str) -> tuple[int, ...] | None:
        """The names themselves: what the real one tells after a second."""
        return (hash(tuple(self.children(prefix))),)


@dataclass
class Recalled:
    """An application on a disk, with an image at ``org/app:1.0``."""

    application: Application
    driver: CountingDriver
    image: Image

    def get(self, target: str, method: str = "GET", **headers: str) -> tuple[int, bytes, int]:
        """Status, body, and how many files were opened for it."""
        before = self.driver.opened
        sent = self.application.request(method, target, headers={**AS_ALICE, **headers})
        return sent.status, sent.body, self.driver.opened - before


@pytest.fixture
def recalled(tmp_path: Path) -> Recalled:
    """With a controller that knows Alice."""
    driver = CountingDriver(tmp_path)
    prover = Prover(driver, now=lambda: datetime.now(UTC) + timedelta(hours=1))
    application = Application(driver=driver, prover=prover, controller=Doorkeeper())
    image = an_image()
    push_image(application.store, "org/app", image)
    push_image(application.store, "other/app", image)
    return Recalled(application, driver, image)


def _targets(image: Image, repository: str = "org/app") -> list[str]:
    blob = Digest.of(image.blobs[0])
    return [
        f"/v2/{repository}/manifests/1.0",
        f"/v2/{repository}/manifests/{image.digest}",
        f"/v2/{repository}/blobs/{blob}",
        f"/v2/{repository}/tags/list",
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_second_answer_is_the_first_one_and_reads_nothing(recalled: Recalled, method: str) -> None:
    """Headers, body and event are the same; no file is opened."""
    for target in _targets(recalled.image):
        first, one = recalled.application.request(method, target, headers=AS_ALICE), recalled.application.event
        opened = recalled.driver.opened
        second, two = recalled.application.request(method, target, headers=AS_ALICE), recalled.application.event
        assert recalled.driver.opened == opened
        assert (second.status, second.headers, second.body) == (first.status, first.headers, first.body)
        assert second.events_at_end == len(recalled.application.journal.events)
        assert replace(two, at=one.at, monotonic_ns=0, request_id=None) == replace(one, monotonic_ns=0, request_id=None)
        assert (two.actor, two.status, two.bytes_out) == ("alice", 200, len(first.body))


def test_nobody_gets_from_memory_what_he_may_not_have(recalled: Recalled) -> None:
    """Neither a stranger nor somebody whose rights were taken away meanwhile."""
    for target in _targets(recalled.image):
        assert recalled.get(target)[0] == 200
        assert recalled.application.request("GET", target).status == 401
    controller = recalled.application.guard.controller
    assert isinstance(controller, Doorkeeper)
    controller.allowed = ()
    assert [recalled.get(target)[0] for target in _targets(recalled.image)] == [403] * 4
    assert recalled.application.event.actor == ALICE.account


Change = Callable[[Recalled], object]


def _delete(kind: str) -> Change:
    def delete(recalled: Recalled) -> object:
        blob = Digest.of(recalled.image.blobs[0])
        named = {"tag": "manifests/1.0", "manifest": f"manifests/{recalled.image.digest}", "blob": f"blobs/{blob}"}
        return recalled.application.request("DELETE", f"/v2/org/app/{named[kind]}", headers=AS_ALICE)

    return delete


def _remove(key: Callable[[Image], str]) -> Change:
    """As another process would, garbage collection or registry:2."""

    def remove(recalled: Recalled) -> object:
        return recalled.driver.delete(key(recalled.image))

    return remove


@pytest.mark.parametrize(
    ("change", "target"),
    [
        (_delete("tag"), 0),
        (_delete("manifest"), 0),
        (_delete("manifest"), 1),
        (_delete("blob"), 2),
        (_remove(lambda _: paths.tag_current_link("org/app", "1.0")), 0),
        (_remove(lambda image: paths.revision_link("org/app", image.digest)), 0),
        (_remove(lambda image: paths.revision_link("org/app", image.digest)), 1),
        (_remove(lambda image: paths.blob_data(image.digest)), 1),
        (_remove(lambda image: paths.layer_link("org/app", Digest.of(image.blobs[0]))), 2),
        (_remove(lambda image: paths.blob_data(Digest.of(image.blobs[0]))), 2),
    ],
)
def test_what_is_gone_is_gone_at_once(recalled: Recalled, change: Change, target: int) -> None:
    """Whoever took it away, and whatever part of it. Another repository's own link keeps it there (CVE-2026-35172)."""
    for repository in ("org/app", "other/app"):
        assert recalled.get(_targets(recalled.image, repository)[target])[0] == 200
    change(recalled)
    assert recalled.get(_targets(recalled.image)[target])[0] == 404


def test_a_blob_deleted_in_one_repository_stays_in_the_other(recalled: Recalled) -> None:
    """Answers are kept, and given up, repository by repository."""
    here, there = (_targets(recalled.image, repository)[2] for repository in ("org/app", "other/app"))
    assert [recalled.get(target)[0] for target in (here, there)] == [200, 200]
    _delete("blob")(recalled)
    assert [recalled.get(target)[0] for target in (here, there)] == [404, 200]


def test_a_moved_tag_is_seen_at_once(recalled: Recalled) -> None:
    """The next pull gets the new manifest."""
    target = "/v2/org/app/manifests/1.0"
    assert recalled.get(target)[1] == recalled.image.body
    other = an_image("other")
    push_image(recalled.application.store, "org/app", other)
    assert recalled.get(target)[1] == other.body
    assert recalled.get(target) == (200, other.body, 0)


def test_a_new_tag_is_listed_at_once(recalled: Recalled) -> None:
    """And one that is being made, a folder without a link, keeps the list from being remembered."""
    target = "/v2/org/app/tags/list"
    assert b'["1.0"]' in recalled.get(target)[1]
    push_image(recalled.application.store, "org/app", an_image("new"), "2.0")
    assert b'["1.0", "2.0"]' in recalled.get(target)[1]
    digest = recalled.image.digest
    recalled.driver.write(paths.tag_index_link("org/app", "3.0", digest), [str(digest).encode()])
    assert b'["1.0", "2.0"]' in recalled.get(target)[1]
    recalled.driver.write(paths.tag_current_link("org/app", "3.0"), [str(digest).encode()])
    assert b'["1.0", "2.0", "3.0"]' in recalled.get(target)[1]


def test_a_walk_over_tags_in_pages_reads_them_once(recalled: Recalled) -> None:
    """The second page opens nothing, and neither page knows a tag longer than there is one."""
    target, store = "/v2/org/app/tags/list", recalled.application.store
    push_image(store, "org/app", recalled.image, "2.0")
    assert b'["1.0"]' in recalled.get(f"{target}?n=1")[1]
    status, body, opened = recalled.get(f"{target}?n=1&last=1.0")
    assert (status, b'["2.0"]' in body, opened) == (200, True, 0)
    store.manifests.delete("org/app", "2.0")
    assert b"[]" in recalled.get(f"{target}?n=1&last=1.0")[1]


def test_damage_is_not_hidden(recalled: Recalled) -> None:
    """A link that lost its content, as a crash of registry:2 leaves it, makes the next answer a 404."""
    target = "/v2/org/app/manifests/1.0"
    recalled.get(target)
    recalled.driver.write(paths.tag_current_link("org/app", "1.0"), [b""])
    assert recalled.get(target)[0] == 404


def test_only_plain_requests_are_answered_from_memory(recalled: Recalled) -> None:
    """Conditions, ranges and pages make other answers of the same content."""
    manifest, _, blob, tags = _targets(recalled.image)
    for target in (manifest, blob, tags):
        recalled.get(target)
    digest = str(recalled.image.digest)
    assert recalled.get(manifest, **{"if-none-match": digest})[0] == 304
    assert recalled.get(blob, range="bytes=0-0")[:2] == (206, recalled.image.blobs[0][:1])
    assert b"[]" in recalled.get(f"{tags}?n=0")[1]


def test_what_has_just_been_written_is_not_proven(tmp_path: Path) -> None:
    """Two writes within a tick of the clock could not be told apart."""
    driver, image = FilesystemDriver(tmp_path), an_image()
    application = Application(driver=driver, prover=Prover(driver))
    push_image(application.store, "org/app", image)
    assert Prover(driver).manifest("org/app", "1.0") is None
    assert Prover(driver).tags("org/app", lambda: ["1.0"]) == (["1.0"], None)
    for key in driver.keys(paths.ROOT):
        os.utime(tmp_path / key, (0, 0))
    assert Prover(driver).manifest("org/app", "1.0") is not None


def test_an_answer_is_read_again_after_a_while(tmp_path: Path) -> None:
    """Reading marks content as in use, recalling does not."""
    driver, image = CountingDriver(tmp_path), an_image()
    prover = Prover(driver, 0.0, now=lambda: datetime.now(UTC) + timedelta(hours=1))
    application = Application(driver=driver, prover=prover)
    push_image(application.store, "org/app", image)
    for _ in range(2):
        before = driver.opened
        assert application.request("GET", "/v2/org/app/manifests/1.0").status == 200
        assert driver.opened > before


def _answer(size: int, proof: Proof = RESTS_ON_NOTHING) -> Answer:
    return Answer({"status": 200}, {"body": bytes(size)}, match("GET", "/v2/"), (), None, None, {}, proof)


def test_answers_take_no_more_memory_than_they_may() -> None:
    """The one that nobody wanted for longest goes first; one that does not hold goes when it is asked for."""
    answers, size = Answers(max_bytes=3 * _answer(1000).size), 1000
    for name in (b"a", b"b", b"c"):
        answers.keep(("GET", name), _answer(size))
    assert answers.get(("GET", b"a"))
    answers.keep(("GET", b"d"), _answer(size))
    assert [bool(answers.get(("GET", name))) for name in (b"a", b"b", b"c", b"d")] == [True, False, True, True]
    answers.keep(("GET", b"d"), _answer(size, replace(RESTS_ON_NOTHING, expires_at=0.0)))
    assert answers.get(("GET", b"d")) is None


def test_whose_name_it_was_asked_by_belongs_to_the_request(tmp_path: Path) -> None:
    """Where nobody asks for it: never to the answer that is kept."""
    driver = CountingDriver(tmp_path)
    prover = Prover(driver, now=lambda: datetime.now(UTC) + timedelta(hours=1))
    application = Application(driver=driver, prover=prover, guard=Guard(OpenDoor(), asks=False))
    push_image(application.store, "org/app", an_image("a"), "1.0")
    claimed = []
    for headers in ({"authorization": "Basic YWRhOjE="}, {"authorization": "Basic Z3JhY2U6Mg=="}, {}):
        application.request("GET", "/v2/org/app/manifests/1.0", headers=headers)
        claimed.append(application.event.detail.pop("claimed_user", None))
    assert claimed == ["ada", "grace", None]
