"""Where nginx's own configuration says to look."""

from pathlib import PurePosixPath

import pytest

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
