"""``labstack cert`` as a person types it."""

import shlex
import subprocess
from pathlib import Path

import pytest

from labs import cli, messages
from labs.stack.authority import read_pair
from labs.stack.certificates import CertificateFolder

NAME = "registry.example.com"


@pytest.fixture(autouse=True)
def _student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone who stands in the exercise's folder, in a lab shell."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_LANG", "en")
    monkeypatch.setenv("LAB_CERTS_D", str(tmp_path / "certs.d"))


@pytest.fixture(params=messages.LANGUAGES)
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each language in turn."""
    monkeypatch.setenv("LAB_LANG", request.param)


def test_what_is_still_to_do_can_be_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The two commands that it ends with put the CA where docker looks, and it says so the next time."""
    assert cli.main(["cert", NAME, "--out", "my certs"]) == 0
    commands = [line.strip() for line in capsys.readouterr().out.splitlines()[-2:]]
    for command in commands:
        subprocess.run(["sh", "-c", command], check=True, cwd=tmp_path)
    assert (tmp_path / "certs.d" / NAME / "ca.crt").read_bytes() == (tmp_path / "my certs" / "ca.crt").read_bytes()
    assert cli.main(["cert", NAME, "--out", "my certs"]) == 0
    told = capsys.readouterr()
    assert "mkdir" not in told.out
    assert f"docker trusts this CA for {NAME} already" in told.err
    assert "docker compose restart nginx" in told.err


def test_names_and_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each once, in the order typed, into ``certs`` here unless it is said where."""
    assert cli.main(["cert", "Registry.example.com", NAME, "*.example.com", "--ip", "127.0.0.1", "--ip", "::1"]) == 0
    assert f" {NAME}, *.example.com, 127.0.0.1, ::1," in capsys.readouterr().out
    certificate = read_pair(*CertificateFolder(tmp_path / "certs").server).certificate
    assert certificate.subject.rfc4514_string() == f"CN={NAME},O=labstack cert"


def test_a_wildcard_is_trusted_for_a_name_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The folder that docker looks for is called as the registry is, and that is never a star."""
    cli.main(["cert", "*.example.org"])
    assert '"$LAB_CERTS_D/registry.example.org/ca.crt"' in capsys.readouterr().out


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("", 2, f"labstack cert {NAME}"),
        ("192.0.2.7", 1, "--ip 192.0.2.7"),
        ("https://registry.example.com:8443", 1, f" {NAME}"),
        ("a*.example.com", 1, "*.example.com"),
        ("my_registry", 1, "my_registry"),
        (f"{NAME} --ip localhost", 1, "--ip localhost"),
        (f"{NAME} --days 0", 1, "1 "),
        (f"{NAME} --days -1", 1, "3650"),
        (f"{NAME} --days 3651", 1, "--days 3651"),
        (f"{NAME} --days soon", 1, "--days soon"),
        (f"{NAME} --out /dev/null/certs", 1, "/dev/null"),
    ],
)
def test_refusals(words: str, code: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What was seen, what was wanted, in both languages; and nothing is made."""
    assert cli.main(["cert", *shlex.split(words)]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.usefixtures("language")
def test_half_a_ca_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files of somebody else's making are named, with the way out."""
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "ca.crt").touch()
    assert cli.main(["cert", NAME]) == 1
    said = capsys.readouterr().err
    assert "ca.key" in said
    assert "--force" in said


@pytest.mark.parametrize(("days", "is_told"), [("397", False), ("398", True)])
def test_a_long_life_is_remarked(days: str, *, is_told: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """It is made all the same: labdocker and Docker on Linux accept it."""
    assert cli.main(["cert", NAME, "--days", days]) == 0
    assert ("397 days" in capsys.readouterr().err) == is_told


def test_no_key_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the words nor the bytes of one."""
    cli.main(["cert", NAME])
    said = "".join(capsys.readouterr())
    assert "BEGIN" not in said
    assert all(line not in said for line in (tmp_path / "certs" / "privkey.pem").read_text().splitlines())
