"""Garbage collection in a loop beside clients of a real registry, in its process and in another one."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

from pyregistry.spec.digest import Digest
from tests.e2e.pushes import MANIFEST_TYPE, Image, make_image
from tests.servers import ROOT, STOP_SECONDS, RunningRegistry, running_registry

CLIENTS = 32
RUN_SECONDS = 10.0
GRACE_SECONDS = 1.0
REPOSITORIES = ("org/app", "org/app/tools", "other")
LAYERS = [make_image(f"layer {number}", 5_000).layer for number in range(6)]
CONFIG = {
    "pyregistry": {
        "workers": 2,
        "gc": {"interval": "200ms", "grace": f"{GRACE_SECONDS:g}s", "deleteuntagged": True},
    }
}


def test_a_loop_of_collections_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """32 clients push, retag, delete and pull meanwhile; then one collection leaves exactly what tags lead to."""
    with running_registry(tmp_path, config=CONFIG) as registry:
        clients = [Client(registry, number) for number in range(CLIENTS)]
        with collecting(registry) as collected:
            threads = [threading.Thread(target=client.run) for client in clients]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert [failure for client in clients for failure in client.failures] == []
        for client in clients:
            client.require_tags()
        freed = [line for line in (registry.log() + "".join(collected)).splitlines() if " bytes freed: " in line]
        assert any(" 0 bytes freed" not in f" {line.split('collection: ')[-1]}" for line in freed), freed
        assert sum(client.pulls for client in clients) > CLIENTS
    garbage_collect(registry)
    wanted: set[Digest] = set()
    for client in clients:
        for image in client.tags.values():
            wanted |= {Digest.of(image.manifest), Digest.of(image.config), Digest.of(image.layer)}
    assert stored(registry) == wanted


def test_a_killed_registry_serves_no_more(tmp_path: Path) -> None:
    """A collection beside a registry says so, and spares what is young; once the registry is killed, it does not."""
    with running_registry(tmp_path) as registry:
        image = make_image("loose", 1_000)
        begun = registry.request("POST", f"/v2/org/app/blobs/uploads/?digest={Digest.of(image.config)}", image.config)
        assert begun.status == HTTPStatus.CREATED
        assert "0 bytes freed: 0 blobs" in garbage_collect(registry)
        assert stored(registry) == {Digest.of(image.config)}
        registry.kill()
        assert " bytes freed: 1 blobs" in garbage_collect(registry)
    assert stored(registry) == set()


@dataclass
class Client:
    """One who knows what its tags lead to, since nobody else moves them; layers are everybody's."""

    registry: RunningRegistry
    number: int
    tags: dict[tuple[str, str], Image] = field(default_factory=dict)
    failures: list[object] = field(default_factory=list)
    pulls: int = 0

    def run(self) -> None:
        """For as long as it lasts, one thing after another."""
        chance, ends_at = random.Random(self.number), time.monotonic() + RUN_SECONDS  # noqa: S311  nothing is secret
        try:
            while time.monotonic() < ends_at:
                key = (chance.choice(REPOSITORIES), f"client-{self.number}-{chance.randrange(2)}")
                act = chance.choice((self._push, self._push, self._retag, self._pull, self._pull, self._delete))
                act(key, chance)
        except Exception as exc:  # noqa: BLE001 - the test's own thread tells it
            self.failures.append(exc)

    def require_tags(self) -> None:
        """Every tag of its own can be pulled, byte for byte."""
        for key in self.tags:
            self._pull(key)

    def _push(self, key: tuple[str, str], chance: random.Random) -> None:
        """As clients do it, again where it took so long that what it had found was no longer there."""
        kind = chance.randrange(4)
        config = json.dumps({"client": self.number, "kind": kind}).encode()
        image = Image(chance.choice(LAYERS), config)
        for _ in range(10):
            for content in (image.layer, image.config):
                self._push_blob(key[0], content)
            headers = {"Content-Type": MANIFEST_TYPE}
            answer = self._ask("PUT", f"/v2/{key[0]}/manifests/{key[1]}", image.manifest, headers)
            if answer[0] == HTTPStatus.CREATED:
                self.tags[key] = image
                return
            assert b"MANIFEST_BLOB_UNKNOWN" in answer[1], answer
        raise AssertionError(key)

    def _push_blob(self, repository: str, content: bytes) -> None:
        digest = Digest.of(content)
        if self._ask("HEAD", f"/v2/{repository}/blobs/{digest}")[0] == HTTPStatus.OK:
            return
        with closing(self.registry.connect()) as connection:
            connection.request("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", content)
            answer = connection.getresponse()
            assert answer.status == HTTPStatus.CREATED, answer.read()

    def _retag(self, key: tuple[str, str], chance: random.Random) -> None:
        """From a tag of its own in the same repository."""
        mine = [other for other in self.tags if other[0] == key[0] and other != key]
        if mine:
            image = self.tags[chance.choice(mine)]
            headers = {"Content-Type": MANIFEST_TYPE}
            status, body = self._ask("PUT", f"/v2/{key[0]}/manifests/{key[1]}", image.manifest, headers)
            assert status == HTTPStatus.CREATED, body
            self.tags[key] = image

    def _delete(self, key: tuple[str, str], chance: random.Random) -> None:
        """A tag, or a manifest with all tags on it."""
        image = self.tags.get(key)
        if image is None:
            return
        if chance.random() < 0.5:
            gone, reference = [key], key[1]
        else:
            gone = [other for other, each in self.tags.items() if other[0] == key[0] and each == image]
            reference = str(Digest.of(image.manifest))
        status, body = self._ask("DELETE", f"/v2/{key[0]}/manifests/{reference}")
        assert status == HTTPStatus.ACCEPTED, body
        for other in gone:
            del self.tags[other]

    def _pull(self, key: tuple[str, str], _: random.Random | None = None) -> None:
        image = self.tags.get(key)
        if image is None:
            return
        assert self._ask("GET", f"/v2/{key[0]}/manifests/{key[1]}") == (HTTPStatus.OK, image.manifest), key
        for content in (image.config, image.layer):
            got = self._ask("GET", f"/v2/{key[0]}/blobs/{Digest.of(content)}")
            assert got == (HTTPStatus.OK, content), (key, got[0])
        self.pulls += 1

    def _ask(
        self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        with closing(self.registry.connect()) as connection:
            return _answer(connection, method, target, body, headers or {})


def _answer(
    connection: HTTPConnection, method: str, target: str, body: bytes | None, headers: dict[str, str]
) -> tuple[int, bytes]:
    connection.request(method, target, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


@contextmanager
def collecting(registry: RunningRegistry) -> Iterator[list[str]]:
    """Collect from another process, too, again and again; what it says."""
    said: list[str] = []
    done = threading.Event()

    def loop() -> None:
        while not done.is_set():
            said.append(garbage_collect(registry))

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield said
    finally:
        done.set()
        thread.join()


def garbage_collect(registry: RunningRegistry) -> str:
    """``garbage-collect -m`` in a process of its own, which may find that the registry is at it; what it says."""
    command = [sys.executable, "-m", "pyregistry", "garbage-collect", "-m", str(registry.config_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=4 * STOP_SECONDS, check=False, cwd=ROOT)
    assert ran.returncode == 0 or "another garbage-collect or scrub" in ran.stderr, ran
    return ran.stdout


def stored(registry: RunningRegistry) -> set[Digest]:
    """What is on the disk."""
    found = registry.store.glob("docker/registry/v2/blobs/*/*/*/data")
    return {Digest(path.parts[-4], path.parts[-2]) for path in found}
