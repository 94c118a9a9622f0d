"""Where the configurations of Caddy and Traefik say to look."""

import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from checker.facts import Logging
from checker.probes import caddy_config, traefik_config
from checker.probes.proxy_files import ProxyFiles, Unreadable, parse_arguments
from tests.unit.checker.docker_samples import ADAPTED

NAME = "registry.example.com"
STDERR, STDOUT = PurePosixPath("/dev/stderr"), PurePosixPath("/dev/stdout")
FILE = {"writer": {"output": "file", "filename": "/var/log/a.log"}, "include": ["http.log.access.log0"]}


def adapted(logs: object, logging: object = None) -> str:
    """Caddy's configuration with these logs of its server."""
    config: dict[str, Any] = json.loads(ADAPTED)
    config["apps"]["http"]["servers"]["srv0"]["logs"] = logs
    config["logging"] = {"logs": logging or {}}
    return json.dumps(config)


def test_caddy_s_files() -> None:
    """A logger without a name writes where Caddy writes; accounts stand in the configuration, in clear or in base64."""
    expected = ProxyFiles(
        access_logs=(STDERR,),
        password_files=(),
        certificates=(PurePosixPath("/certs/fullchain.pem"),),
        keys=(PurePosixPath("/certs/privkey.pem"),),
        accounts=("ada:$2y$05$canary",),
        logging=Logging(plain=True),
    )
    assert caddy_config.look_up(ADAPTED, NAME) == expected
    assert "canary" not in repr(expected)
    assert caddy_config.look_up(ADAPTED.replace("$2y$05$canary", "JDJ5JDA1JGNhbmFyeQ=="), NAME) == expected


@pytest.mark.parametrize(
    ("logs", "logging", "expected"),
    [
        (None, None, ()),
        ({}, None, (STDERR,)),
        ({"logger_names": {f"{NAME}:8443": "log0"}}, {"log0": FILE}, (PurePosixPath("/var/log/a.log"),)),
        ({"logger_names": {NAME: ["log0", ""]}}, {"log0": FILE}, (PurePosixPath("/var/log/a.log"), STDERR)),
        ({"default_logger_name": "log0"}, {"log0": FILE}, (PurePosixPath("/var/log/a.log"),)),
        ({"logger_names": {"other": ""}, "skip_unmapped_hosts": True}, None, ()),
        ({"logger_names": {"other": ""}, "skip_hosts": [NAME]}, None, ()),
        ({"logger_names": {NAME: "log0"}}, {"log0": FILE | {"writer": {"output": "discard"}}}, ()),
        ({}, {"default": {"writer": {"output": "stdout"}}}, (STDOUT,)),
    ],
    ids=["off", "on", "file", "two", "default", "another site's", "skipped", "discarded", "moved"],
)
def test_caddy_s_logs(logs: object, logging: object, expected: tuple[PurePosixPath, ...]) -> None:
    """Those of the site that clients call, wherever its logger writes."""
    assert caddy_config.look_up(adapted(logs, logging), NAME).access_logs == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"handler":"authentication"', '"handler":"rewrite"'),
        ('"handler":"authentication"', '"handler":"encode"'),
        ('"handler":"reverse_proxy"', '"handler":"reverse_proxy","rewrite":{"uri":"/x"}'),
        ('"handler":"authentication"', '"handler":"reverse_proxy"'),
        ('"admin"', '"logging":{"logs":{"default":{"sampling":{"first":1}}}},"admin"'),
        ('"logs":{', '"nologs":{'),
    ],
    ids=["other paths", "other bytes", "rewritten", "two registries", "some of the lines", "no log"],
)
def test_a_caddy_that_changes_what_it_hands_on_is_not_plain(old: str, new: str) -> None:
    """Nothing follows then from a line that the registry does not know."""
    assert old in ADAPTED
    assert not caddy_config.look_up(ADAPTED.replace(old, new), NAME).logging.plain


