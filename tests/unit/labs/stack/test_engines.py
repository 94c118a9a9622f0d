"""Whose engine runs the student's stack: chosen once an attempt, and asked wherever the stack is looked at."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labs.attempts import DOCKER, EMBEDDED, Attempt
from labs.catalog.model import load
from labs.home import LabHome
from labs.stack.doctor import Health, examine
from labs.stack.environment import environment, is_here
from labs.stack.interface import NEVER_USED, StackError, StackState
from labs.stack.process_runner import ProcessRunner
from tests.fakes.docker_command import DockerCommand, container, made_in

TP2 = load("tp2")
NewRunner = Callable[[str | None], ProcessRunner]


def quiet(*_: object, **__: object) -> None:
    """Progress that nobody hears."""


@pytest.fixture
def home(tmp_path: Path) -> LabHome:
    """A lab that was never used."""
    return LabHome(tmp_path / ".lab", tmp_path / "work")


@pytest.fixture
def docker(tmp_path: Path) -> DockerCommand:
    """Docker's command, whose engine answers."""
    (tmp_path / "bin").mkdir()
    return DockerCommand(tmp_path / "bin")


@pytest.fixture
def runner(home: LabHome, docker: DockerCommand) -> NewRunner:
    """Runners of the lab with Docker in PATH, by the engine that was asked for."""
    environ = {"PATH": os.pathsep.join((str(docker.command.parent), "/usr/bin")), "LAB_PORT_BASE": "20000"}
    return lambda engine: ProcessRunner(home, environ | {"LAB_STUDENT": "Ada"}, engine)


def test_an_attempt_keeps_its_engine(runner: NewRunner) -> None:
    """What was begun in Docker goes on there without being told again, and in no other engine."""
    assert runner(DOCKER).up(TP2, quiet).engine == DOCKER
    assert runner(None).up(TP2, quiet).engine == DOCKER
    with pytest.raises(StackError) as caught:
        runner(EMBEDDED).up(TP2, quiet)
    assert caught.value.parameters == {"lab": "tp2", "engine": DOCKER}


def test_without_a_word_the_engine_is_ours(runner: NewRunner) -> None:
    """Docker's engine is not taken because it is there; later it is too late to ask for it."""
    assert runner(None).up(TP2, quiet).engine == EMBEDDED
    with pytest.raises(StackError, match=r"error\.other-engine"):
        runner(DOCKER).up(TP2, quiet)


def test_an_exercise_of_ours_has_no_docker_stack(runner: NewRunner) -> None:
    """TP-1's twin is a process, whoever asks; nothing was begun for having asked."""
    with pytest.raises(StackError, match=r"error\.no-compose"):
        runner(DOCKER).up(load("tp1"), quiet)
    assert runner(None).status(load("tp1")).state is StackState.NEVER
    attempt = runner(None).up(TP2, quiet)
    runner(None).home.stack("tp1").mkdir(parents=True)
    replace(attempt, slug="tp1").save(runner(None).home.stack("tp1"))
    with pytest.raises(StackError, match=r"error\.no-compose"):
        runner(DOCKER).up(load("tp1"), quiet)


def test_without_an_engine_nothing_is_begun(home: LabHome) -> None:
    """Who has no Docker is told so, and no attempt is spent."""
    lonely = ProcessRunner(home, {"PATH": "/nowhere"}, DOCKER)
    with pytest.raises(StackError, match=r"error\.no-docker-engine"):
        lonely.up(TP2, quiet)
    assert lonely.inventory(TP2) == NEVER_USED
    assert not (home.state / "attempts.json").exists()


def test_the_shell_has_dockers_own_docker(runner: NewRunner, home: LabHome) -> None:
    """Whatever LAB_DOCKER says: the stack is Docker's. Machine b is still the lab's engine."""
    made = runner(DOCKER)
    attempt = made.up(TP2, quiet)
    first = environment(home, attempt, "a", {**made.environ, "LAB_DOCKER": "lab"})
    assert (first["LAB_DOCKER"], first["LAB_CERTS_D"]) == ("real", "/etc/docker/certs.d")
    assert first["LAB_REGISTRY"] == ("registry.example.com" if is_here("registry.example.com") else "localhost")
    assert first["LAB_DOOR"] == "127.0.0.1:443"
    assert environment(home, attempt, "b", made.environ)["LAB_DOCKER"] == "lab"


@pytest.mark.parametrize("engine", [DOCKER, EMBEDDED])
def test_the_students_own_plugins_are_found(engine: str, runner: NewRunner, home: LabHome, tmp_path: Path) -> None:
    """Docker Desktop keeps compose and buildx below the home folder; a login that was made already is left alone."""
    (tmp_path / ".docker" / "cli-plugins").mkdir(parents=True)
    made = runner(engine)
    made = replace(made, environ={**made.environ, "HOME": str(tmp_path)})
    made.up(TP2, quiet)
    config = home.engine("tp2", "a") / "config.json"
    assert json.loads(config.read_text()) == {"cliPluginsExtraDirs": [str(tmp_path / ".docker" / "cli-plugins")]}
    config.write_text('{"auths": {}}')
    made.up(TP2, quiet)
    assert config.read_text() == '{"auths": {}}'


