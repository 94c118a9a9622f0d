"""Projects up and down: order, repetition, failure, and what is left where."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import psutil
import pytest

from labs import ports
from labs.compose import containers
from labs.compose.containers import Container
from labs.compose.layout import ProjectFolder
from labs.compose.model import ComposeError, Issue, Mount, Project, Published, Service
from labs.compose.planning import free_port
from labs.compose.projects import Projects
from labs.compose.record import ProjectRecord, projects
from labs.processes import wait_until
from tests.fakes.compose import replace_images, service


class Site:
    """An engine home, and what was told."""

    def __init__(self, folder: Path) -> None:
        self.engine = folder / "engine"
        self.work = folder / "tp2"
        self.work.mkdir(parents=True)
        self.told: list[str] = []
        self.projects = Projects(
            self.engine, {}, {"LAB_LANG": "en"}, lambda what, status: self.told.append(f"{what} {status}")
        )
        self.folder = ProjectFolder(self.engine, "tp2")

    def project(self, *services: Service, name: str = "tp2") -> Project:
        """A project of these services."""
        return Project(name, self.work, self.work / "compose.yaml", {one.name: one for one in services})

    def orders(self, name: str, text: str = "") -> Mount:
        """A mounted file that tells a service what to do."""
        (self.work / name).write_text(text, encoding="utf-8")
        return Mount(self.work / name, PurePosixPath("/orders"))

    def found(self) -> dict[str, Container]:
        """The containers."""
        return containers.load_all(self.folder)

    def pids(self) -> dict[str, int | None]:
        """What runs."""
        return {name: container.pid() for name, container in self.found().items()}

    def record(self) -> ProjectRecord:
        """What the grader reads."""
        record = ProjectRecord.load(self.engine, "tp2")
        assert record is not None
        return record

    def told_since(self) -> list[str]:
        """What was told since the last time."""
        told, self.told[:] = list(self.told), []
        return told


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A place for projects whose images are fakes; nothing of it runs on."""
    replace_images(monkeypatch)
    site = Site(tmp_path)
    yield site
    for name in ("tp2", "other"):
        site.projects.down(name)


def runs(pid: int | None) -> bool:
    """Whether a process lives."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_up_starts_what_is_depended_on_first(site: Site) -> None:
    """And tells it as Compose does, line by line."""
    site.projects.up(site.project(service("nginx", depends_on=("registry",)), service("registry")))
    assert site.told == [
        "Network tp2_default Creating",
        "Network tp2_default Created",
        "Container tp2-registry-1 Creating",
        "Container tp2-registry-1 Created",
        "Container tp2-nginx-1 Creating",
        "Container tp2-nginx-1 Created",
        "Container tp2-registry-1 Starting",
        "Container tp2-nginx-1 Starting",
        "Container tp2-registry-1 Started",
        "Container tp2-nginx-1 Started",
    ]
    assert all(container.is_listening() for container in site.found().values())


def test_up_again_leaves_what_runs(site: Site) -> None:
    """A second ``up`` changes nothing and says so."""
    project = site.project(service("nginx"), service("registry"))
    site.projects.up(project)
    before = site.pids()
    site.told_since()
    site.projects.up(project)
    assert site.pids() == before
    assert site.told == ["Container tp2-nginx-1 Running", "Container tp2-registry-1 Running"]


def test_a_changed_service_is_made_anew_and_no_other(site: Site) -> None:
    """Another variable, another container; a service that moved to another line is the same."""
    site.projects.up(site.project(service("nginx"), service("registry")))
    before, pids = site.found(), site.pids()
    site.told_since()
    changed = service("nginx", environment={"A": "1"})
    site.projects.up(site.project(changed, service("registry", line=7)))
    after = site.found()
    assert site.pids()["registry"] == pids["registry"]
    assert after["nginx"].id != before["nginx"].id
    assert not runs(pids["nginx"])
    assert site.told == [
        "Container tp2-nginx-1 Recreate",
        "Container tp2-nginx-1 Recreated",
        "Container tp2-registry-1 Running",
        "Container tp2-nginx-1 Starting",
        "Container tp2-nginx-1 Started",
    ]


def test_recreation_can_be_forced_and_forbidden(site: Site) -> None:
    """``--force-recreate`` and ``--no-recreate``."""
    project = site.project(service("registry"))
    site.projects.up(project)
    first = site.found()["registry"].id
    site.projects.up(site.project(service("registry", environment={"A": "1"})), no_recreate=True)
    assert site.found()["registry"].id == first
    site.projects.up(project, force_recreate=True)
    assert site.found()["registry"].id != first


def test_a_killed_service_is_started_again(site: Site) -> None:
    """Its container stays the same, as Docker's does."""
    project = site.project(service("registry"))
    site.projects.up(project)
    before, pid = site.found()["registry"], site.pids()["registry"]
    os.kill(pid or 0, signal.SIGKILL)
    assert wait_until(lambda: not runs(pid), 5)
    site.projects.up(project)
    after = site.found()["registry"]
    assert after.definition == before.definition
    assert after.id == before.id
    assert after.pid() not in {None, pid}


