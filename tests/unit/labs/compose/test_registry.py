"""registry:2 planned as a process: whose configuration holds, where its paths and ports lead, what is refused."""

import stat
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
import yaml

from labs.compose import registry
from labs.compose.configuration import settings, with_paths
from labs.compose.model import ComposeError, Issue, Mount, Service
from labs.compose.place import Place, Plan

ROOT = Path(__file__).parents[4]
PORTS = {5000: 41000, 5001: 41001, 5443: 41443}
STORE = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"


def place(folder: Path, **values: object) -> Place:
    """A registry's surroundings; the folder ``work`` holds what is mounted."""
    service = replace(Service("registry", "registry:2", line=3, file=folder / "compose.yaml"), **values)  # type: ignore[arg-type]
    (folder / "work").mkdir(exist_ok=True)
    return Place(service, folder / "root", folder / "state", folder / "logs", PORTS.__getitem__)


def mount(folder: Path, name: str, inside: str, text: str | None = None) -> Mount:
    """A file of the student's, mounted."""
    if text is not None:
        (folder / "work").mkdir(exist_ok=True)
        (folder / "work" / name).write_text(text, encoding="utf-8")
    return Mount(folder / "work" / name, PurePosixPath(inside))


def refused(place: Place) -> list[Issue]:
    """What is wrong with it."""
    with pytest.raises(ComposeError) as caught:
        registry.plan(place)
    return [issue for issue in caught.value.issues if isinstance(issue, Issue)]


def written(plan: Plan) -> dict[str, object]:
    """The configuration that it runs with, as far as it is a file."""
    return dict(yaml.safe_load(Path(plan.command[-1]).read_text(encoding="utf-8")))


def test_the_images_configuration_is_that_of_the_container_image() -> None:
    """One image, one configuration, here and in the Dockerfile."""
    assert (ROOT / "image" / "config.yml").read_text(encoding="utf-8") == registry.IMAGE_CONFIG


def test_the_chapters_registry(tmp_path: Path) -> None:
    """Its store is the mounted folder, its port a loopback port, its journal beside the logs."""
    environment = {
        STORE: "/var/lib/registry",
        "REGISTRY_HTTP_ADDR": ":5000",
        "REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin": '["*"]',
        "REGISTRY_STORAGE_DELETE_ENABLED": "true",
    }
    mounts = (Mount(tmp_path / "registry", PurePosixPath("/var/lib/registry")),)
    plan = registry.plan(place(tmp_path, environment=environment, mounts=mounts))
    assert yaml.safe_load(plan.environ[STORE]) == str(tmp_path / "registry")
    assert plan.environ["REGISTRY_HTTP_ADDR"] == "127.0.0.1:41000"
    assert plan.environ["REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin"] == '["*"]'
    assert plan.environ["REGISTRY_PYREGISTRY_JOURNAL_PATH"] == str(tmp_path / "logs" / "journal.jsonl")
    assert (plan.listens, plan.journal) == ((5000,), tmp_path / "logs" / "journal.jsonl")


def test_without_a_mount_the_store_is_the_containers_own(tmp_path: Path) -> None:
    """It goes with the container, as Docker's anonymous volume does."""
    plan = registry.plan(place(tmp_path))
    assert written(plan)["storage"] == {
        "cache": {"blobdescriptor": "inmemory"},
        "filesystem": {"rootdirectory": str(tmp_path / "root" / "var/lib/registry")},
    }


@pytest.mark.parametrize("inside", registry.CONFIG_PATHS)
def test_a_mounted_configuration_is_honoured(inside: PurePosixPath, tmp_path: Path) -> None:
    """registry:2's place and registry:3's; paths in it are mapped, lines stay where they are."""
    text = """\
version: 0.1
storage:
  filesystem: {rootdirectory: /data}   # the store
auth:
  htpasswd:
    realm: Registry
    path: /auth/htpasswd
http:
  addr: :5443
  debug: {addr: ":5001"}
"""
    auth = mount(tmp_path, "htpasswd", "/auth/htpasswd", "u:$2y$05$" + "a" * 53 + "\n")
    plan = registry.plan(place(tmp_path, mounts=(mount(tmp_path, "config.yml", str(inside), text), auth)))
    lines = Path(plan.command[-1]).read_text(encoding="utf-8").splitlines()
    assert lines[2] == f'  filesystem: {{rootdirectory: "{tmp_path}/root/data"}}   # the store'
    assert len(lines) == len(text.splitlines())
    assert plan.password_files == (tmp_path / "work" / "htpasswd",)
    assert plan.listens == (5443, 5001)
    assert plan.environ["REGISTRY_HTTP_DEBUG_ADDR"] == "127.0.0.1:41001"