@pytest.mark.parametrize("text", ["", "Error: adapting config", "[]", '{"apps": 1}', ADAPTED.replace("username", "u")])
def test_what_caddy_would_not_print_is_none(text: str) -> None:
    """An adaption that failed, for one."""
    with pytest.raises(Unreadable):
        caddy_config.look_up(text, NAME)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accessLog: {}", (STDOUT,)),
        ("accessLog: {filePath: /log/a}", (PurePosixPath("/log/a"),)),
        ("accessLog:", ()),
        ("log: {level: INFO}", ()),
        ("", ()),
    ],
)
def test_traefik_s_log_by_file(text: str, expected: tuple[PurePosixPath, ...]) -> None:
    """There is one where something is said of it; ``accessLog:`` alone says nothing to Traefik either."""
    static = traefik_config.parse(text, PurePosixPath("traefik.yaml"))
    assert traefik_config.look_up(static, ()).access_logs == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--accesslog"], (STDOUT,)),
        (["traefik", "--accessLog=true", "--log.level", "INFO"], (STDOUT,)),
        (["--accesslog=false"], ()),
        (["--accesslog.filepath", "/log/a"], (PurePosixPath("/log/a"),)),
        (["--accesslogs"], ()),
        (["traefik"], ()),
    ],
)
def test_traefik_s_log_by_command_line(words: list[str], expected: tuple[PurePosixPath, ...]) -> None:
    """With and without a sign of equality, in whatever case."""
    assert traefik_config.look_up(parse_arguments(words), ()).access_logs == expected


def test_traefik_s_log_by_variable() -> None:
    """Other variables say nothing."""
    static = traefik_config.of_variables({"TRAEFIK_ACCESSLOG_FORMAT": "json", "PATH": "/bin"})
    assert traefik_config.look_up(static, ()).access_logs == (STDOUT,)


TOML = """
[http.middlewares.pw.basicAuth]
usersFile = "/auth/htpasswd"
[[tls.certificates]]
certFile = "/certs/a.pem"
keyFile = "/certs/a.key"
[tls.stores.default.defaultCertificate]
certFile = "/certs/b.pem"
keyFile = "-----BEGIN PRIVATE KEY-----\\n"
[http.serversTransports.inner]
rootCAs = ["/certs/ca.pem"]
"""


def test_traefik_s_dynamic_files() -> None:
    """Whichever form; a key that stands in the file itself is no path."""
    dynamic = [
        traefik_config.parse(TOML, PurePosixPath("a.toml")),
        traefik_config.parse(
            "http: {middlewares: {pw: {basicAuth: {users: ['ada:$2y$05$x']}}}}", PurePosixPath("b.yml")
        ),
    ]
    assert traefik_config.look_up({}, dynamic) == ProxyFiles(
        access_logs=(),
        password_files=(PurePosixPath("/auth/htpasswd"),),
        certificates=(PurePosixPath("/certs/a.pem"), PurePosixPath("/certs/b.pem")),
        keys=(PurePosixPath("/certs/a.key"),),
        accounts=("ada:$2y$05$x",),
    )


ROUTES = {
    "http.middlewares.pw.basicauth.usersfile": "/auth/htpasswd",
    "http.services.registry.loadbalancer.servers[0].url": "http://registry:5000",
}


@pytest.mark.parametrize(
    ("static", "dynamic", "expected"),
    [
        ({"accesslog": "true"}, {}, True),
        ({"accesslog.fields.headers.names.user-agent": "keep"}, {}, True),
        ({}, {}, False),
        ({"accesslog.filters.statuscodes": "400-499"}, {}, False),
        ({"accesslog.bufferingsize": "100"}, {}, False),
        ({"accesslog.fields.defaultmode": "drop"}, {}, False),
        ({"accesslog": "true"}, {"http.middlewares.other.stripprefix.prefixes[0]": "/x"}, False),
        ({"accesslog": "true"}, {"http.services.two.loadbalancer.servers[0].url": "http://other:5000"}, False),
    ],
    ids=["log", "by name", "no log", "filtered", "buffered", "fields", "other paths", "two registries"],
)
def test_a_traefik_that_hands_on_and_logs_all_as_it_is_is_plain(
    *, static: dict[str, str], dynamic: dict[str, str], expected: bool
) -> None:
    """Else nothing follows from a line that the registry does not know, nor from a request without one."""
    assert traefik_config.look_up(static, [ROUTES | dynamic]).logging == Logging(plain=expected)


@pytest.mark.parametrize(("text", "path"), [("{{ if }}", "a.yaml"), ("a: [", "a.yml"), ("= 1", "a.toml")])
def test_what_traefik_would_not_read_is_none(text: str, path: str) -> None:
    """A template of Go's, or a slip; its name is told, its content is not."""
    with pytest.raises(Unreadable, match=f"^{path}$"):
        traefik_config.parse(text, PurePosixPath(path))