def test_the_engine_of_the_students_context_is_found(runner: NewRunner, home: LabHome, docker: DockerCommand) -> None:
    """Rootless Docker's and Docker Desktop's address lies in a configuration that the lab's shell does not read."""
    made = runner(DOCKER)
    attempt = made.up(TP2, quiet)
    context = {"Endpoints": {"docker": {"Host": "unix:///run/user/1000/docker.sock"}}}
    docker.have_context(context)
    found = environment(home, attempt, "a", {**made.environ, "DOCKER_CONTEXT": "rootless"})
    assert (found["DOCKER_HOST"], found["DOCKER_CONTEXT"]) == ("unix:///run/user/1000/docker.sock", "")
    assert "DOCKER_HOST" not in environment(home, attempt, "b", {**made.environ, "DOCKER_CONTEXT": "rootless"})


def test_the_name_is_left_to_the_system(runner: NewRunner, home: LabHome) -> None:
    """The lab's names lead to processes; what Docker publishes lies on the ports that the student wrote."""
    runner(DOCKER).up(TP2, quiet)
    names = json.loads(home.internet.read_text())
    assert (names["private"], names["forward"]) == ({}, {})


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("127.0.0.1 localhost registry.example.com # mine\n", True),
        ("::1 registry.example.com\n", True),
        ("198.51.100.7 registry.example.com\n", False),
        ("# 127.0.0.1 registry.example.com\n127.0.0.1 example.com\n", False),
        ("nonsense registry.example.com\n", False),
    ],
)
def test_names_of_this_machine(tmp_path: Path, hosts: str, *, expected: bool) -> None:
    """A name is here if the system's table leads it to an address on which we could listen."""
    (tmp_path / "hosts").write_text(hosts)
    assert is_here("registry.example.com", tmp_path / "hosts") is expected
    assert not is_here("registry.example.com", tmp_path / "none")


def test_down_and_reset_end_the_students_containers(runner: NewRunner, docker: DockerCommand, home: LabHome) -> None:
    """Those of the student's folder: shown, taken down, and removed with their volumes; a foreign namesake stays."""
    made = runner(DOCKER)
    made.up(TP2, quiet)
    rows = [
        container("tp2-nginx-1", made_in(home.state, "foreign"), 7),
        container("mine-1", made_in(home.files("tp2"), "mine"), 8),
    ]
    docker.have(*rows)
    assert [service.name for service in made.status(TP2).services] == ["mine-1"]
    assert made.inventory(TP2).processes == ("mine-1",)
    made.down(TP2)
    assert docker.names == ["tp2-nginx-1"]
    assert made.status(TP2).state is StackState.DOWN
    docker.have(*rows)
    made.reset(TP2, quiet)
    assert docker.names == ["tp2-nginx-1"]
    assert any("--volumes" in words for words in docker.asked)
    attempt = Attempt.load(home.stack("tp2"))
    assert attempt is not None
    assert (attempt.number, attempt.engine) == (2, DOCKER)


def test_an_engine_that_was_stopped_is_no_empty_stack(runner: NewRunner, docker: DockerCommand, home: LabHome) -> None:
    """Broken, says status; and nothing is called removed that nobody could look at."""
    made = runner(DOCKER)
    made.up(TP2, quiet)
    docker.command.unlink()
    assert made.status(TP2).state is StackState.BROKEN
    with pytest.raises(StackError, match=r"error\.no-docker-engine"):
        made.reset(TP2, quiet)
    with pytest.raises(StackError, match=r"error\.no-docker-engine"):
        made.down(TP2)
    assert home.files("tp2").is_dir()


def test_the_doctor_asks_for_the_engine_that_runs_the_stack(runner: NewRunner, docker: DockerCommand) -> None:
    """A stack in Docker needs Docker's engine, and neither an nginx of this machine's nor the lab's ports."""
    made = runner(DOCKER)
    made.up(TP2, quiet)
    for is_there, health in ((True, Health.WELL), (False, Health.ILL)):
        if not is_there:
            docker.command.unlink()
        found = {symptom.name: symptom.health for symptom in examine(made, [TP2])}
        assert found["stack-engine"] is health
        assert not found.keys() & {"nginx", "port"}


def test_a_damaged_record_may_have_been_dockers(runner: NewRunner, docker: DockerCommand, home: LabHome) -> None:
    """Where nobody knows the engine any more, the student's containers are looked for as well."""
    made = runner(DOCKER)
    made.up(TP2, quiet)
    docker.have(container("mine-1", made_in(home.files("tp2"), "mine"), 8))
    (home.stack("tp2") / "attempt.json").write_text("{")
    made.reset(TP2, quiet)
    assert docker.names == []
