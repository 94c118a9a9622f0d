"""What is typed: commands found, flags read, help given, refusals by name."""

import subprocess
import sys
from pathlib import Path

import pytest

from labs.engine.commands.flags import Command, Flag, Kind, parse
from labs.engine.commands.table import COMMANDS, FOREIGN
from tests.fakes.shell import Shell

HEAVY = ("urllib3", "cryptography", "email", "asyncio", "yaml")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A machine."""
    return Shell(tmp_path)


PULL_USAGE = """
Usage:  docker pull [OPTIONS] NAME[:TAG|@DIGEST]

Run 'docker pull --help' for more information
"""


@pytest.mark.parametrize(
    ("words", "code", "errors"),
    [
        ("foo", 1, "docker: unknown command: docker foo\n\nRun 'docker --help' for more information\n"),
        (
            "image foo",
            1,
            """docker: unknown command: docker image foo

Usage:  docker image

Run 'docker image --help' for more information
""",
        ),
        (
            "login -x",
            125,
            """unknown shorthand flag: 'x' in -x

Usage:  docker login [OPTIONS] [SERVER]

Run 'docker login --help' for more information
""",
        ),
        (
            "--foo",
            125,
            """unknown flag: --foo

Usage:  docker [OPTIONS] COMMAND [ARG...]

Run 'docker --help' for more information
""",
        ),
        ("pull --foo", 125, f"unknown flag: --foo\n{PULL_USAGE}"),
        ("pull --platform", 125, f"flag needs an argument: --platform\n{PULL_USAGE}"),
        (
            "pull -q=foo a",
            125,
            f"""invalid argument "foo" for "-q, --quiet" flag: strconv.ParseBool: parsing "foo": invalid syntax
{PULL_USAGE}""",
        ),
        ("pull", 1, f"docker: 'docker pull' requires 1 argument\n{PULL_USAGE}"),
        (
            "tag a",
            1,
            """docker: 'docker tag' requires 2 arguments

Usage:  docker tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]

Run 'docker tag --help' for more information
""",
        ),
        (
            "rmi",
            1,
            """docker: 'docker rmi' requires at least 1 argument

Usage:  docker rmi [OPTIONS] IMAGE [IMAGE...]

See 'docker rmi --help' for more information
""",
        ),
        (
            "version a",
            1,
            """docker: 'docker version' accepts no arguments

Usage:  docker version [OPTIONS]

Run 'docker version --help' for more information
""",
        ),
        (
            "images -f foo",
            125,
            """invalid argument "foo" for "-f, --filter" flag: bad format of filter (expected name=value)

Usage:  docker images [OPTIONS] [REPOSITORY[:TAG]]

Run 'docker images --help' for more information
""",
        ),
        (
            "build",
            1,
            """ERROR: docker: 'docker buildx build' requires 1 argument

Usage:  docker buildx build [OPTIONS] PATH | URL | -

Run 'docker buildx build --help' for more information
""",
        ),
    ],
)
def test_usage_faults(shell: Shell, words: str, code: int, errors: str) -> None:
    """Docker 28's own texts and exit codes."""
    result = shell.docker(*words.split())
    assert (result.code, result.errors, result.output) == (code, errors, "")


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_docker_s_other_commands_are_refused_by_name(shell: Shell, name: str) -> None:
    """With what to do instead, and Docker's exit code for a container that does not start."""
    result = shell.docker(*name.split(), "x")
    assert result.code == 125
    assert result.errors.startswith(f"labdocker: 'docker {name}' needs a container engine")
    assert "LAB_DOCKER=real" in result.errors


def test_refusals_of_our_own_are_in_the_person_s_language(shell: Shell) -> None:
    """French typography included: no-break spaces before the colon and inside the quotes."""
    french = shell.docker("run", "x", LAB_LANG="fr").errors
    assert french.startswith("labdocker\u00a0: «\u00a0docker run\u00a0» demande un moteur de conteneurs")
    assert shell.docker("run", "x", LAB_LANG="", LANG="fr_FR.UTF-8").errors == french


