"""The student's text in, mapped text out, line by line."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labs.compose.model import ComposeError
from labs.compose.nginx.mapping import Mapped, write_configuration
from labs.compose.nginx.programs import Program
from labs.compose.nginx.syntax import quote
from tests.fakes.chapter import NGINX
from tests.fakes.containers import Container
from tests.unit.labs.compose.nginx.conftest import MAIN, SITE

MapSite = Callable[[str], str]
MapContainer = Callable[[], Mapped]


def test_the_chapters_extract(map_site: MapSite, container: Container) -> None:
    """Paths, ports and names are moved; every other word stays on its line."""
    container.mount("certs", "/etc/nginx/certs")
    container.mount("auth", "/etc/nginx/auth")
    assert map_site(NGINX) == (
        """\
server { port_in_redirect off;
  listen 127.0.0.1:8443 ssl;
  server_name registry.example.com;
  ssl_certificate     ~/work/certs/fullchain.pem;
  ssl_certificate_key ~/work/certs/privkey.pem;

  location /v2/ {
    auth_basic "Registry";
    auth_basic_user_file ~/work/auth/htpasswd;

    proxy_pass http://127.0.0.1:15000; proxy_redirect http://registry:5000/ /;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-For $remote_addr;
  }
}
server { port_in_redirect off;
  listen 127.0.0.1:8080;
  server_name registry.example.com;
  return 301 https://$host$request_uri;
}
"""
    )


def test_what_of_the_extract_a_grader_may_look_at(
    map_site: MapSite, map_container: MapContainer, container: Container
) -> None:
    """Its log, its passwords, its certificate and its key, on this machine."""
    container.mount("certs", "/etc/nginx/certs")
    map_site(NGINX)
    mapped = map_container()
    assert mapped.issues == ()
    assert mapped.doors.outer == {443: 8443, 80: 8080}
    assert list(mapped.files.certificates) == [container.folder / "work/certs/fullchain.pem"]
    assert list(mapped.files.keys) == [container.folder / "work/certs/privkey.pem"]
    assert list(mapped.files.password_files) == [container.folder / "root/etc/nginx/auth/htpasswd"]
    assert list(mapped.files.access_logs) == [container.folder / "logs/access.log"]


WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=382), min_size=1, max_size=8)
PLAIN = st.tuples(
    st.sampled_from(["server_name", "return", "add_header", "client_max_body_size", "try_files", "x"]),
    st.lists(WORDS, max_size=3),
).map(lambda row: " ".join([row[0], *map(quote, row[1])]) + ";")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PLAIN, max_size=6), st.sampled_from(["\n", "\r\n", "\n\n", " # x { \n"]))
def test_directives_that_name_nothing_of_the_container_stay(map_site: MapSite, rows: list[str], end: str) -> None:
    """Byte by byte, whatever they say and however lines end."""
    text = "".join(f"{row}{end}" for row in rows)
    assert map_site(text) == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            [
                "server {\n",
                "location / {\n",
                "}\n",
                "listen\n443\nssl;\n",
                "listen [::]:443;",
                "listen 99999;",
                "listen;",
                "proxy_pass http://registry:5000;\n",
                "proxy_pass $x;",
                "proxy_pass;",
                "access_log /dev/stdout\n combined;",
                "access_log;",
                "root\n/x;",
                "include\n conf.d/*.other;",
                "if ($x) {",
                "upstream u {",
                "server\n registry:5000;",
                "set $x\n1;",
                "location {",
            ]
        ),
        max_size=12,
    )
)
def test_lines_are_kept_whatever_is_mapped(map_site: MapSite, rows: list[str]) -> None:
    """A line number of nginx's is the student's, in files that make no sense as well."""
    text = "".join(rows)
    assert map_site(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("broken", ["server {\n  include /etc/hostname;\n  listen 80;\n", 'a "b;\n', "}\n"])
def test_a_broken_file_is_left_to_nginx(map_site: MapSite, broken: str) -> None:
    """It stays as it is, but that no file of this machine is read because of it."""
    assert map_site(broken) == broken.replace("  include /etc/hostname;", "")


def test_bytes_that_are_no_text_stay(container: Container, map_container: MapContainer) -> None:
    """A comment in an old encoding is nobody's mistake."""
    container.write(SITE, "").write_bytes(b"# pass\xe9\nroot /x;\n")
    mapped = map_container()
    written = mapped.main.parent / "conf.d" / "registry.conf"
    assert written.read_bytes() == f"# pass\udce9\nroot {container.folder}/root/x;\n".encode(errors="surrogateescape")


