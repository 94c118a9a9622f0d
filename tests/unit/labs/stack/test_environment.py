"""The environment of the exercises' commands."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labs.attempts import Attempt, Endpoint
from labs.home import LabHome
from labs.stack.environment import (
    Choice,
    Docker,
    Internet,
    choose_docker,
    choose_internet,
    environment,
    write_commands,
)
from labs.stack.interface import StackError

HOSTED = Endpoint("ghcr.io", "http://127.0.0.1:5001")
ATTEMPT = Attempt(
    slug="tp1",
    number=1,
    started_at=datetime(2026, 11, 23, tzinfo=UTC),
    horizon_seq=0,
    student="Ada",
    parameters={"user": "ada", "org": "atelier-1", "repo": "tp1-2", "nonce": "3"},
    engine="embedded",
    registries={"hosted": HOSTED},
    machines={},
    work="",
)
WITH_ENGINE = '[ "$1" = version ] && echo 28.5.2 && exit; echo "docker $@"'
WITHOUT_ENGINE = '[ "$1" = version ] && exit 1; echo "docker $@"'


@pytest.fixture
def home(tmp_path: Path) -> LabHome:
    """A lab with its commands written."""
    home = LabHome(tmp_path / "it's .lab", tmp_path / "work")
    write_commands(home)
    return home


def path_with_docker(folder: Path, script: str) -> str:
    """A PATH that has Docker's command, which does what ``script`` says."""
    folder.mkdir()
    docker = folder / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    return os.pathsep.join((str(folder), "/usr/sbin", "/sbin"))


def test_docker_is_the_labs_own_where_no_engine_answers(home: LabHome, tmp_path: Path) -> None:
    """A docker command alone, without an engine, is not enough for auto."""
    path = path_with_docker(tmp_path / "bin", WITHOUT_ENGINE)
    assert choose_docker(home, {"PATH": path}) == Choice(Docker.LAB, is_forced=False)
    assert choose_docker(home, {"PATH": "/nowhere"}) == Choice(Docker.LAB, is_forced=False)


def test_docker_is_dockers_where_its_engine_answers(home: LabHome, tmp_path: Path) -> None:
    """Auto takes the real one when there is one; LAB_DOCKER=lab does not."""
    path = path_with_docker(tmp_path / "bin", WITH_ENGINE)
    assert choose_docker(home, {"PATH": path}) == Choice(Docker.REAL, is_forced=False)
    assert choose_docker(home, {"PATH": path, "LAB_DOCKER": "lab"}) == Choice(Docker.LAB, is_forced=True)


def test_the_labs_own_shim_is_not_taken_for_dockers(home: LabHome) -> None:
    """Inside a lab shell the shim comes first in PATH; it proves no engine."""
    with pytest.raises(StackError) as caught:
        choose_docker(home, {"PATH": str(home.bin), "LAB_DOCKER": "real"})
    assert caught.value.message == "error.no-real-docker"


def test_settings_without_sense_are_named(home: LabHome) -> None:
    """A misspelt setting is an error that says what may stand there."""
    with pytest.raises(StackError, match="auto, lab, real"):
        choose_docker(home, {"LAB_DOCKER": "podman"})
    with pytest.raises(StackError, match="twin, real"):
        choose_internet({"LAB_INTERNET": "off"})


def test_registry_name_fits_the_docker(home: LabHome, tmp_path: Path) -> None:
    """Ours types ghcr.io; Docker's daemon finds the twin on localhost, and the real ghcr.io under its own name."""
    path = path_with_docker(tmp_path / "bin", WITH_ENGINE)
    assert environment(home, ATTEMPT, "a", {"PATH": "/nowhere"})["LAB_REGISTRY"] == "ghcr.io"
    assert environment(home, ATTEMPT, "a", {"PATH": path})["LAB_REGISTRY"] == "localhost:5001"
    real = environment(home, ATTEMPT, "a", {"PATH": path, "LAB_INTERNET": Internet.REAL})
    assert real["LAB_REGISTRY"] == "ghcr.io"


def test_another_machine_has_another_store(home: LabHome, tmp_path: Path) -> None:
    """Machine b is the lab's engine whatever machine a's docker is: one daemon cannot be two machines."""
    path = path_with_docker(tmp_path / "bin", WITH_ENGINE)
    first = environment(home, ATTEMPT, "a", {"PATH": path})
    second = environment(home, ATTEMPT, "b", first)
    assert (first["LAB_DOCKER"], second["LAB_DOCKER"]) == ("auto", "lab")
    assert first["DOCKER_CONFIG"] != second["DOCKER_CONFIG"] == second["LAB_ENGINE_HOME"]
    assert environment(home, ATTEMPT, "b", {"PATH": path, "LAB_DOCKER": "real"})["LAB_DOCKER"] == "lab"


def test_the_registrys_door_is_told_to_who_knows_no_lab(home: LabHome) -> None:
    """What curl and openssl are given is an address of this machine, whatever the registry is called."""
    assert environment(home, ATTEMPT, "a", {"PATH": "/nowhere"})["LAB_DOOR"] == "127.0.0.1:5001"


def test_certificates_are_trusted_where_the_docker_in_use_looks(home: LabHome, tmp_path: Path) -> None:
    """Ours reads certs.d of its machine; Docker's own reads the system's, and machine b is always ours."""
    path = path_with_docker(tmp_path / "bin", WITH_ENGINE)
    ours = environment(home, ATTEMPT, "a", {"PATH": "/nowhere"})
    assert ours["LAB_CERTS_D"] == str(home.engine("tp1", "a") / "certs.d")
    assert environment(home, ATTEMPT, "a", {"PATH": path})["LAB_CERTS_D"] == "/etc/docker/certs.d"
    assert environment(home, ATTEMPT, "b", {"PATH": path})["LAB_CERTS_D"] == str(home.engine("tp1", "b") / "certs.d")


