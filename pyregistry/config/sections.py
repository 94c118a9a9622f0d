"""The sections of the configuration, each read into its settings; one function each, as registry:2 documents them."""

import secrets
from enum import StrEnum
from pathlib import Path

from pyregistry.config.scalars import (
    parse_address,
    parse_external_url,
    parse_header_name,
    parse_header_value,
    parse_path,
    parse_pattern,
)
from pyregistry.config.section import Section
from pyregistry.config.settings import (
    FilesystemStorage,
    HealthSettings,
    HtpasswdAuth,
    HttpSettings,
    Immutability,
    ImmutabilitySpeech,
    Limits,
    LogFormatter,
    LogLevel,
    LogSettings,
    MemoryStorage,
    Settings,
    StorageSettings,
    TcpAddress,
    TlsSettings,
    TlsVersion,
    Twin,
    UnixAddress,
    UploadPurging,
    ValidationSettings,
)

VERSION = "0.1"


class Net(StrEnum):
    """``http.net``."""

    TCP = "tcp"
    UNIX = "unix"


DEFAULT_ADDRESS = TcpAddress("", 5000)
SECRET_BYTES = 32

_STORAGE_SIDE_KEYS = frozenset({"cache", "delete", "maintenance", "redirect", "tag"})


def read_settings(root: Section, source: Path) -> Settings:
    """Everything. The result is only good when no mistakes were found on the way."""
    with root, root.section("pyregistry") as own:
        _read_version(root)
        settings = Settings(
            source=source,
            log=_read_log(root),
            storage=_read_storage(root),
            http=_read_http(root),
            auth=_read_auth(root),
            health=_read_health(root),
            validation=_read_validation(root),
            catalog_max_entries=_read_catalog(root),
            twin=own.word("twin", Twin, None),
            accounts_path=_read_path(own, "accounts"),
            journal_path=_read_path(own, "journal"),
            limits=_read_limits(own),
            immutability=_read_immutability(own),
        )
        _check_guards(own, settings)
    return settings


def _read_version(root: Section) -> None:
    version = root.text("version", "")
    if version != VERSION:
        root.complain(f'unsupported version: "{version}", expected {VERSION}')


def _read_log(root: Section) -> LogSettings:
    with root.section("log") as log, log.section("fields") as fields, log.section("accesslog") as access_log:
        return LogSettings(
            level=log.word("level", LogLevel, LogLevel.INFO),
            formatter=log.word("formatter", LogFormatter, LogFormatter.TEXT),
            fields={name: fields.text(name, "") for name in fields.names()},
            access_log=not access_log.boolean("disabled", default=False),
        )


def _read_storage(root: Section) -> StorageSettings:
    with (
        root.section("storage", word_allowed=True) as storage,
        storage.section("delete") as delete,
        storage.section("maintenance") as maintenance,
        maintenance.section("readonly") as read_only,
    ):
        _check_one_driver(storage)
        return StorageSettings(
            driver=_read_driver(storage),
            delete_enabled=delete.boolean("enabled", default=False),
            read_only=read_only.boolean("enabled", default=False),
            upload_purging=_read_upload_purging(maintenance),
        )


def _check_one_driver(storage: Section) -> None:
    drivers = [name for name in storage.names() if name not in _STORAGE_SIDE_KEYS]
    if not drivers:
        storage.complain("no storage configuration provided")
    elif len(drivers) > 1:
        storage.complain(f"must provide exactly one storage type. Provided: {', '.join(drivers)}")


def _read_driver(storage: Section) -> FilesystemStorage | MemoryStorage:
    with storage.section("filesystem") as filesystem, storage.section("inmemory"):
        root = filesystem.path_of("rootdirectory")
    if storage.has("inmemory"):
        return MemoryStorage()
    return FilesystemStorage(root) if root else FilesystemStorage()


def _read_upload_purging(maintenance: Section) -> UploadPurging:
    default = UploadPurging()
    with maintenance.section("uploadpurging") as purging:
        enabled = purging.boolean("enabled", default=default.enabled)
        if enabled and purging.names():
            for name in ("age", "interval", "dryrun"):
                if not purging.has(name):  # registry:2 panics here
                    purging.mistake(name, "required where upload purging is configured and enabled")
        return UploadPurging(
            enabled=enabled,
            age_seconds=purging.duration("age", default.age_seconds),
            interval_seconds=purging.duration("interval", default.interval_seconds),
            dry_run=purging.boolean("dryrun", default=default.dry_run),
        )


def _read_http(root: Section) -> HttpSettings:
    with root.section("http") as http:
        return HttpSettings(
            address=_read_address(http),
            secret=_read_secret(http),
            external_url=http.parsed("host", parse_external_url, None),
            relative_urls=http.boolean("relativeurls", default=False),
            headers=_read_headers(http),
            drain_timeout_seconds=http.duration("draintimeout", 0.0),
            tls=_read_tls(http),
        )