def test_the_command_may_name_the_configuration(tmp_path: Path) -> None:
    """As the image's entrypoint takes it."""
    config = mount(tmp_path, "own.yml", "/own.yml", registry.IMAGE_CONFIG.replace(":5000", ":5443"))
    for command in (("/own.yml",), ("serve", "/own.yml"), ("registry", "serve", "/own.yml")):
        assert registry.plan(place(tmp_path, mounts=(config,), command=command)).listens == (5443,)


def test_another_command_is_refused_by_name(tmp_path: Path) -> None:
    """There is no container to run it in."""
    [issue] = refused(place(tmp_path, command=("sh", "-c", "registry serve x.yml")))
    assert "sh -c registry serve x.yml" in issue.text
    assert issue.line == 3


def test_a_driver_without_its_folder_gets_the_containers(tmp_path: Path) -> None:
    """The default is /var/lib/registry of the container, never of this machine."""
    text = 'version: 0.1\nstorage: filesystem\nhttp: {addr: ":5000"}\n'
    config = mount(tmp_path, "config.yml", str(registry.CONFIG_PATHS[0]), text)
    plan = registry.plan(place(tmp_path, mounts=(config,)))
    assert plan.environ[STORE] == str(tmp_path / "root/var/lib/registry")


def test_a_mistake_in_the_file_is_told_with_its_line(tmp_path: Path) -> None:
    """The student's file and line, the registry's words, all mistakes at once."""
    text = "version: 0.1\nstorage:\n  filesystem: {rootdirectory: /data}\nhttp:\n  addr: nowhere\nlog:\n  level: loud\n"
    config = mount(tmp_path, "config.yml", str(registry.CONFIG_PATHS[0]), text)
    issues = refused(place(tmp_path, mounts=(config,)))
    assert [(issue.file, issue.line) for issue in issues] == [(config.source, 5), (config.source, 7)]
    assert all(issue.text.startswith("configuration error: ") for issue in issues)


def test_a_mistake_in_a_variable_is_told_with_the_compose_files_line(tmp_path: Path) -> None:
    """Where the student wrote it."""
    [issue] = refused(
        place(
            tmp_path,
            environment={"REGISTRY_LOG_LEVEL": "loud"},
            environment_lines={"REGISTRY_LOG_LEVEL": 6},
        )
    )
    assert (issue.file, issue.line) == (tmp_path / "compose.yaml", 6)
    assert "REGISTRY_LOG_LEVEL" in issue.text


def test_paths_of_the_container_are_told_as_such(tmp_path: Path) -> None:
    """What no mount holds, the student knows by its container path."""
    environment = {"REGISTRY_HTTP_TLS_CERTIFICATE": "/certs/a.pem", "REGISTRY_HTTP_TLS_KEY": "/certs/a.key"}
    issues = refused(place(tmp_path, environment=environment))
    assert any("open /certs/a.pem: no such file or directory" in issue.text for issue in issues)
    assert not any(str(tmp_path / "root") in issue.text for issue in issues)


def test_a_folder_in_the_configurations_place_is_told(tmp_path: Path) -> None:
    """What Docker makes of a mount whose source is missing."""
    (tmp_path / "work" / "config.yml").mkdir(parents=True)
    [issue] = refused(place(tmp_path, mounts=(mount(tmp_path, "config.yml", str(registry.CONFIG_PATHS[0])),)))
    assert issue.text == "configuration error: open /etc/docker/registry/config.yml: is a directory"


def test_a_socket_is_refused_by_name(tmp_path: Path) -> None:
    """Nothing of ours could reach it."""
    [issue] = refused(place(tmp_path, environment={"REGISTRY_HTTP_NET": "unix"}))
    assert "unix" in issue.text


