"""``REGISTRY_*`` variables override the file as registry:2 does it."""

import os
import string

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pyregistry.config import ConfigurationError
from pyregistry.config.document import FILE, compose
from pyregistry.config.environment import overlay
from pyregistry.config.settings import FilesystemStorage, HtpasswdAuth, LogLevel, MemoryStorage
from tests.unit.pyregistry.config.conftest import MINIMAL, Complaint, Loader

KEYS = st.text(string.ascii_uppercase + string.digits + "-", min_size=1, max_size=8)
NAMES = [
    f"REGISTRY_{name}"
    for name in (
        *("HTTP", "HTTP_ADDR", "HTTP_HOST", "HTTP_SECRET", "HTTP_DRAINTIMEOUT", "HTTP_HEADERS", "HTTP_HEADERS_X"),
        *("HTTP_TLS", "HTTP_TLS_CERTIFICATE", "HTTP_TLS_KEY", "HTTP_TLS_CLIENTCAS", "HTTP_NET", "HTTP_RELATIVEURLS"),
        *("STORAGE", "STORAGE_FILESYSTEM_ROOTDIRECTORY", "STORAGE_DELETE_ENABLED", "STORAGE_MAINTENANCE"),
        *("AUTH", "AUTH_HTPASSWD", "AUTH_HTPASSWD_REALM", "AUTH_HTPASSWD_PATH", "LOG", "LOG_LEVEL", "LOG_FIELDS"),
        *("VALIDATION", "VALIDATION_ENABLED", "VALIDATION_MANIFESTS_URLS_ALLOW", "CATALOG_MAXENTRIES", "HEALTH"),
        *("PYREGISTRY", "PYREGISTRY_TWIN", "PYREGISTRY_ACCOUNTS_PATH", "PYREGISTRY_JOURNAL_PATH", "PYREGISTRY_LIMITS"),
    )
]


def test_the_courses_variables_work(configure: Loader) -> None:
    """The names that the chapter's compose file uses, with their values as YAML."""
    settings = configure(
        MINIMAL,
        {
            "REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin": '["*"]',
            "REGISTRY_STORAGE_DELETE_ENABLED": "true",
            "REGISTRY_LOG_LEVEL": "debug",
            "REGISTRY_HTTP_ADDR": "127.0.0.1:0",
            "PATH": "/bin",
        },
    )
    assert settings.http.headers == {"access-control-allow-origin": ("*",)}
    assert settings.storage.delete_enabled
    assert settings.log.level is LogLevel.DEBUG
    assert settings.http.address.port == 0  # type: ignore[union-attr]  a TCP address, or the test fails
    assert settings.warnings == ()


def test_items_of_lists_have_numbers(configure: Loader, complaints: Complaint) -> None:
    """As in registry:3: an item is changed, or added to the list of the file; a list out of nothing; never a gap."""
    text = "version: 0.1\nstorage: inmemory\nhttp: {secret: s, tls: {certificate: c, key: k, clientcas: [/a, /b]}}\n"
    environ = {"REGISTRY_HTTP_TLS_CLIENTCAS_1": "/c", "REGISTRY_HTTP_TLS_CLIENTCAS_2": "/d"}
    tls = configure(text, environ).http.tls
    assert tls is not None
    assert [str(path) for path in tls.client_cas] == ["/a", "/c", "/d"]
    endpoints = {
        f"REGISTRY_NOTIFICATIONS_ENDPOINTS_{number}_{key}": value
        for number in range(11)
        for key, value in (("URL", f"http://host{number}/"), ("IGNORE", "{actions: [pull]}"))
    }
    read = configure(MINIMAL, endpoints).notifications.endpoints
    assert [endpoint.name for endpoint in read] == [f"host{number}" for number in range(11)]
    assert read[10].ignored_actions == {"pull"}
    for gap in ({"REGISTRY_HTTP_TLS_CLIENTCAS_3": "/d"}, {"REGISTRY_HTTP_TLS_CLIENTCAS_FIRST": "/d"}):
        assert any("expected a list" in said for said in complaints(text, gap))


