"""Paths of the container, and the logs that hold."""

from collections.abc import Callable

import pytest

from labs.compose.nginx.mapping import Mapped
from tests.fakes.containers import Container
from tests.unit.labs.compose.nginx.conftest import MAIN, SITE

MapSite = Callable[[str], str]
MapContainer = Callable[[], Mapped]

PASS = "location / { proxy_pass http://registry:5000; }"


@pytest.mark.parametrize(
    ("typed", "mapped"),
    [
        ("root /usr/share/nginx/html;", "root ~/root/usr/share/nginx/html;"),
        ("root html;", "root ~/root/etc/nginx/html;"),
        ("alias /srv/files/;", "alias ~/work/files/;"),
        ("alias /srv/files/$1;", "alias ~/work/files/$1;"),
        ("ssl_certificate certs/a.pem;", "ssl_certificate ~/root/etc/nginx/certs/a.pem;"),
        ("ssl_certificate data:$x;", "ssl_certificate data:$x;"),
        ("ssl_certificate $dir/a.pem;", "ssl_certificate $dir/a.pem;"),
        ("ssl_dhparam '/srv/files/dh 2.pem';", 'ssl_dhparam "~/work/files/dh 2.pem";'),
        ("proxy_cache_path /var/cache/x keys_zone=a:1m;", "proxy_cache_path ~/root/var/cache/x keys_zone=a:1m;"),
        ("proxy_store on;", "proxy_store on;"),
        ("try_files $uri /index.html;", "try_files $uri /index.html;"),
        ("root;", "root;"),
    ],
)
def test_paths(map_site: MapSite, container: Container, typed: str, mapped: str) -> None:
    """Below a mount they are the student's files, elsewhere the container's own; what is no path stays."""
    container.mount("files", "/srv/files")
    assert map_site(typed) == mapped


@pytest.mark.parametrize(
    ("typed", "mapped"),
    [
        ("error_log /var/log/nginx/error.log warn;", "error_log stderr warn;"),
        ("error_log /dev/stderr;", "error_log stderr;"),
        ("error_log stderr info;", "error_log stderr info;"),
        ("error_log /dev/stdout;", "error_log /dev/stdout;"),
        ("error_log /var/log/nginx/registry.log;", "error_log ~/root/var/log/nginx/registry.log;"),
        ("error_log syslog:server=127.0.0.1;", "error_log syslog:server=127.0.0.1;"),
        ("access_log off;", "access_log off;"),
        ("access_log /dev/null;", "access_log /dev/null;"),
        ("error_log /dev/null;", "error_log /dev/null;"),
        ("access_log syslog:server=127.0.0.1 main;", "access_log syslog:server=127.0.0.1 main;"),
        ("access_log /var/log/nginx/registry.log;", "access_log ~/root/var/log/nginx/registry.log;"),
        (
            "access_log /var/log/nginx/access.log main if=$ok;",
            "access_log ~/logs/access.log main if=$ok; access_log /dev/stdout main if=$ok;",
        ),
        ("access_log /dev/stdout;", "access_log ~/logs/access.log; access_log /dev/stdout;"),
    ],
)
def test_logs(map_site: MapSite, typed: str, mapped: str) -> None:
    """The image's two logs are what ``docker compose logs`` shows; its access log is kept in a file as well."""
    assert map_site(typed) == mapped


def test_logs_in_a_mounted_folder_are_the_students(map_site: MapSite, container: Container) -> None:
    """There the image's links are not to be seen."""
    container.mount("logs", "/var/log/nginx")
    assert map_site("access_log /var/log/nginx/access.log; error_log /var/log/nginx/error.log;") == (
        "access_log ~/work/logs/access.log; error_log ~/work/logs/error.log;"
    )


@pytest.mark.parametrize(
    ("text", "logs"),
    [
        (f"server {{ {PASS} }}", ["logs/access.log"]),
        (f"server {{ access_log off; {PASS} }} server {{ listen 80; }}", []),
        (
            "server { access_log off; location / { access_log /tmp/a; proxy_pass http://registry:5000; } }",
            ["root/tmp/a"],
        ),
        ("server { location / { access_log off; proxy_pass http://registry:5000; } }", []),
        (f"server {{ access_log /tmp/a; access_log /tmp/b; {PASS} }}", ["root/tmp/a", "root/tmp/b"]),
        (f"server {{ access_log /tmp/$host; {PASS} }}", []),
        (f"server {{ access_log /dev/null; access_log /tmp/a; {PASS} }}", ["root/tmp/a"]),
        (f"server {{ {PASS} }} server {{ access_log /tmp/a; {PASS} }}", ["logs/access.log", "root/tmp/a"]),
        ("server { access_log off; } server { return 404; }", ["logs/access.log"]),
        ("access_log off;\nserver { }", []),
    ],
)
def test_the_logs_that_count_are_of_requests_that_are_passed_on(
    container: Container, map_container: MapContainer, text: str, logs: list[str]
) -> None:
    """What the registry answers is logged there, or nowhere; a server that redirects logs what it likes."""
    container.write(SITE, text)
    assert [str(path.relative_to(container.folder)) for path in map_container().files.access_logs] == logs


def test_the_default_log_is_the_images(container: Container, map_container: MapContainer) -> None:
    """A main file of the student's that names none logs as nginx was built to."""
    container.write(str(MAIN), f"http {{ server {{ {PASS} }} }}")
    assert list(map_container().files.access_logs) == [container.folder / "logs" / "access.log"]
    added = (container.folder / "state" / "http.conf").read_text(encoding="utf-8")
    assert added.startswith(f"access_log {container.folder}/logs/access.log;\naccess_log /dev/stdout;\n")


def test_folders_that_nginx_writes_to(container: Container, map_container: MapContainer) -> None:
    """It makes files, and no folders above them."""
    container.write(SITE, "proxy_cache_path /cache/a/b keys_zone=x:1m; access_log /l/x/$host/a.log; error_log /e/x;")
    folders = map_container().files.folders
    root = container.folder / "root"
    assert not any("$" in str(folder) for folder in folders)
    assert {root / "cache/a", root / "l/x", root / "e", root / "var/cache/nginx"} <= folders