@pytest.mark.parametrize("verb", ["up", "start", "restart", "down"])
def test_workers_whose_first_process_was_killed_are_ended(verb: str, site: Site) -> None:
    """They hold its published port; nobody else is to blame for that."""
    nginx = service("nginx", ports=(Published(free_port(), 80),), mounts=(site.orders("n", "fork"),))
    site.projects.up(site.project(nginx))
    pid = site.pids()["nginx"]
    session = [process.pid for process in containers.strays(site.folder.path)]
    assert len(session) == 2
    os.kill(pid or 0, signal.SIGKILL)
    assert wait_until(lambda: not runs(pid), 5)
    if verb == "up":
        site.projects.up(site.project(nginx))
    else:
        getattr(site.projects, verb)("tp2")
    assert not any(runs(old) for old in session)
    assert bool(site.pids().get("nginx")) == (verb != "down")


def test_down_leaves_logs_and_drops_the_rest(site: Site) -> None:
    """What the grader reads stays; the container's own files go."""
    site.projects.up(site.project(service("registry")))
    pid = site.pids()["registry"]
    site.told_since()
    site.projects.down("tp2", ["default"])
    assert site.told == [
        "Container tp2-registry-1 Stopping",
        "Container tp2-registry-1 Stopped",
        "Container tp2-registry-1 Removing",
        "Container tp2-registry-1 Removed",
        "Network tp2_default Removing",
        "Network tp2_default Removed",
    ]
    assert not runs(pid)
    left = {path.name for path in site.folder.path.iterdir()}
    assert left == {"project.json", "lock", "logs"}
    record = site.record()
    assert (record.up, record.services[0].pid, record.services[0].name) == (False, None, "registry")


def test_down_again_has_nothing_to_tell(site: Site) -> None:
    """Nor has a ``down`` of what never was up."""
    site.projects.down("tp2", ["default"])
    assert site.told == []


def test_named_volumes_outlive_down_without_v(site: Site) -> None:
    """``down -v`` removes them."""
    data = Mount(site.folder.volume("data"), PurePosixPath("/data"), volume="data")
    site.projects.up(site.project(service("registry", mounts=(data,))))
    (data.source / "kept").touch()
    site.projects.down("tp2")
    assert (data.source / "kept").exists()
    site.projects.down("tp2", volumes=True)
    assert not data.source.exists()


def test_the_record_says_where_to_look(site: Site) -> None:
    """Ports as the file says them and as they are here, output, journal, process."""
    here = free_port()
    projects = replace(site.projects, forward={443: here})
    projects.up(site.project(service("nginx", ports=(Published(443, 80),), environment={"A": "1"})))
    [row] = site.record().services
    assert [(port.host, port.container, port.here) for port in row.published] == [(443, 80, here)]
    assert (row.kind, row.image, row.environment, row.pid) == ("nginx", "nginx", {"A": "1"}, site.pids()["nginx"])
    assert "listening" in Path(row.output).read_text(encoding="utf-8")
    assert row.journal == str(site.folder.logs("nginx") / "journal.jsonl")


