"""``docker compose`` as it is typed: what it prints, what it refuses, how it ends."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.compose.projects import Projects
from labs.compose.record import ProjectRecord
from labs.processes import wait_until
from tests.fakes.compose import replace_images
from tests.fakes.shell import Shell

FILE = """\
services:
  registry:
    image: registry:2
  nginx:
    image: nginx:1.25
    ports: ["443:80"]
    depends_on: [registry]
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The student's folder, with a compose file; the current one."""
    folder = tmp_path / "tp2"
    folder.mkdir()
    (folder / "compose.yaml").write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def shell(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A machine in a lab that forwards 443; images are fakes, nothing runs on."""
    replace_images(monkeypatch)
    (tmp_path / "lab").mkdir()
    internet = {"names": {}, "ca": "/none", "private": {}, "forward": {"443": free_port}}
    (tmp_path / "lab" / "internet.json").write_text(json.dumps(internet), encoding="utf-8")
    shell = Shell(tmp_path / "engine", {"LAB_HOME": str(tmp_path / "lab")})
    yield shell
    Projects(shell.home).down("tp2")


@pytest.fixture
def free_port() -> int:
    """A port of this machine."""
    from labs.compose.planning import free_port

    return free_port()


def test_up_tells_its_progress_beside_the_output(shell: Shell, work: Path, free_port: int) -> None:
    """In Compose's shape, on standard error; a port that is another here is told."""
    done = shell.docker("compose", "up", "-d")
    assert (done.code, done.output) == (0, "")
    assert done.errors.splitlines()[:2] == [" Network tp2_default  Creating", " Network tp2_default  Created"]
    assert done.errors.splitlines()[-2:] == [
        " Container tp2-nginx-1  Started",
        f"labdocker: port 443 is 127.0.0.1:{free_port} on this machine",
    ]
    record = ProjectRecord.load(shell.home, "tp2")
    assert record is not None
    assert (record.folder, record.file, record.up) == (str(work), str(work / "compose.yaml"), True)


MISTAKES = {
    "a tab": ("    image: nginx:1.25", "\timage: nginx:1.25", "compose.yaml:5: yaml: line 5: found character that"),
    "an image": ("nginx:1.25", "ngnix", "compose.yaml:5: services.nginx.image: no image ngnix here."),
    "a key": ("    ports:", "    hostname: a\n    ports:", "compose.yaml:6: services.nginx.hostname: Compose knows it"),
    "no services": (FILE, "services: {}\n", "no service selected"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_file_that_cannot_be_read_is_told_to_the_grader_until_it_can(mistake: str, shell: Shell, work: Path) -> None:
    """Whatever is wrong with it; other commands leave no trace of it, and once all is up nothing is held against it."""
    old, new, said = MISTAKES[mistake]
    (work / "compose.yaml").write_text(FILE.replace(old, new), encoding="utf-8")
    shell.docker("compose", "config")
    assert ProjectRecord.load(shell.home, "tp2") is None
    assert shell.docker("compose", "up", "-d").code == 1
    record = ProjectRecord.load(shell.home, "tp2")
    assert record is not None
    assert (record.folder, record.up, record.services) == (str(work), False, ())
    assert record.refusal[0].startswith(said)
    assert {path.name for path in (shell.home / "compose" / "tp2").iterdir()} == {"lock", "project.json"}
    (work / "compose.yaml").write_text(FILE, encoding="utf-8")
    assert shell.docker("compose", "up", "-d").code == 0
    record = ProjectRecord.load(shell.home, "tp2")
    assert record is not None
    assert (record.up, record.refusal) == (True, ())


@pytest.mark.usefixtures("work")
def test_ps_is_composes_table(shell: Shell, free_port: int) -> None:
    """Columns and words as students know them; the address is where it really is."""
    shell.docker("compose", "up", "-d")
    head, nginx, registry = shell.docker("compose", "ps").lines
    assert head.split() == ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"]
    assert re.split(r"\s{2,}", registry)[:2] == ["tp2-registry-1", "registry:2"]
    assert registry.endswith("5000/tcp")
    assert " Up " in nginx
    assert nginx.endswith(f"127.0.0.1:{free_port}->80/tcp")
    row = json.loads(shell.docker("compose", "ps", "--format", "json", "nginx").output)
    assert (row["Name"], row["State"], row["Publishers"][0]["PublishedPort"]) == ("tp2-nginx-1", "running", free_port)
    assert len(shell.docker("compose", "ps", "-q").lines) == 2
    assert shell.docker("compose", "ps", "--services").lines == ["nginx", "registry"]


@pytest.mark.usefixtures("work")
def test_ps_shows_what_was_stopped_when_asked(shell: Shell) -> None:
    """``-a``."""
    shell.docker("compose", "up", "-d")
    shell.docker("compose", "stop", "nginx")
    assert len(shell.docker("compose", "ps").lines) == 2
    assert "Exited (0)" in shell.docker("compose", "ps", "-a").lines[1]
    assert shell.docker("compose", "start").code == 0
    assert len(shell.docker("compose", "ps").lines) == 3


@pytest.mark.usefixtures("work")
def test_logs_have_composes_prefix(shell: Shell) -> None:
    """As wide as the longest name; of this container, not of one that ``down`` removed."""
    shell.docker("compose", "up", "-d")
    shell.docker("compose", "down")
    shell.docker("compose", "up", "-d")
    assert shell.docker("compose", "logs").lines == [
        "registry-1  | starting",
        "registry-1  | listening",
        "nginx-1     | starting",
        "nginx-1     | listening",
    ]
    assert shell.docker("compose", "logs", "--tail", "1", "nginx").lines == ["nginx-1  | listening"]
    assert shell.docker("compose", "logs", "-n1", "--no-log-prefix", "nginx").lines == ["listening"]


@pytest.mark.usefixtures("work")
def test_down_and_restart(shell: Shell) -> None:
    """As Compose tells them."""
    shell.docker("compose", "up", "-d")
    assert shell.docker("compose", "restart", "nginx").errors.splitlines() == [
        " Container tp2-nginx-1  Restarting",
        " Container tp2-nginx-1  Started",
    ]
    assert shell.docker("compose", "down").errors.splitlines()[-1] == " Network tp2_default  Removed"
    assert shell.docker("compose", "ps", "-a").lines[1:] == []


@pytest.mark.usefixtures("work")
def test_a_tag_that_looks_like_none_of_nginxs_is_remarked_on(shell: Shell) -> None:
    """It may be a slip; nobody can look it up, so that it is no reason to refuse a file."""
    Path("compose.yaml").write_text(FILE.replace("nginx:1.25", "nginx:lates"), encoding="utf-8")
    done = shell.docker("compose", "up", "-d")
    assert done.code == 0
    assert done.errors.splitlines()[-1].startswith("labdocker: nginx:lates: is there such a tag?")
    Path("compose.yaml").write_text(FILE, encoding="utf-8")
    assert "tag" not in shell.docker("compose", "up", "-d").errors


@pytest.mark.usefixtures("work")
def test_a_restart_policy_is_remarked_on(shell: Shell) -> None:
    """Nothing of ours follows it; it is no reason to refuse a file."""
    Path("compose.yaml").write_text(f"{FILE}    restart: always\n", encoding="utf-8")
    done = shell.docker("compose", "up", "-d", LAB_LANG="fr")
    assert done.code == 0
    assert done.errors.splitlines()[-1].startswith("labdocker\u00a0: restart: always de nginx n'a pas d'effet")


@pytest.mark.usefixtures("work")
def test_down_works_with_a_damaged_map_of_the_lab(shell: Shell, tmp_path: Path) -> None:
    """What is up can always be taken down."""
    shell.docker("compose", "up", "-d")
    (tmp_path / "lab" / "internet.json").write_text("{", encoding="utf-8")
    assert shell.docker("compose", "up", "-d").code == 1
    assert shell.docker("compose", "down").code == 0
    assert shell.docker("compose", "ps", "-a").lines[1:] == []


@pytest.mark.usefixtures("work")
def test_mistakes_are_shown_from_where_one_stands(shell: Shell) -> None:
    """File and line first, so that an editor can jump there."""
    Path("compose.yaml").write_text("services:\n  nginx:\n    imge: nginx\n    prts: []\n", encoding="utf-8")
    done = shell.docker("compose", "up", "-d")
    here = Path.cwd()
    assert done.code == 1
    assert done.errors.splitlines() == [
        f"compose.yaml:3: validating {here}/compose.yaml: services.nginx additional properties 'imge' not allowed",
        f"compose.yaml:4: validating {here}/compose.yaml: services.nginx additional properties 'prts' not allowed",
    ]


@pytest.mark.usefixtures("work")
def test_warnings_are_composes(shell: Shell) -> None:
    """With a time, as its library writes them."""
    Path("compose.yaml").write_text(f'version: "3"\n{FILE}', encoding="utf-8")
    done = shell.docker("compose", "config", "-q")
    assert (done.code, done.output) == (0, "")
    assert re.fullmatch(r'time="\S+" level=warning msg=".*`version` is obsolete.*"\n', done.errors)


@pytest.mark.usefixtures("work")
def test_files_and_names_are_chosen_before_the_command(shell: Shell) -> None:
    """``-f`` and ``-p``; with ``-p`` a project can be taken down without its file."""
    Path("compose.yaml").rename("other.yml")
    assert shell.docker("compose", "-f", "other.yml", "-p", "mine", "up", "-d").code == 0
    assert "mine-nginx-1" in shell.docker("compose", "-p", "mine", "ps").output
    Path("other.yml").unlink()
    assert "mine-nginx-1" in shell.docker("compose", "ps", COMPOSE_PROJECT_NAME="mine").output
    done = shell.docker("compose", "-p", "mine", "down")
    assert (done.code, " Container mine-nginx-1  Removed" in done.errors.splitlines()) == (0, True)
    assert shell.docker("compose", "down").errors == "no configuration file provided: not found\n"


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("foo", 1, 'unknown docker command: "compose foo"\n'),
        ("build", 1, "labdocker: 'docker compose build' needs containers"),
        ("--profile x up", 1, "labdocker: 'docker compose' does not do --profile"),
        ("up --build", 125, "labdocker: 'docker compose up' does not do --build"),
        ("up --foo", 125, "unknown flag: --foo\n\nUsage:  docker compose up [OPTIONS] [SERVICE...]"),
        ("up regisry", 1, "no such service: regisry\n"),
        ("logs regisry", 1, "no such service: regisry\n"),
        ("exec nginx nginx -t", 1, 'service "nginx" is not running\n'),
        ("exec nginx", 1, "docker: 'docker compose exec' requires at least 2 arguments"),
    ],
)
def test_refusals(words: str, code: int, said: str, shell: Shell) -> None:
    """Compose's words for what nobody has, ours by name for what only containers have."""
    done = shell.docker("compose", *words.split())
    assert (done.code, done.errors[: len(said)]) == (code, said)


@pytest.mark.usefixtures("work")
def test_exec_knows_the_courses_commands_and_refuses_others(shell: Shell) -> None:
    """Words behind the service are the command's, flags included."""
    shell.docker("compose", "up", "-d")
    done = shell.docker("compose", "exec", "nginx", "nginx", "-t")
    assert (done.code, done.errors.splitlines()[-1]) == (
        0,
        "nginx: configuration file /etc/nginx/nginx.conf test is successful",
    )
    refused = shell.docker("compose", "exec", "registry", "sh", "-c", "ls")
    assert refused.code == 1
    assert "'sh -c ls' in registry" in refused.errors
    assert "registry garbage-collect" in refused.errors


@pytest.mark.usefixtures("work")
def test_help_names_what_there_is(shell: Shell) -> None:
    """Commands and flags that work, no others."""
    done = shell.docker("compose")
    assert "  up          Create and start containers" in done.lines
    assert "build" not in done.output
    assert shell.docker("compose", "up", "--help").lines[0] == "Usage:  docker compose up [OPTIONS] [SERVICE...]"
    assert shell.docker("compose", "version").output.startswith("Docker Compose version v2.")


def test_up_in_the_foreground_shows_logs_until_it_is_interrupted(shell: Shell, work: Path) -> None:
    """Ctrl-C ends the services, not their containers."""
    program = (
        "import sys\n"
        "from labs.compose import planning\n"
        "from tests.fakes.compose import PORTS, plan\n"
        "from labs.engine.cli import main\n"
        "planning.PLANS = dict.fromkeys(PORTS, plan)\n"
        "sys.exit(main(['compose', 'up']))\n"
    )
    environ = {"LAB_ENGINE_HOME": str(shell.home), "LAB_HOME": str(work.parent / "lab"), "LAB_LANG": "en"}
    root = str(Path(__file__).parents[4])
    with (
        (work.parent / "out").open("w+", encoding="utf-8") as out,
        subprocess.Popen(
            [sys.executable, "-c", program], stdout=out, stderr=out, env=environ | {"PYTHONPATH": root}
        ) as up,
    ):
        said = work.parent / "out"
        assert wait_until(lambda: "nginx-1     | listening" in said.read_text(encoding="utf-8"), 10)
        up.send_signal(signal.SIGINT)
        assert up.wait(10) == 130
    lines = said.read_text(encoding="utf-8").splitlines()
    assert "Attaching to nginx-1, registry-1" in lines
    assert "Gracefully Stopping... press Ctrl+C again to force" in lines
    assert lines[-1] == " Container tp2-registry-1  Stopped"
    assert len(shell.docker("compose", "ps", "-a").lines) == 3


def test_a_compose_command_answers_quickly(shell: Shell, work: Path) -> None:
    """Nothing heavy is loaded before it is needed: half a second would be felt at each command."""
    environ = {"LAB_ENGINE_HOME": str(shell.home), "LAB_HOME": str(work.parent / "lab"), "PATH": "/usr/bin:/bin"}
    program = "import sys; from labs.engine.cli import main; main(['compose', 'ps']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert "'urllib3'" not in done.stdout
    assert "'cryptography'" not in done.stdout
