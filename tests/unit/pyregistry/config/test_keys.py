"""Each key of registry:2 and registry:3 is honoured, refused by name, or said to have no effect; the docs say which."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from pyregistry.config import ConfigurationError, load, unsupported
from pyregistry.config.document import FILE, compose
from pyregistry.config.section import Findings, Section
from pyregistry.config.sections.root import read_settings

PAGE = Path(__file__).parents[4] / "docs" / "configuration.md"
REFUSED, WITHOUT_EFFECT = "not offered here", "has no effect here"

S3 = (
    *("accesskey", "secretkey", "region", "regionendpoint", "bucket", "encrypt", "keyid", "secure", "skipverify"),
    *("v4auth", "chunksize", "multipartcopychunksize", "multipartcopymaxconcurrency", "multipartcopythresholdsize"),
    *("rootdirectory", "storageclass", "useragent", "objectacl", "forcepathstyle", "accelerate", "usedualstack"),
    *("usefipsendpoint", "loglevel", "redirectendpoint"),
)
AZURE = (
    *("accountname", "accountkey", "container", "realm", "rootdirectory", "max_retries", "retry_delay"),
    *("credentials.type", "credentials.clientid", "credentials.tenantid", "credentials.secret"),
)
REDIS = (
    *("addr", "password", "db", "dialtimeout", "readtimeout", "writetimeout", "pool.maxidle", "pool.maxactive"),
    *("pool.idletimeout", "addrs", "clientname", "protocol", "username", "sentinelusername", "sentinelpassword"),
    *("maxretries", "minretrybackoff", "maxretrybackoff", "contexttimeoutenabled", "poolfifo", "poolsize"),
    *("pooltimeout", "minidleconns", "maxidleconns", "maxactiveconns", "connmaxidletime", "connmaxlifetime"),
    *("maxredirects", "readonly", "routebylatency", "routerandomly", "mastername", "disableidentity"),
    *("identitysuffix", "unstableresp3", "tls.certificate", "tls.key", "tls.rootcas"),
)
DISTRIBUTION = (
    *("version", "loglevel", "log.accesslog.disabled", "log.level", "log.formatter", "log.fields.<name>"),
    *("log.hooks[].type", "log.hooks[].disabled", "log.hooks[].levels", "log.hooks[].options.smtp.addr"),
    *("log.hooks[].options.from", "log.hooks[].options.to", "log.reportcaller"),
    *("storage.filesystem.rootdirectory", "storage.filesystem.maxthreads", "storage.inmemory"),
    *(f"storage.s3.{key}" for key in S3),
    *(f"storage.azure.{key}" for key in AZURE),
    *(f"storage.gcs.{key}" for key in ("bucket", "keyfile", "credentials", "rootdirectory", "chunksize")),
    *("storage.swift.authurl", "storage.oss.bucket", "storage.delete.enabled", "storage.redirect.disable"),
    *("storage.cache.blobdescriptor", "storage.cache.layerinfo", "storage.cache.blobdescriptorsize"),
    *(f"storage.maintenance.uploadpurging.{key}" for key in ("enabled", "age", "interval", "dryrun")),
    *("storage.maintenance.readonly.enabled", "storage.tag.concurrencylimit"),
    *("auth.silly.realm", "auth.silly.service", "auth.htpasswd.realm", "auth.htpasswd.path", "auth.none"),
    *(f"auth.token.{key}" for key in ("realm", "service", "issuer", "rootcertbundle", "autoredirect")),
    *("auth.token.autoredirectpath", "auth.token.jwks", "auth.token.signingalgorithms"),
    *(f"middleware.{kind}[].{key}" for kind in ("registry", "repository", "storage") for key in ("name", "options")),
    *("reporting.bugsnag.apikey", "reporting.bugsnag.releasestage", "reporting.bugsnag.endpoint"),
    *("reporting.newrelic.licensekey", "reporting.newrelic.name", "reporting.newrelic.verbose"),
    *("http.addr", "http.net", "http.host", "http.prefix", "http.secret", "http.relativeurls", "http.draintimeout"),
    *(f"http.tls.{key}" for key in ("certificate", "key", "clientcas", "clientauth", "minimumtls", "ciphersuites")),
    *(f"http.tls.letsencrypt.{key}" for key in ("cachefile", "email", "hosts", "directoryurl")),
    *("http.headers.<name>", "http.debug.addr", "http.debug.prometheus.enabled", "http.debug.prometheus.path"),
    *("http.http2.disabled", "http.h2c.enabled", "notifications.events.includereferences"),
    *(f"notifications.endpoints[].{key}" for key in ("name", "disabled", "url", "headers.<name>", "timeout")),
    *(f"notifications.endpoints[].{key}" for key in ("threshold", "backoff", "ignoredmediatypes")),
    *("notifications.endpoints[].ignore.mediatypes", "notifications.endpoints[].ignore.actions"),
    *(f"redis.{key}" for key in REDIS),
    *(f"health.storagedriver.{key}" for key in ("enabled", "interval", "threshold")),
    *(f"health.file[].{key}" for key in ("file", "interval", "threshold")),
    *(f"health.http[].{key}" for key in ("uri", "headers.<name>", "statuscode", "timeout", "interval", "threshold")),
    *(f"health.tcp[].{key}" for key in ("addr", "timeout", "interval", "threshold")),
    *("proxy.remoteurl", "proxy.username", "proxy.password", "proxy.exec.command", "proxy.exec.lifetime"),
    *("proxy.ttl", "proxy.cachewritetimeout", "compatibility.schema1.signingkeyfile", "compatibility.schema1.enabled"),
    *("validation.enabled", "validation.disabled", "validation.manifests.urls.allow"),
    *("validation.manifests.urls.deny", "validation.manifests.indexes.platforms"),
    *("validation.manifests.indexes.platformlist[].os", "policy.repository.classes", "catalog.maxentries"),
    "tags.maxtags",
)
"""What release 2.8 and 3.x read from the file."""


SIDE_KEYS = {"delete", "redirect", "cache", "maintenance", "tag"}
"""Of ``storage``, which name no driver."""


def nested(key: str, value: object) -> dict[str, object]:
    """A document that sets one key."""
    first, _, rest = key.partition(".")
    below = nested(rest, value) if rest else value
    return {first.removesuffix("[]"): [below] if first.endswith("[]") else below}


def said_of(key: str, tmp_path: Path) -> list[str]:
    """Everything that is said of a file with this key, mistakes and warnings."""
    document = {"version": 0.1} | nested(key.replace("<name>", "X-Name"), None)
    storage = document.setdefault("storage", {})
    if isinstance(storage, dict) and storage.keys() <= SIDE_KEYS:
        storage["inmemory"] = None
    path = tmp_path / "config.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    try:
        return [str(warning) for warning in load(path, {}).warnings]
    except ConfigurationError as exc:
        return [str(issue) for issue in exc.issues]


@pytest.mark.parametrize("key", DISTRIBUTION)
def test_no_key_of_distribution_is_unknown(tmp_path: Path, key: str) -> None:
    """Refused keys and those without effect say so; every other is read by somebody."""
    said = said_of(key, tmp_path)
    assert not [each for each in said if "unknown key" in each]
    parents = {key[: match.end()].rstrip(".[") for match in re.finditer(r"[^.\[]+", key)}
    assert any(REFUSED in each for each in said) == bool(parents & unsupported.REFUSED.keys())
    assert any(WITHOUT_EFFECT in each for each in said) == bool(parents & unsupported.WITHOUT_EFFECT.keys())


def test_an_unknown_key_is_one(tmp_path: Path) -> None:
    """The test above can fail."""
    assert "unknown key" in said_of("http.tls.clientcarts", tmp_path)[0]


SAMPLE = """
log: {fields: {<name>: x}}
http: {headers: {<name>: [x]}}
health: {file: [{}], http: [{headers: {<name>: [x]}}], tcp: [{}]}
notifications: {endpoints: [{headers: {<name>: [x]}}]}
"""


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every key that reading a configuration asks for, but for those that only hold others."""
    asked, take = set[str](), Section._take

    def remember(section: Section, name: str) -> yaml.Node | None:
        asked.add(f"{section.path}.{name}".lstrip(".").replace("[0]", "[]"))
        return take(section, name)

    with monkeypatch.context() as patched:
        patched.setattr(Section, "_take", remember)
        for kind in ("htpasswd", "token", "silly"):
            root = compose(f"{SAMPLE}auth: {kind}\n", FILE)
            read_settings(Section(root, "", Findings()), Path("config.yml"))
    return {key for key in asked if not any(other.startswith((f"{key}.", f"{key}[")) for other in asked)}


def rows(title: str) -> Iterator[tuple[str, str]]:
    """First and last column of the page's table below a title."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| `"):
            key, *_, last = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
            yield key.strip("`"), last


def test_the_page_lists_every_key_that_is_honoured(read: set[str]) -> None:
    """Neither one more nor one less."""
    listed = [key for key, _ in rows("What is honoured")]
    assert len(listed) == len(set(listed))
    assert set(listed) == read


@pytest.mark.parametrize(
    ("title", "table"),
    [("What is refused", unsupported.REFUSED), ("What has no effect", unsupported.WITHOUT_EFFECT)],
)
def test_the_page_lists_what_is_not_honoured_with_its_reason(title: str, table: Mapping[str, str]) -> None:
    """In the words of the messages."""
    assert dict(rows(title)) == dict(table)