def test_an_unpublished_port_stays_where_it_is(site: Site) -> None:
    """Through ``restart`` and recreation, so that who knows it need not start again."""
    site.projects.up(site.project(service("registry")))
    before = site.found()["registry"].ports
    site.projects.restart("tp2")
    site.projects.up(site.project(service("registry", environment={"A": "1"})))
    assert site.found()["registry"].ports == before


def test_neighbours_share_a_network(site: Site) -> None:
    """By service and container name; who shares none is not there."""
    one = service("nginx", networks=("a",))
    site.projects.up(site.project(one, service("registry", networks=("a", "b")), service("other", networks=("b",))))
    known = site.found()["nginx"].neighbours
    assert set(known) == {"registry", "tp2-registry-1"}
    assert known["registry"] == site.found()["registry"].ports


def test_a_service_that_cannot_be_planned_starts_nothing(site: Site) -> None:
    """The mistake is told; what ran runs on, what is new leaves nothing."""
    site.projects.up(site.project(service("registry")))
    before = site.pids()
    with pytest.raises(ComposeError, match="refused"):
        site.projects.up(site.project(service("nginx", mounts=(site.orders("n", "refuse"),)), service("registry")))
    assert site.pids() == before
    assert not site.folder.state("nginx").exists()


def test_every_service_that_cannot_be_planned_is_told(site: Site) -> None:
    """All mistakes at once, of all services."""
    bad = [service(name, mounts=(site.orders(name, "refuse"),)) for name in ("nginx", "registry")]
    with pytest.raises(ComposeError) as caught:
        site.projects.up(site.project(*bad))
    assert len(caught.value.issues) == 2


def test_a_service_that_ends_at_once_takes_back_all_that_was_started(site: Site) -> None:
    """Its last words are told, and nothing half-started is left."""
    with pytest.raises(ComposeError, match="cannot go on"):
        site.projects.up(site.project(service("nginx"), service("registry", mounts=(site.orders("r", "die"),))))
    assert site.found() == {}
    assert not list(containers.strays(site.folder.path))
    assert site.record().up is False


def test_why_up_was_refused_is_recorded_until_it_succeeds(site: Site) -> None:
    """The grader reads why nothing runs; once all is up, nothing is held against it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ComposeError, match="already allocated"):
            site.projects.up(site.project(service("web", ports=(Published(port, 80),))))
        assert not site.record().up
        assert ["port is already allocated" in row for row in site.record().refusal] == [True]
    site.projects.up(site.project(service("web", ports=(Published(port, 80),))))
    assert site.record().up
    assert site.record().refusal == ()
    site.projects.down("tp2")


def test_a_taken_port_whose_holder_nobody_may_see(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without root another user's program has no name: that is said, and how to go on."""
    monkeypatch.setattr(ports, "holder", lambda _: ports.Holder("?", None))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ComposeError, match=r"nobody whom you may see holds .* LAB_PORT_BASE") as caught:
            site.projects.up(site.project(service("web", ports=(Published(port, 80),))))
    assert "?" not in str(caught.value)


def test_a_taken_port_is_refused_in_dockers_words_with_its_holder(site: Site) -> None:
    """Before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        here = taken.getsockname()[1]
        projects = replace(site.projects, forward={443: here})
        with pytest.raises(ComposeError) as caught:
            projects.up(site.project(service("registry"), service("nginx", ports=(Published(443, 80),))))
    assert "Bind for 127.0.0.1:443 failed: port is already allocated" in str(caught.value)
    assert f"(pid {os.getpid()})" in str(caught.value)
    assert site.found() == {}


def test_a_port_that_was_stolen_meanwhile_is_told_at_start(site: Site) -> None:
    """The container stays as it was."""
    here = free_port()
    site.projects.up(site.project(service("nginx", ports=(Published(here, 80),))))
    site.projects.stop("tp2")
    with (
        socket.create_server(("127.0.0.1", here)),
        pytest.raises(ComposeError, match=rf"Bind for 127\.0\.0\.1:{here} failed: port is already allocated"),
    ):
        site.projects.start("tp2")
    assert site.pids() == {"nginx": None}


def test_two_services_cannot_publish_one_port(site: Site) -> None:
    """Docker starts the first; we start none."""
    port = free_port()
    with pytest.raises(ComposeError, match="port is already allocated"):
        site.projects.up(
            site.project(
                service("nginx", ports=(Published(port, 80),)), service("registry", ports=(Published(port, 5000),))
            )
        )
    assert site.found() == {}


def test_a_port_moves_between_services(site: Site) -> None:
    """What makes way frees its port first."""
    port = free_port()
    site.projects.up(site.project(service("nginx", ports=(Published(port, 80),)), service("registry")))
    site.projects.up(site.project(service("nginx"), service("registry", ports=(Published(port, 5000),))))
    assert site.found()["registry"].ports == {5000: port}
    assert site.found()["nginx"].ports[80] != port
    assert all(site.pids().values())


def test_another_projects_container_of_that_name_is_a_conflict(site: Site) -> None:
    """In Docker's words."""
    named = service("registry", container_name="web")
    site.projects.up(site.project(named, name="other"))
    with pytest.raises(ComposeError, match=r'The container name "/web" is already in use by container'):
        site.projects.up(site.project(named))
    assert site.found() == {}


