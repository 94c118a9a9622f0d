"""What the tests of nginx's mapping share."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from labs.compose.nginx.mapping import Mapped, write_configuration, written
from labs.compose.nginx.programs import Program
from tests.fakes.containers import Container

PROGRAM = Program(Path("/usr/sbin/nginx"), (1, 25, 5), "configure arguments: --prefix=/etc/nginx")
MAIN = PurePosixPath("/etc/nginx/nginx.conf")
SITE = "/etc/nginx/conf.d/registry.conf"


@pytest.fixture
def container(tmp_path: Path) -> Container:
    """A container whose main file brings in what lies in conf.d; a registry is its neighbour."""
    container = Container(tmp_path, ports={443: 8443, 80: 8080}, neighbours={"registry": {5000: 15000}})
    container.mount("conf.d", "/etc/nginx/conf.d")
    container.write(str(MAIN), "events { }\nhttp {\n  include conf.d/*.conf;\n}\n")
    return container


@pytest.fixture
def map_container(container: Container) -> Callable[[], Mapped]:
    """Map what the container holds."""
    return lambda: write_configuration(container.place, PROGRAM, MAIN)


@pytest.fixture
def map_site(container: Container, map_container: Callable[[], Mapped]) -> Callable[[str], str]:
    """Map one file of conf.d; its mapped text, with ``~`` for the test's own folder."""

    def map_text(text: str) -> str:
        container.write(SITE, text)
        site = map_container().sources[-1]
        mapped = written(container.place, site).read_bytes().decode(errors="surrogateescape")
        return mapped.replace(str(container.folder), "~")

    return map_text
