"""Real clients against a registry over TLS, by a name for which they verify the certificate."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.conftest import NewClient
from tests.clients.image import Sample
from tests.clients.namespace import ADDRESS, CommandFailedError, Namespace
from tests.clients.registry import Registry, running_registry
from tests.fakes.certificates import TestAuthority
from tests.servers import ServerTls

HOST = "registry.example.com"
CLIENTS = ("docker-28", "docker-26", "podman", "buildah", "skopeo", "oras", "crane", "ctr", "labdocker")


@pytest.mark.parametrize("client", CLIENTS)
def test_an_unknown_authority_is_refused(client: str, secure: Registry, new_client: NewClient) -> None:
    """No client pushes to a registry whose certificate nobody vouches for, and nothing gets there."""
    with pytest.raises(CommandFailedError, match="certificate signed by unknown authority"):
        new_client(client).push(secure, f"untrusted/{client}:1.0", Sample(client, {}))
    assert f"untrusted/{client}" not in secure.repositories()


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize("client", CLIENTS)
def test_a_trusted_authority_is_accepted(client: str, secure: Registry, new_client: NewClient) -> None:
    """With its CA in certs.d, or given to those that do not look there, the same push and a pull succeed."""
    command_line = new_client(client)
    command_line.trust(secure)
    command_line.push(secure, f"trusted/{client}:1.0", Sample(client, {}))
    held = command_line.pull(secure, f"trusted/{client}:1.0")
    image = secure.image(f"trusted/{client}", "1.0")
    assert held.digest in {image.tagged, image.manifest}
    assert f"trusted/{client}" in secure.repositories()


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate, and the CA that clients are told to trust.

    Attributes:
        names: DNS names that it is for.
        days: From when until when, counted from today.
        trusted: ``issuer``; ``nobody``; ``namesake``, a CA of the issuer's name with another key; or ``expired``, the
            issuer, whose time is over.
    """

    names: tuple[str, ...] = (HOST,)
    common_name: str | None = None
    days: tuple[int, int] = (-1, 10)
    trusted: str = "issuer"

    def make(self, folder: Path) -> ServerTls:
        """Issue it; ``ca`` is the trusted CA."""
        issuer = TestAuthority(folder / "issuer", starts=-10, ends=-1 if self.trusted == "expired" else 30)
        leaf = issuer.issue(*self.names, common_name=self.common_name, starts=self.days[0], ends=self.days[1])
        trusted = TestAuthority(folder / "namesake") if self.trusted == "namesake" else issuer
        return ServerTls(Path(leaf.certificate), Path(leaf.key), trusted.path)


_HINT = (
    ' (possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate '
    '"Test CA")'
)
_EXPIRED = "certificate has expired or is not yet valid: current time NOW is after THEN"

REFUSALS: Mapping[str, tuple[Certificate, str]] = {
    "unknown authority": (Certificate(trusted="nobody"), "certificate signed by unknown authority"),
    "namesake": (Certificate(trusted="namesake"), f"certificate signed by unknown authority{_HINT}"),
    "expired authority": (Certificate(trusted="expired"), _EXPIRED),
    "other name": (
        Certificate(names=("other.example.com",)),
        f"certificate is valid for other.example.com, not {HOST}",
    ),
    "common name": (
        Certificate(names=(), common_name=HOST),
        "certificate relies on legacy Common Name field, use SANs instead",
    ),
    "expired": (Certificate(days=(-9, -2)), _EXPIRED),
    "not yet valid": (Certificate(days=(2, 9)), _EXPIRED.replace("after", "before")),
}
"""By fault the certificate, and Go's words for it."""

_TIMES = re.compile(r"current time \S+ is (after|before) [0-9TZ:-]+")


@pytest.mark.usefixtures("no_trust_left")
@pytest.mark.parametrize("fault", REFUSALS)
def test_the_lab_s_docker_refuses_in_docker_s_words(
    fault: str, namespace: Namespace, clients: NewClient, new_client: NewClient, tmp_path: Path
) -> None:
    """At ``docker login``, where students meet it: the same certificate, the same line, but for the moment."""
    certificate, words = REFUSALS[fault]
    tls = certificate.make(tmp_path)
    with running_registry(namespace, f"{HOST}:8446", ADDRESS, tmp_path / "registry", tls=tls) as registry:
        said = {}
        for client in (clients("docker-28"), clients("docker-26"), new_client("labdocker")):
            if certificate.trusted != "nobody":
                client.trust(registry)
            with pytest.raises(CommandFailedError) as refused:
                client.login(registry, "ada", "secret")
            said[type(client).__name__] = _TIMES.sub(r"current time NOW is \1 THEN", _last_line(refused.value))
    assert set(said.values()) == {
        f'Error response from daemon: Get "https://{HOST}:8446/v2/": tls: failed to verify certificate: x509: {words}'
    }, str(said)


_UNVERIFIED = (
    f'Get "https://{HOST}:8446/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority'
)
FOLDERS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "a key for the CA": ({"ca.crt": "key"}, _UNVERIFIED),
    "no certificate at all": ({"ca.crt": "junk"}, _UNVERIFIED),
    "a CA called .cert": (
        {"ca.crt": "ca", "ca.cert": "ca"},
        "missing key ca.key for client certificate ca.cert. CA certificates must use the extension .crt",
    ),
    "a key alone": (
        {"ca.crt": "ca", "client.key": "key"},
        "missing client certificate client.cert for key client.key",
    ),
    "junk for a pair": (
        {"client.cert": "junk", "client.key": "junk"},
        "tls: failed to find any PEM data in certificate input",
    ),
    "junk for a key": ({"client.cert": "ca", "client.key": "junk"}, "tls: failed to find any PEM data in key input"),
    "another's key": ({"client.cert": "ca", "client.key": "key"}, "tls: private key does not match public key"),
    "a certificate for a key": (
        {"client.cert": "ca", "client.key": "ca"},
        "tls: found a certificate rather than a key in the PEM for the private key",
    ),
}
"""By fault what lies in the registry's folder of certs.d, and what Docker says of it."""


@pytest.mark.usefixtures("no_trust_left")
def test_the_lab_s_docker_reads_certs_d_as_docker_does(
    namespace: Namespace, clients: NewClient, new_client: NewClient, tmp_path: Path
) -> None:
    """What is wrong in the folder itself is told in the same words, or passed over in the same silence."""
    tls = Certificate().make(tmp_path)
    (tmp_path / "junk").write_text("junk", encoding="utf-8")
    sources = {"ca": tls.ca, "key": tls.key, "junk": tmp_path / "junk"}
    with running_registry(namespace, f"{HOST}:8446", ADDRESS, tmp_path / "registry", tls=tls) as registry:
        for client in (clients("docker-28"), clients("docker-26"), new_client("labdocker")):
            system = namespace.file("/etc/docker/certs.d") if client.name != "labdocker" else client.folder / "certs.d"
            for fault, (files, words) in FOLDERS.items():
                shutil.rmtree(system, ignore_errors=True)
                (system / registry.name).mkdir(parents=True)
                for name, source in files.items():
                    shutil.copy(sources[source], system / registry.name / name)
                with pytest.raises(CommandFailedError) as refused:
                    client.login(registry, "ada", "secret")
                said = _last_line(refused.value)
                assert said == f"Error response from daemon: {words}", f"{client.name}: {fault}"


def _last_line(error: CommandFailedError) -> str:
    return str(error).strip().splitlines()[-1]
