"""The stack that §8.2 describes: it starts as printed, fails where it fails in reality, and works with the cures."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from checker.probes.docker import RegistryOutput, read_surroundings
from checker.probes.surroundings import LocalFile
from tests.clients.chapter import IMAGE, LAYER_BYTES, NAME, Chapter, push_to_reference
from tests.clients.conftest import NewClient
from tests.clients.engines import Docker, LabDocker
from tests.clients.namespace import CommandFailedError
from tests.clients.stand_ins import import_stand_ins
from tests.servers import throw_away_tls
from tests.tools import require

_REPOSITORY, _, _TAG = IMAGE.partition(":")


@pytest.fixture(scope="module")
def docker(new_client: NewClient) -> Docker:
    """Docker with the two images."""
    require("sid/docker-compose", "htpasswd")
    client = new_client("docker-28")
    assert isinstance(client, Docker)
    import_stand_ins(client)
    return client


@pytest.fixture
def lab_docker(new_client: NewClient) -> LabDocker:
    """The lab's docker, with a map of its internet as ``labstack up`` writes it."""
    client = new_client(LabDocker.name)
    assert isinstance(client, LabDocker)
    internet = {"names": {}, "ca": "", "private": {NAME: {}}, "forward": {"443": 7443, "80": 7080}}
    (client.folder / "lab").mkdir()
    (client.folder / "lab" / "internet.json").write_text(json.dumps(internet), encoding="utf-8")
    return client


@pytest.fixture(params=["docker", "lab_docker"])
def chapter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Chapter]:
    """The files, nothing started yet, with either docker; what was started is taken down."""
    client = request.getfixturevalue(request.param)
    command = client.command if isinstance(client, LabDocker) else "docker"
    (tmp_path / "tp2").mkdir()
    typed = Chapter(client, command, tmp_path / "tp2", throw_away_tls(tmp_path / "tls", (NAME,)))
    yield typed
    typed.down()


@pytest.mark.usefixtures("no_trust_left")
def test_as_printed_it_takes_no_layer_of_five_megabytes(chapter: Chapter) -> None:
    """It starts and takes a small image; a real one is refused with nginx's 413, until the limit is lifted."""
    chapter.up()
    chapter.trust()
    chapter.login()
    chapter.push(chapter.build(size=1000))
    assert chapter.store.tags(_REPOSITORY) == [_TAG]
    image = chapter.build()
    with pytest.raises(CommandFailedError, match="413 Request Entity Too Large"):
        chapter.push(image)
    chapter.cure_body_limit()
    chapter.reload()
    chapter.push(image)
    layer = chapter.store.image(_REPOSITORY, _TAG).layers[0]
    assert len(chapter.store.blob(layer)) > LAYER_BYTES


@pytest.mark.usefixtures("no_trust_left")
def test_on_another_port_it_sends_clients_to_443(chapter: Chapter) -> None:
    """Published on 8443, the registry's Location has no port: the upload goes where nobody listens, until cured.

    containerd's image store sends a layer with PUT, Docker's own and the lab's with PATCH.
    """
    name = f"{NAME}:8443"
    chapter.publish(8443, 8080)
    chapter.cure_body_limit()
    chapter.up()
    chapter.trust(name)
    chapter.login(name)
    image = chapter.build(name)
    with pytest.raises(
        CommandFailedError, match=rf'(Put|Patch) "https://{NAME}/v2/{_REPOSITORY}/blobs/uploads/.*refused'
    ):
        chapter.push(image)
    chapter.cure_port()
    chapter.reload()
    chapter.push(image)
    assert chapter.store.tags(_REPOSITORY) == [_TAG]


def test_the_reference_stack(docker: Docker, tmp_path: Path) -> None:
    """As it lies in ``compose/``: on this machine's ports it takes a login and a push of 5 MB."""
    store = push_to_reference(docker, tmp_path, ())
    assert len(store.blob(store.image(_REPOSITORY, _TAG).layers[0])) > LAYER_BYTES


def test_a_container_s_file_is_seen_from_within(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The grader reads modes by the container's own ``stat``, and what a mounted folder holds where it lies."""
    (tmp_path / "tp2").mkdir()
    typed = Chapter(docker, "docker", tmp_path / "tp2", throw_away_tls(tmp_path / "tls", (NAME,)))
    for variable in ("DOCKER_HOST", "PATH"):
        monkeypatch.setenv(variable, docker.environment[variable])
    try:
        typed.up()
        found = read_surroundings(typed.folder, NAME)
        assert isinstance(found.journal, RegistryOutput)
        config = found.journal.container.file("/etc/docker/registry/config.yml")
        assert (config.path, config.mode()) == ("registry:/etc/docker/registry/config.yml", 0o644)
        assert config.read().startswith(b"version: 0.1")
        assert found.keys == (LocalFile(typed.folder / "certs" / "privkey.pem"),)
    finally:
        typed.down()
