"""The ACME server as far as it can be known without running: its ports, its client, what shells hear of it."""

import os
from pathlib import Path

import pytest

from labs.attempts import DOCKER, EMBEDDED
from labs.catalog.model import load
from labs.home import LabHome
from labs.stack.acme import AcmeServer, variables
from labs.stack.process_runner import ProcessRunner
from tests.fakes.docker_command import DockerCommand

TP2 = load("tp2")
BASE = 20_000


@pytest.fixture
def home(tmp_path: Path) -> LabHome:
    """A lab that was never used."""
    return LabHome(tmp_path / ".lab", tmp_path / "work")


def quiet(*_: object, **__: object) -> None:
    """Progress that nobody hears."""


@pytest.mark.parametrize(("engine", "ports"), [(EMBEDDED, (23_080, 23_443)), (DOCKER, (80, 443))])
def test_a_challenge_is_looked_up_where_the_stack_publishes(
    home: LabHome, tmp_path: Path, engine: str, ports: tuple[int, int]
) -> None:
    """Docker publishes port 80 itself; here another port stands for it. The server's own ports follow the base."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = os.pathsep.join((str(DockerCommand(folder).command.parent), "/usr/bin"))
    runner = ProcessRunner(home, {"PATH": path, "LAB_PORT_BASE": str(BASE), "LAB_STUDENT": "Ada"}, engine)
    runner.up(TP2, quiet)
    (server,) = runner.acme(TP2)
    assert (server.http_port, server.https_port) == ports
    assert server.directory == f"https://localhost:{BASE + 14}/dir"


def test_an_exercise_without_a_registry_of_one_s_own_has_none(home: LabHome) -> None:
    """GHCR's twin has a certificate of the lab's public CA."""
    assert list(ProcessRunner(home, {}).acme(load("tp1"))) == []


@pytest.mark.parametrize("content", [None, "", "rubbish", "[]", '{"pebble": {}}', '{"pebble": {"listenAddress": 1}}'])
def test_shells_open_without_it(home: LabHome, content: str | None) -> None:
    """A server that was never brought up, or whose settings are damaged, keeps nobody from working."""
    path = home.stack("tp2") / "acme" / "pebble.json"
    path.parent.mkdir(parents=True)
    if content is not None:
        path.write_text(content)
    assert variables(home, "tp2") == {}


def test_the_lab_s_certbot_does_not_call_itself(home: LabHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none was installed with us, another one in PATH is found, wherever the lab's own stands in it."""
    monkeypatch.setattr("sys.executable", str(tmp_path / "nowhere" / "python"))
    for folder in (home.bin, tmp_path / "bin"):
        folder.mkdir(parents=True)
        (folder / "certbot").write_text("#!/bin/sh\n")
        (folder / "certbot").chmod(0o755)
    server = AcmeServer(home, "tp2", "registry.example.com", BASE, 80, 443)
    path = os.pathsep.join((str(home.bin), str(tmp_path / "bin")))
    assert server.client({"PATH": path}) == tmp_path / "bin" / "certbot"
    assert server.client({"PATH": str(home.bin)}) is None
