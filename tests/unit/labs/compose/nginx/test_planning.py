"""What a plan says, and what is refused before nginx is asked. A program that takes everything stands for nginx."""

import sys
from pathlib import Path, PurePosixPath

import pytest

from labs.compose.model import ComposeError
from labs.compose.nginx import plan
from labs.compose.nginx.mapping import write_configuration
from labs.compose.nginx.programs import Program
from labs.compose.nginx.trial import run_trial
from tests.fakes.containers import Container


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own words are compared in English."""
    monkeypatch.setenv("LAB_LANG", "en")


def program(folder: Path, said: str = "", code: int = 0) -> Program:
    """An nginx that says something about every configuration, and ends with a code."""
    path = folder / f"nginx{len(list(folder.glob('nginx*')))}"
    path.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{said}\nEND\nexit {code}\n", encoding="utf-8")
    path.chmod(0o755)
    return Program(path, (1, 25, 0), "")


@pytest.fixture
def container(tmp_path: Path) -> Container:
    """A container with nothing mounted: the image's own files are in force."""
    return Container(tmp_path, ports={80: 8080}, environment={"TZ": "Europe/Paris", "A": "b"})


def test_the_image_alone(container: Container) -> None:
    """Its default.conf listens on 80 and logs where the image logs; the program stays in the foreground."""
    nginx = program(container.folder)
    planned = plan(container.place, (nginx,))
    main = container.folder / "state/conf/etc/nginx/nginx.conf"
    prefix = f"{container.folder}/root/etc/nginx/"
    assert planned.command == (str(nginx.path), "-e", "stderr", "-p", prefix, "-c", str(main), "-g", "daemon off;")
    assert planned.reload == (str(nginx.path), "-e", "stderr", "-p", prefix, "-c", str(main), "-s", "reload")
    assert planned.listens == (80,)
    assert planned.access_logs == (container.folder / "logs/access.log",)
    assert (planned.journal, planned.password_files, planned.certificates, planned.keys) == (None, (), (), ())
    assert (container.folder / "root/var/cache/nginx").is_dir()
    assert (container.folder / "root/var/run").is_dir()


def test_what_it_reads_is_told_as_in_the_container(container: Container) -> None:
    """The student's own words under their container paths, not the mapped ones; a byte that is no text does no harm."""
    container.mount("conf.d", "/etc/nginx/conf.d")
    site = container.folder / "work/conf.d/site.conf"
    site.parent.mkdir(parents=True)
    site.write_bytes(b"server { listen 80; access_log /var/log/nginx/own.log; } # \xe9\n")
    told = plan(container.place, (program(container.folder),)).configuration
    assert told.startswith("# configuration file /etc/nginx/nginx.conf:\n")
    assert "# configuration file /etc/nginx/conf.d/site.conf:\nserver { listen 80; access_log /var/log" in told
    assert told.encode().decode() == told


def test_the_clock_says_utc_unless_it_is_told(container: Container) -> None:
    """As a container's does."""
    assert {"TZ": "Europe/Paris", "A": "b"}.items() <= plan(
        container.place, (program(container.folder),)
    ).environ.items()
    container.environment.clear()
    assert plan(container.place, (program(container.folder),)).environ["TZ"] == "UTC"


def test_what_the_container_wrote_stays(container: Container) -> None:
    """The image's files are put there once: a restart keeps the container's own file system."""
    page = container.write("/usr/share/nginx/html/index.html", "mine")
    plan(container.place, (program(container.folder),))
    assert page.read_text(encoding="utf-8") == "mine"


def test_a_plan_forgets_the_one_before(container: Container) -> None:
    """A file that is no longer included is no longer there."""
    extra = container.write("/etc/nginx/conf.d/extra.conf", "server { listen 81; }")
    planned = plan(container.place, (program(container.folder),))
    assert planned.listens == (80, 81)
    extra.unlink()
    assert plan(container.place, (program(container.folder),)).listens == (80,)
    assert not (container.folder / "state/conf/etc/nginx/conf.d/extra.conf").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("nginx", "-g", "daemon off;"),
        ("/usr/sbin/nginx", "-g", "daemon off"),
        ("nginx", "-c", "/srv/main.conf", "-g", "daemon off;"),
    ],
)
def test_commands_that_are_understood(container: Container, command: tuple[str, ...]) -> None:
    """The program in the foreground, with another main file or not."""
    container.command = command
    container.write("/srv/main.conf", "events { }")
    planned = plan(container.place, (program(container.folder),))
    assert planned.command[-3].endswith("/srv/main.conf" if "-c" in command else "/etc/nginx/nginx.conf")


