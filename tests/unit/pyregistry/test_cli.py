"""The ``pyregistry`` command: what it prints where, and its exit codes."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from pyregistry import __version__
from pyregistry.accounts.file import AccountsFile
from pyregistry.cli import main
from pyregistry.config import Settings
from pyregistry.journal import JournalError, read

CONFIG = """\
version: 0.1
storage: inmemory
http: {{secret: s}}
pyregistry:
  twin: ghcr
  accounts: {{path: {folder}/accounts.json}}
  journal: {{path: {folder}/journal.jsonl}}
"""


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of the GHCR twin."""
    path = tmp_path / "config.yml"
    path.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command in this process, without the machine's own overrides."""
    monkeypatch.delenv("REGISTRY_CONFIGURATION_PATH", raising=False)

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as left:
            code = int(str(left.code))
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What a server that returns at once was given."""
    given: list[Settings] = []

    def serve(settings: Settings) -> int:
        given.append(settings)
        return 0

    server = ModuleType("pyregistry.server")
    server.__dict__["serve"] = serve
    monkeypatch.setitem(sys.modules, "pyregistry.server", server)
    return given


def test_a_student_account_and_its_token(run: Command, config: Path) -> None:
    """Account, token, list, revoke: each tells what it did, the secret is printed once, the journal knows all."""
    assert run("account", "add", config, "alice", "--org", "acme") == Ran(0, "alice: member in acme\n", "")
    made = run("pat", "new", config, "alice", "--scopes", "write:packages,repo", "--expires-in", "30d", "--note", "lab")
    secret, (token_id, _) = made.out.strip(), made.err.split(" ")[2:4]
    assert (made.code, len(secret), made.out.count("\n")) == (0, 40, 1)
    listed = run("pat", "list", config, "alice")
    assert listed.out.startswith(f"{token_id}  alice  pat-classic  repo,write:packages  active  expires ")
    assert listed.out.endswith("  lab\n")
    assert secret not in listed.out
    assert run("pat", "revoke", config, token_id) == Ran(0, f"{token_id}: revoked\n", "")
    assert run("pat", "revoke", config, token_id) == Ran(0, f"{token_id}: was revoked before\n", "")
    assert "  revoked  " in run("pat", "list", config).out
    actions = [event.detail["action"] for event in read(config.parent / "journal.jsonl")]
    assert actions == ["account.created", "pat.created", "pat.revoked"]
    holder = AccountsFile(config.parent / "accounts.json").current().holder_of(secret)
    assert holder is not None
    assert holder.token.id == token_id


def test_json_for_programs(run: Command, config: Path) -> None:
    """One JSON document on stdout and nothing else, with the names that the stacks read."""
    added = run("account", "add", config, "labcheck", "--role", "auditor", "--pat", "read:packages", "--json")
    values = json.loads(added.out)
    assert (added.code, added.err) == (0, "")
    assert {name: values[name] for name in ("account", "orgs", "role", "kind", "scopes", "expires_at")} == {
        "account": "labcheck",
        "orgs": [],
        "role": "auditor",
        "kind": "pat-classic",
        "scopes": ["read:packages"],
        "expires_at": None,
    }
    assert values["token"].startswith("ghp_")
    new = json.loads(run("pat", "new", config, "labcheck", "--scopes", "", "--fine-grained", "--json").out)
    assert set(new) == {"id", "token", "kind", "scopes", "expires_at"}
    assert (new["kind"], new["scopes"]) == ("pat-fine-grained", [])
    listed = json.loads(run("pat", "list", config, "--json").out)
    assert [(row["id"], row["state"]) for row in listed] == [(values["id"], "active"), (new["id"], "active")]
    assert json.loads(run("account", "add", config, "bob", "--json").out) == {
        "account": "bob",
        "orgs": [],
        "role": "member",
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fly",), "invalid choice: 'fly'"),
        (("account",), "the following arguments are required: COMMAND"),
        (("check-config",), "the following arguments are required: CONFIG"),
        (("account", "add", "c", "-x"), "the following arguments are required: USER"),
        (("account", "add", "c", "a/b"), "'a/b': expected letters and digits"),
        (("account", "add", "c", "a", "--org", "é"), "'é': expected letters and digits"),
        (("account", "add", "c", "a", "--role", "king"), "invalid"),
        (("account", "add", "c", "a", "--pat", "push"), "push: GitHub has no such scope"),
        (("pat", "new", "c", "a"), "the following arguments are required: --scopes"),
        (("pat", "new", "c", "a", "--scopes", "repo,write:package"), "there are write:packages"),
        (("pat", "new", "c", "a", "--scopes", "repo", "--expires-in", "soon"), "expected a lifetime such as 30d"),
    ],
)
def test_calling_it_wrongly_is_2(run: Command, arguments: tuple[str, ...], said: str) -> None:
    """The usage of the subcommand, and what was wrong, in one line."""
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("usage: pyregistry")
    assert said in ran.err.splitlines()[-1]


@pytest.mark.parametrize(("asked", "meant"), [((), ()), (("help",), ()), (("help", "scrub"), ("scrub",))])
def test_help_is_had_in_registry_2s_ways(run: Command, asked: tuple[str, ...], meant: tuple[str, ...]) -> None:
    """Without a word and with ``help`` too, on stdout and with exit code 0."""
    ran = run(*asked)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("usage: pyregistry")
    assert ran == run(*meant, "--help")


def test_it_answers_to_the_name_it_was_called_by(capsys: pytest.CaptureFixture[str]) -> None:
    """In the container image that is ``registry``; the version still says what it is."""
    with pytest.raises(SystemExit):
        main(["scrub", "--help"], program="registry")
    with pytest.raises(SystemExit):
        main(["--version"], program="registry")
    out = capsys.readouterr().out
    assert out.startswith("usage: registry scrub")
    assert out.endswith(f"pyregistry {__version__}\n")


def test_what_cannot_be_done_is_1(run: Command, config: Path) -> None:
    """One line on stderr, and nothing is changed."""
    assert run("pat", "new", config, "bob", "--scopes", "repo") == Ran(1, "", "pyregistry: bob: no such account\n")
    assert run("pat", "list", config, "bob") == Ran(1, "", "pyregistry: bob: no such account\n")
    assert run("pat", "revoke", config, "0") == Ran(1, "", "pyregistry: 0: no such access token\n")
    assert not (config.parent / "accounts.json").exists()


def test_damaged_files_are_said_not_mended(run: Command, config: Path) -> None:
    """Accounts and journal that are not what was written are named with their path."""
    accounts, journal = config.parent / "accounts.json", config.parent / "journal.jsonl"
    accounts.write_text("{", encoding="utf-8")
    ran = run("account", "add", config, "alice")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"pyregistry: {accounts}: expected an accounts file, got JSONDecodeError")
    accounts.unlink()
    journal.write_text("not an event\n", encoding="utf-8")
    ran = run("account", "add", config, "alice")
    assert (ran.code, ran.err) == (
        1,
        f"pyregistry: {journal}: last line: expected an event as JSON, got 'not an event\\n'\n".replace("\\n'", "'"),
    )
    assert not accounts.exists()


def test_a_folder_in_the_way_is_said(run: Command, config: Path) -> None:
    """What the system refuses is one line too."""
    (config.parent / "accounts.json").mkdir()
    assert run("pat", "list", config) == Ran(1, "", f"pyregistry: {config.parent / 'accounts.json'}: is a directory\n")


def test_accounts_need_a_place(run: Command, tmp_path: Path) -> None:
    """A configuration without accounts says so."""
    path = tmp_path / "plain.yml"
    path.write_text("version: 0.1\nstorage: inmemory\n", encoding="utf-8")
    ran = run("account", "add", path, "alice")
    assert (ran.code, ran.err) == (
        1,
        f"pyregistry: {path}: pyregistry.accounts.path is not set, so there are no accounts\n",
    )


def test_check_config_says_every_mistake_with_its_line(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As compilers do, so that editors can jump there; variables have no line."""
    path = tmp_path / "bad.yml"
    path.write_text("version: 0.1\nstorage: inmemory\nhttp:\n  adr: x\nlog: {level: x}\n", encoding="utf-8")
    monkeypatch.setenv("REGISTRY_CATALOG_MAXENTRIES", "many")
    assert run("check-config", path) == Ran(
        1,
        f"{path}:4: http.adr: unknown key, did you mean addr?\n"
        f"{path}:5: log.level: expected one of error, warn, info, debug, got 'x'\n"
        "REGISTRY_CATALOG_MAXENTRIES: catalog.maxentries: expected a whole number, got 'many'\n",
        "",
    )


