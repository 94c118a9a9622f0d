"""``docker run`` of an image that a program of this machine stands for, and what is done with such containers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.compose import containers
from labs.compose.layout import ProjectFolder
from labs.compose.planning import free_port
from labs.compose.projects import Projects
from labs.compose.record import ProjectRecord
from tests.fakes.compose import replace_images
from tests.fakes.shell import Shell

RUN = ("run", "-d", "-p", "5000:5000", "--name", "registry", "registry:2")
"""As the chapter has it."""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A machine in a lab that forwards 5000; images are fakes, nothing runs on."""
    replace_images(monkeypatch)
    (tmp_path / "lab").mkdir()
    internet = {"names": {}, "ca": "/none", "private": {}, "forward": {"5000": free_port()}}
    (tmp_path / "lab" / "internet.json").write_text(json.dumps(internet), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    shell = Shell(tmp_path / "engine", {"LAB_HOME": str(tmp_path / "lab")})
    yield shell
    for container in containers.of_engine(shell.home):
        Projects(shell.home).down(container.folder.name)


def test_run_prints_the_containers_id(shell: Shell) -> None:
    """And it is there, under its name and its port."""
    done = shell.docker(*RUN)
    assert (done.code, bool(re.fullmatch(r"[0-9a-f]{64}\n", done.output))) == (0, True)
    head, row = shell.docker("ps").lines
    assert head.split("  ")[0] == "CONTAINER ID"
    assert row.startswith(done.output[:12])
    assert row.endswith("->5000/tcp   registry")
    assert shell.docker("ps", "-q", "--no-trunc").output == done.output


def test_info_counts_containers(shell: Shell) -> None:
    """Running and stopped."""
    shell.docker(*RUN)
    shell.docker("run", "-d", "nginx")
    shell.docker("stop", "registry")
    told = shell.docker("info", "--format", "{{.Containers}} {{.ContainersRunning}} {{.ContainersStopped}}")
    assert told.output == "2 1 1\n"


def test_what_it_publishes_is_recorded(shell: Shell) -> None:
    """The lab's clients find it as they find a compose project."""
    shell.docker(*RUN)
    record = ProjectRecord.load(shell.home, "run_registry")
    assert record is not None
    assert [(port.host, port.container) for port in record.services[0].published] == [(5000, 5000)]


def test_variables_and_folders_reach_the_container(shell: Shell, tmp_path: Path) -> None:
    """``-e`` and ``-v``, as they are typed."""
    words = ("-e", "A=1", "-e", "HOME", "-v", "./store:/var/lib/registry:ro")
    assert shell.docker("run", "-d", *words, "registry:2", HOME="/h").code == 0
    [container] = containers.of_engine(shell.home)
    assert container.service.environment == {"A": "1", "HOME": "/h"}
    [mount] = container.service.mounts
    assert (mount.source, mount.read_only) == (tmp_path / "store", True)
    assert container.name.startswith("registry_")


def test_a_name_is_taken_once(shell: Shell) -> None:
    """In Docker's words, with its exit code."""
    shell.docker(*RUN)
    again = shell.docker(*RUN)
    assert again.code == 125
    assert 'docker: Error response from daemon: Conflict. The container name "/registry" is already' in again.errors


def test_stop_start_and_rm(shell: Shell) -> None:
    """Each prints the name; what runs is removed with ``-f`` only, and nothing of it is left but its logs."""
    shell.docker(*RUN)
    refused = shell.docker("rm", "registry")
    assert "container is running: stop the container before removing or force remove" in refused.errors
    for words in (("stop",), ("start",), ("restart",), ("rm", "-f")):
        done = shell.docker(*words, "registry")
        assert (done.code, done.output) == (0, "registry\n")
    assert shell.docker("ps", "-aq").output == ""
    left = {path.name for path in ProjectFolder(shell.home, "run_registry").path.iterdir()}
    assert left == {"lock", "logs", "project.json"}


def test_logs_are_what_it_said(shell: Shell) -> None:
    """Without a prefix."""
    shell.docker(*RUN)
    assert shell.docker("logs", "registry").lines == ["starting", "listening"]
    assert shell.docker("logs", "--tail", "1", "registry").lines == ["listening"]


def test_containers_of_compose_are_seen_too(shell: Shell) -> None:
    """As Docker shows them."""
    Path("compose.yaml").write_text("services: {web: {image: nginx, container_name: proxy}}\n", encoding="utf-8")
    shell.docker("compose", "up", "-d")
    assert shell.docker("ps").lines[1].endswith("proxy")
    assert shell.docker("exec", "proxy", "nginx", "-t").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("run alpine", 125, "labdocker: 'docker run' needs a container engine"),
        ("run -d --network host registry:2", 125, "labdocker: 'docker run' does not do --network"),
        ("run -d -p abc:5000 registry:2", 125, "docker: Invalid hostPort: abc"),
        ("run -d -v data:/x registry:2", 125, "docker: labdocker: -v data:/x: expected a path of this machine"),
        ("logs nobody", 1, "Error response from daemon: No such container: nobody"),
        ("rm nobody", 1, "Error response from daemon: No such container: nobody"),
        ("exec nobody ls", 1, "Error response from daemon: No such container: nobody"),
        ("container inspect x", 125, "labdocker: 'docker container inspect' needs a container engine"),
    ],
)
def test_refusals(words: str, code: int, said: str, shell: Shell) -> None:
    """Docker's words where it refuses too, ours by name for what only containers do; nothing is left."""
    done = shell.docker(*words.split())
    assert (done.code, done.errors[: len(said)]) == (code, said)
    assert containers.of_engine(shell.home) == []
