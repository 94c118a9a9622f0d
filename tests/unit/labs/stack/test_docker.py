"""A student's compose projects in Docker: asked of Docker's command, by a stand-in for it that has containers."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from labs.stack.docker import DockerProjects, demand
from labs.stack.interface import StackError

# Answers as Docker's command does, to the words that are asked of it, from world.json beside it.
_DOCKER = """\
#!{python}
import json, pathlib, sys
file = pathlib.Path(__file__).with_name("world.json")
world, words = json.loads(file.read_text()), sys.argv[1:]
world["asked"].append([str(pathlib.Path.cwd()), *words])
label = "com.docker.compose.project"
if words[0] == world.get("refuses"):
    sys.exit("Cannot connect to the Docker daemon")
if words[0] == "version":
    print("28.5.2")
elif words[:2] == ["compose", "version"] and not world["compose"]:
    sys.exit("docker: 'compose' is not a docker command.")
elif words[0] == "ps":
    print(*(row["Id"] for row in world["rows"] if label + ".working_dir" in row["Config"]["Labels"]), sep="\\n")
elif words[0] == "inspect":
    print(json.dumps([row for row in world["rows"] if row["Id"] in words]))
elif words[:1] == ["compose"] and "down" in words:
    world["rows"] = [row for row in world["rows"] if row["Config"]["Labels"].get(label) != words[2]]
file.write_text(json.dumps(world))
"""
LABEL = "com.docker.compose.project"


def container(name: str, labels: Mapping[str, str], pid: int = 0) -> dict[str, object]:
    """As ``docker inspect`` tells it, as far as it is read."""
    ports = {"443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "443"}], "80/tcp": None}
    return {
        "Id": name,
        "Name": f"/{name}",
        "State": {"Pid": pid},
        "Config": {"Labels": dict(labels)},
        "NetworkSettings": {"Ports": ports},
    }


class Docker:
    """Docker's command in a folder, and what it was asked."""

    def __init__(self, folder: Path, *rows: dict[str, object], compose: bool = True, refuses: str = "") -> None:
        self.command = folder / "docker"
        self.command.write_text(_DOCKER.format(python=sys.executable))
        self.command.chmod(0o755)
        self._world = folder / "world.json"
        self._world.write_text(json.dumps({"rows": rows, "compose": compose, "asked": [], "refuses": refuses}))

    @property
    def asked(self) -> list[list[str]]:
        """The folder it was called in, then the words."""
        found: list[list[str]] = json.loads(self._world.read_text())["asked"]
        return found

    @property
    def names(self) -> list[str]:
        """Of the containers that are there."""
        return [row["Id"] for row in json.loads(self._world.read_text())["rows"]]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The student's folder, reached through a symbolic link."""
    (tmp_path / "real" / "tp2" / "sub").mkdir(parents=True)
    (tmp_path / "work").symlink_to(tmp_path / "real")
    return tmp_path / "work" / "tp2"


def made_in(folder: Path, project: str) -> dict[str, str]:
    """What compose labels its containers with."""
    return {LABEL: project, f"{LABEL}.working_dir": str(folder)}


def test_containers_of_the_students_folder_and_no_others(tmp_path: Path, work: Path) -> None:
    """By the folder, not by the name: a foreign tp2-nginx-1 is neither shown nor removed."""
    docker = Docker(
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
        docker = Docker(tmp_path, container("mine-registry-1", made_in(work, "mine")))
        projects = DockerProjects(docker.command, work, {})
        (projects.end if wholly else projects.stop)()
        here, *words = docker.asked[-1]
        assert here == "/"
        assert words[:5] == ["compose", "--project-name", "mine", "down", "--remove-orphans"]
        assert ("--volumes" in words) is wholly


def test_a_refusal_is_told_in_dockers_words(tmp_path: Path, work: Path) -> None:
    """The engine that was stopped meanwhile is no empty list of containers."""
    docker = Docker(tmp_path, refuses="ps")
    with pytest.raises(StackError) as caught:
        DockerProjects(docker.command, work, {}).running()
    assert caught.value.parameters == {"command": "ps --all", "reason": "Cannot connect to the Docker daemon"}


def test_an_engine_that_answers_and_knows_compose_will_do(tmp_path: Path) -> None:
    """Nothing more is demanded of a machine."""
    assert demand(Docker(tmp_path).command, {}) == tmp_path / "docker"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"compose": False}, "error.no-docker-compose"), ({"refuses": "version"}, "error.no-docker-engine")],
)
def test_what_is_missing_is_said(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    """An engine that does not answer, or a docker without compose, is named before anything is begun."""
    with pytest.raises(StackError) as caught:
        demand(Docker(tmp_path, **options).command, {})
    assert caught.value.message == message


def test_no_docker_at_all() -> None:
    """Where there is no docker command there is no engine."""
    with pytest.raises(StackError) as caught:
        demand(None, {})
    assert caught.value.message == "error.no-docker-engine"