def test_a_word_and_its_details_combine(configure: Loader) -> None:
    """``REGISTRY_AUTH=htpasswd`` and ``REGISTRY_AUTH_HTPASSWD_*`` are one configuration, whatever was in the file."""
    environ = {
        "REGISTRY_AUTH_HTPASSWD_REALM": "Registry Realm",
        "REGISTRY_AUTH_HTPASSWD_PATH": "/auth/htpasswd",
        "REGISTRY_AUTH": "htpasswd",
    }
    auth = configure(MINIMAL, environ).auth
    assert isinstance(auth, HtpasswdAuth)
    assert (auth.realm, str(auth.path)) == ("Registry Realm", "/auth/htpasswd")


def test_a_storage_word_replaces_the_section(configure: Loader) -> None:
    """``REGISTRY_STORAGE`` replaces all of it; a variable for another driver only adds one, which is one too many."""
    file = "version: 0.1\nstorage: {filesystem: {rootdirectory: /srv}}\n"
    assert configure(file, {"REGISTRY_STORAGE": "inmemory"}).storage.driver == MemoryStorage()
    environ = {"REGISTRY_STORAGE": "{filesystem: {}}", "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/data"}
    driver = configure(file, environ).storage.driver
    assert isinstance(driver, FilesystemStorage)
    assert str(driver.root) == "/data"


def test_a_second_driver_is_one_too_many(complaints: Complaint) -> None:
    """registry:2 panics; we say which."""
    said = complaints("version: 0.1\nstorage: {filesystem: }\n", {"REGISTRY_STORAGE_S3_BUCKET": "b"})
    assert "must provide exactly one storage type. Provided: filesystem, s3" in said[0]
    assert said[1].startswith("REGISTRY_STORAGE_S3_BUCKET: storage.s3: not offered here")


def test_an_existing_key_is_found_whatever_its_case(configure: Loader) -> None:
    """A header in the file is replaced, and keeps its spelling."""
    file = "version: 0.1\nstorage: inmemory\nhttp: {headers: {X-One: [a]}}\n"
    assert configure(file, {"REGISTRY_HTTP_HEADERS_X-ONE": "[b]"}).http.headers == {"X-One": ("b",)}


def test_variables_that_are_not_for_us_are_named_and_ignored(configure: Loader) -> None:
    """What Kubernetes injects for a service called registry is harmless, even when it is no YAML."""
    environ = {
        "REGISTRY_PORT": "tcp://10.0.0.1:5000",
        "REGISTRY_PORT_5000_TCP_ADDR": "10.0.0.1",
        "REGISTRY_HTTP_PORT": "{",
        "REGISTRY_VERSION": "0.9",
    }
    assert [str(warning) for warning in configure(MINIMAL, environ).warnings] == [
        "REGISTRY_HTTP_PORT: Ignoring unrecognized environment variable REGISTRY_HTTP_PORT",
        "REGISTRY_PORT: Ignoring unrecognized environment variable REGISTRY_PORT",
        "REGISTRY_PORT_5000_TCP_ADDR: Ignoring unrecognized environment variable REGISTRY_PORT_5000_TCP_ADDR",
    ]


def test_a_ring_of_aliases_is_no_trap(configure: Loader) -> None:
    """YAML can make a mapping that contains itself; naming it comes to an end."""
    warnings = configure(MINIMAL, {"REGISTRY_FOO": "&ring {a: *ring}"}).warnings
    assert [warning.variable for warning in warnings] == ["REGISTRY_FOO"]


def test_a_variable_changes_only_what_it_names(configure: Loader) -> None:
    """An alias makes one mapping stand in two places; the other place keeps what the file says."""
    text = """\
        version: 0.1
        http: {secret: s}
        storage: {inmemory: , delete: &off {enabled: false}, maintenance: {readonly: *off}}
        """
    storage = configure(text, {"REGISTRY_STORAGE_DELETE_ENABLED": "true"}).storage
    assert (storage.delete_enabled, storage.read_only) == (True, False)


