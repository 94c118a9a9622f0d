"""A student's compose projects in Docker: asked of Docker's command, by a stand-in for it that has containers."""

from pathlib import Path
from typing import Any

import pytest

from labs.stack.docker import DockerProjects, demand
from labs.stack.interface import StackError
from tests.fakes.docker_command import DockerCommand, container, made_in


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The student's folder, reached through a symbolic link."""
    (tmp_path / "real" / "tp2" / "sub").mkdir(parents=True)
    (tmp_path / "work").symlink_to(tmp_path / "real")
    return tmp_path / "work" / "tp2"


def test_containers_of_the_students_folder_and_no_others(tmp_path: Path, work: Path) -> None:
    """By the folder, not by the name: a foreign tp2-nginx-1 is neither shown nor removed."""
    docker = DockerCommand(
        tmp_path,
        container("tp2-nginx-1", made_in(tmp_path / "elsewhere", "theirs"), 7),
        container("tp2-registry-1", {}),
        container("mine-nginx-1", made_in(work.resolve(), "mine"), 41),
        container("mine-registry-1", made_in(work, "mine")),
        container("sub-registry-1", made_in(work / "sub", "sub")),
    )
    projects = DockerProjects(docker.command, work, {})
    assert [(row.name, row.url, row.pid) for row in projects.services()] == [
        ("mine-nginx-1", "127.0.0.1:443", 41),
        ("mine-registry-1", "127.0.0.1:443", None),
        ("sub-registry-1", "127.0.0.1:443", None),
    ]
    assert projects.running() == ["mine-nginx-1", "mine-registry-1", "sub-registry-1"]
    projects.stop()
    assert docker.names == ["tp2-nginx-1", "tp2-registry-1"]
    assert projects.services() == ()


def test_what_was_pushed_into_a_volume_goes_only_with_all_the_rest(tmp_path: Path, work: Path) -> None:
    """Down keeps named volumes, a reset removes them; neither reads the student's compose file, which may be broken."""
    for wholly in (False, True):
        docker = DockerCommand(tmp_path, container("mine-registry-1", made_in(work, "mine")))
        projects = DockerProjects(docker.command, work, {})
        (projects.end if wholly else projects.stop)()
        here, *words = docker.asked[-1]
        assert here == "/"
        assert words[:5] == ["compose", "--project-name", "mine", "down", "--remove-orphans"]
        assert ("--volumes" in words) is wholly


def test_logs_are_dockers_to_print(tmp_path: Path, work: Path) -> None:
    """Each project's, and only the last one is followed: the first would never end."""
    docker = DockerCommand(
        tmp_path,
        container("b-registry-1", made_in(work, "b")),
        container("a-registry-1", made_in(work, "a")),
    )
    DockerProjects(docker.command, work, {}).show_logs(follow=True)
    shown = [words for _, *words in docker.asked if "logs" in words]
    assert shown == [
        ["compose", "--project-name", "a", "logs"],
        ["compose", "--project-name", "b", "logs", "--follow"],
    ]


def test_a_refusal_is_told_in_dockers_words(tmp_path: Path, work: Path) -> None:
    """The engine that was stopped meanwhile is no empty list of containers."""
    docker = DockerCommand(tmp_path, refuses="ps")
    with pytest.raises(StackError) as caught:
        DockerProjects(docker.command, work, {}).running()
    assert caught.value.parameters == {"command": "ps --all", "reason": "Cannot connect to the Docker daemon"}


def test_an_engine_that_answers_and_knows_compose_will_do(tmp_path: Path) -> None:
    """Nothing more is demanded of a machine."""
    assert demand(DockerCommand(tmp_path).command, {}) == tmp_path / "docker"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"compose": False}, "error.no-docker-compose"), ({"refuses": "version"}, "error.no-docker-engine")],
)
def test_what_is_missing_is_said(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    """An engine that does not answer, or a docker without compose, is named before anything is begun."""
    with pytest.raises(StackError) as caught:
        demand(DockerCommand(tmp_path, **options).command, {})
    assert caught.value.message == message


def test_no_docker_at_all() -> None:
    """Where there is no docker command there is no engine."""
    with pytest.raises(StackError) as caught:
        demand(None, {})
    assert caught.value.message == "error.no-docker-engine"