def _read_address(http: Section) -> TcpAddress | UnixAddress:
    if http.word("net", Net, Net.TCP) is Net.TCP:
        return http.parsed("addr", parse_address, DEFAULT_ADDRESS)
    path = http.path_of("addr")
    if path is None:
        http.mistake("net", "unix needs http.addr, the path of the socket")
    return UnixAddress(path or Path())


def _read_secret(http: Section) -> str:
    secret = http.text("secret", "")
    if not secret:
        http.remark("No HTTP secret provided - generated random secret. Processes that share a store must share one")
    return secret or secrets.token_hex(SECRET_BYTES)


def _read_headers(http: Section) -> dict[str, tuple[str, ...]]:
    with http.section("headers") as headers:
        for name in headers.names():
            headers.check_name(name, parse_header_name)
        return {name: headers.several(name, parse_header_value) for name in headers.names()}


def _read_tls(http: Section) -> TlsSettings | None:
    with http.section("tls") as tls:
        certificate, key = tls.path_of("certificate"), tls.path_of("key")
        settings = TlsSettings(
            certificate=certificate or Path(),
            key=key or Path(),
            minimum=tls.word("minimumtls", TlsVersion, TlsVersion.TLS12),
            client_cas=tls.several("clientcas", parse_path),
        )
        if certificate and key:
            return settings
        if certificate or key or settings.client_cas:
            tls.mistake("key" if certificate else "certificate", "TLS needs both a certificate and a key")
        return None


def _read_auth(root: Section) -> HtpasswdAuth | None:
    with root.section("auth", word_allowed=True) as auth, auth.section("none"), auth.section("htpasswd") as htpasswd:
        if len(auth.names()) > 1:
            auth.complain(f"must provide exactly one type. Provided: {', '.join(auth.names())}")
        if not auth.has("htpasswd"):
            return None
        realm, path = htpasswd.parsed("realm", parse_header_value, ""), htpasswd.path_of("path")
        for name, value in (("realm", realm), ("path", path)):
            if not value:
                htpasswd.complain(f'"{name}" must be set for htpasswd access controller')
        return HtpasswdAuth(realm, path or Path())


def _read_health(root: Section) -> HealthSettings:
    default = HealthSettings()
    with root.section("health") as health, health.section("storagedriver") as driver:
        enabled = driver.boolean("enabled", default=default.storage_driver_enabled)
        return HealthSettings(
            storage_driver_enabled=enabled,
            interval_seconds=driver.duration("interval", default.interval_seconds),
            threshold=driver.count("threshold", default.threshold),
        )


def _read_validation(root: Section) -> ValidationSettings:
    with (
        root.section("validation") as validation,
        validation.section("manifests") as manifests,
        manifests.section("urls") as urls,
    ):
        # ``enabled`` is the older spelling; either one can switch validation off.
        enabled = validation.boolean("enabled", default=True)
        disabled = validation.boolean("disabled", default=False)
        return ValidationSettings(
            enabled=enabled and not disabled,
            allowed_urls=urls.several("allow", parse_pattern),
            denied_urls=urls.several("deny", parse_pattern),
        )


def _read_catalog(root: Section) -> int:
    with root.section("catalog") as catalog:
        return catalog.count("maxentries", 1000)


def _read_path(own: Section, name: str) -> Path | None:
    """``pyregistry.<name>.path``; a section without its path is a mistake."""
    with own.section(name) as section:
        path = section.path_of("path")
        if path is None and own.has(name):
            own.mistake(name, "path is missing")
        return path


def _read_limits(own: Section) -> Limits:
    with own.section("limits") as limits:
        return Limits(manifest_bytes=limits.count("manifestbytes", Limits().manifest_bytes))


def _read_immutability(own: Section) -> Immutability | None:
    """``pyregistry.policy.immutable``; an empty section makes every tag immutable."""
    default = Immutability()
    with own.section("policy") as policy, policy.section("immutable") as immutable:
        read = Immutability(
            tags=immutable.several("tags", parse_pattern) or default.tags,
            repositories=immutable.several("repositories", parse_pattern) or default.repositories,
            speech=immutable.word("speech", ImmutabilitySpeech, default.speech),
        )
        return read if policy.has("immutable") else None


def _check_guards(own: Section, settings: Settings) -> None:
    """One guard at the door: a twin needs accounts, and accounts exclude htpasswd."""
    if settings.twin and settings.accounts_path is None:
        own.mistake("twin", f"{settings.twin} needs pyregistry.accounts.path")
    if settings.auth and settings.accounts_path:
        own.mistake("accounts", "auth.htpasswd is configured too; only one of them can guard the registry")
