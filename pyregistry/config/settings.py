"""The settings as typed values, with registry:2's defaults. No parsing, no environment: ``load`` fills them in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pyregistry.config.issues import Issue

DEFAULT_MANIFEST_BYTES = 4 * 1024 * 1024
"""distribution's ``maxManifestBodySize``: a longer manifest is refused with 413."""

HOUR_SECONDS = 3600.0


class Twin(StrEnum):
    """The hosted registries that we can stand in for."""

    GHCR = "ghcr"


class LogLevel(StrEnum):
    """``log.level``."""

    ERROR = "error"
    WARN = "warn"
    INFO = "info"
    DEBUG = "debug"


class LogFormatter(StrEnum):
    """``log.formatter``."""

    TEXT = "text"
    JSON = "json"
    LOGSTASH = "logstash"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """``log``. ``fields`` are added to every line of the application log."""

    level: LogLevel = LogLevel.INFO
    formatter: LogFormatter = LogFormatter.TEXT
    fields: Mapping[str, str] = field(default_factory=dict)
    access_log: bool = True


@dataclass(frozen=True, slots=True)
class FilesystemStorage:
    """``storage.filesystem``: the store lives below ``root`` in registry:2's layout."""

    root: Path = Path("/var/lib/registry")


@dataclass(frozen=True, slots=True)
class MemoryStorage:
    """``storage.inmemory``: everything is gone when the process ends."""


@dataclass(frozen=True, slots=True)
class UploadPurging:
    """``storage.maintenance.uploadpurging``: upload sessions older than ``age_seconds`` are removed."""

    enabled: bool = True
    age_seconds: float = 168 * HOUR_SECONDS
    interval_seconds: float = 24 * HOUR_SECONDS
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """``storage``. ``read_only`` answers 405 to writes and stops upload purging."""

    driver: FilesystemStorage | MemoryStorage
    delete_enabled: bool = False
    read_only: bool = False
    upload_purging: UploadPurging = UploadPurging()


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """``http.addr`` with ``http.net: tcp``. An empty ``host`` means every interface; port 0 lets the system choose."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """``http.addr`` with ``http.net: unix``: a socket's path."""

    path: Path


class TlsVersion(StrEnum):
    """``http.tls.minimumtls``. TLS 1.0 and 1.1, which v2 still knew, are refused: OpenSSL 3 does not speak them."""

    TLS12 = "tls1.2"
    TLS13 = "tls1.3"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """``http.tls``. ``client_cas``: when there are any, a client must show a certificate that one of them signed."""

    certificate: Path
    key: Path
    minimum: TlsVersion = TlsVersion.TLS12
    client_cas: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """``http``.

    Attributes:
        address: Where to listen.
        secret: Key of upload states and bearer tokens, never empty: a random one where the file has none. Processes
            that share the store must share these settings, or have the same secret in their files.
        external_url: ``http.host``: ``scheme://host[:port]`` that Locations and realms are built on, or None.
        relative_urls: Locations are paths only.
        headers: Added to every answer, names as the file spells them.
        drain_timeout_seconds: How long requests in flight may go on at shutdown; 0 means not at all.
    """

    address: TcpAddress | UnixAddress
    secret: str = field(repr=False)
    external_url: str | None = None
    relative_urls: bool = False
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drain_timeout_seconds: float = 0.0
    tls: TlsSettings | None = None


@dataclass(frozen=True, slots=True)
class HtpasswdAuth:
    """``auth.htpasswd``."""

    realm: str
    path: Path


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """``health.storagedriver``: after ``threshold`` failed probes in a row every API call answers 503."""

    storage_driver_enabled: bool = False
    interval_seconds: float = 10.0
    threshold: int = 0


@dataclass(frozen=True, slots=True)
class ValidationSettings:
    """``validation``: which ``urls`` a manifest's layers may point to (regular expressions).

    With both lists empty every URL may be named, where registry:2 refuses each: conformance pushes such layers.
    ``enabled`` False lets every URL pass, whatever the lists say.
    """

    enabled: bool = True
    allowed_urls: tuple[str, ...] = ()
    denied_urls: tuple[str, ...] = ()


class ImmutabilitySpeech(StrEnum):
    """``pyregistry.policy.immutable.speech``: whose status, code and words a refusal has."""

    HARBOR = "harbor"
    ECR = "ecr"
    QUAY = "quay"


@dataclass(frozen=True, slots=True)
class Immutability:
    """``pyregistry.policy.immutable``: tags that may not move or be deleted, where both their names match.

    Attributes:
        tags: Regular expressions for whole tags; none means all.
        repositories: Likewise, for whole names of repositories.
    """

    tags: tuple[str, ...] = (".*",)
    repositories: tuple[str, ...] = (".*",)
    speech: ImmutabilitySpeech = ImmutabilitySpeech.HARBOR


@dataclass(frozen=True, slots=True)
class Limits:
    """``pyregistry.limits``. Sizes in bytes."""

    manifest_bytes: int = DEFAULT_MANIFEST_BYTES


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration. Relative paths are relative to the working directory, as registry:2's are.

    Attributes:
        source: The file that was read.
        catalog_max_entries: The most that one page of ``_catalog`` lists.
        twin: The hosted registry whose manners we take on; None is our own.
        accounts_path: Users and access tokens; where there is one, the registry issues its own bearer tokens.
        journal_path: Where the memory is kept; None keeps none.
        immutability: Tags that stay where they are; None lets every tag move.
        warnings: Remarks on the configuration that keep nothing from working.
    """

    source: Path
    storage: StorageSettings
    http: HttpSettings
    log: LogSettings = LogSettings()
    auth: HtpasswdAuth | None = None
    health: HealthSettings = HealthSettings()
    validation: ValidationSettings = ValidationSettings()
    catalog_max_entries: int = 1000
    twin: Twin | None = None
    accounts_path: Path | None = None
    journal_path: Path | None = None
    limits: Limits = Limits()
    immutability: Immutability | None = None
    warnings: tuple[Issue, ...] = ()
