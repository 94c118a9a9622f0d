"""Probes of the student's files: what config.json and the image store say, and no secret with it."""

import base64
import json
from pathlib import Path

import pytest

from checker.facts import ClientConfig, ImageStore, NotObserved
from checker.probes.connection import Credential
from checker.probes.files import ClientProbe, StoreProbe, client_credential, grader_credential
from checker.probes.pack import PackProbe

SECRET = "ghp_" + "s" * 36
AUTH = base64.b64encode(f"ada:{SECRET}".encode()).decode()


def configured(folder: Path, **values: object) -> Path:
    """A machine with this config.json."""
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    return folder


def test_an_absent_config_names_nothing(tmp_path: Path) -> None:
    """Somebody who never logged in, or with another tool."""
    assert ClientProbe(tmp_path).read() == ClientConfig(present=False)


def test_a_secret_in_the_file_is_told_from_one_in_a_helper(tmp_path: Path) -> None:
    """An entry with ``auth`` holds the secret; an empty one has it in the helper; both name the registry."""
    config = configured(tmp_path, auths={"ghcr.io": {"auth": AUTH}, "https://index.docker.io/v1/": {}})
    assert ClientProbe(config).read() == ClientConfig(present=True, hosts=("docker.io", "ghcr.io"), inline=("ghcr.io",))


def test_a_helper_names_its_registry(tmp_path: Path) -> None:
    """``credHelpers`` alone is a login."""
    assert ClientProbe(configured(tmp_path, credHelpers={"ghcr.io": "pass"})).read().hosts == ("ghcr.io",)


def test_no_secret_is_in_what_is_read(tmp_path: Path) -> None:
    """Neither plain nor in base64."""
    said = repr(ClientProbe(configured(tmp_path, auths={"ghcr.io": {"auth": AUTH}})).read())
    assert SECRET not in said
    assert AUTH not in said
    assert SECRET not in repr(Credential("ada", SECRET))


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_a_config_that_makes_no_sense_is_not_observed(tmp_path: Path, text: str) -> None:
    """Docker would not read it either."""
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(NotObserved) as caught:
        ClientProbe(tmp_path).read()
    assert caught.value.unavailable.reason == "garbage"


def test_a_login_left_in_the_file_is_found(tmp_path: Path) -> None:
    """For another registry there is none."""
    config = configured(tmp_path, auths={"ghcr.io": {"auth": AUTH}})
    assert client_credential(config, "ghcr.io") == Credential("ada", SECRET)
    assert client_credential(config, "quay.io") is None
    assert client_credential(tmp_path / "nowhere", "ghcr.io") is None


def test_a_login_left_with_a_helper_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The helper gets the host on its input and answers Docker's JSON."""
    helper = tmp_path / "docker-credential-lab"
    helper.write_text('#!/bin/sh\nread host\necho "{\\"Username\\": \\"ada\\", \\"Secret\\": \\"for $host\\"}"\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert client_credential(configured(tmp_path, credsStore="lab"), "ghcr.io") == Credential("ada", "for ghcr.io")


def test_a_helper_that_is_not_there_is_not_observed(tmp_path: Path) -> None:
    """Not a crash, and not an anonymous try."""
    with pytest.raises(NotObserved):
        client_credential(configured(tmp_path, credsStore="nowhere"), "ghcr.io")


def test_the_graders_credential_is_its_file(tmp_path: Path) -> None:
    """``user:token``, with a newline at its end."""
    (tmp_path / "credential").write_text(f"labcheck:{SECRET}\n", encoding="utf-8")
    assert grader_credential(tmp_path / "credential") == Credential("labcheck", SECRET)
    with pytest.raises(NotObserved):
        grader_credential(tmp_path / "gone")


def test_the_store_tells_the_names_of_images(tmp_path: Path) -> None:
    """Rows without a name are the children of indexes."""
    (tmp_path / "images").mkdir()
    rows = [{"annotations": {"org.opencontainers.image.ref.name": "ghcr.io/o/r/app:1.0"}}, {"digest": "sha256:x"}]
    (tmp_path / "images" / "index.json").write_text(json.dumps({"manifests": rows}), encoding="utf-8")
    assert StoreProbe(tmp_path).read() == ImageStore(("ghcr.io/o/r/app:1.0",))
    assert StoreProbe(tmp_path / "nowhere").read() == ImageStore(seen=False)


def test_changed_check_files_are_noticed() -> None:
    """The digest is stable, and another recorded one is tampering."""
    digest = PackProbe(None).read()
    assert PackProbe(digest.digest).read() == digest  # type: ignore[union-attr]
    assert PackProbe("0" * 64).read().reason == "pack-changed"  # type: ignore[union-attr]
