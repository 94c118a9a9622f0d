"""Which names reach a twin, and where the engine lives."""

import json
from pathlib import Path

import pytest

from labs.compose.record import FILE_NAME, ProjectRecord, PublishedPort, ServiceRecord
from labs.engine.internet import Internet, InternetUnreadable, PortClosed, Route, locate_engine

NAMES = {"ghcr.io": "127.0.0.1:5001", "*.azurecr.io": "127.0.0.1:5009", "docker.io": "127.0.0.1:5002"}
PRIVATE = "registry.example.com"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with a lab around it, on machine a of an exercise."""
    document = {
        "names": NAMES,
        "ca": str(tmp_path / "ca.crt"),
        "private": {PRIVATE: {"443": 8443, "80": 8080}},
        "forward": {"443": 8443, "80": 8080},
    }
    (tmp_path / "internet.json").write_text(json.dumps(document))
    return {"LAB_HOME": str(tmp_path), "LAB_ENGINE_HOME": str(tmp_path / "engines" / "tp2" / "a")}


def publish(environ: dict[str, str], *published: tuple[int, int], up: bool = True) -> None:
    """A compose project of this machine's: host ports, and where they are here."""
    ports = tuple(PublishedPort(host, host, here) for host, here in published)
    service = ServiceRecord("nginx", "nginx:1.25", "nginx", ports)
    ProjectRecord("tp2", "/work/tp2", "compose.yaml", up, (service,)).save(Path(environ["LAB_ENGINE_HOME"]))


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
    assert internet.route("ghcr.io", 443).authorities == (Path(environ["LAB_HOME"]) / "ca.crt",)
    assert internet.route("quay.io", 443).authorities is None


def test_a_private_name_leads_to_this_machine_and_nobody_vouches_for_it(environ: dict[str, str]) -> None:
    """Before any project is up the name has its usual ports, and neither public CAs nor the lab's count."""
    internet = Internet.locate(environ)
    assert internet.route(PRIVATE, 443) == Route("127.0.0.1", 8443, (), told=443)
    assert internet.route(PRIVATE, 80) == Route("127.0.0.1", 8080, (), told=80)
    with pytest.raises(PortClosed, match=r"^dial tcp 127\.0\.0\.1:8443: connect: connection refused$"):
        internet.route(PRIVATE, 8443)
    assert internet.forward == {443: 8443, 80: 8080}


def test_a_private_name_leads_to_what_a_project_publishes_and_to_nothing_else(environ: dict[str, str]) -> None:
    """A stack that is published on 8443 does not answer on 443: a lost port is as lost as in reality."""
    publish(environ, (8443, 18443))
    internet = Internet.locate(environ)
    assert internet.route(PRIVATE, 8443).port == 18443
    with pytest.raises(PortClosed, match=r":443: connect: connection refused$"):
        internet.route(PRIVATE, 443)
    assert internet.addresses() == {**NAMES, f"{PRIVATE}:8443": "127.0.0.1:18443"}
    publish(environ, (8443, 18443), up=False)
    assert internet.route(PRIVATE, 443).port == 8443
    assert internet.addresses() == {**NAMES, f"{PRIVATE}:443": "127.0.0.1:8443", f"{PRIVATE}:80": "127.0.0.1:8080"}


@pytest.mark.parametrize(("engine", "expected"), [("tp2/b", 18443), ("tp1/a", 8443)])
def test_a_private_name_is_the_same_place_for_all_machines_of_an_exercise(
    environ: dict[str, str], engine: str, expected: int
) -> None:
    """What machine a publishes, machine b finds under the name; another exercise's machines do not."""
    publish(environ, (443, 18443))
    other = Path(environ["LAB_HOME"]) / "engines" / engine
    assert Internet.locate(environ, other).route(PRIVATE, 443).port == expected


def test_a_damaged_record_is_named(environ: dict[str, str]) -> None:
    """Where the record of a project was cut off, nobody guesses where its ports are."""
    publish(environ, (443, 18443))
    (record,) = Path(environ["LAB_ENGINE_HOME"]).rglob(FILE_NAME)
    record.write_text("{")
    with pytest.raises(InternetUnreadable, match="expected a compose record"):
        Internet.locate(environ).route(PRIVATE, 443)


def test_real_internet_sets_the_twins_aside(environ: dict[str, str]) -> None:
    """LAB_INTERNET=real reaches the real ones; of what the student builds there is no other."""
    internet = Internet.locate(environ | {"LAB_INTERNET": "real"})
    assert internet.route("ghcr.io", 443) == Route("ghcr.io", 443)
    assert internet.route(PRIVATE, 443).port == 8443


def test_without_stacks_there_are_no_twins(tmp_path: Path) -> None:
    """No file, no twin; still the lab's internet."""
    internet = Internet.locate({"LAB_HOME": str(tmp_path)})
    assert (internet.mode, dict(internet.twins)) == ("twin", {})


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", '{"names": 1, "ca": "x"}', '{"names": {}}', "\x00"),
        *('{"names": {}, "ca": "x", "private": {"n": 1}}', '{"names": {}, "ca": "x", "forward": {"a": "b"}}'),
    ],
)
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
