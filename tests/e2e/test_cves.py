"""The distribution project's CVEs of 2026, each as what an attacker would have seen on a real server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pyregistry.spec.digest import Digest
from tests.e2e.aging import age
from tests.e2e.pushes import Image, make_image, push, require_whole
from tests.servers import RunningRegistry, ServerEnded, running_registry

IMAGE = make_image("of the CVEs", 5000)
LAYER = Digest.of(IMAGE.layer)
READERS = 8
READS = 5


def test_cve_2026_41888_no_delete_where_deletes_are_off(tmp_path: Path) -> None:
    """registry:3 let tags go although ``storage.delete`` was off: here neither tag, manifest nor blob goes."""
    with running_registry(tmp_path, config={"storage": {"delete": {"enabled": False}}}) as registry:
        push(registry, "acme/app", IMAGE)
        for what in ("manifests/1.0", f"manifests/{Digest.of(IMAGE.manifest)}", f"blobs/{LAYER}", "manifests/never"):
            refused = registry.request("DELETE", f"/v2/acme/app/{what}")
            assert (refused.status, b'"UNSUPPORTED"' in refused.body) == (405, True), what
        require_whole(registry, "acme/app", IMAGE)


def test_cve_2026_33540_there_is_no_proxy_that_could_send_credentials_away(tmp_path: Path) -> None:
    """registry:3 sent the upstream's password to any realm that a challenge named: ``proxy`` is refused by its name."""
    upstream = {"remoteurl": "https://registry-1.docker.io", "username": "alice", "password": "secret words"}
    with pytest.raises(ServerEnded) as refused, running_registry(tmp_path, config={"proxy": upstream}):
        pass
    assert refused.value.code == 1
    assert "proxy: not offered here" in refused.value.output
    assert "secret words" not in refused.value.output


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def caching(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningRegistry]:
    """A registry that is told to keep descriptors, and gives answers again from memory; each worker from its own."""
    cache = {"storage": {"cache": {"blobdescriptor": "inmemory"}}, "pyregistry": {"workers": request.param}}
    with running_registry(tmp_path, config=cache) as registry:
        yield registry


def test_cve_2026_35172_what_was_deleted_is_gone_there_at_once(caching: RunningRegistry) -> None:
    """registry:3's cache went on answering for a blob of a repository that had lost it; the other keeps it."""
    push(caching, "acme/app", IMAGE)
    push(caching, "other/app", IMAGE)
    gone = [f"/v2/acme/app/{name}" for name in _names(IMAGE)]
    stays = [f"/v2/other/app/{name}" for name in _names(IMAGE)]
    age(caching)
    assert _statuses(caching, [*gone, *stays]) == {200}
    for target in (f"/v2/acme/app/manifests/{Digest.of(IMAGE.manifest)}", f"/v2/acme/app/blobs/{LAYER}"):
        assert caching.request("DELETE", target).status == 202
    assert _statuses(caching, gone) == {404}
    assert _statuses(caching, stays) == {200}
    require_whole(caching, "other/app", IMAGE)


def test_cve_2026_35172_what_came_back_is_there_at_once(caching: RunningRegistry) -> None:
    """Nor does a cache remember that something is absent."""
    targets = [f"/v2/acme/app/{name}" for name in _names(IMAGE)]
    assert _statuses(caching, targets) == {404}
    push(caching, "acme/app", IMAGE)
    age(caching)
    assert _statuses(caching, targets) == {200}
    assert caching.request("DELETE", f"/v2/acme/app/blobs/{LAYER}").status == 202
    push(caching, "acme/app", IMAGE)
    assert _statuses(caching, targets) == {200}


def _names(image: Image) -> list[str]:
    return [f"blobs/{Digest.of(image.layer)}", "manifests/1.0", f"manifests/{Digest.of(image.manifest)}"]


def _statuses(registry: RunningRegistry, targets: list[str]) -> set[int]:
    """What many clients at once are told, each on connections of its own, so that every worker is asked."""
    asked = [(method, target) for target in targets for method in ("GET", "HEAD")] * READS
    with ThreadPoolExecutor(READERS) as readers:
        return set(readers.map(lambda ask: registry.request(*ask).status, asked))
