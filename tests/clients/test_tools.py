"""How missing tools are told: by name and with the cure, as a skip or, where nothing may be skipped, as a failure."""

import pytest

from tests import tools
from tests.clients import install


def test_a_missing_tool_skips_and_says_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names the tool and the command that brings it."""
    monkeypatch.delenv(tools.NOTHING_SKIPPED, raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no-such-tool not found; `make check`"):
        tools.require("sh", "no-such-tool")


def test_where_nothing_may_be_skipped_a_missing_tool_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under LAB_NOTHING_SKIPPED=1 the same is a failure."""
    monkeypatch.setenv(tools.NOTHING_SKIPPED, "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-tool not found"):
        tools.require("no-such-tool")


def test_without_root_the_cure_is_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user is told that namespaces and container engines need root."""
    monkeypatch.delenv(tools.NOTHING_SKIPPED, raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(pytest.skip.Exception, match="run `make check` as root"):
        tools.require_root()


def test_a_suite_s_tool_is_not_taken_from_elsewhere() -> None:
    """``sh`` is in PATH and in no suite's folder."""
    assert tools.find("sh")
    assert tools.find("sid/sh") is None


def test_every_missing_package_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without root, sudo or a Debian archive the installer lists all that it cannot bring, and fails."""
    monkeypatch.setattr(install, "SYSTEM_PACKAGES", {"no-such-tool": "no-such-package"})
    monkeypatch.setattr(install, "SUITE_PACKAGES", {"sid": ["no-such-client"]})
    monkeypatch.setattr(install, "_privilege", lambda: None)
    monkeypatch.setattr(install, "KEYRING", install.TOOLS / "no-such-keyring")
    assert install.main() == 1
    told = capsys.readouterr().out
    assert "missing: no-such-package" in told
    assert "missing: no-such-client of sid" in told
