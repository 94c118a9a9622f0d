"""The commands of ``cosign`` that we have, and those that we have not. Data."""

from collections.abc import Mapping
from types import MappingProxyType

from labs.engine.commands.flags import Command, Flag, Kind

_TEXT, _LIST, _SWITCH = Kind.TEXT, Kind.LIST, Kind.SWITCH


def _refused(kind: Kind, *names: str) -> tuple[Flag, ...]:
    """Flags of cosign that we do not do: they are refused by name."""
    return tuple(Flag(name, "", kind, supported=False) for name in names)


_REGISTRY = (
    Flag("allow-http-registry", "whether to allow using HTTP protocol while connecting to registries"),
    Flag("allow-insecure-registry", "whether to allow insecure connections to registries"),
    Flag("registry-cacert", "path to the X.509 CA certificate file in PEM format of the registry", _TEXT),
    Flag("registry-password", "registry basic auth password", _TEXT),
    Flag("registry-username", "registry basic auth username", _TEXT),
    *_refused(_SWITCH, "k8s-keychain"),
    Flag("verbose", "", letter="d", supported=False),
    Flag("timeout", "", _TEXT, letter="t", supported=False),
    *_refused(
        _TEXT,
        "attachment-tag-prefix",
        "output-file",
        "registry-client-cert",
        "registry-client-key",
        "registry-server-name",
        "registry-token",
    ),
)
_SERVICE_FILES = (
    Flag("signing-config", "path to a signing config file (one without services)", _TEXT),
    Flag("trusted-root", "path to a TrustedRoot JSON file (one without services)", _TEXT),
    Flag("use-signing-config", "whether to use a TUF-provided signing config (only =false)"),
)
_KEYLESS_SIGNING = (
    *_refused(_SWITCH, "insecure-skip-verify", "issue-certificate", "oidc-disable-ambient-providers", "sk"),
    *_refused(
        _TEXT,
        "bundle",
        "certificate",
        "certificate-chain",
        "fulcio-auth-flow",
        "fulcio-url",
        "identity-token",
        "oidc-client-id",
        "oidc-client-secret-file",
        "oidc-issuer",
        "oidc-provider",
        "oidc-redirect-url",
        "rekor-url",
        "slot",
        "timestamp-client-cacert",
        "timestamp-client-cert",
        "timestamp-client-key",
        "timestamp-server-name",
        "timestamp-server-url",
    ),
    *_refused(_SWITCH, "record-creation-timestamp"),
)
_SIGNING = (
    Flag("key", "path to the private key file, or env://NAME", _TEXT),
    Flag("new-bundle-format", "write a Sigstore bundle, as cosign 3 does"),
    Flag("tlog-upload", "whether or not to upload to the tlog (only =false: there is none)"),
    Flag("yes", "skip confirmation prompts for non-destructive operations", letter="y"),
    *_SERVICE_FILES,
    *_KEYLESS_SIGNING,
    *_REGISTRY,
)
_VERIFYING = (
    Flag("experimental-oci11", "taken for granted: referrers are always looked at"),
    Flag("insecure-ignore-tlog", "ignore transparency log verification"),
    Flag("key", "path to the public key file, or env://NAME", _TEXT),
    Flag("new-bundle-format", "taken for granted: both forms are always looked at"),
    Flag("offline", "taken for granted: there is no log to ask"),
    Flag("output", "output format for the signing image information (json|text)", _TEXT, "o"),
    Flag("private-infrastructure", "skip transparency log verification"),
    Flag("trusted-root", "path to a TrustedRoot JSON file (one without services)", _TEXT),
    *_refused(_SWITCH, "insecure-ignore-sct", "local-image", "sk", "use-signed-timestamps"),
    *_refused(
        _TEXT,
        "attachment",
        "ca-intermediates",
        "ca-roots",
        "certificate",
        "certificate-chain",
        "certificate-github-workflow-name",
        "certificate-github-workflow-ref",
        "certificate-github-workflow-repository",
        "certificate-github-workflow-sha",
        "certificate-github-workflow-trigger",
        "certificate-identity",
        "certificate-identity-regexp",
        "certificate-oidc-issuer",
        "certificate-oidc-issuer-regexp",
        "max-workers",
        "payload",
        "policy",
        "rekor-url",
        "sct",
        "signature",
        "signature-digest-algorithm",
        "slot",
        "timestamp-certificate-chain",
    ),
    *_REGISTRY,
)
_ANNOTATIONS = Flag("annotations", "extra key=value pairs", _LIST, "a")
_TYPE = Flag(
    "type",
    "specify a predicate type (slsaprovenance|slsaprovenance02|slsaprovenance1|link|spdx|spdxjson|cyclonedx|vuln|"
    "openvex|custom) or an URI",
    _TEXT,
)

