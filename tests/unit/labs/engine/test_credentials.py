"""Docker's config.json and the helpers beside it."""

import base64
import json
import stat
from pathlib import Path

import pytest

from labs.engine.credentials import HUB_KEY, Credential, CredentialsError, CredentialStore, registry_key

HELPER = """#!/bin/sh
# a docker-credential helper that keeps everything in one file beside it
file="$(dirname "$0")/kept.json"
case "$1" in
  store) cat > "$file" ;;
  get) [ -e "$file" ] && cat "$file" || { echo "credentials not found in native keychain"; exit 1; } ;;
  erase) cat > /dev/null; rm -f "$file" ;;
esac
"""


@pytest.fixture
def helper_path(tmp_path: Path) -> dict[str, str]:
    """An environment in whose PATH ``docker-credential-test`` is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    helper = folder / "docker-credential-test"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def write_config(folder: Path, **content: object) -> None:
    """Put a config.json in place."""
    (folder / "config.json").write_text(json.dumps(content))


def test_credentials_are_kept_as_docker_keeps_them(tmp_path: Path) -> None:
    """Base64 of user:password under auths, in a file of the owner alone."""
    CredentialStore(tmp_path).push("ghcr.io", Credential("bob", "s:cret"))
    path = tmp_path / "config.json"
    assert json.loads(path.read_text()) == {"auths": {"ghcr.io": {"auth": base64.b64encode(b"bob:s:cret").decode()}}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert CredentialStore(tmp_path).fetch("ghcr.io") == Credential("bob", "s:cret")


def test_identity_token_is_kept_without_the_password(tmp_path: Path) -> None:
    """What a registry gave in exchange stands where the password would."""
    CredentialStore(tmp_path).push("ghcr.io", Credential("bob", "identity", is_identity_token=True))
    assert CredentialStore(tmp_path).fetch("ghcr.io") == Credential("bob", "identity", is_identity_token=True)
    assert json.loads((tmp_path / "config.json").read_text())["auths"]["ghcr.io"]["identitytoken"] == "identity"


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    """Keys that we do not know survive a login and a logout."""
    write_config(tmp_path, psFormat="x", auths={"other": {"auth": "YTpi"}}, plugins={"a": {"b": "c"}})
    store = CredentialStore(tmp_path)
    store.push("ghcr.io", Credential("bob", "secret"))
    store.delete("ghcr.io")
    assert json.loads((tmp_path / "config.json").read_text()) == {
        "psFormat": "x",
        "auths": {"other": {"auth": "YTpi"}},
        "plugins": {"a": {"b": "c"}},
    }


def test_old_spellings_of_a_name_are_found_and_forgotten(tmp_path: Path) -> None:
    """Docker wrote URLs where it writes hosts now."""
    write_config(tmp_path, auths={"https://ghcr.io/v1/": {"auth": "YTpi"}, "https://quay.io": {"auth": "YTpi"}})
    store = CredentialStore(tmp_path)
    assert store.fetch("ghcr.io") == Credential("a", "b")
    store.delete("quay.io")
    assert CredentialStore(tmp_path).fetch("quay.io") is None


def test_helper_of_all_registries(tmp_path: Path, helper_path: dict[str, str]) -> None:
    """With credsStore the secret is with the helper, and config.json only knows that there is one."""
    write_config(tmp_path, credsStore="test")
    store = CredentialStore(tmp_path, helper_path)
    assert store.fetch("ghcr.io") is None
    store.push("ghcr.io", Credential("bob", "secret"))
    assert json.loads((tmp_path / "config.json").read_text()) == {"credsStore": "test", "auths": {"ghcr.io": {}}}
    assert json.loads((tmp_path / "bin" / "kept.json").read_text())["ServerURL"] == "ghcr.io"
    assert store.fetch("ghcr.io") == Credential("bob", "secret")
    store.delete("ghcr.io")
    assert store.fetch("ghcr.io") is None


def test_helper_of_one_registry(tmp_path: Path, helper_path: dict[str, str]) -> None:
    """With credHelpers other registries stay in the file."""
    write_config(tmp_path, credHelpers={"ghcr.io": "test"})
    store = CredentialStore(tmp_path, helper_path)
    store.push("ghcr.io", Credential("<token>", "identity", is_identity_token=True))
    store.push("quay.io", Credential("a", "b"))
    assert store.fetch("ghcr.io") == Credential("<token>", "identity", is_identity_token=True)
    assert json.loads((tmp_path / "config.json").read_text())["auths"]["quay.io"] == {"auth": "YTpi"}


def test_missing_helper_is_named(tmp_path: Path) -> None:
    """The program that is not there, in Docker's words."""
    write_config(tmp_path, credsStore="absent")
    with pytest.raises(CredentialsError) as caught:
        CredentialStore(tmp_path, {"PATH": str(tmp_path)}).fetch("ghcr.io")
    fault = 'err: exec: "docker-credential-absent": executable file not found in $PATH, out: ``'
    assert str(caught.value) == f"error getting credentials - {fault}"


def test_broken_file_is_warned_of_and_left_as_it_is(tmp_path: Path) -> None:
    """Docker's warning; and, unlike Docker, nothing is written over what a person may still mend."""
    (tmp_path / "config.json").write_text("{broken")
    store = CredentialStore(tmp_path)
    fault = "invalid character 'b' looking for beginning of object key string"
    assert store.warning == f"WARNING: Error parsing config file ({tmp_path / 'config.json'}): {fault}"
    assert store.fetch("ghcr.io") is None
    with pytest.raises(CredentialsError, match="left as it is"):
        store.push("ghcr.io", Credential("bob", "secret"))
    assert (tmp_path / "config.json").read_text() == "{broken"


@pytest.mark.parametrize("auth", ["!!!", base64.b64encode(b"nocolon").decode()])
def test_broken_entry_is_told(tmp_path: Path, auth: str) -> None:
    """An entry that cannot be decoded is a fault, not an anonymous pull."""
    write_config(tmp_path, auths={"ghcr.io": {"auth": auth}})
    with pytest.raises(CredentialsError):
        CredentialStore(tmp_path).fetch("ghcr.io")


def test_symbolic_link_stays_one(tmp_path: Path) -> None:
    """A config.json that lives elsewhere is written there."""
    elsewhere = tmp_path / "dotfiles"
    elsewhere.mkdir()
    (elsewhere / "docker.json").write_text("{}")
    (tmp_path / "config.json").symlink_to(elsewhere / "docker.json")
    CredentialStore(tmp_path).push("ghcr.io", Credential("bob", "secret"))
    assert (tmp_path / "config.json").is_symlink()
    assert "ghcr.io" in (elsewhere / "docker.json").read_text()


def test_secret_does_not_show_in_a_traceback() -> None:
    """A credential's text never has its secret."""
    assert "s3cret" not in repr(Credential("bob", "s3cret"))


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("", HUB_KEY),
        ("docker.io", HUB_KEY),
        ("https://index.docker.io/v1/", HUB_KEY),
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io/v2/", "ghcr.io"),
        ("localhost:5000", "localhost:5000"),
    ],
)
def test_keys(typed: str, key: str) -> None:
    """A registry has one key, however it is typed."""
    assert registry_key(typed) == key
