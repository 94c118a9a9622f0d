"""Compose files read: what is in a good one, what is wrong with a bad one, and who says so."""

import contextlib
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.compose.discovery import locate
from labs.compose.keys import FILE, MOUNT, PORT, SERVICE
from labs.compose.model import ComposeError, Issue, Mount, Published
from labs.compose.reading import Reading, read
from labs.compose.rendering import render
from tests import tools
from tests.unit.labs.compose.good import GOOD
from tests.unit.labs.compose.refusals import REFUSALS

ENVIRON = {"HOME": "/root", "LAB_LANG": "en"}
NGINX = "services:\n  nginx:\n    image: nginx\n"


def write(folder: Path, text: str) -> Path:
    """A compose file in a folder of the chapter's name."""
    project = folder / "tp2"
    project.mkdir()
    file = project / "compose.yaml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    return file


def reading(file: Path, environ: Mapping[str, str] = ENVIRON) -> Reading:
    """The file, read from its folder."""
    return read(locate(environ, file.parent), Path("/engine"))


def issues(file: Path, environ: Mapping[str, str] = ENVIRON) -> list[Issue]:
    """What is wrong with it."""
    with pytest.raises(ComposeError) as caught:
        reading(file, environ)
    return [issue if isinstance(issue, Issue) else Issue(file, None, issue) for issue in caught.value.issues]


@pytest.mark.parametrize("name", REFUSALS)
def test_what_compose_refuses_is_refused_in_its_words(name: str, tmp_path: Path) -> None:
    """A student who searches for the message finds it; the line is the one at fault."""
    refusal = REFUSALS[name]
    file = write(tmp_path, refusal.text)
    words = refusal.words.replace("{file}", str(file)).replace("{folder}", str(file.parent))
    assert (refusal.line, words) in [(issue.line, issue.text) for issue in issues(file)]


@pytest.mark.parametrize("name", GOOD)
def test_config_prints_what_compose_prints(name: str, tmp_path: Path) -> None:
    """The canonical form of a good file, to the letter."""
    text, printed = GOOD[name]
    file = write(tmp_path, text)
    wanted = printed.replace("{folder}", str(file.parent)).replace("{above}", str(tmp_path))
    assert render(reading(file).project, "yaml") == wanted


@pytest.mark.parametrize("name", [*REFUSALS, *GOOD])
def test_the_recorded_words_are_composes(name: str, tmp_path: Path) -> None:
    """The samples are what the real program says, not what we think that it says."""
    command = tools.require("sid/docker-compose")["sid/docker-compose"]
    file = write(tmp_path, REFUSALS[name].text if name in REFUSALS else GOOD[name][0])
    done = subprocess.run(
        [command, "config"], cwd=file.parent, capture_output=True, text=True, check=False, env={"HOME": "/root"}
    )
    said = [line for line in (done.stdout or done.stderr).splitlines() if not line.startswith("time=")]
    recorded = REFUSALS[name].words if name in REFUSALS else GOOD[name][1]
    wanted = (
        recorded.replace("{file}", str(file)).replace("{folder}", str(file.parent)).replace("{above}", str(tmp_path))
    )
    assert said[: len(wanted.splitlines())] == wanted.splitlines()


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Compose tells one of them, and then the next."""
    file = write(
        tmp_path,
        "services:\n  a: {imge: nginx}\n  b:\n    image: nginx\n    ports: [abc]\n    networks: [net]\n    prts: []\n",
    )
    assert [issue.line for issue in issues(file)] == [2, 5, 6, 7]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("build: .", "services.nginx.build"),
        ("entrypoint: sh", "services.nginx.entrypoint"),
        ("healthcheck: {test: ls}", "services.nginx.healthcheck"),
        ("networks: {default: {aliases: [x]}}", "services.nginx.networks.default.aliases"),
        ("user: root", "services.nginx.user"),
        ('ports: ["53:53/udp"]', "udp"),
        ('ports: ["80:80", "81:80"]', "container port 80"),
        ("volumes: [{type: tmpfs, target: /x}]", "tmpfs"),
        ("depends_on: {nginx2: {condition: service_healthy}}", "service_healthy"),
    ],
)
def test_what_only_docker_does_is_refused_by_name(line: str, key: str, tmp_path: Path) -> None:
    """Nothing of a file is passed over in silence; in both languages the way to Docker is told."""
    file = write(tmp_path, f"{NGINX}    {line}\n  nginx2:\n    image: nginx\n")
    [english] = issues(file)
    [french] = issues(file, ENVIRON | {"LAB_LANG": "fr"})
    assert english.line == french.line == 4
    assert key.rpartition(" ")[2] in english.text
    assert key.rpartition(" ")[2] in french.text
    assert "LAB_DOCKER=real" in english.text
    assert "\u00a0" in french.text


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:1.25",
        "nginx:1.27-alpine",
        "registry",
        "registry:2",
        "registry:2.8.3",
        "registry:3",
        "docker.io/library/registry:2",
    ],
)
def test_images_of_the_course_have_a_stand_in(image: str, tmp_path: Path) -> None:
    """registry:2 and 3, and nginx, under the names that Docker Hub gives them."""
    file = write(tmp_path, f"services:\n  web:\n    image: {image}\n")
    assert reading(file).project.services["web"].image == image


@pytest.mark.parametrize("image", ["registry:1", "distribution/distribution:3", "caddy", "nginx:", "ghcr.io/nginx"])
def test_other_images_are_named_with_those_that_have_a_stand_in(image: str, tmp_path: Path) -> None:
    """What is there instead is said at once."""
    file = write(tmp_path, f'services:\n  web:\n    image: "{image}"\n')
    [issue] = issues(file)
    assert (issue.line, image in issue.text, "registry:2" in issue.text) == (3, True, True)


def test_the_chapters_file_becomes_a_project(tmp_path: Path) -> None:
    """Services, variables, mounts, ports, dependencies and networks of the chapter."""
    file = write(tmp_path, GOOD["the chapter's"][0])
    project = reading(file).project
    registry, nginx = project.services["registry"], project.services["nginx"]
    assert (project.name, project.folder, project.networks) == ("tp2", file.parent, ("net",))
    assert registry.environment["REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin"] == '["*"]'
    assert registry.environment_lines["REGISTRY_HTTP_ADDR"] == 6
    assert registry.mounts == (Mount(file.parent / "registry", PurePosixPath("/var/lib/registry")),)
    assert nginx.ports == (Published(80, 80), Published(443, 443))
    assert [mount.read_only for mount in nginx.mounts] == [True, True, True]
    assert (nginx.depends_on, nginx.networks, nginx.line) == (("registry",), ("net",), 13)


def test_a_named_volume_lies_below_the_engine_home(tmp_path: Path) -> None:
    """Beside the project's other things, so that a reset of the exercise finds it."""
    file = write(tmp_path, NGINX + "    volumes: [data:/x]\nvolumes: {data: }\n")
    [mount] = reading(file).project.services["nginx"].mounts
    assert mount.source == Path("/engine/compose/tp2/volumes/data")