@example({"REGISTRY_AUTH_HTPASSWD_PATH": "9" * 5000})
@example({"REGISTRY_HTTP_DRAINTIMEOUT": "9" * 5000})
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    environ=st.dictionaries(
        st.sampled_from(NAMES),
        st.text(max_size=12)
        | st.sampled_from(
            ["{a: b}", "[a]", "&a {b: *a}", '"\\0"', '"\\ud800"', "9" * 5000, "''", "~", "true", "-1", "1h"]
        ),
        max_size=6,
    )
)
def test_no_variable_breaks_a_type(configure: Loader, environ: dict[str, str]) -> None:
    """Whatever stands in a variable, there are settings or there are mistakes; what is let in fits into a path."""
    try:
        found = configure(MINIMAL, environ, files_too=True)
    except ConfigurationError:
        return
    for path in filter(None, (found.accounts_path, found.journal_path, found.auth and found.auth.path)):
        os.fsencode(path)
    found.http.secret.encode()


def test_a_wrong_value_names_its_variable(complaints: Complaint) -> None:
    """A mistake in the environment is not blamed on the file."""
    environ = {"REGISTRY_STORAGE_DELETE_ENABLED": "sure", "REGISTRY_HTTP_ADDR": "[", "REGISTRY_LOG_LEVEL": "[a]"}
    said = complaints(MINIMAL, environ)
    assert "REGISTRY_STORAGE_DELETE_ENABLED: storage.delete.enabled: expected true or false, got 'sure'" in said
    assert "REGISTRY_LOG_LEVEL: log.level: expected one value, got a list" in said
    assert any(text.startswith("REGISTRY_HTTP_ADDR: http.addr: yaml: ") for text in said)


@pytest.mark.parametrize("quoted", ['"true"', "'true'", '"false"', '"yes"'])
def test_a_truth_in_quotes_switches_deletion_on_as_little_as_in_registry_2(quoted: str, configure: Loader) -> None:
    """It starts, as registry:2 does (2.8: DELETE is then 405); we say why nothing can be deleted."""
    found = configure(MINIMAL, {"REGISTRY_STORAGE_DELETE_ENABLED": quoted})
    assert not found.storage.delete_enabled
    said = f"storage.delete.enabled: '{quoted[1:-1]}' in quotes is a text, and counts as false; write it without"
    assert f"REGISTRY_STORAGE_DELETE_ENABLED: {said}" in [str(warning) for warning in found.warnings]


def test_an_empty_value_is_none(configure: Loader) -> None:
    """A variable that is set to nothing takes the file's value away."""
    assert configure(
        "version: 0.1\nstorage: inmemory\nlog: {level: debug}\n", {"REGISTRY_LOG_LEVEL": ""}
    ).log.level is (LogLevel.INFO)


@given(keys=st.lists(KEYS, min_size=1, max_size=4), value=st.integers() | st.booleans() | st.lists(st.integers()))
def test_a_value_arrives_where_its_name_says(keys: list[str], value: object) -> None:
    """Whatever the path, the value lies below its lower-cased keys as YAML means it."""
    node = overlay(compose("", FILE), {"REGISTRY_" + "_".join(keys): yaml.safe_dump(value)})
    for key in keys:
        assert isinstance(node, yaml.MappingNode)
        ((name, node),) = node.value
        assert name.value == key.lower()
    assert yaml.safe_load(yaml.serialize(node)) == value


@given(
    environ=st.dictionaries(
        st.lists(KEYS | st.just(""), max_size=4).map(lambda keys: "REGISTRY_" + "_".join(keys)),
        st.text(max_size=20) | st.sampled_from(["{a: b}", "[a", "&a {b: *a}", "word"]),
        max_size=5,
    )
)
def test_no_environment_breaks_the_overlay(environ: dict[str, str]) -> None:
    """Any variables on any file give nodes, never an exception."""
    for file in ("", "http: {addr: x}\n", "word\n", "[a]\n"):
        assert isinstance(overlay(compose(file, FILE), environ), yaml.Node)


@pytest.mark.parametrize("text", ["", "~", "null"])
def test_a_section_that_says_nothing_is_an_empty_one(configure: Loader, text: str) -> None:
    """Null sections are the defaults."""
    assert configure(MINIMAL + f"log: {text}\n").log.level is LogLevel.INFO
