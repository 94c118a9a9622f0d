"""The sections for those who look after a registry: checks, notifications, the debug server, garbage, workers."""

from pathlib import Path

import pytest

from pyregistry.config.settings import (
    DebugSettings,
    FileCheck,
    GcSettings,
    HealthSettings,
    HttpCheck,
    Mode,
    NotificationEndpoint,
    NotificationSettings,
    TcpAddress,
    TcpCheck,
)
from tests.unit.pyregistry.config.conftest import MINIMAL, Complaint, Loader

HEAD = "version: 0.1\nstorage: inmemory\n"


def test_checks_are_read_with_their_defaults(configure: Loader) -> None:
    """A list of each kind; 0 is the default, as in registry:2, and a check over the network never waits for ever."""
    settings = configure(f"""\
{MINIMAL}
health:
  file: [{{file: /down, interval: 1s, threshold: 2}}, {{file: /other}}]
  http:
    - {{uri: "https://a/b", headers: {{X-Key: [a, b]}}, statuscode: 204, timeout: 2s, interval: 3s, threshold: 4}}
    - {{uri: "http://c:8080", statuscode: 0, timeout: 0, interval: 0}}
  tcp: [{{addr: "redis:6379", timeout: 1s}}]
""")
    assert settings.health == HealthSettings(
        file_checks=(FileCheck(Path("/down"), 1.0, 2), FileCheck(Path("/other"))),
        http_checks=(
            HttpCheck("https://a/b", {"X-Key": ("a", "b")}, 204, 2.0, 3.0, 4),
            HttpCheck("http://c:8080", {}, 200, 5.0, 10.0, 0),
        ),
        tcp_checks=(TcpCheck(TcpAddress("redis", 6379), 1.0, 10.0, 0),),
    )


def test_notifications_are_read_with_their_defaults(configure: Loader) -> None:
    """Both spellings of what is to be ignored count; an endpoint without a name has its host's."""
    settings = configure(f"""\
{MINIMAL}
notifications:
  events: {{includereferences: true}}
  endpoints:
    - name: listener
      url: https://alice:secret@listener.example.com/events
      headers: {{Authorization: [Bearer abc]}}
      timeout: 500ms
      threshold: 5
      backoff: 1m
      disabled: true
      ignoredmediatypes: [a/b]
      ignore: {{mediatypes: [c/d], actions: [pull]}}
    - url: http://127.0.0.1:5001/
""")
    listener, unnamed = settings.notifications.endpoints
    assert settings.notifications == NotificationSettings((listener, unnamed), include_references=True)
    assert listener == NotificationEndpoint(
        name="listener",
        url="https://alice:secret@listener.example.com/events",
        headers={"Authorization": ("Bearer abc",)},
        timeout_seconds=0.5,
        threshold=5,
        backoff_seconds=60.0,
        ignored_media_types=frozenset({"a/b", "c/d"}),
        ignored_actions=frozenset({"pull"}),
        disabled=True,
    )
    assert unnamed == NotificationEndpoint("127.0.0.1", "http://127.0.0.1:5001/")
    assert "secret" not in repr(settings)
    assert "abc" not in repr(settings)


def test_the_debug_server_is_loopbacks_unless_a_host_is_named(configure: Loader) -> None:
    """registry:2 would bind every interface; ours says that it does not."""
    settings = configure(f"{HEAD}http: {{secret: s, debug: {{addr: ':5001', prometheus: {{enabled: true}}}}}}\n")
    assert settings.http.debug == DebugSettings(TcpAddress("127.0.0.1", 5001), "/metrics")
    assert [str(warning) for warning in settings.warnings] == [
        "line 3: http.debug.addr: no host is named: listens on 127.0.0.1 only, not on every interface as registry:2"
    ]
    open_to_all = configure(f"{HEAD}http: {{secret: s, debug: {{addr: '[::]:5001', prometheus: {{path: /m}}}}}}\n")
    assert open_to_all.http.debug == DebugSettings(TcpAddress("::", 5001), None)
    assert open_to_all.warnings == ()
    assert configure(f"{HEAD}http: {{secret: s, debug: {{prometheus: {{enabled: true}}}}}}\n").http.debug is None


def test_our_own_tunings_are_read(configure: Loader) -> None:
    """Garbage collection and the mode."""
    settings = configure(MINIMAL)
    assert (settings.gc, settings.mode, settings.workers) == (GcSettings(None, 3600.0, delete_untagged=False), "oci", 1)
    settings = configure(
        f"{MINIMAL}pyregistry: {{mode: Registry2, gc: {{interval: 1h, grace: 5m, deleteuntagged: true}}}}"
    )
    assert settings.gc == GcSettings(3600.0, 300.0, delete_untagged=True)
    assert settings.mode is Mode.REGISTRY2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("health: {file: [{}]}", "line 3: health.file[0].file: is missing"),
        ("health: {http: [{uri: ftp://x}]}", "line 3: health.http[0].uri: expected a URL such as"),
        ("health: {http: [{uri: 'http://x', statuscode: ok}]}", "health.http[0].statuscode: expected a whole number"),
        ("health: {tcp: [{addr: here}]}", "line 3: health.tcp[0].addr: expected host:port"),
        ("health: {tcp: {addr: ':1'}}", "line 3: health.tcp: expected a list"),
        ("health: {tcp: [a]}", "line 3: health.tcp[0]: expected a mapping, got 'a'"),
        ("health: {tcp: [{addr: ':1', adr: 2}]}", "health.tcp[0].adr: unknown key, did you mean addr?"),
        ("notifications: {endpoints: [{name: a}]}", "line 3: notifications.endpoints[0].url: is missing"),
        ("notifications: {endpoints: [{url: 'http://a:b@c d'}]}", "got 'http://…@c d'"),
        ("notifications: {endpoints: [{url: 'http://h', headers: {A: b}}]}", "endpoints[0].headers.A: expected a list"),
        ("http: {prefix: /x}", "line 3: http.prefix: expected a path between slashes such as /registry/, got '/x'"),
        ("http: {prefix: x/}", "expected a path between slashes"),
        ("http: {prefix: /x y/}", "expected a path between slashes"),
        ("http: {debug: {addr: 5001}}", "line 3: http.debug.addr: expected host:port"),
        ("http: {debug: {addr: ':1', prometheus: {path: m}}}", "http.debug.prometheus.path: expected a path"),
        ("pyregistry: {workers: 0}", "expected a number of processes from 1 to 64, got '0'"),
        ("pyregistry: {workers: 65}", "expected a number of processes from 1 to 64, got '65'"),
        ("pyregistry: {mode: registry3}", "expected one of oci, registry2, got 'registry3'"),
        ("pyregistry: {gc: {interval: often}}", "pyregistry.gc.interval: expected a duration"),
        (
            "pyregistry: {mode: registry2, twin: ghcr, accounts: {path: a}}",
            "pyregistry.mode: the ghcr twin has manners of its own",
        ),
    ],
)
def test_what_cannot_work_is_said_with_its_place(complaints: Complaint, text: str, said: str) -> None:
    """The number of the item in a list, the line, and never a password."""
    assert any(said in complaint for complaint in complaints(f"{HEAD}{text}\n"))


def test_the_prefix_loses_its_last_slash(configure: Loader) -> None:
    """What stands before every path; a single slash is none."""
    assert configure(f"{HEAD}http: {{prefix: /a/b/}}\n").http.prefix == "/a/b"
    assert configure(f"{HEAD}http: {{prefix: /}}\n").http.prefix == ""
