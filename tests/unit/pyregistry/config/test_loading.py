"""registry:2's config.yml becomes typed settings, or every mistake in it at once."""

import pickle
from pathlib import Path

import pytest

from labs.compose.registry import IMAGE_CONFIG
from pyregistry.config import ConfigurationError, load
from pyregistry.config.loading import MAX_BYTES
from pyregistry.config.settings import (
    ASYMMETRIC_ALGORITHMS,
    FilesystemStorage,
    HealthSettings,
    HtpasswdAuth,
    Immutability,
    ImmutabilitySpeech,
    LogFormatter,
    LogLevel,
    MemoryStorage,
    SigningAlgorithm,
    SillyAuth,
    TcpAddress,
    TlsSettings,
    TlsVersion,
    TokenAuth,
    Twin,
    UnixAddress,
    UploadPurging,
)
from tests.unit.pyregistry.config.conftest import MINIMAL, Complaint, Loader

TOKEN = "{realm: https://auth/token, service: s, issuer: i, rootcertbundle: /bundle"
"""``auth.token`` as registry:2 wants it, for more keys and a brace."""

TLS = "{certificate: c, key: k, clientcas: [ca]"


def test_the_configuration_that_registry_2_ships_loads(configure: Loader) -> None:
    """The image's own config.yml starts us too; what it tunes in vain is named."""
    settings = configure(IMAGE_CONFIG)
    assert settings.http.address == TcpAddress("", 5000)
    assert settings.http.headers == {"X-Content-Type-Options": ("nosniff",)}
    assert settings.storage.driver == FilesystemStorage(Path("/var/lib/registry"))
    assert settings.log.fields == {"service": "registry"}
    assert settings.health == HealthSettings(storage_driver_enabled=True, interval_seconds=10.0, threshold=3)
    assert [str(warning) for warning in settings.warnings if warning.line] == [
        "line 6: storage.cache: has no effect here: there is no metadata cache to tune",
    ]


def test_defaults_are_registry_2s(configure: Loader) -> None:
    """What the file leaves out has registry:2's default."""
    settings = configure("version: 0.1\nstorage: {filesystem: }\n")
    assert settings.storage.driver == FilesystemStorage(Path("/var/lib/registry"))
    assert not settings.storage.delete_enabled
    assert settings.storage.upload_purging == UploadPurging(
        enabled=True, age_seconds=604800.0, interval_seconds=86400.0, dry_run=False
    )
    assert settings.http.address == TcpAddress("", 5000)
    assert settings.http.tls is None
    assert settings.log.level is LogLevel.INFO
    assert settings.log.access_log
    assert settings.catalog_max_entries == 1000
    assert settings.validation.enabled
    assert settings.auth is settings.twin is settings.accounts_path is settings.journal_path is None


def test_every_key_in_use_is_read(configure: Loader) -> None:
    """Each key that we offer arrives where it belongs."""
    settings = configure("""\
        version: 0.1
        log: {level: WARN, formatter: json, accesslog: {disabled: true}}
        storage:
          filesystem: {rootdirectory: /srv}
          delete: {enabled: true}
          maintenance:
            readonly: {enabled: true}
            uploadpurging: {enabled: true, age: 1h30m, interval: 500ms, dryrun: true}
        http:
          addr: 127.0.0.1:5001
          host: https://registry.example.com/
          secret: shared
          relativeurls: true
          draintimeout: 60s
          tls: {certificate: /c, key: /k, minimumtls: tls1.3, clientcas: [/ca]}
        auth: {htpasswd: {realm: Lab, path: /auth/htpasswd}}
        validation: {disabled: true, manifests: {urls: {allow: ['^https://'], deny: [bad]}}}
        catalog: {maxentries: 7}
        pyregistry: {journal: {path: j.jsonl}, limits: {manifestbytes: 10, stalltimeout: 5s}}
        """)
    assert (settings.log.level, settings.log.formatter, settings.log.access_log) == (
        LogLevel.WARN,
        LogFormatter.JSON,
        False,
    )
    assert settings.storage.driver == FilesystemStorage(Path("/srv"))
    assert settings.storage.delete_enabled
    assert settings.storage.read_only
    assert settings.storage.upload_purging == UploadPurging(
        enabled=True, age_seconds=5400.0, interval_seconds=0.5, dry_run=True
    )
    assert settings.http.address == TcpAddress("127.0.0.1", 5001)
    assert settings.http.external_url == "https://registry.example.com"
    assert settings.http.secret == "shared"
    assert settings.http.relative_urls
    assert settings.http.drain_timeout_seconds == 60.0
    assert settings.http.tls == TlsSettings(Path("/c"), Path("/k"), TlsVersion.TLS13, (Path("/ca"),))
    assert settings.auth == HtpasswdAuth("Lab", Path("/auth/htpasswd"))
    assert not settings.validation.enabled
    assert (settings.validation.allowed_urls, settings.validation.denied_urls) == (("^https://",), ("bad",))
    assert settings.catalog_max_entries == 7
    assert settings.journal_path == Path("j.jsonl")
    assert (settings.limits.manifest_bytes, settings.limits.stall_seconds) == (10, 5.0)
    assert settings.warnings == ()