def test_check_config_calls_a_good_one_valid(run: Command, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings are said and do not count."""
    assert run("check-config", config) == Ran(0, f"{config} is valid\n", "")
    monkeypatch.setenv("REGISTRY_PORT", "tcp://x")
    assert run("check-config", config) == Ran(
        0, f"REGISTRY_PORT: Ignoring unrecognized environment variable REGISTRY_PORT (warning)\n{config} is valid\n", ""
    )


def test_check_config_without_a_file(run: Command, tmp_path: Path) -> None:
    """A file that is not there is a mistake of its own."""
    path = tmp_path / "nowhere.yml"
    assert run("check-config", path) == Ran(1, f"{path}: open {path}: no such file or directory\n", "")


def test_serve_refuses_in_registry_2s_words(run: Command, tmp_path: Path, served: list[Settings]) -> None:
    """``configuration error: …`` on stderr, exit 1; without any file the usage too."""
    path = tmp_path / "bad.yml"
    path.write_text("version: 0.1\nstorage: inmemory\nhttp: {tls: {certificate: /no, key: /no}}\n", encoding="utf-8")
    ran = run("serve", path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"configuration error: error parsing {path}:\n  line 3: http.tls.certificate: open /no: ")
    ran = run("serve")
    assert (ran.code, ran.err.splitlines()[0]) == (1, "configuration error: configuration path unspecified")
    assert ran.err.splitlines()[1].startswith("usage: pyregistry")
    path.write_text("a: b: c", encoding="utf-8")
    assert run("serve", path).err == (
        f"configuration error: error parsing {path}: line 1: yaml: mapping values are not allowed here\n"
    )
    assert served == []


def test_serve_hands_the_settings_to_the_server(
    run: Command, config: Path, served: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the file from the environment too; warnings go to stderr first."""
    assert run("serve", config) == Ran(0, "", "")
    monkeypatch.setenv("REGISTRY_CONFIGURATION_PATH", str(config))
    monkeypatch.setenv("REGISTRY_HTTP_SECRET", "")
    ran = run("serve")
    assert ran.code == 0
    assert ran.err.startswith("configuration warning: No HTTP secret provided")
    assert [settings.source for settings in served] == [config, config]


def test_a_server_that_cannot_start_is_said(run: Command, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy port or a journal that is none ends in one line and exit 1."""
    server = ModuleType("pyregistry.server")
    monkeypatch.setitem(sys.modules, "pyregistry.server", server)
    for fault in (OSError(98, "Address already in use"), JournalError("j: last line: no event")):

        def serve(_: Settings, fault: Exception = fault) -> None:
            raise fault

        server.__dict__["serve"] = serve
        ran = run("serve", config)
        assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert ran.err == "pyregistry: j: last line: no event\n"


def test_the_module_is_the_command() -> None:
    """``python -m pyregistry`` works as a process."""
    done = subprocess.run(
        [sys.executable, "-m", "pyregistry", "--version"], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout) == (0, f"pyregistry {__version__}\n")