def test_the_containers_own_port_is_what_server_port_says(
    map_site: MapSite, map_container: MapContainer, container: Container
) -> None:
    """A student's ``$server_port`` is 443 as in the container, not the port of this machine."""
    mapped = map_site("server { listen 443 ssl; return 301 https://$host:${server_port}/$server_ports; }")
    assert mapped.endswith("return 301 https://$host:$lab_server_port/$server_ports; }")
    map_container()
    added = (container.folder / "state" / "http.conf").read_text(encoding="utf-8")
    assert "map $server_port $lab_server_port {\n    default $server_port;\n    8443 443;\n}\n" in added


def test_the_user_is_the_one_who_runs_it(
    container: Container, map_container: MapContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image's user need not exist here: root stays root, and an ordinary user needs no directive."""
    container.write("/etc/nginx/nginx.conf", "user nginx;\nevents { }\n")
    added = container.folder / "state" / "main.conf"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "user nginx" not in map_container().main.read_text(encoding="utf-8")
    assert added.read_text(encoding="utf-8").startswith("user root ")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "user nginx" not in map_container().main.read_text(encoding="utf-8")
    assert added.read_text(encoding="utf-8").startswith("pid ")


def test_what_the_image_has_built_in_is_said_only_where_the_student_does_not(
    container: Container, map_container: MapContainer
) -> None:
    """A second ``pid`` or ``proxy_temp_path`` would be refused as a duplicate."""
    container.write(
        "/etc/nginx/nginx.conf",
        "pid /run/x.pid;\nerror_log stderr;\nhttp { access_log off; proxy_temp_path /tmp/p; include conf.d/*.conf; }\n",
    )
    container.write(SITE, "client_body_temp_path /tmp/b;\n")
    map_container()
    assert "pid" not in (container.folder / "state" / "main.conf").read_text(encoding="utf-8")
    added = (container.folder / "state" / "http.conf").read_text(encoding="utf-8")
    assert [line.split()[0] for line in added.splitlines()[:3]] == [
        "fastcgi_temp_path",
        "uwsgi_temp_path",
        "scgi_temp_path",
    ]


def test_nothing_is_said_of_modules_that_were_left_out(container: Container) -> None:
    """A program without uwsgi knows no ``uwsgi_temp_path``."""
    program = Program(Path("nginx"), (1, 25, 0), "--without-http_uwsgi_module --without-http_proxy_module")
    write_configuration(container.place, program, MAIN)
    added = (container.folder / "state" / "http.conf").read_text(encoding="utf-8")
    kinds = [line.split("_temp_path")[0] for line in added.splitlines() if "_temp_path" in line]
    assert kinds == ["client_body", "fastcgi", "scgi"]


def test_load_module_is_named(container: Container, map_container: MapContainer) -> None:
    """What cannot be honoured is said with its line."""
    file = container.write("/etc/nginx/nginx.conf", "events { }\nload_module modules/ngx_http_perl_module.so;\n")
    (issue,) = map_container().issues
    assert (issue.file, issue.line) == (file, 2)
    assert issue.text.startswith("load_module modules/ngx_http_perl_module.so;: ")


def test_a_main_file_that_is_not_there_is_said_as_nginx_says_it(
    container: Container, map_container: MapContainer
) -> None:
    """The student mounted another name."""
    container.place.path("/etc/nginx/nginx.conf").unlink()
    with pytest.raises(ComposeError) as caught:
        map_container()
    (issue,) = caught.value.issues
    assert str(issue).endswith('nginx: [emerg] open() "/etc/nginx/nginx.conf" failed (2: No such file or directory)')
