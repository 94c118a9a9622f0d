"""Where nginx's own configuration says to look."""

from pathlib import PurePosixPath

import pytest

from checker.facts import Logging
from checker.probes.nginx_config import look_up
from checker.probes.proxy_files import ProxyFiles
from tests.unit.checker.docker_samples import DUMP

LOG = "/var/log/nginx/access.log"


def test_the_chapter_s_proxy() -> None:
    """Its log, password file, certificate and key; relative paths are nginx.conf's folder's."""
    assert look_up(DUMP) == ProxyFiles(
        (PurePosixPath(LOG),),
        (PurePosixPath("/etc/nginx/auth/htpasswd"),),
        (PurePosixPath("/etc/nginx/certs/fullchain.pem"),),
        (PurePosixPath("/etc/nginx/certs/privkey.pem"),),
        logging=Logging(plain=True),
    )


@pytest.mark.parametrize(
    ("old", "new", "logs"),
    [
        ("client_max_body_size 0;", "access_log off;", []),
        ("proxy_pass http", "access_log off; proxy_pass http", []),
        ("proxy_pass http://registry:5000;", "proxy_pass http://registry:5000; access_log off;", []),
        ("access_log  /var/log/nginx/access.log  main;", "access_log off;", []),
        ("access_log  /var/log/nginx/access.log  main;", "", [LOG]),
        ("client_max_body_size 0;", "access_log logs/own.log main;", ["/etc/nginx/logs/own.log"]),
        ("client_max_body_size 0;", f"access_log {LOG} main; access_log syslog:server=x;", [LOG]),
        ("proxy_pass http://registry:5000;\n  }", "proxy_pass http://registry:5000;\n  }\n  access_log off;", []),
        ("listen 80;", "listen 80; access_log off;", [LOG]),
        ("client_max_body_size 0;", "access_log /dev/null;", []),
        ("proxy_pass http", "if ($a) { access_log off; } proxy_pass http", [LOG]),
    ],
    ids=[
        "server",
        "location",
        "behind",
        "http",
        "default",
        "own",
        "two",
        "behind the block",
        "other server",
        "the device that keeps nothing",
        "within if",
    ],
)
def test_the_log_of_what_is_handed_on(old: str, new: str, logs: list[str]) -> None:
    """The innermost block that names one counts, wherever in it; what another server does says nothing."""
    assert old in DUMP
    assert look_up(DUMP.replace(old, new)).access_logs == tuple(map(PurePosixPath, logs))


def test_what_is_off_or_a_variable_is_no_path() -> None:
    """``auth_basic_user_file off`` is none, and a certificate by variable is chosen later."""
    changed = DUMP.replace('auth_basic_user_file "/etc/nginx/auth/htpasswd"', "auth_basic_user_file off")
    found = look_up(changed.replace("certs/privkey.pem", "certs/$ssl_server_name.pem"))
    assert (found.password_files, found.keys) == ((), ())


PASS = "proxy_pass http://registry:5000;"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PASS, f"{PASS} proxy_set_header Host $http_host; proxy_read_timeout 900;"),
        (PASS, "proxy_pass http://registry:5000/v2/;"),
        (PASS, f"{PASS} proxy_set_header Authorization $http_authorization;"),
        ("location /v2/ {", "location / { return 404; } location /v2/ {"),
        ("location /v2/ {", "error_page 500 502 /50x.html; gzip off; location /v2/ {"),
        ("listen 80;", "listen 80; root /usr/share/nginx/html; rewrite ^ /x; gzip on; location /v2/ { return 200; }"),
        ("client_max_body_size 0;", f"access_log {LOG} main; access_log /var/log/nginx/registry.log;"),
        ("client_max_body_size 0;", f"access_log {LOG} combined;"),
        ("server {\n  listen 443", "upstream r { server registry:5000; } server {\n  listen 443"),
        ("$remote_addr - ", "$http_x_real_ip - "),
    ],
)
def test_what_hands_on_as_it_is(old: str, new: str) -> None:
    """Success below /v2/ is the registry's alone; what happens elsewhere, and how long it takes, does not matter."""
    assert old in DUMP
    assert look_up(DUMP.replace(old, new)).logging == Logging(plain=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("location /v2/ {", "location = /v2/ { return 200; } location /v2/ {"),
        ("location /v2/ {", "location = /v2/ { root /srv; } location /v2/ {"),
        ("location /v2/ {", "location ~ manifests { root /srv; } location /v2/ {"),
        (PASS, f"{PASS} proxy_cache blobs;"),
        (PASS, f"{PASS} gzip on; gzip_types *;"),
        (PASS, f"{PASS} mirror /copy;"),
        (PASS, f"{PASS} error_page 404 =200 /ok;"),
        (PASS, f"{PASS} proxy_set_header Authorization '';"),
        (PASS, f"{PASS} proxy_set_header User-Agent nginx;"),
        (PASS, f"{PASS} proxy_pass_request_headers off;"),
        (PASS, f"{PASS} js_content main.hello;"),
        (PASS, "proxy_pass http://$backend;"),
        ("location /v2/ {", "location /v2/other/ { proxy_pass http://mirror:5000; } location /v2/ {"),
        ("server {\n  listen 443", "upstream r { server a; server b; } server {\n  listen 443"),
        ("client_max_body_size 0;", f"access_log {LOG} main; access_log /dev/stdout main;"),
        ("client_max_body_size 0;", f"access_log {LOG} main if=$loud;"),
    ],
)
def test_what_may_show_client_and_registry_different_things(old: str, new: str) -> None:
    """It answers by itself, changes what passes, asks another registry, or logs in a way of its own."""
    assert old in DUMP
    assert look_up(DUMP.replace(old, new)).logging == Logging()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (PASS, "proxy_pass http://registry:5000/;", Logging(rewrites=True)),
        (PASS, f"rewrite ^/v2/(.*) /v2/x/$1 break; {PASS}", Logging(rewrites=True)),
        ("client_max_body_size 0;", f"access_log {LOG} main buffer=64k;", Logging(plain=True, buffers=True)),
        ("$body_bytes_sent", "$bytes_sent", Logging(readable=False)),
        ("client_max_body_size 0;", f"access_log {LOG} json;", Logging(readable=False)),
        ("client_max_body_size 0;", f"access_log {LOG} main; access_log /var/log/own.log json;", Logging()),
    ],
)
def test_what_is_told_of_the_log(old: str, new: str, expected: Logging) -> None:
    """Other paths, lines that are kept back, formats of one's own."""
    assert old in DUMP
    assert look_up(DUMP.replace(old, new)).logging == expected