def test_a_registry_of_the_students_own(home: LabHome, tmp_path: Path) -> None:
    """Ours types its name; Docker's daemon finds it on localhost, where the name's port 443 is on this machine."""
    mine = replace(ATTEMPT, registries={"private": Endpoint("registry.example.com", "https://127.0.0.1:8443")})
    path = path_with_docker(tmp_path / "bin", WITH_ENGINE)
    assert environment(home, mine, "a", {"PATH": "/nowhere"})["LAB_REGISTRY"] == "registry.example.com"
    assert environment(home, mine, "a", {"PATH": path})["LAB_REGISTRY"] == "localhost:8443"


def test_parameters_and_path(home: LabHome) -> None:
    """The student's values are there by name; the lab's commands come first, then the project's, each once."""
    values = environment(home, ATTEMPT, "a", environment(home, ATTEMPT, "b", {"PATH": "/usr/bin"}))
    assert [values[f"LAB_{name}"] for name in ("USER", "ORG", "REPO", "NONCE", "MACHINE")] == [
        *("ada", "atelier-1", "tp1-2", "3", "a")
    ]
    assert values["PATH"].split(os.pathsep) == [str(home.bin), str(Path(sys.executable).parent), "/usr/bin"]
    assert (values["LAB_HOME"], values["LAB_WORK"]) == (str(home.state), str(home.work))


@pytest.mark.parametrize(
    ("script", "setting", "answer"),
    [
        (WITH_ENGINE, None, "docker push x"),
        (WITH_ENGINE, "auto", "docker push x"),
        (WITHOUT_ENGINE, "real", "docker push x"),
        (WITHOUT_ENGINE, "auto", "lab push x"),
        (WITH_ENGINE, "lab", "lab push x"),
    ],
)
def test_shim(home: LabHome, tmp_path: Path, script: str, setting: str | None, answer: str) -> None:
    """The docker that is typed becomes the one that was chosen, and it is asked at each call."""
    shim = home.bin / "docker"
    labdocker = tmp_path / "labdocker"
    labdocker.write_text('#!/bin/sh\necho "lab $@"\n')
    labdocker.chmod(0o755)
    lines = shim.read_text().splitlines()
    shim.write_text("\n".join([*lines[:-1], f'exec {labdocker} "$@"']))
    path = os.pathsep.join((str(home.bin), path_with_docker(tmp_path / "bin", script)))
    values = {"PATH": path} | ({"LAB_DOCKER": setting} if setting else {})
    outcome = subprocess.run([shim, "push", "x"], env=values, capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == answer


def test_compose_follows_the_stacks_engine(home: LabHome, tmp_path: Path) -> None:
    """Though Docker's own docker pushes and pulls: a stack of processes is brought up by the lab's compose."""
    mine = replace(ATTEMPT, registries={"private": Endpoint("registry.example.com", "https://127.0.0.1:8443")})
    path = path_with_docker(tmp_path / "bin", WITH_ENGINE)
    values = environment(home, mine, "a", {"PATH": path, "HOME": str(tmp_path)})

    def typed(*words: str, **environ: str) -> str:
        done = subprocess.run(
            ["docker", *words], env=values | environ, capture_output=True, text=True, check=False, cwd=tmp_path
        )
        return done.stdout + done.stderr

    assert typed("push", "x") == "docker push x\n"
    assert "no configuration file provided" in typed("compose", "up", "-d")
    in_docker = environment(home, replace(mine, engine="docker"), "a", {"PATH": path})
    assert typed("compose", "up", "-d", LAB_COMPOSE=in_docker["LAB_COMPOSE"]) == "docker compose up -d\n"
    assert environment(home, ATTEMPT, "a", {"PATH": path})["LAB_COMPOSE"] == ""


def test_shim_without_any_other_docker(home: LabHome) -> None:
    """LAB_DOCKER=real without Docker says what is missing instead of calling itself for ever."""
    values = {"PATH": str(home.bin), "LAB_DOCKER": "real"}
    outcome = subprocess.run([home.bin / "docker", "info"], env=values, capture_output=True, text=True, check=False)
    assert outcome.returncode == 127
    assert "LAB_DOCKER=real" in outcome.stderr


@pytest.mark.parametrize(
    ("script", "setting", "answer"),
    [
        (WITH_ENGINE, "auto", "cosign sign x"),
        (WITHOUT_ENGINE, "real", "cosign sign x"),
        (WITHOUT_ENGINE, "auto", "lab sign x"),
        (WITH_ENGINE, "lab", "lab sign x"),
        (None, "real", "lab sign x"),
        (None, "auto", "lab sign x"),
    ],
)
def test_cosign_shim(home: LabHome, tmp_path: Path, script: str | None, setting: str, answer: str) -> None:
    """Another cosign answers beside Docker's own docker, ours beside the lab's docker and where there is no other."""
    shim = home.bin / "cosign"
    folder = tmp_path / "bin"
    folder.mkdir()
    commands = {tmp_path / "labcosign": "lab"} | ({folder / "cosign": "cosign"} if script else {})
    for command, name in commands.items():
        command.write_text(f'#!/bin/sh\necho "{name} $@"\n')
        command.chmod(0o755)
    lines = shim.read_text().splitlines()
    shim.write_text("\n".join([*lines[:-1], f'exec {tmp_path / "labcosign"} "$@"']))
    path = os.pathsep.join((str(home.bin), path_with_docker(tmp_path / "docker", script or WITH_ENGINE), str(folder)))
    values = {"PATH": path, "LAB_DOCKER": setting}
    outcome = subprocess.run([shim, "sign", "x"], env=values, capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == answer