def test_missing_folders_are_made_for_the_short_syntax_only(site: Site) -> None:
    """As Docker does."""
    source = site.work / "certs" / "deep"
    mount = Mount(source, PurePosixPath("/certs"), is_made=False)
    with pytest.raises(ComposeError, match=f"bind source path does not exist: {source}"):
        site.projects.up(site.project(service("registry", mounts=(mount,))))
    site.projects.up(site.project(service("registry", mounts=(replace(mount, is_made=True),))))
    assert source.is_dir()


def test_stop_start_and_restart_keep_the_container(site: Site) -> None:
    """Only its process is another."""
    site.projects.up(site.project(service("nginx"), service("registry")))
    first, pids = site.found(), site.pids()
    site.projects.stop("tp2", ["registry"])
    assert (site.pids()["registry"], runs(site.pids()["nginx"])) == (None, True)
    assert site.record().up is True
    site.projects.start("tp2")
    site.projects.restart("tp2", ["registry"])
    last = site.found()
    assert last["nginx"].pid() == pids["nginx"]
    assert last["registry"].id == first["registry"].id
    assert last["registry"].pid() not in {None, pids["registry"]}


def test_a_restart_that_is_refused_leaves_it_ended(site: Site) -> None:
    """As a container would end: its log says why, the others run, and once it is mended it starts again."""
    mount = site.orders("r")
    site.projects.up(site.project(service("nginx"), service("registry", mounts=(mount,))))
    before = site.found()["registry"]
    mount.source.write_text("refuse", encoding="utf-8")
    site.told_since()
    with pytest.raises(ComposeError, match="refused"):
        site.projects.restart("tp2")
    assert site.told == [
        "Container tp2-nginx-1 Restarting",
        "Container tp2-nginx-1 Started",
        "Container tp2-registry-1 Restarting",
    ]
    assert (site.pids()["registry"], runs(site.pids()["nginx"])) == (None, True)
    assert before.process.log.read_text(encoding="utf-8").splitlines()[-1] == "refused"
    assert [(row.name, row.pid is None) for row in site.record().services] == [("nginx", False), ("registry", True)]
    with pytest.raises(ComposeError, match="refused"):
        site.projects.start("tp2")
    mount.source.write_text("", encoding="utf-8")
    site.projects.start("tp2")
    assert site.found()["registry"].id == before.id
    assert runs(site.pids()["registry"])


def test_why_a_file_could_not_be_read_is_recorded_until_all_is_up(site: Site) -> None:
    """Also where the file then has another name for the project; what ran runs on, and nothing else is left."""
    project = site.project(service("web"))
    site.projects.up(project)
    unread = replace(project, services={})
    site.projects.refuse(unread, ComposeError(Issue(project.file, 3, "yaml:\n  found a tab"), "and more\nadvice"))
    assert site.record().refusal == (f"{project.file.name}:3: yaml: found a tab", "and more")
    assert (site.record().up, runs(site.pids()["web"])) == (True, True)
    for other, folder in (("other", project.folder), ("neighbour", project.folder / "below")):
        site.projects.refuse(replace(unread, name=other, folder=folder), ComposeError("no"))
    site.projects.up(project)
    assert site.record().refusal == ()
    assert [record.name for record in projects(site.projects.engine)] == ["neighbour", "tp2"]
    assert {path.name for path in site.folder.path.parent.iterdir()} == {"neighbour", "tp2"}