def test_flags_that_are_docker_s_and_not_ours(shell: Shell) -> None:
    """Refused by name, unless they ask for nothing."""
    result = shell.docker("build", "--secret", "id=x", ".")
    assert result.code == 125
    assert "does not do --secret" in result.errors
    assert "does not do" not in shell.docker("build", "--provenance=false", "--sbom=false", "nodir").errors
    assert "--host" in shell.docker("-H", "tcp://x", "images").errors


def test_every_command_has_help(shell: Shell) -> None:
    """Usage, a sentence, and its flags; ``help NAME`` is the same."""
    for command in COMMANDS:
        words = command.name.split()
        result = shell.docker(*words, "--help")
        assert result.code == 0
        assert result.lines[0] == f"Usage:  {command.called} {command.usage}".rstrip()
        assert shell.docker("help", *words).output == result.output
        assert all(len(line) <= 120 for line in result.lines)


def test_overview_names_every_command(shell: Shell) -> None:
    """Also without any word."""
    assert shell.docker().output == shell.docker("--help").output
    for command in COMMANDS:
        assert command.name.split()[0] in shell.docker("--help").output


def test_family_alone_lists_its_members(shell: Shell) -> None:
    """``docker image`` tells what can follow."""
    result = shell.docker("image")
    assert result.code == 0
    assert {"ls", "rm", "inspect"} <= {line.split()[0] for line in result.lines if line.startswith("  ")}


def test_config_flag_chooses_the_engine_home(shell: Shell, tmp_path: Path) -> None:
    """As Docker's --config does, over the environment."""
    shell.docker("--config", str(tmp_path / "other"), "build", "-t", "app", "-", typed="FROM scratch\nLABEL a=b\n")
    assert (tmp_path / "other" / "images" / "index.json").exists()
    assert shell.docker("images", "-q").output == ""


def test_damaged_store_is_told_without_a_traceback(shell: Shell) -> None:
    """The file that is wrong is named."""
    (shell.home / "images").mkdir()
    (shell.home / "images" / "index.json").write_text("{")
    result = shell.docker("images")
    assert result.code == 1
    assert str(shell.home / "images" / "index.json") in result.errors


FLAGS = Command(
    "x",
    "",
    "",
    "",
    "",
    0,
    None,
    (
        Flag("all", "", letter="a"),
        Flag("quiet", "", letter="q"),
        Flag("tag", "", Kind.LIST, "t"),
        Flag("file", "", Kind.TEXT, "f"),
    ),
)


@pytest.mark.parametrize(
    ("words", "arguments", "switches", "tags"),
    [
        ("a b", ("a", "b"), set(), ()),
        ("a -q b --all", ("a", "b"), {"quiet", "all"}, ()),
        ("-aq", (), {"all", "quiet"}, ()),
        ("-qtx --tag=y -t z -t=w", (), {"quiet"}, ("x", "y", "z", "w")),
        ("--all=false -a=true -q=0", (), {"all"}, ()),
        ("-- -a", ("-a",), set(), ()),
        ("-f - -", ("-",), set(), ()),
    ],
)
def test_how_flags_are_read(words: str, arguments: tuple[str, ...], switches: set[str], tags: tuple[str, ...]) -> None:
    """Clusters, values behind =, before and behind arguments, and the end of flags."""
    options = parse(FLAGS, words.split())
    assert options is not None
    assert (options.arguments, set(options.switches), options.list("tag")) == (arguments, switches, tags)


def test_listing_images_loads_nothing_heavy(tmp_path: Path) -> None:
    """The first line comes quickly because what talks to registries is not loaded."""
    program = (
        "import sys; from labs.engine.cli import main; code = main(['images']); "
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), code)"
    )
    environ = {"LAB_ENGINE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ)
    assert run.stdout.splitlines()[-1] == "[] 0"