def test_paths_go_up_as_they_are_written(tmp_path: Path) -> None:
    """``..`` and ``~`` mean what they mean to Compose."""
    file = write(tmp_path, NGINX + '    volumes: ["../certs:/a", "~/b:/b", "/c:/c"]\n')
    sources = [mount.source for mount in reading(file).project.services["nginx"].mounts]
    assert sources == [tmp_path / "certs", Path("/root/b"), Path("/c")]


def test_files_of_variables_come_before_the_environment(tmp_path: Path) -> None:
    """``environment`` goes before ``env_file``; a variable without a value is the surroundings'."""
    file = write(
        tmp_path,
        NGINX + "    env_file: [a.env, {path: b.env, required: false}]\n    environment: [B=own, HOME, NONE]\n",
    )
    (file.parent / "a.env").write_text("A=1\nB=2\n", encoding="utf-8")
    assert reading(file).project.services["nginx"].environment == {"A": "1", "B": "own", "HOME": "/root"}


def test_compose_warns_of_what_it_ignores_and_misses(tmp_path: Path) -> None:
    """An obsolete key, a variable that is not set."""
    file = write(tmp_path, f'version: "3"\n{NGINX}    environment: ["X=$TAG"]\n')
    assert reading(file).remarks == (
        'The "TAG" variable is not set. Defaulting to a blank string.',
        (
            f"{file}: the attribute `version` is obsolete, it will be ignored, please remove it to avoid "
            "potential confusion"
        ),
    )


def test_an_anchor_that_contains_itself_is_refused(tmp_path: Path) -> None:
    """Go's library dies of it."""
    file = write(tmp_path, "services: &x\n  <<: *x\n")
    assert "contains itself" in issues(file)[0].text


def test_a_slip_is_not_told_as_a_missing_image(tmp_path: Path) -> None:
    """``imge:`` is one mistake."""
    file = write(tmp_path, "services:\n  nginx:\n    imge: nginx\n")
    assert len(issues(file)) == 1


WORDS = st.sampled_from(["nginx", "registry:2", "a:b", "80:80", "${X", "./a:/b"])
KEYS = st.sampled_from(sorted(FILE | SERVICE | PORT | MOUNT))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 70000) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted(FILE)), VALUES | st.dictionaries(st.sampled_from(["a", "b"]), VALUES)))
@settings(max_examples=100, deadline=None)
def test_any_document_is_read_or_refused(values: dict[str, object]) -> None:
    """Whatever shape a file has, a student gets words and lines, never a traceback."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "compose.yaml"
        file.write_text(yaml.safe_dump(values), encoding="utf-8")
        with contextlib.suppress(ComposeError):
            render(reading(file).project, "yaml")


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_any_slip_of_the_pen_is_read_or_refused(data: st.DataObject) -> None:
    """The chapter's file with a piece of it cut out, or put elsewhere."""
    text = GOOD["the chapter's"][0]
    start, end, to = sorted(data.draw(st.integers(0, len(text))) for _ in range(3))
    moved = text[:start] + text[end:to] + data.draw(st.sampled_from(["", text[start:end]])) + text[to:]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "compose.yaml"
        file.write_text(moved, encoding="utf-8")
        with contextlib.suppress(ComposeError):
            reading(file)
