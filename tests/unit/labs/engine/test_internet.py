"""Which names reach a twin, and where the engine lives."""

import json
from pathlib import Path

import pytest

from labs.engine.internet import Internet, InternetUnreadable, Route, locate_engine

NAMES = {"ghcr.io": "127.0.0.1:5001", "*.azurecr.io": "127.0.0.1:5009", "docker.io": "127.0.0.1:5002"}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with a lab around it."""
    (tmp_path / "internet.json").write_text(json.dumps({"names": NAMES, "ca": str(tmp_path / "ca.crt")}))
    return {"LAB_HOME": str(tmp_path)}


@pytest.mark.parametrize(
    ("name", "port", "expected"),
    [
        ("ghcr.io", 443, ("127.0.0.1", 5001)),
        ("ghcr.io", 8443, ("ghcr.io", 8443)),
        ("my.azurecr.io", 443, ("127.0.0.1", 5009)),
        ("registry-1.docker.io", 443, ("127.0.0.1", 5002)),
        ("auth.docker.io", 443, ("127.0.0.1", 5002)),
        ("quay.io", 443, ("quay.io", 443)),
    ],
)
def test_routes(environ: dict[str, str], name: str, port: int, expected: tuple[str, int]) -> None:
    """Twins stand in for names on port 443, patterns and Docker Hub's other names included."""
    route = Internet.locate(environ).route(name, port)
    assert (route.host, route.port) == expected


def test_lab_s_ca_vouches_for_twins_only(environ: dict[str, str]) -> None:
    """Every other name is left to the public CAs."""
    internet = Internet.locate(environ)
    assert internet.route("ghcr.io", 443).authority == Path(environ["LAB_HOME"]) / "ca.crt"
    assert internet.route("quay.io", 443).authority is None


def test_real_internet_sets_the_twins_aside(environ: dict[str, str]) -> None:
    """LAB_INTERNET=real reaches the real ones."""
    internet = Internet.locate(environ | {"LAB_INTERNET": "real"})
    assert internet.route("ghcr.io", 443) == Route("ghcr.io", 443)


def test_without_stacks_there_are_no_twins(tmp_path: Path) -> None:
    """No file, no twin; still the lab's internet."""
    internet = Internet.locate({"LAB_HOME": str(tmp_path)})
    assert (internet.mode, dict(internet.twins)) == ("twin", {})


@pytest.mark.parametrize("content", ["", "[]", '{"names": 1, "ca": "x"}', '{"names": {}}', "\x00"])
def test_damaged_map_is_named(tmp_path: Path, content: str) -> None:
    """A file that is not what the stacks write is no reason to reach the real internet."""
    (tmp_path / "internet.json").write_text(content)
    with pytest.raises(InternetUnreadable, match=r"internet\.json: expected"):
        Internet.locate({"LAB_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LAB_ENGINE_HOME": "/e", "DOCKER_CONFIG": "/d", "HOME": "/h"}, "/e"),
        ({"DOCKER_CONFIG": "/d", "HOME": "/h"}, "/d"),
        ({"HOME": "/h"}, "/h/.labdocker"),
    ],
)
def test_engine_home(environ: dict[str, str], expected: str) -> None:
    """The lab's machine first, then Docker's own variable, then the person's home."""
    assert locate_engine(environ) == Path(expected)