@pytest.mark.parametrize(
    "command",
    [("sh", "-c", "nginx"), ("nginx",), ("nginx", "-g"), ("nginx", "-g", "daemon on;"), ("nginx", "-t", "-q")],
)
def test_other_commands_are_named(container: Container, command: tuple[str, ...]) -> None:
    """A shell's, or one that would leave the container at once."""
    container.command = command
    with pytest.raises(ComposeError, match="command of nginx: without Docker it can be nginx"):
        plan(container.place, (program(container.folder),))


@pytest.mark.parametrize("target", ["/docker-entrypoint.d/10-x.sh", "/etc/nginx/templates"])
def test_files_for_the_entrypoint_are_named(container: Container, target: str) -> None:
    """They would be read by scripts that do not run here."""
    container.mount("x", target)
    with pytest.raises(ComposeError, match=f"{target} of nginx: without Docker, the image's entrypoint"):
        plan(container.place, (program(container.folder),))


def test_a_folder_with_a_dollar_is_named(container: Container) -> None:
    """What follows would be taken for a variable."""
    container.mount("a$b", "/srv")
    with pytest.raises(ComposeError, match=r"a\$b: a folder with \$ in its name"):
        plan(container.place, (program(container.folder),))


def test_a_refusal_is_told_once_at_its_line(container: Container) -> None:
    """Early mistakes are said twice, in two forms."""
    file = container.write("/etc/nginx/conf.d/a.conf", "x;\n")
    mapped = container.folder / "state/conf/etc/nginx/conf.d/a.conf"
    said = f'unknown directive "x" in {mapped}:1'
    lines = [f"2026/11/23 23:21:54 [emerg] 12#12: {said}", f"nginx: [emerg] {said}", "nginx: test failed"]
    nginx = program(container.folder, "\n".join(lines), 1)
    with pytest.raises(ComposeError) as caught:
        plan(container.place, (nginx,))
    assert [str(issue) for issue in caught.value.issues] == [
        f'{file}:1: nginx: [emerg] unknown directive "x" in /etc/nginx/conf.d/a.conf:1'
    ]


def test_warnings_refuse_nothing(container: Container) -> None:
    """They are said again when it starts, in the output."""
    assert plan(container.place, (program(container.folder, "nginx: [warn] conflicting server name"),)).listens == (80,)


def test_only_what_refuses_is_told_of_a_refusal(container: Container) -> None:
    """With the container's ports in it, and no port that only begins like one of this machine's."""
    said = "nginx: [warn] deprecated\nnginx: [emerg] 127.0.0.1:8080 and 127.0.0.1:80801"
    with pytest.raises(ComposeError) as caught:
        plan(container.place, (program(container.folder, said, 1),))
    assert [str(issue).split(": ", 1)[1] for issue in caught.value.issues] == [
        "nginx: [emerg] 0.0.0.0:80 and 127.0.0.1:80801"
    ]


def test_a_program_that_does_not_end_is_ended(container: Container) -> None:
    """A command of a student's does not hang."""
    sleeper = container.folder / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 100\n", encoding="ascii")
    sleeper.chmod(0o755)
    container.write("/etc/nginx/x", "events { }")
    mapped = write_configuration(container.place, Program(sleeper, (1, 25, 0), ""), PurePosixPath("/etc/nginx/x"))
    (issue,) = run_trial(container.place, mapped, (str(sleeper),), timeout_seconds=0.1).issues
    assert issue.text.startswith("nginx -t did not end within 0 s")


def test_nginx_is_asked_away_from_the_terminal(container: Container) -> None:
    """In a session of its own: a key with a passphrase is not asked for, as in a container without a terminal."""
    leader = container.folder / "leader"
    leader.write_text(f"#!{sys.executable}\nimport os, sys\nsys.exit(os.getsid(0) != os.getpid())\n", encoding="utf-8")
    leader.chmod(0o755)
    assert plan(container.place, (Program(leader, (1, 25, 0), ""),)).listens == (80,)


def test_a_refusal_in_other_words_is_told_whole(container: Container) -> None:
    """A program that cannot be loaded, or dies: its own words."""
    with pytest.raises(ComposeError, match=r"nginx\.conf: Segmentation fault"):
        plan(container.place, (program(container.folder, "Segmentation fault", 139),))


@pytest.mark.parametrize(
    ("said", "tried"),
    [
        ('unknown directive "http2" in /x:1', 2),
        ('invalid parameter "quic" in /x:1', 2),
        ('unknown "http3" variable', 2),
        ('unexpected "}" in /x:1', 1),
    ],
)
def test_a_newer_program_is_tried_where_the_first_may_be_too_old(container: Container, said: str, tried: int) -> None:
    """And not where a newer one would say the same."""
    old = program(container.folder, f"nginx: [emerg] {said}", 1)
    new = program(container.folder)
    if tried == 2:
        assert plan(container.place, (old, new)).command[0] == str(new.path)
    else:
        with pytest.raises(ComposeError, match="unexpected"):
            plan(container.place, (old, new))
