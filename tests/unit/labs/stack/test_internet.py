"""What the stacks write of names is what the lab's clients read."""

from pathlib import Path

from labs.catalog.model import Private
from labs.engine import internet as engine
from labs.home import LabHome
from labs.stack.internet import Names, private_names

PRIVATE = Private("registry.example.com", 3443, 3080)


def read(home: LabHome) -> engine.Internet:
    """As a client of machine a reads it."""
    return engine.Internet.locate({"LAB_HOME": str(home.state)}, home.engine("tp2", "a"))


def test_names_of_several_exercises(tmp_path: Path) -> None:
    """A twin's name reaches its TLS door by the lab's CA, the student's own name what stands for its ports."""
    home = LabHome(tmp_path, tmp_path / "work")
    (Names({"ghcr.io": 5021}) | private_names(PRIVATE, 5000)).save(home)
    found = read(home)
    assert found.route("ghcr.io", 443) == engine.Route("127.0.0.1", 5021, (home.authority / "ca.crt",))
    assert found.route("registry.example.com", 443) == engine.Route("127.0.0.1", 8443, (), told=443)
    assert found.route("registry.example.com", 80).port == 8080


def test_ports_that_a_compose_file_publishes(tmp_path: Path) -> None:
    """Ports below 1024, and the course's own, lie above the base, wherever that is; others stand for themselves."""
    home = LabHome(tmp_path, tmp_path / "work")
    private_names(PRIVATE, 5000).save(home)
    assert read(home).forward == {443: 8443, 80: 8080, 8443: 8443, 8080: 8080, 5000: 5000}
    private_names(PRIVATE, 20000).save(home)
    assert read(home).forward == {443: 23443, 80: 23080, 8443: 23443, 8080: 23080, 5000: 20000}
