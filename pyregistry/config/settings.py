"""The settings as typed values, with registry:2's defaults. No parsing, no environment: ``load`` fills them in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pyregistry.config.issues import Issue

DEFAULT_MANIFEST_BYTES = 4 * 1024 * 1024
"""distribution's ``maxManifestBodySize``: a longer manifest is refused with 413."""

DEFAULT_STALL_SECONDS = 60.0
"""What nginx waits between two reads or two writes (``client_body_timeout``, ``send_timeout``)."""

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


@dataclass(frozen=True, slots=True)
class DebugSettings:
    """``http.debug``: the second server, for those who look after the registry.

    Attributes:
        address: Loopback where the file names no host, although registry:2 would bind every interface.
        prometheus_path: Where the metrics are served, from ``http.debug.prometheus``; None serves none.
    """

    address: TcpAddress
    prometheus_path: str | None = None


class TlsVersion(StrEnum):
    """``http.tls.minimumtls``. TLS 1.0 and 1.1, which v2 still knew, are refused: OpenSSL 3 does not speak them."""

    TLS12 = "tls1.2"
    TLS13 = "tls1.3"


class ClientAuth(StrEnum):
    """``http.tls.clientauth``, of registry:3's four words the two that prove something."""

    VERIFY_IF_GIVEN = "verify-client-cert-if-given"
    REQUIRE_AND_VERIFY = "require-and-verify-client-cert"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """``http.tls``. Without ``client_cas`` no client is asked for a certificate; with some, as ``client_auth`` says."""

    certificate: Path
    key: Path
    minimum: TlsVersion = TlsVersion.TLS12
    client_cas: tuple[Path, ...] = ()
    client_auth: ClientAuth = ClientAuth.REQUIRE_AND_VERIFY


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """``http``.

    Attributes:
        address: Where to listen.
        secret: Key of upload states and bearer tokens, never empty: a random one where the file has none. Processes
            that share the store must share these settings, or have the same secret in their files.
        external_url: ``http.host``: ``scheme://host[:port]`` that Locations and realms are built on, or None.
        relative_urls: Locations are paths only.
        prefix: Where the API lives, before ``/v2/``: empty, or ``/path`` without a slash at its end.
        headers: Added to every answer, names as the file spells them.
        drain_timeout_seconds: How long requests in flight may go on at shutdown; 0 means not at all.
    """

    address: TcpAddress | UnixAddress
    secret: str = field(repr=False)
    external_url: str | None = None
    relative_urls: bool = False
    prefix: str = ""
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drain_timeout_seconds: float = 0.0
    tls: TlsSettings | None = None
    debug: DebugSettings | None = None


@dataclass(frozen=True, slots=True)
class HtpasswdAuth:
    """``auth.htpasswd``."""

    realm: str
    path: Path


@dataclass(frozen=True, slots=True)
class SillyAuth:
    """``auth.silly``: whoever sends an Authorization header comes in. For development."""

    realm: str
    service: str


class SigningAlgorithm(StrEnum):
    """``auth.token.signingalgorithms``: RFC 7518's and RFC 8037's names, without ``none``."""

    EDDSA = "EdDSA"
    HS256 = "HS256"
    HS384 = "HS384"
    HS512 = "HS512"
    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    ES256 = "ES256"
    ES384 = "ES384"
    ES512 = "ES512"
    PS256 = "PS256"
    PS384 = "PS384"
    PS512 = "PS512"

    @property
    def is_symmetric(self) -> bool:
        """Whether who can verify can sign as well."""
        return self.startswith("HS")


DEFAULT_TOKEN_PATH = "/auth/token"  # noqa: S105  a path

ASYMMETRIC_ALGORITHMS = tuple(word for word in SigningAlgorithm if not word.is_symmetric)


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """``auth.token``: bearer tokens of somebody else's token server.

    Attributes:
        realm: URL of the token server.
        service: What tokens must be for (``aud``).
        issuer: Who must have issued them (``iss``).
        root_cert_bundle: PEM certificates whose keys, and whose descendants' keys, are trusted.
        jwks: A JSON Web Key Set with trusted keys; one of the two is there.
        auto_redirect: The challenge names ``auto_redirect_path`` on the host that the client called, not ``realm``.
        signing_algorithms: What tokens may be signed with. HMAC only where the file lists it.
    """

    realm: str
    service: str
    issuer: str
    root_cert_bundle: Path | None = None
    jwks: Path | None = None
    auto_redirect: bool = False
    auto_redirect_path: str = DEFAULT_TOKEN_PATH
    signing_algorithms: tuple[SigningAlgorithm, ...] = ASYMMETRIC_ALGORITHMS