COMMANDS = (
    Command(
        "attest",
        "--key cosign.key --predicate <FILE> <IMAGE>",
        "Attest the supplied container image.",
        "attesting",
        "attest",
        1,
        1,
        (
            Flag("no-upload", "do not upload the generated attestation, but send the attestation output to STDOUT"),
            Flag("predicate", "path to the predicate file.", _TEXT),
            Flag("replace", "replace attestations of this type"),
            _TYPE,
            *_refused(_TEXT, "rekor-entry-type"),
            *_SIGNING,
        ),
    ),
    Command(
        "download attestation",
        "<IMAGE>",
        "Download in-toto attestations from the supplied container image",
        "inspecting",
        "download_attestation",
        1,
        1,
        (*_refused(_TEXT, "platform", "predicate-type"), *_REGISTRY),
    ),
    Command(
        "download signature",
        "<IMAGE>",
        "Download signatures from the supplied container image",
        "inspecting",
        "download_signature",
        1,
        1,
        _REGISTRY,
    ),
    Command(
        "generate-key-pair",
        "",
        "Generates a key-pair.",
        "keys",
        "generate_key_pair",
        0,
        0,
        (
            Flag("output-key-prefix", "name used for generated .pub and .key files (defaults to cosign)", _TEXT),
            *_refused(_TEXT, "kms"),
        ),
    ),
    Command(
        "public-key",
        "--key cosign.key",
        "Gets a public key from the key-pair.",
        "keys",
        "public_key",
        0,
        0,
        (Flag("key", "path to the private key file, or env://NAME", _TEXT), *_refused(_TEXT, "outfile", "slot")),
    ),
    Command(
        "sign",
        "--key cosign.key <IMAGE> [<IMAGE> ...]",
        "Sign the supplied container image.",
        "signing",
        "sign",
        1,
        None,
        (
            _ANNOTATIONS,
            Flag("recursive", "if a multi-arch image is specified, additionally sign each discrete image", letter="r"),
            Flag("upload", "whether to upload the signature (only =true)"),
            *_refused(
                _TEXT,
                "attachment",
                "output-certificate",
                "output-payload",
                "output-signature",
                "payload",
                "registry-referrers-mode",
                "sign-container-identity",
            ),
            *_SIGNING,
        ),
    ),
    Command(
        "signing-config create",
        "--out FILE",
        "Create a Sigstore protobuf signing config without services",
        "services",
        "create_signing_config",
        0,
        0,
        (Flag("out", "path to output signing config", _TEXT),),
    ),
    Command(
        "tree",
        "<IMAGE>",
        "Display supply chain security related artifacts for an image such as signatures, SBOMs and attestations",
        "inspecting",
        "tree",
        1,
        1,
        (
            Flag("experimental-oci11", "taken for granted: referrers are always shown"),
            *_refused(_TEXT, "registry-referrers-mode"),
            *_REGISTRY,
        ),
    ),
    Command(
        "triangulate",
        "<IMAGE>",
        "Outputs the located cosign image reference.",
        "inspecting",
        "triangulate",
        1,
        1,
        (Flag("type", "related attachment to triangulate (attestation|sbom|signature|digest)", _TEXT), *_REGISTRY),
    ),
    Command(
        "trusted-root create",
        "--out FILE",
        "Create a Sigstore protobuf trusted root that trusts no service",
        "services",
        "create_trusted_root",
        0,
        0,
        (Flag("out", "path to output trusted root", _TEXT),),
    ),
    Command(
        "verify",
        "--key cosign.pub <IMAGE> [<IMAGE> ...]",
        "Verify a signature on the supplied container image",
        "verifying",
        "verify",
        1,
        None,
        (_ANNOTATIONS, Flag("check-claims", "whether to check the claims found (only =true)"), *_VERIFYING),
    ),
    Command(
        "verify-attestation",
        "--key cosign.pub <IMAGE> [<IMAGE> ...]",
        "Verify an attestation on the supplied container image",
        "verifying",
        "verify_attestation",
        1,
        None,
        (_TYPE, Flag("check-claims", "whether to check the claims found (only =true)"), *_VERIFYING),
    ),
    Command(
        "version",
        "",
        "Prints the version",
        "inspecting",
        "version",
        0,
        0,
        (Flag("json", "print JSON instead of text"),),
    ),
)

ONLY_TRUE = frozenset({"check-claims", "experimental-oci11", "upload"})
"""Switches that are on, and that we do not do without."""
ONLY_FALSE = frozenset({"use-signing-config"})
"""Switches that ask for a service of the internet when they are on."""
REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType({"attest": ("predicate",)})
"""By command the flags without which cosign does not begin."""
KEYLESS = ("--ca-", "--certificate", "--fulcio-", "--identity-token", "--issue-certificate", "--oidc-", "--sct")
"""How the flags begin that are about certificates of an identity instead of keys."""
LOGGED = ("--rekor-",)
"""How the flags begin that are about a transparency log."""

FOREIGN = frozenset(
    {
        "attach",
        "attest-blob",
        "bundle",
        "clean",
        "completion",
        "copy",
        "debug",
        "dockerfile",
        "download sbom",
        "env",
        "generate",
        "import-key-pair",
        "initialize",
        "load",
        "login",
        "manifest",
        "pkcs11-tool",
        "piv-tool",
        "save",
        "sign-blob",
        "upload",
        "verify-blob",
        "verify-blob-attestation",
    }
)
"""Commands of cosign that are not ours."""
FAMILIES = frozenset({"download", "signing-config", "trusted-root"})
