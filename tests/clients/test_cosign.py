"""labcosign and the real cosign, 2 and 3, at one registry: each proves what another signed.

The registry is ours, which lists referrers, or registry:2, which does not. Nothing leaves loopback: the commands carry
the flags that keep cosign from its public services, and a proxy that nobody listens at would stop it.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from labs.signing.attachment import SIGNATURE_KEY, Kind, tag
from pyregistry.spec.digest import Digest
from tests.tools import require
from tests.unit.labs.signing.registries import Plain, ours, registry2

OUR_WORDS = "labcosign: "
IGNORED_LOG = "WARNING: Skipping tlog verification"
RUN_SECONDS = 60
PREDICATE = {
    "buildType": "https://lab.test/build@v1",
    "builder": {"id": "https://lab.test/builder"},
    "invocation": {"configSource": {}},
    "metadata": {},
}
TAGGED, BUNDLED = "tagged", "bundled"
_NUMBERS = count()


@dataclass(frozen=True)
class Done:
    """What a command left. ``errors`` is without what differs by right: warnings of the log, our own notes."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Cosign:
    """One cosign with a home, in which its key pair is.

    Attributes:
        generation: 2, 3, or 0 for ours.
    """

    program: Path
    generation: int
    folder: Path

    def run(self, *words: str, **environ: str) -> Done:
        """Run a command to its end."""
        nowhere = "http://127.0.0.1:9"
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "DOCKER_CONFIG": str(self.folder),
            "LAB_HOME": str(self.folder / "lab"),
            "LAB_LANG": "en",
            "COSIGN_PASSWORD": "pw",
            "HTTPS_PROXY": nowhere,
            "HTTP_PROXY": nowhere,
            "NO_PROXY": "localhost,127.0.0.1",
        } | environ
        done = subprocess.run(
            [self.program, *words],
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS,
        )
        told = [line for line in done.stderr.splitlines() if not line.startswith((IGNORED_LOG, OUR_WORDS))]
        return Done(done.returncode, done.stdout, "\n".join(told))

    def succeed(self, *words: str) -> str:
        """Standard output of a command that must not fail."""
        done = self.run(*words)
        assert done.code == 0, done.errors
        return done.output

    def sign(self, form: str, image: str, *words: str) -> str:
        """Sign in one form."""
        return self.succeed("sign", "--yes", *self._signing(form), "--key", "cosign.key", *words, image)

    def attest(self, form: str, image: str) -> str:
        """Attest in one form."""
        (self.folder / "predicate.json").write_text(json.dumps(PREDICATE), encoding="utf-8")
        predicate = ["--predicate", "predicate.json", "--type", "slsaprovenance"]
        return self.succeed("attest", "--yes", *self._signing(form), "--key", "cosign.key", *predicate, image)

    def verify(self, image: str, *words: str, key: str = "cosign.pub") -> Done:
        """Verify, without a log."""
        return self.run("verify", "--insecure-ignore-tlog=true", "--key", key, *words, image)

    def verify_attestation(self, image: str, *words: str, key: str = "cosign.pub") -> Done:
        """Verify attestations, without a log."""
        return self.run("verify-attestation", "--insecure-ignore-tlog=true", "--key", key, *words, image)

    def _signing(self, form: str) -> list[str]:
        """What makes each generation write this form, offline."""
        if form == TAGGED:
            third = ["--use-signing-config=false", "--new-bundle-format=false"]
            return [*(third if self.generation == 3 else []), "--tlog-upload=false"]
        (self.folder / "signing-config.json").write_text(json.dumps(SIGNING_CONFIG), encoding="utf-8")
        (self.folder / "root.json").write_text(json.dumps(TRUSTED_ROOT), encoding="utf-8")
        return ["--signing-config", "signing-config.json", "--trusted-root", "root.json"]