def test_our_own_section_names_twin_accounts_and_journal(configure: Loader) -> None:
    """``pyregistry:`` makes the GHCR twin."""
    settings = configure(MINIMAL + "pyregistry: {twin: ghcr, accounts: {path: a.json}}\n")
    assert settings.twin is Twin.GHCR
    assert settings.accounts_path == Path("a.json")
    assert settings.storage.driver == MemoryStorage()


def test_an_outside_token_server_is_read(configure: Loader) -> None:
    """registry:2's four options, and registry:3's; HMAC is wanted only where it is listed."""
    head = "version: 0.1\nstorage: inmemory\n"
    assert configure(f"{head}auth: {{token: {TOKEN}}}}}\n").auth == TokenAuth(
        "https://auth/token", "s", "i", Path("/bundle"), signing_algorithms=ASYMMETRIC_ALGORITHMS
    )
    more = "jwks: /keys, autoredirect: true, autoredirectpath: /t, signingalgorithms: [hs256, EdDSA]"
    assert configure(f"{head}auth: {{token: {TOKEN}, {more}}}}}\n").auth == TokenAuth(
        *("https://auth/token", "s", "i", Path("/bundle"), Path("/keys"), True, "/t"),
        (SigningAlgorithm.HS256, SigningAlgorithm.EDDSA),
    )


def test_silly_is_read_and_said_to_be(configure: Loader) -> None:
    """It starts, with a warning."""
    settings = configure(f"{MINIMAL}auth: {{silly: {{realm: r, service: s}}}}\n")
    assert settings.auth == SillyAuth("r", "s")
    assert ["for development" in str(warning) for warning in settings.warnings] == [True]


def test_a_unix_socket_is_an_address(configure: Loader) -> None:
    """With ``net: unix`` the address is a path."""
    settings = configure("version: 0.1\nstorage: inmemory\nhttp: {net: unix, addr: /run/registry.sock}\n")
    assert settings.http.address == UnixAddress(Path("/run/registry.sock"))


def test_a_missing_secret_is_made_up_and_said(configure: Loader) -> None:
    """Without a secret each load has another one, which is why a warning says so, in registry:2's words."""
    text = "version: 0.1\nstorage: inmemory\n"
    first, second = configure(text), configure(text)
    assert len(first.http.secret) == 64
    assert first.http.secret != second.http.secret
    assert "No HTTP secret provided - generated random secret" in str(first.warnings[0])
    assert first.http.secret not in repr(first)


def test_settings_travel_to_worker_processes(configure: Loader) -> None:
    """Settings survive pickling unchanged, made-up secret included."""
    settings = configure(IMAGE_CONFIG)
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301  our own bytes


