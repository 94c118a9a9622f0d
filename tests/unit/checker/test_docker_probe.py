"""What Docker tells of a student's stack, as values: its containers, what its nginx reads, what its registry prints."""

import hashlib
import io
import json
import os
import re
import socket
import tarfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError, NotFound

from checker.facts import Kind, Logging, NotObserved, Unavailable
from checker.probes import nginx_config
from checker.probes.container_proxies import PROCESSES
from checker.probes.docker import read_surroundings
from checker.probes.surroundings import Address, LocalFile
from pyregistry.spec.journal import verify
from tests.unit.checker.docker_samples import ADAPTED, DUMP, REGISTRY_LINES

NAME = "registry.example.com"
DIGEST = f"sha256:{'ab' * 32}"
LABEL = "com.docker.compose"
CREATED = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
EARLIER = CREATED - timedelta(minutes=1)
SECOND_PUSH = datetime(2026, 11, 23, 23, 23, 41, tzinfo=UTC)
"""As the registry's lines have it."""


class FakeDaemon:
    """Containers of one project, as Docker's API tells of them.

    Attributes:
        files: By path, content and mode of what lies in a container only.
        links: By path, where a symbolic link leads.
        told: By command, what it prints besides ``nginx -T``.
        fault: What every question is answered with.
    """

    def __init__(self, work: Path) -> None:
        self.work = work
        self.containers_: dict[str, dict[str, Any]] = {}
        self.printed: dict[str, tuple[bytes, bytes]] = {}
        self.files: dict[str, tuple[bytes, int]] = {}
        self.links = {"/var/log/nginx/access.log": "/dev/stdout"}
        self.configuration = DUMP
        self.told: dict[tuple[str, ...], str] = {}
        self.fault: Exception | None = None

    def add(
        self,
        service: str,
        image: str,
        *,
        ports: Mapping[str, tuple[str, int]] | None = None,
        mounts: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        running: bool = True,
        **labels: str,
    ) -> None:
        """A container of the project."""
        bindings = {port: [{"HostIp": ip, "HostPort": str(to)}] for port, (ip, to) in (ports or {}).items()}
        shown = {"project": "tp2", "project.working_dir": str(self.work), "service": service, **labels}
        self.containers_[service] = {
            "Id": service,
            "Name": f"/tp2-{service}-1",
            "Created": CREATED.isoformat().replace("+00:00", ".123456789Z"),
            "Config": {
                "Image": image,
                "Labels": {f"{LABEL}.{name}": value for name, value in shown.items()},
                "Env": [f"{name}={value}" for name, value in (environment or {}).items()],
            },
            "State": {"Running": running},
            "HostConfig": {"NetworkMode": "tp2_net", "PortBindings": bindings},
            "NetworkSettings": {"Ports": (bindings if running else {}) | {"9/udp": None}},
            "Mounts": [
                {"Type": "bind", "Source": source, "Destination": target} for target, source in (mounts or {}).items()
            ],
        }

    def containers(self, *, all: bool, filters: Mapping[str, str]) -> list[dict[str, Any]]:  # noqa: A002  Docker's word
        """Rows of ``docker ps --all``."""
        self._speak()
        assert all
        assert filters == {"label": f"{LABEL}.project.working_dir"}
        return [{"Id": name, "Labels": each["Config"]["Labels"]} for name, each in self.containers_.items()]

    def inspect_container(self, name: str) -> dict[str, Any]:
        """``docker inspect``."""
        return self.containers_[name]

    def logs(self, name: str, *, stderr: bool, tail: int | str, stream: bool, follow: bool) -> Iterator[bytes]:
        """``docker logs``."""
        assert stream
        assert not follow
        out, err = self.printed.get(name, (b"", b""))
        lines = (out + (err if stderr else b"")).splitlines(keepends=True)
        return iter(lines if tail == "all" else lines[-int(tail) :])

    def get_archive(self, _name: str, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        """``docker cp``, and what it says of the file."""
        self._speak()
        if path == "/etc/nginx":
            return (part for part in [self._folder()]), {}
        if path in self.links:
            return (part for part in ()), {"size": 0, "mode": 0o777, "linkTarget": self.links[path]}
        if path not in self.files:
            raise NotFound(path)
        content, mode = self.files[path]
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            member = tarfile.TarInfo(Path(path).name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        told = {"size": len(content), "mode": mode, "linkTarget": ""}
        return (part for part in [buffer.getvalue()]), told

    def exec_create(self, _name: str, command: list[str], *, stderr: bool) -> dict[str, str]:
        """``docker exec``."""
        assert not stderr
        return {"Id": " ".join(command)}

    def exec_start(self, asked: str) -> bytes:
        """Its output."""
        return self._printed(asked).encode()

    def exec_inspect(self, asked: str) -> dict[str, int]:
        """Its end."""
        return {"ExitCode": 0 if self._printed(asked) else 1}

    def _printed(self, command: str) -> str:
        return self.configuration if command == "nginx -T" else self.told.get(tuple(command.split()), "")

    def _folder(self) -> bytes:
        """What lies below /etc/nginx, as ``docker cp`` gives a folder out."""
        parts = re.split(r"# configuration file (.*):\n", self.configuration)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for path, text in [*zip(parts[1::2], parts[2::2], strict=True), ("/etc/nginx/certs/privkey.pem", "PEM")]:
                member = tarfile.TarInfo(path.removeprefix("/etc/"))
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
        return buffer.getvalue()

    def _speak(self) -> None:
        if self.fault:
            raise self.fault


@pytest.fixture
def daemon(tmp_path: Path) -> FakeDaemon:
    """The chapter's stack, running."""
    daemon = FakeDaemon(tmp_path)
    for name in ("conf.d", "certs", "auth", "registry"):
        (tmp_path / name).mkdir()
    for name in ("certs/fullchain.pem", "certs/privkey.pem", "auth/htpasswd"):
        (tmp_path / name).touch()
    daemon.add(
        "registry",
        "registry:2",
        mounts={"/var/lib/registry": str(tmp_path / "registry")},
        environment={"REGISTRY_HTTP_SECRET": "correct-horse-canary"},
    )
    daemon.add(
        "nginx",
        "nginx:1.25",
        ports={"443/tcp": ("0.0.0.0", 443), "80/tcp": ("::", 80)},  # noqa: S104  as Docker says it
        mounts={f"/etc/nginx/{name}": str(tmp_path / name) for name in ("conf.d", "certs", "auth")},
    )
    daemon.printed = {"registry": (b"", REGISTRY_LINES.encode()), "nginx": (b"a line\n", b"[notice] begun\n")}
    for tag, at in (("1.0", SECOND_PUSH), ("earlier", EARLIER)):
        tags = tmp_path / "registry/docker/registry/v2/repositories/org/app/_manifests/tags"
        link = tags / tag / "index" / DIGEST.replace(":", "/") / "link"
        link.parent.mkdir(parents=True)
        link.write_text(DIGEST, encoding="utf-8")
        os.utime(link, (at.timestamp(), at.timestamp()))
    return daemon


def test_the_chapter_s_stack(daemon: FakeDaemon) -> None:
    """Services and ports from Docker, files by nginx's own configuration, found where they lie on this machine."""
    found = read_surroundings(daemon.work, NAME, daemon)
    assert (found.stack.source, found.stack.project, found.stack.up) == ("docker", "tp2", True)
    assert [(each.name, each.kind, each.running) for each in found.stack.services] == [
        ("nginx", Kind.NGINX, True),
        ("registry", Kind.REGISTRY, True),
    ]
    assert (found.tls, found.plain) == (Address(NAME, 443, "127.0.0.1", 443), Address(NAME, 80, "127.0.0.1", 80))
    assert (found.others, found.proxied) == ({}, True)
    assert found.password_files == {
        Kind.NGINX: (LocalFile(daemon.work / "auth" / "htpasswd"),),
        Kind.REGISTRY: (),
    }
    assert found.certificates == (LocalFile(daemon.work / "certs" / "fullchain.pem"),)
    assert found.keys == (LocalFile(daemon.work / "certs" / "privkey.pem"),)
    assert not isinstance(found.access_logs, Unavailable)
    assert [log.read() for log in found.access_logs] == [b"a line\n"]


def test_no_secret_of_the_compose_file_is_shown(daemon: FakeDaemon) -> None:
    """Neither as a fact nor in what Python prints of one."""
    assert "canary" not in repr(read_surroundings(daemon.work, NAME, daemon))


def test_what_registry_2_prints_is_a_journal(daemon: FakeDaemon) -> None:
    """Its chain holds; the store tells of pushes to a container before, and of the digests of later ones."""
    journal = read_surroundings(daemon.work, NAME, daemon).journal
    assert not isinstance(journal, Unavailable)
    events = list(verify(journal.read().decode().splitlines()))
    pushes = [(event.seq, event.reference, event.digest) for event in events if event.endpoint == "end-7"]
    assert pushes == [(1, "earlier", DIGEST), (4, "1.0", None), (5, "1.0", DIGEST), (6, "gone", None)]
    assert (events[0].repository, events[0].at) == ("org/app", EARLIER)


def test_what_the_first_second_holds_is_left_out(daemon: FakeDaemon) -> None:
    """The words of both began with their containers; pyregistry's journal is older than that."""
    assert read_surroundings(daemon.work, NAME, daemon).logged_since == CREATED + timedelta(seconds=1)
    daemon.containers_["registry"]["Created"] = "2026-11-23T12:00:05.5Z"
    assert read_surroundings(daemon.work, NAME, daemon).logged_since == CREATED + timedelta(seconds=6)
    daemon.containers_["registry"]["Config"]["Env"] = ["REGISTRY_PYREGISTRY_JOURNAL_PATH=/journal.jsonl"]
    assert read_surroundings(daemon.work, NAME, daemon).logged_since == CREATED + timedelta(seconds=1)


def test_another_reading_is_another_journal(daemon: FakeDaemon) -> None:
    """So that no earlier one is held against it: digests of earlier pushes are told no more, containers begin anew."""
    first, second = (read_surroundings(daemon.work, NAME, daemon).journal for _ in range(2))
    assert not isinstance(first, Unavailable)
    assert not isinstance(second, Unavailable)
    assert first.path.startswith("docker compose logs registry (")
    assert first.path != second.path


def test_pyregistry_keeps_its_own_journal(daemon: FakeDaemon) -> None:
    """In the volume that it writes to."""
    (daemon.work / "registry" / "journal.jsonl").touch()
    daemon.add(
        "registry",
        "example/pyregistry:1",
        mounts={"/var/lib/registry": str(daemon.work / "registry")},
        environment={"REGISTRY_PYREGISTRY_JOURNAL_PATH": "/var/lib/registry/journal.jsonl"},
    )
    assert read_surroundings(daemon.work, NAME, daemon).journal == LocalFile(daemon.work / "registry/journal.jsonl")


def test_a_file_of_the_container_only(daemon: FakeDaemon) -> None:
    """What no folder is mounted over is read through Docker, its mode as well, and named as the student finds it."""
    daemon.add("nginx", "nginx:1.25", ports={"443/tcp": ("127.0.0.1", 8443)}, running=False)
    daemon.files = {"/etc/nginx/certs/privkey.pem": (b"PEM", 0o640)}
    found = read_surroundings(daemon.work, NAME, daemon)
    assert not isinstance(found.keys, Unavailable)
    [key] = found.keys
    assert (key.path, key.read(), key.mode()) == ("nginx:/etc/nginx/certs/privkey.pem", b"PEM", 0o640)
    assert not isinstance(found.certificates, Unavailable)
    with pytest.raises(NotObserved) as caught:
        found.certificates[0].read()
    assert caught.value.unavailable.reason == "file-unreadable"


def test_an_open_backend_and_a_registry_without_a_proxy(daemon: FakeDaemon) -> None:
    """A second port is told with its service; the registry's own password file and key are named by its variables."""
    daemon.add(
        "registry",
        "registry:2",
        ports={"5000/tcp": ("127.0.0.1", 5000)},
        environment={
            "REGISTRY_AUTH_HTPASSWD_PATH": "/auth/htpasswd",
            "REGISTRY_HTTP_TLS_CERTIFICATE": "/certs/a.pem",
            "REGISTRY_HTTP_TLS_KEY": "/certs/a.key",
        },
    )
    assert read_surroundings(daemon.work, NAME, daemon).others == {
        "registry 5000": Address(NAME, 5000, "127.0.0.1", 5000)
    }
    del daemon.containers_["nginx"]
    found = read_surroundings(daemon.work, NAME, daemon)
    assert not found.proxied
    assert isinstance(found.password_files, Mapping)
    assert [file.path for file in found.password_files[Kind.REGISTRY]] == ["registry:/auth/htpasswd"]


def test_on_the_host_s_network_what_is_exposed_and_listens_is_open(daemon: FakeDaemon) -> None:
    """Docker publishes nothing there: the port is the machine's own."""
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port, other = listening.getsockname()[1], silent.getsockname()[1]
        registry = daemon.containers_["registry"]
        registry["HostConfig"]["NetworkMode"] = "host"
        registry["Config"]["ExposedPorts"] = {f"{port}/tcp": {}, f"{other}/tcp": {}, "53/udp": {}}
        found = read_surroundings(daemon.work, NAME, daemon)
    assert found.others == {f"registry {port}": Address(NAME, port, "127.0.0.1", port)}


def test_a_stopped_nginx_says_why(daemon: FakeDaemon) -> None:
    """Its last words are told; what it reads, by its files, and nothing where these make no sense."""
    mounts = {"/etc/nginx/certs": str(daemon.work / "certs")}
    daemon.add("nginx", "nginx:1.25", ports={"443/tcp": ("", 443)}, mounts=mounts, running=False)
    found = read_surroundings(daemon.work, NAME, daemon)
    assert found.stack.services[0].said == ("a line", "[notice] begun")
    assert (found.tls, found.proxied) == (None, True)
    assert found.keys == (LocalFile(daemon.work / "certs" / "privkey.pem"),)
    daemon.configuration = DUMP.replace("http {", "http {{")
    broken = read_surroundings(daemon.work, NAME, daemon)
    assert broken.keys == broken.access_logs == Unavailable("garbage", {"source": "nginx: nginx -T"})


def processes(uptime: float, *began: float) -> str:
    """What /proc says of nginx's processes, and of others."""
    rows = [f"{pid} (nginx) S 1{' 0' * 17} {began_at * 100:.0f} 9 9" for pid, began_at in enumerate(began, 1)]
    return "\n".join((f"{uptime} 1.0", *rows, f"9 (sh) R 1{' 0' * 17} {uptime * 100:.0f} 9 9", ""))


def test_when_nginx_read_its_files_is_told_by_its_youngest_worker(daemon: FakeDaemon) -> None:
    """Unless one of them was changed since: then what it runs with is not known."""
    now = datetime.now(UTC)
    told, asked = ("sh", "-c", *PROCESSES.split()), ("stat", "-L", "-c", "%Z", *nginx_config.read_paths(DUMP))
    daemon.told[told] = processes(5000.0, 100.0, 4940.0, 4940.0)
    for changed, is_known in ((-90, True), (-30, False)):
        daemon.told[asked] = "".join(f"{(now + timedelta(seconds=each)).timestamp():.0f}\n" for each in (-500, changed))
        found = read_surroundings(daemon.work, NAME, daemon).logging
        assert found.plain
        assert (found.since is not None) is is_known
        assert found.since is None or abs(found.since - now + timedelta(seconds=60)) < timedelta(seconds=10)


def test_when_nginx_read_its_files_is_not_always_known(daemon: FakeDaemon) -> None:
    """Where it does not run, or its container has no programs to ask, or tells something else."""
    assert read_surroundings(daemon.work, NAME, daemon).logging == Logging(plain=True)
    daemon.told["sh", "-c", *PROCESSES.split()] = "what?\n"
    assert read_surroundings(daemon.work, NAME, daemon).logging.since is None
    daemon.containers_["nginx"]["State"]["Running"] = False
    assert read_surroundings(daemon.work, NAME, daemon).logging.since is None


def test_of_two_registries_or_proxies_nothing_follows(daemon: FakeDaemon) -> None:
    """Which requests are whose, nobody says."""
    daemon.add("mirror", "registry:2")
    assert not read_surroundings(daemon.work, NAME, daemon).logging.plain
    daemon.add("other", "nginx:1.25")
    assert read_surroundings(daemon.work, NAME, daemon).logging == Logging()


def test_a_configuration_that_nginx_refuses_tells_nothing(daemon: FakeDaemon) -> None:
    """The nginx that runs has an older one: which, is not known."""
    daemon.configuration = ""
    assert read_surroundings(daemon.work, NAME, daemon).keys == Unavailable("garbage", {"source": "nginx: nginx -T"})


def test_an_unknown_proxy_is_not_looked_into(daemon: FakeDaemon) -> None:
    """Where it listens is told, and what it reads is not guessed; of a Caddy that does not run neither."""
    daemon.add("nginx", "haproxy:3", ports={"443/tcp": ("0.0.0.0", 443)})  # noqa: S104  as Docker says it
    found = read_surroundings(daemon.work, NAME, daemon)
    assert found.tls == Address(NAME, 443, "127.0.0.1", 443)
    assert found.password_files == Unavailable("service-unseen", {"service": "nginx"})
    daemon.add("nginx", "caddy:2", ports={"443/tcp": ("", 443)}, running=False)
    assert read_surroundings(daemon.work, NAME, daemon).keys == Unavailable("service-unseen", {"service": "nginx"})


def test_a_caddy_tells_what_it_makes_of_its_file(daemon: FakeDaemon) -> None:
    """Its log is what it prints as errors; the accounts of its file are read as htpasswd's, and shown to nobody."""
    del daemon.containers_["nginx"]
    daemon.add(
        "proxy",
        "docker.io/library/caddy:2.9@sha256:ab",
        ports={"443/tcp": ("", 443)},
        mounts={"/certs": str(daemon.work / "certs")},
    )
    daemon.containers_["proxy"]["Config"] |= {"Cmd": ["caddy", "run", "--config", "sites"], "WorkingDir": "/srv"}
    daemon.told = {("caddy", "adapt", "--config", "/srv/sites"): ADAPTED}
    daemon.printed["proxy"] = (b"", b"{}\n")
    found = read_surroundings(daemon.work, NAME, daemon)
    assert (found.proxied, found.keeper) == (True, Kind.CADDY)
    assert not isinstance(found.access_logs, Unavailable)
    assert [(log.path, log.read()) for log in found.access_logs] == [("docker compose logs proxy", b"{}\n")]
    assert isinstance(found.password_files, Mapping)
    [accounts] = found.password_files[Kind.CADDY]
    assert (accounts.path, accounts.read()) == ("proxy: caddy configuration", b"ada:$2y$05$canary\n")
    assert "canary" not in repr(found)
    assert found.certificates == (LocalFile(daemon.work / "certs" / "fullchain.pem"),)
    daemon.told = {}
    told = Unavailable("garbage", {"source": "proxy: caddy adapt"})
    assert read_surroundings(daemon.work, NAME, daemon).access_logs == told


def test_a_caddy_s_json_is_read_as_it_is(daemon: FakeDaemon) -> None:
    """No adapter is asked."""
    daemon.add("nginx", "caddy:2", ports={"443/tcp": ("", 443)})
    daemon.containers_["nginx"]["Config"]["Cmd"] = ["caddy", "run", "-c", "/etc/caddy/caddy.json"]
    daemon.files["/etc/caddy/caddy.json"] = (ADAPTED.encode(), 0o644)
    assert read_surroundings(daemon.work, NAME, daemon).keeper is Kind.CADDY


@pytest.fixture
def traefik(daemon: FakeDaemon) -> FakeDaemon:
    """Traefik in nginx's place, with a file of routes in a folder that it watches."""
    (daemon.work / "routes").mkdir()
    (daemon.work / "routes" / "registry.yaml").write_text(
        "http: {middlewares: {pw: {basicAuth: {usersFile: /auth/htpasswd}}}}\n"
        "tls: {certificates: [{certFile: /certs/fullchain.pem, keyFile: /certs/privkey.pem}]}\n",
        encoding="utf-8",
    )
    (daemon.work / "routes" / "notes.txt").write_text("{{ no routes", encoding="utf-8")
    del daemon.containers_["nginx"]
    mounts = {f"/{name}": str(daemon.work / name) for name in ("routes", "certs", "auth")}
    daemon.add("proxy", "traefik:v3.6", ports={"443/tcp": ("", 443)}, mounts=mounts)
    words = ["--accesslog", "--providers.file.directory=/routes", "--entryPoints.websecure.address=:443"]
    daemon.containers_["proxy"]["Config"] |= {"Entrypoint": ["/entrypoint.sh"], "Cmd": words}
    return daemon


def test_a_traefik_is_known_by_its_options(traefik: FakeDaemon) -> None:
    """Those of its command line, and of the files of a folder; its log is what it prints."""
    traefik.printed["proxy"] = (b"a line\n", b"an error\n")
    found = read_surroundings(traefik.work, NAME, traefik)
    assert (found.proxied, found.keeper) == (True, Kind.TRAEFIK)
    assert not isinstance(found.access_logs, Unavailable)
    assert [log.read() for log in found.access_logs] == [b"a line\n"]
    assert isinstance(found.password_files, Mapping)
    assert found.password_files[Kind.TRAEFIK] == (LocalFile(traefik.work / "auth" / "htpasswd"),)
    assert found.keys == (LocalFile(traefik.work / "certs" / "privkey.pem"),)


def test_a_traefik_logs_as_it_does_since_its_files_are_as_they_are(traefik: FakeDaemon) -> None:
    """The files of its routes are read whenever they change, its own at the start only."""
    began, routes = "2026-11-23T12:00:01.5Z", "stat -L -c %Z /routes/registry.yaml"
    traefik.containers_["proxy"]["State"]["StartedAt"] = began
    for changed, since in ((CREATED, began), (CREATED + timedelta(minutes=1), "2026-11-23T12:01:00Z")):
        traefik.told[tuple(routes.split())] = f"{int(changed.timestamp())}\n"
        assert read_surroundings(traefik.work, NAME, traefik).logging.since == datetime.fromisoformat(since)
    traefik.files["/etc/traefik/traefik.yml"] = (b"providers: {file: {filename: /routes/registry.yaml}}", 0o644)
    own = ("stat", "-L", "-c", "%Z", "/etc/traefik/traefik.yml")
    traefik.told[own] = f"{int(CREATED.timestamp())}\n"
    assert read_surroundings(traefik.work, NAME, traefik).logging.since is not None
    traefik.told[own] = f"{int(CREATED.timestamp()) + 60}\n"
    assert read_surroundings(traefik.work, NAME, traefik).logging.since is None


def test_traefik_s_file_goes_before_its_command_line(traefik: FakeDaemon) -> None:
    """As Traefik itself has it; its variables are the last that count."""
    traefik.files["/etc/traefik/traefik.yml"] = (b"providers: {file: {filename: /routes/registry.yaml}}", 0o644)
    found = read_surroundings(traefik.work, NAME, traefik)
    assert (found.access_logs, found.keys) == ((), (LocalFile(traefik.work / "certs" / "privkey.pem"),))
    traefik.files.clear()
    (traefik.work / "certs" / "access.log").touch()
    variables = ["TRAEFIK_ACCESSLOG_FILEPATH=/certs/access.log", "PATH=/bin"]
    traefik.containers_["proxy"]["Config"] |= {"Cmd": ["traefik"], "Env": variables}
    told = read_surroundings(traefik.work, NAME, traefik).access_logs
    assert told == (LocalFile(traefik.work / "certs" / "access.log"),)


def test_traefik_s_labels_count_where_it_reads_them(traefik: FakeDaemon) -> None:
    """Accounts that stand in a label are read as a file's; a file that nobody could parse is garbage."""
    label = {"traefik.http.middlewares.PW.basicAuth.users": "ada:$2y$05$canary, eve:{SHA}x"}
    traefik.containers_["registry"]["Config"]["Labels"] |= label
    assert isinstance(files := read_surroundings(traefik.work, NAME, traefik).password_files, Mapping)
    assert len(files[Kind.TRAEFIK]) == 1
    traefik.containers_["proxy"]["Config"]["Cmd"].append("--providers.docker")
    assert isinstance(files := read_surroundings(traefik.work, NAME, traefik).password_files, Mapping)
    assert files[Kind.TRAEFIK][1].read() == b"ada:$2y$05$canary\neve:{SHA}x\n"
    (traefik.work / "routes" / "registry.yaml").write_text("http: {{ if true }}", encoding="utf-8")
    told = Unavailable("garbage", {"source": "proxy: /routes/registry.yaml"})
    assert read_surroundings(traefik.work, NAME, traefik).keys == told


def test_containers_of_others_are_not_the_student_s(daemon: FakeDaemon) -> None:
    """Another folder's project, and what ``docker compose run`` left behind, are no part of the stack."""
    daemon.add("other", "registry:2", **{"project.working_dir": "/elsewhere"})
    daemon.add("once", "registry:2", oneoff="True")
    assert [each.name for each in read_surroundings(daemon.work, NAME, daemon).stack.services] == ["nginx", "registry"]
    daemon.containers_.clear()
    found = read_surroundings(daemon.work, NAME, daemon)
    assert (found.stack.up, found.stack.project, found.journal) == (False, None, Unavailable("no-journal"))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(ConnectionRefusedError(), "docker-silent"), (APIError("no", explanation="permission denied"), "docker-refused")],
)
def test_a_daemon_that_does_not_tell_is_a_reason(daemon: FakeDaemon, fault: Exception, reason: str) -> None:
    """And never an empty stack."""
    daemon.fault = fault
    with pytest.raises(NotObserved) as caught:
        read_surroundings(daemon.work, NAME, daemon)
    assert caught.value.unavailable.reason == reason


def test_another_machine_s_daemon_is_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What runs there is not the student's, whatever it says."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.7:2375")
    with pytest.raises(NotObserved) as caught:
        read_surroundings(tmp_path, NAME)
    assert caught.value.unavailable == Unavailable("docker-elsewhere", {"host": "tcp://192.0.2.7"})


def test_the_current_context_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As ``docker context use`` chose it, where DOCKER_HOST says nothing."""
    meta = tmp_path / "contexts" / "meta" / hashlib.sha256(b"chosen").hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoints = {"docker": {"Host": "tcp://192.0.2.9:2375", "SkipTLSVerify": False}}
    meta.write_text(json.dumps({"Name": "chosen", "Metadata": {}, "Endpoints": endpoints}), encoding="utf-8")
    (tmp_path / "config.json").write_text('{"currentContext": "chosen"}', encoding="utf-8")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(NotObserved) as caught:
        read_surroundings(tmp_path, NAME)
    assert caught.value.unavailable == Unavailable("docker-elsewhere", {"host": "tcp://192.0.2.9"})