SIGNING_CONFIG = {
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "rekorTlogConfig": {},
    "tsaConfig": {},
}
TRUSTED_ROOT = {"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}

NewCosign = Callable[[str], Cosign]
"""Makes a cosign by name, ``ours``, ``2`` or ``3``; all of one test have the same key pair, made by the first."""


@pytest.fixture(scope="session")
def programs() -> dict[str, tuple[Path, int]]:
    """Every cosign; the test is skipped by name where one is missing."""
    real = require("trixie/cosign", "sid/cosign")
    mine = Path(sys.executable).parent / "labcosign"
    return {"ours": (mine, 0), "2": (real["trixie/cosign"], 2), "3": (real["sid/cosign"], 3)}


@pytest.fixture(scope="session")
def keys(programs: dict[str, tuple[Path, int]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two key pairs of ours, ``cosign`` and ``other``."""
    maker = Cosign(*programs["ours"], tmp_path_factory.mktemp("keys"))
    for prefix in ("cosign", "other"):
        maker.succeed("generate-key-pair", "--output-key-prefix", prefix)
    return maker.folder


@pytest.fixture
def cosign(programs: dict[str, tuple[Path, int]], keys: Path, tmp_path: Path) -> NewCosign:
    """Makes them."""

    def make(name: str) -> Cosign:
        folder = tmp_path / f"home-{next(_NUMBERS)}"
        shutil.copytree(keys, folder)
        return Cosign(*programs[name], folder)

    return make


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    """Our registry: it lists referrers."""
    with ours(tmp_path_factory.mktemp("registry") / "ours") as running:
        yield running


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    """registry:2: it does not."""
    with registry2(tmp_path_factory.mktemp("registry") / "registry2") as running:
        yield running


@dataclass(frozen=True)
class Place:
    """A repository of its own, with one image tagged 1 and another tagged 2."""

    registry: Plain
    repository: str
    image: Digest
    other: Digest

    def name(self, suffix: str = ":1") -> str:
        """What is typed."""
        return f"{self.registry.host}/{self.repository}{suffix}"


def a_place(registry: Plain) -> Place:
    """Make one."""
    repository = f"signed/{next(_NUMBERS)}"
    images = [registry.push_image(repository, tagged, f"{repository} {tagged}") for tagged in ("1", "2")]
    return Place(registry, repository, *images)


@pytest.fixture(params=["listing", "silent"])
def place(request: pytest.FixtureRequest) -> Place:
    """A place in a registry of either kind."""
    return a_place(request.getfixturevalue(request.param))


@pytest.fixture
def listed(listing: Plain) -> Place:
    """A place in our registry."""
    return a_place(listing)


# who signs, in which form, and who can read that form: cosign 2 sees no bundle that is a signature
SIGNED_AND_READ = [
    ("ours", TAGGED, "2"),
    ("ours", TAGGED, "3"),
    ("ours", BUNDLED, "3"),
    ("2", TAGGED, "ours"),
    ("3", TAGGED, "ours"),
    ("3", BUNDLED, "ours"),
]


@pytest.mark.parametrize("case", SIGNED_AND_READ, ids="-".join)
def test_each_verifies_what_the_other_signed(case: tuple[str, str, str], cosign: NewCosign, place: Place) -> None:
    """With annotations, by tag and by digest; with another's key or another annotation the reader refuses it."""
    signer, form, reader = case
    cosign(signer).sign(form, place.name(f"@{place.image}"), "-a", "env=prod")
    other = cosign(reader)
    for suffix in (":1", f"@{place.image}"):
        done = other.verify(place.name(suffix), "-a", "env=prod")
        assert done.code == 0, done.errors
        (claim,) = json.loads(done.output)
        assert claim["critical"]["image"] == {"docker-manifest-digest": str(place.image)}
        assert claim["optional"] == {"env": "prod"}
    assert other.verify(place.name(), key="other.pub").code in {1, 12}
    assert other.verify(place.name(), "-a", "env=dev").code in {1, 12}


@pytest.mark.parametrize("case", SIGNED_AND_READ, ids="-".join)
def test_each_verifies_what_the_other_attested(case: tuple[str, str, str], cosign: NewCosign, place: Place) -> None:
    """The predicate that was attested comes out; of another type there is none, and under another key none holds."""
    signer, form, reader = case
    cosign(signer).attest(form, place.name())
    other = cosign(reader)
    done = other.verify_attestation(place.name(), "--type", "slsaprovenance")
    assert done.code == 0, done.errors
    statement = json.loads(base64.b64decode(json.loads(done.output)["payload"]))
    assert statement["predicateType"] == "https://slsa.dev/provenance/v0.2"
    assert statement["predicate"]["builder"] == PREDICATE["builder"]
    foreign = other.verify_attestation(place.name(), "--type", "spdxjson")
    assert "none of the attestations matched the predicate type: spdxjson, found: " in foreign.errors
    forged = other.verify_attestation(place.name(), "--type", "slsaprovenance", key="other.pub")
    assert "accepted signatures do not match threshold, Found: 0, Expected 1" in forged.errors
    assert {foreign.code, forged.code} == {1}


@pytest.mark.parametrize("form", [TAGGED, BUNDLED])
def test_signatures_of_all_gather_on_one_image(form: str, cosign: NewCosign, place: Place) -> None:
    """Nobody's signature displaces another's, whoever came first."""
    makers = ["2", "ours", "3"] if form == TAGGED else ["3", "ours", "3"]
    for number, maker in enumerate(makers):
        cosign(maker).sign(form, place.name(), "-a", f"number={number}")
    for reader in ("ours", "3", *(["2"] if form == TAGGED else [])):
        done = cosign(reader).verify(place.name())
        assert done.code == 0, done.errors
        assert {claim["optional"]["number"] for claim in json.loads(done.output)} == {"0", "1", "2"}


@pytest.mark.parametrize("form", [TAGGED, BUNDLED])
def test_what_is_proven_is_printed_in_the_same_words(form: str, cosign: NewCosign, listed: Place) -> None:
    """Byte for byte, with and without annotations, as JSON and as text; on stderr all but the line about the log."""
    mine, theirs = cosign("ours"), cosign("2" if form == TAGGED else "3")
    mine.sign(form, listed.name())
    for words in ([], ["-o", "text"], ["-a", "env=prod"]):
        if words == ["-a", "env=prod"]:
            mine.sign(form, listed.name(), *words)
        said, expected = mine.verify(listed.name(), *words), theirs.verify(listed.name(), *words)
        assert (said.code, said.output) == (0, expected.output)
        offline = "  - Existence of the claims in the transparency log was verified offline\n"
        assert said.errors == expected.errors.replace(offline, "")


def test_cosign_3_reads_the_fields_of_our_bundles(cosign: NewCosign, listed: Place) -> None:
    """Its tree names our signature by predicate, and downloads the bundle that we stored."""
    cosign("ours").sign(BUNDLED, listed.name())
    _, bundle = listed.registry.bundle_of(listed.repository, listed.image)
    other = cosign("3")
    assert "https://sigstore.dev/cosign/sign/v1 artifacts via OCI referrer" in other.succeed("tree", listed.name())
    for reader in (other, cosign("ours")):
        assert json.loads(reader.succeed("download", "signature", listed.name())) == bundle
    assert cosign("ours").succeed("tree", listed.name()) == other.succeed("tree", listed.name())


Layer = dict[str, Any]


def forge_layer(place: Place, change: Callable[[Place, Layer], None]) -> None:
    """Change the layer of a signature in the tag form."""
    name = tag(place.image, Kind.SIGNATURE)
    manifest = place.registry.document(place.repository, name)
    change(place, manifest["layers"][0])
    place.registry.push(place.repository, name, manifest)


def flip(encoded: str, position: int = -1) -> str:
    """One bit of what is in base64, turned over."""
    content = bytearray(base64.b64decode(encoded))
    content[position] ^= 1
    return base64.b64encode(bytes(content)).decode()


def change_payload(place: Place, layer: Layer) -> None:
    """Say something else, honestly described."""
    content = place.registry.blob(place.repository, layer["digest"]).replace(b"null", b"true")
    layer |= place.registry.push_blob(place.repository, content)


def change_signature(text: Callable[[str], str]) -> Callable[[Place, Layer], None]:
    """Replace the signature."""

    def change(_: Place, layer: Layer) -> None:
        layer["annotations"][SIGNATURE_KEY] = text(layer["annotations"][SIGNATURE_KEY])

    return change


def move_tag(place: Place) -> None:
    """Let the tag name the other image."""
    place.registry.push(place.repository, "1", place.registry.fetch(place.repository, "2"))


def copy_signatures(place: Place) -> None:
    """Put the signature of the image beside the other one, and the tag too."""
    signatures = place.registry.fetch(place.repository, tag(place.image, Kind.SIGNATURE))
    place.registry.push(place.repository, tag(place.other, Kind.SIGNATURE), signatures)
    move_tag(place)


FORGERIES: dict[str, Callable[[Place], None]] = {
    "moved tag": move_tag,
    "copied": copy_signatures,
    "payload": lambda place: forge_layer(place, change_payload),
    "signature": lambda place: forge_layer(place, change_signature(flip)),
    "no DER": lambda place: forge_layer(place, change_signature(lambda text: flip(text, 0))),
    "empty": lambda place: forge_layer(place, change_signature(lambda _: "")),
    "no annotation": lambda place: forge_layer(place, lambda _, layer: layer.pop("annotations")),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_the_same_forgeries_are_refused_in_the_same_words(forgery: str, cosign: NewCosign, listed: Place) -> None:
    """In the tag form: with the exit code and the very words of cosign 2 and 3."""
    mine = cosign("ours")
    mine.sign(TAGGED, listed.name())
    assert mine.verify(listed.name()).code == 0
    FORGERIES[forgery](listed)
    refused = mine.verify(listed.name())
    assert refused == cosign("2").verify(listed.name()) == cosign("3").verify(listed.name())
    assert (refused.code, refused.output) == (10 if forgery == "moved tag" else 12, "")


def test_the_unsigned_and_the_wrong_key_are_refused_in_the_same_words(cosign: NewCosign, listed: Place) -> None:
    """The two that students meet first; a signature that is no base64 is told in words of our own."""
    mine = cosign("ours")
    unsigned = mine.verify(listed.name())
    assert unsigned == cosign("2").verify(listed.name()) == cosign("3").verify(listed.name())
    assert unsigned.code == 10
    assert unsigned.errors.startswith("Error: no signatures found\n")
    mine.sign(TAGGED, listed.name())
    foreign = mine.verify(listed.name(), key="other.pub")
    assert foreign == cosign("2").verify(listed.name(), key="other.pub")
    assert foreign.code == 12
    assert foreign.errors.startswith("Error: no matching signatures: invalid signature when validating ASN.1")
    forge_layer(listed, change_signature(lambda _: "!!"))
    garbled = mine.verify(listed.name())
    assert garbled.code == cosign("2").verify(listed.name()).code == 12
    assert "no matching signatures: illegal base64 data" in garbled.errors


Bundle = dict[str, Any]


def forge_bundle(place: Place, change: Callable[[Bundle, dict[str, Any]], bytes | None], *, copied: bool) -> None:
    """Change the bundle, or what it is said to refer to."""
    manifest, bundle = place.registry.bundle_of(place.repository, place.image)
    content = change(bundle, bundle["dsseEnvelope"]) or json.dumps(bundle).encode()
    manifest["layers"][0] |= place.registry.push_blob(place.repository, content)
    subject = place.other if copied else place.image
    place.registry.replace_bundle(place.repository, place.image, manifest, subject)
    if copied:
        move_tag(place)


def change_statement(_: Bundle, envelope: dict[str, Any]) -> None:
    """Say something else."""
    payload = base64.b64decode(envelope["payload"]).replace(b'"annotations":{}', b'"annotations":{"a":"b"}')
    envelope["payload"] = base64.b64encode(payload).decode()


def change_member(member: str, value: Callable[[Any], Any]) -> Callable[[Bundle, dict[str, Any]], None]:
    """Replace a member of the envelope."""
    return lambda _, envelope: envelope.update({member: value(envelope[member])})


FORGED_BUNDLES: dict[str, tuple[Callable[[Bundle, dict[str, Any]], bytes | None], int]] = {
    "copied": (lambda *_: None, 1),
    "payload": (change_statement, 1),
    "signature": (change_member("signatures", lambda rows: [{"sig": flip(rows[0]["sig"])}]), 1),
    "type": (change_member("payloadType", lambda _: "text/plain"), 1),
    "two signatures": (change_member("signatures", lambda rows: rows * 2), 1),
    "no signature": (change_member("signatures", lambda _: []), 1),
    "another version": (lambda bundle, _: bundle.update(mediaType=bundle["mediaType"].replace("v0.3", "v0.9")), 10),
    "unknown member": (lambda bundle, _: bundle.update(more=1), 10),
    "garbage": (lambda *_: b"{nope", 10),
}


@pytest.mark.parametrize("forgery", FORGED_BUNDLES)
def test_the_same_forged_bundles_are_refused_in_the_same_words(forgery: str, cosign: NewCosign, place: Place) -> None:
    """In the bundle form, listed or under the fallback tag: with the exit code and the very words of cosign 3."""
    mine = cosign("ours")
    mine.sign(BUNDLED, place.name())
    assert mine.verify(place.name()).code == 0
    change, code = FORGED_BUNDLES[forgery]
    forge_bundle(place, change, copied=forgery == "copied")
    refused = mine.verify(place.name())
    assert refused == cosign("3").verify(place.name())
    assert (refused.code, refused.output) == (code, "")


def test_a_bundle_of_another_key_or_another_image_is_refused_in_the_same_words(
    cosign: NewCosign, listed: Place
) -> None:
    """A wrong key, and a tag that moved after the bundle was made."""
    mine, theirs = cosign("ours"), cosign("3")
    mine.sign(BUNDLED, listed.name())
    foreign = mine.verify(listed.name(), key="other.pub")
    assert foreign == theirs.verify(listed.name(), key="other.pub")
    assert foreign.code == 1
    move_tag(listed)
    moved = mine.verify(listed.name())
    assert moved == theirs.verify(listed.name())
    assert moved.code == 10


@pytest.mark.parametrize("maker", ["ours", "2", "3"])
def test_key_files_open_in_both_directions(maker: str, cosign: NewCosign) -> None:
    """The public key that each reads out of the other's private one is the same; with another password none opens."""
    first = cosign(maker)
    first.succeed("generate-key-pair", "--output-key-prefix", "new")
    private, public = first.folder / "new.key", (first.folder / "new.pub").read_text(encoding="utf-8")
    assert private.stat().st_mode & 0o777 == 0o600
    for reader in ("ours", "2", "3"):
        other = cosign(reader)
        assert other.succeed("public-key", "--key", str(private)) == public
        refused = other.run("public-key", "--key", str(private), COSIGN_PASSWORD="PW")
        assert refused.code == 1
        assert "decrypt: encrypted: decryption failed" in refused.errors


MISTAKES = (
    "sign --tlog-upload=false --key cosign.key NAME:gone",
    "sign --tlog-upload=false --key missing.key NAME:1",
    "sign --tlog-upload=false --key cosign.pub NAME:1",
    "sign --foo NAME:1",
    "sign",
    "attest --tlog-upload=false --key cosign.key --predicate empty --type foo NAME:1",
    "attest --tlog-upload=false --key cosign.key --predicate missing NAME:1",
    "attest --tlog-upload=false --key cosign.key NAME:1",
    "attest --tlog-upload=false --key cosign.key --predicate text.json --type slsaprovenance NAME:1",
    "attest --tlog-upload=false --key cosign.key --predicate cosign.pub --type spdxjson NAME:1",
    "attest --tlog-upload=false --key cosign.key --predicate list.json --type vuln NAME:1",
    "verify --insecure-ignore-tlog=true --key cosign.key NAME:1",
    "verify --insecure-ignore-tlog=true --key missing.pub NAME:1",
    "verify --insecure-ignore-tlog=true --key cosign.pub NAME:gone",
    "verify --insecure-ignore-tlog=true --key cosign.pub Not/A/Name:1",
    "verify-attestation --insecure-ignore-tlog=true --key cosign.pub NAME:1",
    "download attestation NAME:1",
    "download signature NAME:1",
    "triangulate NAME:1",
    "foo",
    "sing NAME:1",
    "attset NAME:1",
    "ver",
)


@pytest.mark.parametrize("typed", MISTAKES)
def test_the_same_mistakes_are_told_in_the_same_words(typed: str, cosign: NewCosign, listed: Place) -> None:
    """As cosign 2 does, letter for letter."""
    words = typed.replace("NAME", listed.name("")).split()
    mine, theirs = cosign("ours"), cosign("2")
    for folder in (mine.folder, theirs.folder):
        (folder / "text.json").write_text("not json\n", encoding="utf-8")
        (folder / "list.json").write_text("[1]\n", encoding="utf-8")
    assert mine.run(*words) == theirs.run(*words)