def test_a_neighbour_in_the_file_is_refused_by_name(tmp_path: Path) -> None:
    """A service's name leads nowhere outside of containers: it is told with its line, not left to fail in a log."""
    text = (
        "version: 0.1\nstorage: {filesystem: }\nnotifications:\n  endpoints:\n"
        "    - name: other\n      url: http://nginx:8000/events\n    - {name: far, url: https://example.com/}\n"
        "health: {tcp: [{addr: 'nginx:80'}]}\n"
    )
    mounts = (mount(tmp_path, "config.yml", "/etc/docker/registry/config.yml", text),)
    found = refused(replace(place(tmp_path, mounts=mounts), neighbours={"nginx": {}}))
    assert {issue.file for issue in found} == {tmp_path / "work" / "config.yml"}
    told = [(issue.line, issue.text.split()[0].rstrip(":\u00a0")) for issue in found]
    assert told == [(6, "notifications.endpoints.0.url"), (8, "health.tcp.0.addr")]


def test_a_neighbour_in_a_variable_is_refused_by_name(tmp_path: Path) -> None:
    """With the compose file's line; whoever is no service of the project may be asked."""
    name = "REGISTRY_HEALTH_HTTP"
    values = {"environment": {name: "[{uri: 'http://nginx/'}]"}, "environment_lines": {name: 7}}
    (found,) = refused(replace(place(tmp_path, **values), neighbours={"nginx": {}}))
    assert (found.file, found.line) == (tmp_path / "compose.yaml", 7)
    assert registry.plan(replace(place(tmp_path, **values), neighbours={"proxy": {}}))


def test_nothing_of_our_own_environment_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither our REGISTRY_* nor our secrets; the service's own variables do."""
    monkeypatch.setenv("REGISTRY_LOG_LEVEL", "debug")
    monkeypatch.setenv("CANARY", "secret")
    plan = registry.plan(place(tmp_path, environment={"TZ_NAME": "x"}))
    assert plan.environ.keys().isdisjoint({"REGISTRY_LOG_LEVEL", "CANARY"})
    assert plan.environ["TZ_NAME"] == "x"


def test_its_configuration_is_for_its_owners_eyes(tmp_path: Path) -> None:
    """It may hold a secret."""
    file = Path(registry.plan(place(tmp_path)).command[-1])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_garbage_collect_runs_on_the_written_configuration(tmp_path: Path) -> None:
    """The container's path of the configuration stands for it."""
    words = ("garbage-collect", "--dry-run", "/etc/docker/registry/config.yml")
    command = registry.garbage_collect_command(tmp_path / "config.yml", words)
    assert command[1:] == ("-m", "pyregistry", "garbage-collect", "--dry-run", str(tmp_path / "config.yml"))


@pytest.mark.parametrize(
    ("variables", "value"),
    [
        ({}, "/file"),
        ({"REGISTRY_AUTH_HTPASSWD_PATH": "/variable"}, "/variable"),
        ({"REGISTRY_AUTH": "{htpasswd: {path: /whole}}"}, "/whole"),
        ({"REGISTRY_AUTH": "{htpasswd: {path: /whole}}", "REGISTRY_AUTH_HTPASSWD_PATH": "/both"}, "/both"),
        ({"REGISTRY_AUTH": "none"}, None),
    ],
)
def test_variables_lie_over_the_file(variables: dict[str, str], value: str | None) -> None:
    """In the order in which the registry lays them."""
    text = "Auth: {htpasswd: {path: /file}}\n"
    assert settings(text, variables).get(("auth", "htpasswd", "path")) == value


@pytest.mark.parametrize(
    ("text", "mapped"),
    [
        ("http: {tls: {clientcas: [/a, '/b']}}", 'http: {tls: {clientcas: ["/x/a", "/x/b"]}}'),
        ("http: {prefix: /v/}", "http: {prefix: /v/}"),
        ("auth: {htpasswd: {path: relative}}", "auth: {htpasswd: {path: relative}}"),
        ("health:\n  file:\n    - file: /f  # why\n", 'health:\n  file:\n    - file: "/x/f"  # why\n'),
        ("broken: [", "broken: ["),
        ("", ""),
    ],
)
def test_only_paths_of_the_container_are_replaced(text: str, mapped: str) -> None:
    """Where they stand; a text that is no YAML is left to the registry to refuse."""
    assert with_paths(text, lambda path: f"/x{path}") == mapped