DEFAULT_CHECK_SECONDS = 10.0
"""Between two health checks of one thing."""

DEFAULT_CHECK_TIMEOUT_SECONDS = 5.0
"""Of a health check over the network. registry:2 would wait for ever."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """``health.file[]``: healthy as long as ``path`` does not exist."""

    path: Path
    interval_seconds: float = DEFAULT_CHECK_SECONDS
    threshold: int = 0


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """``health.http[]``: healthy as long as a HEAD of ``url`` is answered with ``status_code``."""

    url: str
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    status_code: int = 200
    timeout_seconds: float = DEFAULT_CHECK_TIMEOUT_SECONDS
    interval_seconds: float = DEFAULT_CHECK_SECONDS
    threshold: int = 0


@dataclass(frozen=True, slots=True)
class TcpCheck:
    """``health.tcp[]``: healthy as long as ``address`` takes connections."""

    address: TcpAddress
    timeout_seconds: float = DEFAULT_CHECK_TIMEOUT_SECONDS
    interval_seconds: float = DEFAULT_CHECK_SECONDS
    threshold: int = 0


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """``health``: what is checked; after ``threshold`` failures in a row every API call answers 503.

    A threshold of 0 or 1 means the first failure. The first three attributes are ``health.storagedriver``'s.
    """

    storage_driver_enabled: bool = False
    interval_seconds: float = DEFAULT_CHECK_SECONDS
    threshold: int = 0
    file_checks: tuple[FileCheck, ...] = ()
    http_checks: tuple[HttpCheck, ...] = ()
    tcp_checks: tuple[TcpCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class NotificationEndpoint:
    """``notifications.endpoints[]``: who is told what happened.

    Attributes:
        name: For logs and metrics.
        url: Where events are POSTed. It may hold credentials, as ``headers`` may.
        threshold: Failures in a row after which it is left alone for ``backoff_seconds``.
        ignored_media_types: Events about these are not sent.
        ignored_actions: Nor events with these: pull, push, mount, delete.
    """

    name: str
    url: str = field(repr=False)
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 1.0
    threshold: int = 10
    backoff_seconds: float = 1.0
    ignored_media_types: frozenset[str] = frozenset()
    ignored_actions: frozenset[str] = frozenset()
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """``notifications``. ``include_references``: the event of a manifest lists what it refers to."""

    endpoints: tuple[NotificationEndpoint, ...] = ()
    include_references: bool = False


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
    """``pyregistry.limits``.

    Attributes:
        manifest_bytes: The longest manifest.
        stall_seconds: How long a client may send nothing of what it announced, or take nothing of what it asked for;
            None waits for ever.
    """

    manifest_bytes: int = DEFAULT_MANIFEST_BYTES
    stall_seconds: float | None = DEFAULT_STALL_SECONDS


@dataclass(frozen=True, slots=True)
class GcSettings:
    """``pyregistry.gc``: garbage collection beside serving.

    Attributes:
        interval_seconds: Between two collections; None collects only when told to.
        grace_seconds: What is younger is kept, for a push may still be about to refer to it.
        delete_untagged: Also what no tag leads to.
    """

    interval_seconds: float | None = None
    grace_seconds: float = HOUR_SECONDS
    delete_untagged: bool = False


class Mode(StrEnum):
    """``pyregistry.mode``: where registry:2 and the distribution-spec differ, whose way is taken."""

    OCI = "oci"
    REGISTRY2 = "registry2"


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
        mode: Whose way is taken where registry:2 and the specification differ.
        workers: Processes that serve, at least one.
        warnings: Remarks on the configuration that keep nothing from working.
    """

    source: Path
    storage: StorageSettings
    http: HttpSettings
    log: LogSettings = LogSettings()
    auth: HtpasswdAuth | TokenAuth | SillyAuth | None = None
    notifications: NotificationSettings = NotificationSettings()
    health: HealthSettings = HealthSettings()
    validation: ValidationSettings = ValidationSettings()
    catalog_max_entries: int = 1000
    twin: Twin | None = None
    accounts_path: Path | None = None
    journal_path: Path | None = None
    limits: Limits = Limits()
    immutability: Immutability | None = None
    mode: Mode = Mode.OCI
    gc: GcSettings = GcSettings()
    workers: int = 1
    warnings: tuple[Issue, ...] = ()