def test_a_service_that_left_the_file_is_removed_when_asked(site: Site) -> None:
    """``--remove-orphans``; ``down`` ends it anyway."""
    site.projects.up(site.project(service("nginx"), service("registry")))
    site.projects.up(site.project(service("registry")))
    assert site.pids()["nginx"] is not None
    site.projects.up(site.project(service("registry")), remove_orphans=True)
    assert set(site.found()) == {"registry"}


def test_an_unknown_service_is_told_in_composes_words(site: Site) -> None:
    """For ``restart``, ``stop`` and ``start`` alike."""
    site.projects.up(site.project(service("registry")))
    with pytest.raises(ComposeError, match=r"^no such service: regisry$"):
        site.projects.restart("tp2", ["regisry"])


@pytest.mark.parametrize("damage", ["gone", "half", "empty", "list", "foreign"])
@pytest.mark.parametrize("file", ["project.json", "state/registry/container.json", "logs/registry/registry.pid.json"])
def test_damaged_records_stop_neither_up_nor_down(file: str, damage: str, site: Site) -> None:
    """Whatever record is damaged: nothing is left running, and the project comes up again."""
    project = site.project(service("nginx"), service("registry", ports=(Published(free_port(), 5000),)))
    site.projects.up(project)
    first = site.pids()["registry"]
    path = site.folder.path / file
    text = path.read_text(encoding="utf-8")
    if damage == "gone":
        path.unlink()
    else:
        damaged = {"half": text[: len(text) // 2], "empty": "", "list": "[]", "foreign": '{"schema": "x"}'}[damage]
        path.write_text(damaged, encoding="utf-8")
    site.projects.up(project)
    assert len(list(containers.strays(site.folder.path))) == 2
    assert site.pids()["registry"] is not None
    path.write_text("{", encoding="utf-8")
    site.projects.down("tp2")
    assert not runs(first)
    assert not list(containers.strays(site.folder.path))


def test_a_pid_that_went_to_somebody_else_is_left_alone(site: Site) -> None:
    """The system gives pids out again; a record that a crash left may name anybody."""
    project = site.project(service("registry"))
    site.projects.up(project)
    waiting = [sys.executable, "-S", "-c", "input()"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, start_new_session=True) as stranger:
        record = {"pid": stranger.pid, "started": psutil.Process(stranger.pid).create_time()}
        for container in site.found().values():
            container.process.record_path.write_text(json.dumps(record), encoding="ascii")
        site.projects.down("tp2")
        assert runs(stranger.pid)
        stranger.kill()
    assert not list(containers.strays(site.folder.path))


def test_a_copied_lab_ends_nothing_of_the_one_that_runs(site: Site) -> None:
    """Its records name processes of the original."""
    site.projects.up(site.project(service("registry")))
    copied = site.engine.with_name("copy")
    shutil.copytree(site.engine, copied)
    Projects(copied).down("tp2")
    assert runs(site.pids()["registry"])


def test_a_students_own_command_on_the_project_is_left_alone(site: Site) -> None:
    """What their shell runs on a file of the project is no service, whatever it is called."""
    site.projects.up(site.project(service("registry")))
    file = str(site.folder.state("registry") / "config")
    with subprocess.Popen([sys.executable, "-S", "-c", "input()", "pyregistry", file], stdin=subprocess.PIPE) as own:
        site.projects.down("tp2")
        assert runs(own.pid)
        own.kill()


def test_secrets_are_for_their_owners_eyes(site: Site) -> None:
    """The environment of a compose file may hold some."""
    site.projects.up(site.project(service("registry", environment={"REGISTRY_HTTP_SECRET": "canary"})))
    holding = [
        path for path in site.engine.rglob("*") if path.is_file() and "canary" in path.read_text(encoding="utf-8")
    ]
    assert {path.name for path in holding} >= {"project.json", "container.json"}
    assert {path.stat().st_mode & 0o077 for path in holding} == {0}
