"""``listen`` and the ports of this machine."""

from collections.abc import Callable

import pytest

from labs.compose.nginx.mapping import Mapped
from tests.fakes.containers import Container
from tests.unit.labs.compose.nginx.conftest import SITE

MapSite = Callable[[str], str]
MapContainer = Callable[[], Mapped]


@pytest.mark.parametrize(
    ("typed", "mapped"),
    [
        ("listen 8443 ssl http2;", "listen 127.0.0.1:18443 ssl http2;"),
        ("listen 0.0.0.0:8443 default_server;", "listen 127.0.0.1:18443 default_server;"),
        ("listen *:8443;", "listen 127.0.0.1:18443;"),
        ("listen nginx:8443;", "listen 127.0.0.1:18443;"),
        ("listen proxy:8443;", "listen 127.0.0.1:18443;"),
        ('listen "8443";', "listen 127.0.0.1:18443;"),
        ("listen 0.0.0.0;listen 8443;", "listen 127.0.0.1:8080;listen 127.0.0.1:18443;"),
        ("listen [::]:8443 ssl ipv6only=off;", "listen 127.0.0.1:18443 ssl ;"),
        ("listen 8443;\nlisten [::]:8443;", "listen 127.0.0.1:18443;\n"),
        ("listen [::]:8443 ssl ipv6only=on; listen 8443 ssl;", " listen 127.0.0.1:18443 ssl;"),
    ],
)
def test_a_port_that_clients_reach(map_site: MapSite, typed: str, mapped: str) -> None:
    """It is the port of this machine that stands for it; the row of IPv6 folds into that of IPv4."""
    assert map_site(f"server {{ {typed} }}") == f"server {{ {mapped} }}"


@pytest.mark.parametrize("address", ["127.0.0.1:8443", "localhost:8443", "[::1]:8443", "[::]:8443"])
def test_a_port_that_only_the_container_reaches(
    container: Container, map_container: MapContainer, address: str
) -> None:
    """No published port leads there, and no neighbour: Docker publishes over IPv4. The container itself gets there."""
    container.write(
        SITE, f"server {{ listen {address}; }} server {{ location / {{ proxy_pass http://localhost:8443; }} }}"
    )
    mapped = map_container()
    here = mapped.doors.inner[8443]
    assert mapped.doors.outer == {80: 8080}
    assert here not in {8080, 8443, 18443}
    assert f"proxy_pass http://127.0.0.1:{here};" in (mapped.main.parent / "conf.d" / "registry.conf").read_text()


def test_a_server_without_listen_listens_on_80(map_site: MapSite) -> None:
    """As root's does in the image; an ordinary user's nginx would take 8000."""
    assert map_site("server { }") == "server { listen 127.0.0.1:8080; port_in_redirect off; }"


def test_redirects_that_nginx_writes_itself_name_no_port_of_this_machine(map_site: MapSite) -> None:
    """In the container 443 and 80 are the schemes' own ports and stand in no Location, whatever is set."""
    assert map_site("server { listen 443 ssl; port_in_redirect on; }") == (
        "server { listen 127.0.0.1:8443 ssl; port_in_redirect off; }"
    )
    assert map_site("server { listen 443 ssl; location / { port_in_redirect on; } }") == (
        "server { port_in_redirect off; listen 127.0.0.1:8443 ssl; location / { port_in_redirect off; } }"
    )


@pytest.mark.parametrize("rows", ["listen 8443 ssl;", "listen 443;", "listen 80 ssl;", "listen 80; listen 8080;"])
def test_a_port_that_is_not_the_schemes_own_stays_in_redirects(map_site: MapSite, rows: str) -> None:
    """As in the container."""
    assert "port_in_redirect" not in map_site(f"server {{ {rows} }}")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("listen unix:/run/x.sock;", "listen unix:/run/x.sock;: "),
        ("listen 8000-8005;", "listen 8000-8005;: "),
        (
            "listen 172.18.0.3:443;",
            "nginx: [emerg] bind() to 172.18.0.3:443 failed (99: Cannot assign requested address)",
        ),
    ],
)
def test_what_cannot_be_listened_on_is_named(
    container: Container, map_container: MapContainer, row: str, said: str
) -> None:
    """With its file and line."""
    file = container.write(SITE, f"server {{\n  {row}\n}}\n")
    (issue,) = map_container().issues
    assert (issue.file, issue.line) == (file, 2)
    assert issue.text.startswith(said)


@pytest.mark.parametrize("row", ["listen 99999;", "listen 0;", "listen;", "listen 443 ssl"])
def test_nonsense_is_left_to_nginx(map_site: MapSite, row: str) -> None:
    """It has the words for it."""
    assert map_site(f"server {{ {row} }}").endswith(f" {row} }}")


def test_streams_are_mapped_too(container: Container, map_container: MapContainer) -> None:
    """TLS or plain TCP handed on by a stream server."""
    container.write("/etc/nginx/nginx.conf", "stream { server { listen 443; proxy_pass registry:5000; } }")
    mapped = map_container()
    assert mapped.main.read_text(encoding="utf-8").endswith(
        "stream { server { listen 127.0.0.1:8443; proxy_pass 127.0.0.1:15000; } }"
    )