def test_all_mistakes_come_at_once_with_their_lines(complaints: Complaint) -> None:
    """Nothing stops at the first mistake."""
    assert complaints("""\
        version: 0.2
        log: {level: loud}
        storage: {inmemory: , filesystem: }
        http:
          adr: :5000
          addr: "5000"
          relativeurls: maybe
          draintimeout: 1 minute
          headers: {"X Y": [a], X-List: a, X-Line: ["a\\nb"]}
          tls: {certificate: /c}
        catalog: {maxentries: -1}
        auth: {htpasswd: {}}
        pyregistry: {twin: gitlab}
        log: {}
        """) == [
        'line 1: unsupported version: "0.2", expected 0.1',
        "line 2: log.level: expected one of error, warn, info, debug, got 'loud'",
        "line 3: must provide exactly one storage type. Provided: inmemory, filesystem",
        "line 5: http.adr: unknown key, did you mean addr?",
        "line 6: http.addr: expected host:port such as :5000 or 127.0.0.1:5000, got '5000'",
        "line 7: http.relativeurls: expected true or false, got 'maybe'",
        "line 8: http.draintimeout: expected a duration such as 10s or 168h, got '1 minute'",
        "line 9: http.headers: expected a header name such as X-Content-Type-Options, got 'X Y'",
        "line 9: http.headers.X-List: expected a list such as [\"*\"], got 'a'",
        "line 9: http.headers.X-Line: expected one line of Latin-1 text, got 'a\\nb'",
        "line 10: http.tls.key: TLS needs both a certificate and a key",
        "line 11: catalog.maxentries: expected a whole number, got '-1'",
        'line 12: "realm" must be set for htpasswd access controller',
        'line 12: "path" must be set for htpasswd access controller',
        "line 13: pyregistry.twin: expected one of ghcr, got 'gitlab'",
        "line 14: log: set twice, first in line 2",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no storage configuration provided"),
        ("storage: s3\n", "storage.s3: not offered here: only filesystem and inmemory storage are"),
        ("storage: floppy\n", "storage.floppy: unknown key"),
        ("storage: inmemory\nproxy: {remoteurl: x}\n", "proxy: not offered here"),
        ("storage: inmemory\nauth: {token: {}}\n", 'token auth requires a valid option string: "issuer"'),
        ("storage: inmemory\nauth: {token: {}}\n", 'requires a valid option string: "rootcertbundle" or "jwks"'),
        (f"storage: inmemory\nhttp: {{tls: {TLS}, clientauth: request-client-cert}}}}\n", "proves nothing"),
        (
            f"storage: inmemory\nhttp: {{tls: {TLS}, clientauth: maybe}}}}\n",
            "expected one of verify-client-cert-if-given",
        ),
        (
            "storage: inmemory\nhttp: {tls: {certificate: c, key: k, clientauth: verify-client-cert-if-given}}\n",
            "http.tls.clientauth: needs clientcas",
        ),
        ("storage: inmemory\nauth: {silly: {realm: r}}\n", '"service" must be set for silly access controller'),
        (f"storage: inmemory\nauth: {{token: {TOKEN}, signingalgorithms: [none]}}}}\n", "expected one of EdDSA, HS256"),
        (f"storage: inmemory\nauth: {{token: {TOKEN}, signingalgorithms: [HS256]}}}}\n", "HMAC needs a jwks file"),
        (f"storage: inmemory\nauth: {{token: {TOKEN}, autoredirectpath: auth}}}}\n", "expected a path such as"),
        ("storage: inmemory\nauth: {none: , htpasswd: {realm: r, path: p}}\n", "must provide exactly one type"),
        ("storage: inmemory\nhttp: {net: unix}\n", "http.net: unix needs http.addr"),
        ("storage: inmemory\nhttp: [a]\n", "http: expected a mapping, got a list"),
        ("storage: inmemory\nhttp: {addr: {a: b}}\n", "http.addr: expected one value, got a mapping"),
        ("storage: inmemory\nhttp: {addr: ':70000'}\n", "http.addr: expected host:port"),
        ("storage: inmemory\nhttp: {host: registry}\n", "http.host: expected an address"),
        ("storage: inmemory\nhttp: {host: 'https://例.jp'}\n", "http.host: expected an address"),
        ("storage: inmemory\nhttp: {host: 'https://a\"b'}\n", "http.host: expected an address"),
        ('storage: inmemory\nhttp: {host: "https://a\\eb"}\n', "http.host: expected an address"),
        ('storage: inmemory\nhttp: {secret: "\\ud800"}\n', "http.secret: expected text without NUL"),
        ('storage: inmemory\nhttp: {tls: {certificate: "a\\0b", key: k}}\n', "http.tls.certificate: expected text"),
        ('storage: inmemory\npyregistry: {accounts: {path: "a\\0b"}}\n', "pyregistry.accounts.path: expected text"),
        ("storage: inmemory\npyregistry: {journal: {path: ''}}\n", "pyregistry.journal.path: expected a path"),
        (
            'storage: inmemory\nauth: {htpasswd: {realm: "a\\r\\nX: b", path: p}}\n',
            "realm: expected one line of Latin-1",
        ),
        ("storage: inmemory\nauth: {htpasswd: {realm: 入口, path: p}}\n", "realm: expected one line of Latin-1"),
        (
            f"storage: inmemory\nhttp: {{draintimeout: {'1' * 5000}}}\n",
            "http.draintimeout: expected a duration of at most",
        ),
        (
            f"storage: inmemory\nhttp: {{draintimeout: {'9' * 400}h}}\n",
            "http.draintimeout: expected a duration of at most",
        ),
        (f"storage: inmemory\ncatalog: {{maxentries: {'9' * 5000}}}\n", "catalog.maxentries: expected a whole number"),
        ("storage: inmemory\npyregistry: {twin: ghcr}\n", "ghcr needs pyregistry.accounts.path"),
        ("storage: inmemory\npyregistry: {accounts: {}}\n", "pyregistry.accounts: path is missing"),
        (
            "storage: {inmemory: , maintenance: {uploadpurging: {enabled: true}}}\n",
            "age: required where upload purging",
        ),
        ("storage: inmemory\n? [a]\n: b\n", "expected a word as key"),
        ("storage: inmemory\nvalidation: {manifests: {urls: {allow: ['(']}}}\n", "expected a regular expression"),
        (
            "storage: inmemory\nauth: {htpasswd: {realm: r, path: p}}\npyregistry: {accounts: {path: a}}\n",
            "pyregistry.accounts: auth is configured too",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(complaints: Complaint, text: str, said: str) -> None:
    """Each refusal says what is wrong in words that can be acted on."""
    assert any(said in complaint for complaint in complaints(f"version: 0.1\n{text}"))


def test_a_bare_number_as_duration_is_nanoseconds_as_in_registry_2(configure: Loader) -> None:
    """registry:2 would take 60 as 60 ns; so do we, and warn."""
    settings = configure("version: 0.1\nstorage: inmemory\nhttp: {secret: s, draintimeout: 60}\n")
    assert settings.http.drain_timeout_seconds == pytest.approx(6e-8)
    assert "write a unit, e.g. 60s" in str(settings.warnings[0])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version: 0.1\nhttp: {addr\n", "line 3: yaml: "),
        (b"a: b: c\n", "line 1: yaml: mapping values are not allowed here"),
        (b"a: 1\n---\nb: 2\n", "line 2: yaml: but found another document"),
        (b"\xff\xfe\xfa", "yaml: expected UTF-8 text"),
        (b"a: \x00\n", "yaml: expected UTF-8 text"),
        (b"[" * 5000, "yaml: nested too deeply"),
        (b"just words\n", "expected a mapping, got 'just words'"),
    ],
)
def test_what_is_no_yaml_is_said_with_the_line(tmp_path: Path, content: bytes, said: str) -> None:
    """Broken YAML never gets out as a traceback of the parser."""
    path = tmp_path / "config.yml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="error parsing") as refused:
        load(path, {})
    assert said in str(refused.value)


def test_files_that_cannot_be_read_are_said_in_registry_2s_words(tmp_path: Path) -> None:
    """A missing file, a folder, no file at all."""
    with pytest.raises(ConfigurationError, match=r"open .*/nowhere: no such file or directory"):
        load(tmp_path / "nowhere", {})
    with pytest.raises(ConfigurationError, match=r"open .*: is a directory"):
        load(tmp_path, {})
    with pytest.raises(ConfigurationError, match=r"^configuration path unspecified$"):
        load(None, {})


def test_the_path_falls_back_to_the_environment(tmp_path: Path) -> None:
    """``REGISTRY_CONFIGURATION_PATH`` names the file, and is no override."""
    path = tmp_path / "config.yml"
    path.write_text(MINIMAL, encoding="utf-8")
    settings = load(None, {"REGISTRY_CONFIGURATION_PATH": str(path)})
    assert settings.source == path
    assert settings.warnings == ()


def test_a_file_that_is_no_configuration_is_not_read_to_its_end(tmp_path: Path) -> None:
    """Ten megabytes would take YAML minutes, an endless file for ever."""
    (tmp_path / "big.yml").write_text(MINIMAL + "#" * MAX_BYTES, encoding="utf-8")
    for source in (tmp_path / "big.yml", Path("/dev/zero")):
        with pytest.raises(ConfigurationError, match=r"expected a configuration of at most \d+ bytes"):
            load(source, {})


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"b{n}: [{','.join(['*a'] * 9)}]\n" for n in range(9)),
        "x: &x [*x]\n",
        "log: &log {fields: *log}\n",
        "x: !!python/object/apply:os.mkdir [pwned]\n",
        "x: " + "[" * 50_000,
        "x: " + "{a: " * 50_000,
        "http: !!map [a]\n",
    ],
)
def test_hostile_yaml_is_a_mistake_like_any_other(
    complaints: Complaint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Bombs of aliases, rings, tags that name Python's functions, nesting without end: refused, nothing is run."""
    monkeypatch.chdir(tmp_path)
    assert complaints(f"version: 0.1\nstorage: inmemory\n{text}")
    assert [path.name for path in tmp_path.iterdir()] == ["config.yml"]


def test_immutable_tags_are_a_policy_of_ours(configure: Loader) -> None:
    """An empty section means every tag; without one none is."""
    assert configure(MINIMAL).immutability is None
    assert configure(MINIMAL + "pyregistry: {policy: {immutable: {}}}\n").immutability == Immutability()
    read = configure(MINIMAL + "pyregistry: {policy: {immutable: {tags: ['v.*'], repositories: [a/b], speech: ecr}}}\n")
    assert read.immutability == Immutability(("v.*",), ("a/b",), ImmutabilitySpeech.ECR)
