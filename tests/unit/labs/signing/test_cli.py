"""labcosign as it is typed, in this process, against our registry and one without referrers."""

import json
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from labs.engine.commands.console import Console
from labs.engine.commands.flags import Options
from labs.signing.attachment import Kind, fallback_tag, tag
from labs.signing.bundle import BUNDLE
from labs.signing.cli import run
from labs.signing.commands.desk import AskedTrust
from labs.signing.commands.table import COMMANDS, FOREIGN
from labs.signing.keys import PrivateKey
from labs.signing.remote import format_fault
from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import OCI_INDEX
from tests.fakes.certificates import TestAuthority
from tests.fakes.registry import FakeRegistry
from tests.servers import running_registry, throw_away_tls
from tests.unit.labs.signing.registries import Plain, ours
from tests.unit.labs.signing.samples import VECTORS

HEAVY = ("urllib3", "cryptography", "nacl", "email", "asyncio", "yaml")
_DETAILED = "A: b; map[No:[2 <nil>] Tag:1]"
CANARY = "pass-canary"


@dataclass(frozen=True)
class Result:
    """What a command left."""

    code: int
    output: str
    errors: str


class Terminal(StringIO):
    """Standard input that a person sits at."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@dataclass(frozen=True)
class Shell:
    """A machine with a working folder, in which the key pair ``cosign`` is."""

    folder: Path

    def cosign(self, *words: str, typed: str = "", terminal: bool = False, **environ: str) -> Result:
        """Run a command; ``typed`` is standard input."""
        source = Terminal(typed) if terminal else StringIO(typed)
        console = Console(StringIO(), StringIO(), source)
        place = {"LAB_ENGINE_HOME": str(self.folder), "LAB_HOME": str(self.folder), "LAB_LANG": "en"}
        password = {} if typed else {"COSIGN_PASSWORD": "pw"}
        code = run(words, console, place | password | environ)
        return Result(code, console.output.getvalue(), console.errors.getvalue())

    def succeed(self, *words: str) -> str:
        """What a command prints that must not fail."""
        result = self.cosign(*words)
        assert result.code == 0, result.errors
        return result.output


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    """Ours."""
    with ours(tmp_path_factory.mktemp("registry") / "ours") as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A machine; its key pair was made by cosign 2.5."""
    for name, vector in (("cosign.key", "2.5.key"), ("cosign.pub", "2.5.key.pub"), ("other.pub", "3.1.key.pub")):
        (tmp_path / name).write_bytes((VECTORS / vector).read_bytes())
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path)


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> str:
    """A name of the test's own."""
    return f"unit/{Digest.of(request.node.nodeid.encode()).encoded[:12]}"


def sign(shell: Shell, name: str, *words: str) -> None:
    """Sign, in the tag form unless the words say otherwise."""
    shell.succeed("sign", "--tlog-upload=false", "--key", "cosign.key", *words, name)


def test_the_course_s_lines_work_as_printed(shell: Shell, registry: Plain, repository: str) -> None:
    """Without flags for a log: signed and verified, and both say that there is no log in the lab."""
    registry.push_image(repository, "1")
    name = f"{registry.host}/{repository}:1"
    signed = shell.cosign("sign", "--key", "cosign.key", name)
    verified = shell.cosign("verify", "--key", "cosign.pub", name)
    assert (signed.code, verified.code) == (0, 0)
    assert "the lab has no transparency log (Rekor): this is recorded nowhere" in signed.errors
    assert "the lab has no transparency log (Rekor): that this was recorded" in verified.errors
    assert f"Pushing signature to: {registry.host}/{repository}\n" in signed.errors
    assert verified.errors.endswith(
        f"\nVerification for {name} --\nThe following checks were performed on each of these signatures:\n"
        "  - The cosign claims were validated\n  - The signatures were verified against the specified public key\n"
    )


def test_what_is_verified_is_printed_as_json_or_as_it_was_signed(
    shell: Shell, registry: Plain, repository: str
) -> None:
    """One list, or a line a signature; annotations are said to have been checked only where they were."""
    digest = registry.push_image(repository, "1")
    name = f"{registry.host}/{repository}:1"
    sign(shell, name, "-a", "env=prod,commit=abc")
    claim = {
        "critical": {
            "identity": {"docker-reference": f"{registry.host}/{repository}"},
            "image": {"docker-manifest-digest": str(digest)},
            "type": "cosign container image signature",
        },
        "optional": {"commit": "abc", "env": "prod"},
    }
    verify = ("verify", "--insecure-ignore-tlog", "--key", "cosign.pub")
    result = shell.cosign(*verify, "-a", "env=prod", name)
    assert result.output.startswith("\n[{")
    assert json.loads(result.output) == [claim]
    assert "  - The specified annotations were verified.\n" in result.errors
    assert json.loads(shell.succeed(*verify, "-o", "text", name)) == claim
    assert shell.cosign(*verify, "-o", "yaml", name).errors.startswith("WARNING: Skipping tlog")
    assert shell.cosign(*verify, "-o", "yaml", name).code == 1
    assert shell.cosign(*verify, "-a", "env", name).errors.count("unable to parse annotation: env") == 2


def test_signing_twice_says_it_once(shell: Shell, registry: Plain, repository: str) -> None:
    """As in cosign: the same claim of the same key is not added again, another claim is."""
    digest = registry.push_image(repository, "1")
    name = f"{registry.host}/{repository}@{digest}"
    for words in ((), (), ("-a", "a=b")):
        sign(shell, name, *words)
    layers = registry.document(repository, tag(digest, Kind.SIGNATURE))["layers"]
    assert len(layers) == 2


def test_recursive_signs_all_below_an_index(shell: Shell, registry: Plain, repository: str) -> None:
    """Index and images each have a signature; without it, the index alone."""
    children = [registry.push_image(repository, text, text) for text in ("a", "b")]
    index = registry.push_index(repository, "index", *children)
    name = f"{registry.host}/{repository}:index"
    sign(shell, name)
    signatures = {tag(digest, Kind.SIGNATURE) for digest in (index, *children)}
    assert registry.tags(repository) & signatures == {tag(index, Kind.SIGNATURE)}
    sign(shell, name, "--recursive")
    assert signatures <= registry.tags(repository)
    for digest in children:
        shell.succeed("verify", "--key", "cosign.pub", f"{registry.host}/{repository}@{digest}")


def test_bundles_are_listed_as_referrers(shell: Shell, registry: Plain, repository: str) -> None:
    """The registry lists the bundle by its own type, and gets no tag for it."""
    digest = registry.push_image(repository, "1")
    sign(shell, f"{registry.host}/{repository}:1", "--new-bundle-format")
    (row,) = registry.referrers(repository, digest)
    assert row["artifactType"] == BUNDLE
    assert row["annotations"]["dev.sigstore.bundle.predicateType"] == "https://sigstore.dev/cosign/sign/v1"
    assert registry.tags(repository) == {"1"}


def test_where_referrers_are_not_listed_the_fallback_tag_holds_them(shell: Shell) -> None:
    """A second bundle is one more row in the index; both are read back."""
    with FakeRegistry() as fake:
        registry = Plain(fake.port, has_referrers=False)
        digest = registry.push_image("a/b", "1")
        name = f"{fake.host}/a/b:1"
        for value in ("1", "2"):
            sign(shell, name, "--new-bundle-format", "-a", f"number={value}")
        assert [row["artifactType"] for row in registry.referrers("a/b", digest)] == [BUNDLE, BUNDLE]
        assert fallback_tag(digest) in fake.manifests["a/b"]
        claims = json.loads(shell.succeed("verify", "--key", "cosign.pub", name))
        assert [claim["optional"] for claim in claims] == [{"number": "1"}, {"number": "2"}]


def test_what_is_gone_hides_no_signature(shell: Shell) -> None:
    """A row that leads nowhere, one to something else, a layer without its blob: the good signatures still count."""
    with FakeRegistry() as fake:
        registry = Plain(fake.port, has_referrers=False)
        digest = registry.push_image("a/b", "1")
        name = f"{fake.host}/a/b:1"
        for words in (("--new-bundle-format",), ("-a", "lost=yes"), ("-a", "lost=no")):
            sign(shell, name, *words)
        rows = registry.referrers("a/b", digest)
        gone = rows[0] | {"digest": str(Digest.of(b"gone"))}
        index = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [gone, rows[0] | {"digest": str(digest)}, *rows],
        }
        registry.push("a/b", fallback_tag(digest), index)
        lost, kept = registry.document("a/b", tag(digest, Kind.SIGNATURE))["layers"]
        assert kept["digest"] != lost["digest"]
        del fake.blobs["a/b"][lost["digest"]]
        claims = json.loads(shell.succeed("verify", "--key", "cosign.pub", name))
        assert [claim["optional"] for claim in claims] == [{}, {"lost": "no"}]
        failed = shell.cosign("verify", "--key", "cosign.pub", "--new-bundle-format=false", "-a", "lost=yes", name)
        assert "error verifying sha256 checksum after reading 0 bytes" in failed.errors
        assert failed.code == 12


def test_a_form_can_be_left_out(shell: Shell, registry: Plain, repository: str) -> None:
    """``--new-bundle-format=false`` makes verify look for cosign 2's form only, whoever signed otherwise."""
    registry.push_image(repository, "1")
    name = f"{registry.host}/{repository}:1"
    sign(shell, name, "--new-bundle-format")
    assert shell.cosign("verify", "--key", "cosign.pub", name).code == 0
    assert shell.cosign("verify", "--key", "cosign.pub", "--new-bundle-format=false", name).code == 10


@pytest.mark.parametrize("form", ["--new-bundle-format", "--new-bundle-format=false"])
def test_attestations_come_out_by_type(form: str, shell: Shell, registry: Plain, repository: str) -> None:
    """Of two types on one image the one that is asked for is printed; a custom predicate is text."""
    registry.push_image(repository, "1")
    name = f"{registry.host}/{repository}:1"
    Path("note.txt").write_text("anything", encoding="utf-8")
    Path("sbom.json").write_text('{"spdxVersion":"SPDX-2.3"}', encoding="utf-8")
    attest = ("attest", "--tlog-upload=false", form, "--key", "cosign.key", "--predicate")
    shell.succeed(*attest, "note.txt", name)
    shell.succeed(*attest, "sbom.json", "--type", "spdxjson", name)
    verify = ("verify-attestation", "--insecure-ignore-tlog", "--key", "cosign.pub")
    for words in ((), ("--type", "spdxjson")):
        assert len(shell.succeed(*verify, *words, name).splitlines()) == 1
    found = "none of the attestations matched the predicate type: vuln, found: "
    assert found in shell.cosign(*verify, "--type", "vuln", name).errors
    assert len(shell.succeed("download", "attestation", name).splitlines()) == 2


def test_replace_leaves_other_types(shell: Shell, registry: Plain, repository: str) -> None:
    """A new attestation takes the place of those of its type."""
    digest = registry.push_image(repository, "1")
    name = f"{registry.host}/{repository}:1"
    Path("a.json").write_text("{}", encoding="utf-8")
    attest = ("attest", "--tlog-upload=false", "--key", "cosign.key", "--predicate", "a.json")
    for words in (("--type", "cyclonedx"), ("--type", "openvex"), ("--type", "openvex", "--replace")):
        shell.succeed(*attest, *words, name)
    layers = registry.document(repository, tag(digest, Kind.ATTESTATION))["layers"]
    assert [layer["annotations"]["predicateType"] for layer in layers] == [
        "https://cyclonedx.org/bom",
        "https://openvex.dev/ns",
    ]


def test_no_upload_prints_the_envelope(shell: Shell, registry: Plain, repository: str) -> None:
    """And leaves the registry as it was."""
    registry.push_image(repository, "1")
    Path("a.txt").write_text("a", encoding="utf-8")
    words = ("--no-upload", "--key", "cosign.key", "--predicate", "a.txt", f"{registry.host}/{repository}:1")
    assert "payloadType" in json.loads(shell.succeed("attest", "--tlog-upload=false", *words))
    assert registry.tags(repository) == {"1"}


def test_the_tree_shows_what_is_there(shell: Shell, registry: Plain, repository: str) -> None:
    """Nothing; then a branch for each tag of cosign 2 and each referrer."""
    digest = registry.push_image(repository, "1")
    name = f"{registry.host}/{repository}:1"
    assert "No Supply Chain Security Related Artifacts found for image" in shell.succeed("tree", name)
    sign(shell, name)
    sign(shell, name, "--new-bundle-format")
    lines = shell.succeed("tree", name).splitlines()
    assert lines[0] == f"📦 Supply Chain Security Related artifacts for an image: {name}"
    signatures = f"{registry.host}/{repository}:{tag(digest, Kind.SIGNATURE)}"
    assert lines[1] == f"└── 🔐 Signatures for an image tag: {signatures}"
    assert lines[2].startswith("   └── 🍒 sha256:")
    assert lines[3].startswith("└── 🔗 https://sigstore.dev/cosign/sign/v1 artifacts via OCI referrer: ")
    assert shell.succeed("triangulate", name) == f"{signatures}\n"


def test_generating_keys_asks_before_it_overwrites(shell: Shell) -> None:
    """Cosign's question, and its three answers; what was there stays unless the answer is y."""
    before = Path("cosign.key").read_bytes()
    question = "WARNING: File cosign.key already exists. Overwrite?\nAre you sure you would like to continue? [y/N] "
    no = shell.cosign("generate-key-pair", typed="\n", COSIGN_PASSWORD="pw")
    perhaps = shell.cosign("generate-key-pair", typed="perhaps\n", COSIGN_PASSWORD="pw")
    assert no.errors.startswith(f"{question}Error: user declined the prompt\n")
    assert 'Error: invalid input "perhaps" (allowed values y, n)\n' in perhaps.errors
    assert Path("cosign.key").read_bytes() == before
    yes = shell.cosign("generate-key-pair", typed="y\n", COSIGN_PASSWORD="pw")
    assert yes.errors == f"{question}Private key written to cosign.key\nPublic key written to cosign.pub\n"
    assert PrivateKey.parse(Path("cosign.key").read_bytes(), b"pw").public.format() == Path("cosign.pub").read_bytes()


def test_only_the_owner_may_read_a_private_key(shell: Shell) -> None:
    """Whatever the umask; and a pair is written whole or not at all."""
    shell.succeed("generate-key-pair", "--output-key-prefix", "mine")
    assert stat.S_IMODE(Path("mine.key").stat().st_mode) == 0o600
    lost = shell.cosign("generate-key-pair", "--output-key-prefix", "missing/mine")
    assert lost.errors.startswith("Error: open missing/mine.key: no such file or directory\n")
    assert sorted(path.name for path in shell.folder.glob("*.key*")) == ["cosign.key", "mine.key"]


def test_the_password_is_asked_for_at_a_terminal(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice for a new key, once to open one; two that differ make no key; piped, it is all of standard input."""
    answers = iter(["one", "two", "pw", "pw", "pw"])
    prompts: list[str] = []
    monkeypatch.setattr("getpass.getpass", lambda prompt, _: prompts.append(prompt) or next(answers))
    differ = shell.cosign("generate-key-pair", "--output-key-prefix", "new", typed=" ", terminal=True)
    assert differ.errors.startswith("Error: passwords do not match\n")
    assert shell.cosign("generate-key-pair", "--output-key-prefix", "new", typed=" ", terminal=True).code == 0
    assert shell.cosign("public-key", "--key", "new.key", typed=" ", terminal=True).code == 0
    first, again = "Enter password for private key: ", "Enter password for private key again: "
    assert prompts == [first, again, first, again, first]
    monkeypatch.setattr("getpass.getpass", end_of_input)
    ended = shell.cosign("public-key", "--key", "new.key", typed=" ", terminal=True)
    assert ended.errors == "Error: reading key: EOF\nerror during command execution: reading key: EOF\n"
    assert shell.cosign("public-key", "--key", "new.key", typed="pw").code == 0
    assert shell.cosign("public-key", "--key", "new.key", typed="pw\n").code == 1


def end_of_input(*_: object) -> str:
    """Control-D at a prompt."""
    raise EOFError


def test_keys_come_from_the_environment_too(shell: Shell, registry: Plain, repository: str) -> None:
    """``env://NAME``, as in a pipeline; other places of keys are refused by name."""
    registry.push_image(repository, "1")
    name = f"{registry.host}/{repository}:1"
    keys = {"PRIVATE": Path("cosign.key").read_text(), "PUBLIC": Path("cosign.pub").read_text()}
    assert shell.cosign("sign", "--key", "env://PRIVATE", name, **keys).code == 0
    assert shell.cosign("verify", "--key", "env://PUBLIC", name, **keys).code == 0
    assert "env var $GONE not found" in shell.cosign("verify", "--key", "env://GONE", name).errors
    assert "keys come from files or from env://NAME" in shell.cosign("sign", "--key", "awskms:///x", name).errors


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("sign a/b", "to sign without a key (keyless), cosign asks Fulcio"),
        ("sign --identity-token x a/b", "to sign without a key (keyless), cosign asks Fulcio"),
        ("attest --predicate x a/b", "to sign without a key (keyless), cosign asks Fulcio"),
        ("verify a/b", "to verify without a key (keyless), cosign needs the certificates of Fulcio"),
        ("verify --certificate-identity a@b --certificate-oidc-issuer c a/b", "to verify without a key (keyless)"),
        ("sign --tlog-upload=true --key cosign.key a/b", "--tlog-upload=true asks for a transparency log (Rekor)"),
        ("verify --insecure-ignore-tlog=false --key cosign.pub a/b", "--insecure-ignore-tlog=false asks for a trans"),
        ("sign --rekor-url x --key cosign.key a/b", "--rekor-url asks for a transparency log (Rekor)"),
        ("sign --bundle x --key cosign.key a/b", "'cosign sign' does not do --bundle"),
        ("sign --upload=false --key cosign.key a/b", "'cosign sign' does not do --upload=false"),
        ("sign --use-signing-config --key cosign.key a/b", "'cosign sign' does not do --use-signing-config"),
        ("verify --check-claims=false --key cosign.pub a/b", "'cosign verify' does not do --check-claims=false"),
        ("sign-blob x", "'cosign sign-blob' is cosign's and not ours"),
        ("download sbom x", "'cosign download sbom' is cosign's and not ours"),
    ],
)
def test_what_is_not_done_is_refused_by_name(typed: str, told: str, shell: Shell) -> None:
    """With the reason and what to do, once, in our own name; in French for whoever reads French."""
    refused = shell.cosign(*typed.split())
    assert refused.code == 1
    lines = [line for line in refused.errors.splitlines() if "is not verified" not in line and "nowhere" not in line]
    assert lines[0].startswith("labcosign: ")
    assert told in lines[0]
    assert "Error:" not in refused.errors
    french = shell.cosign(*typed.split(), LAB_LANG="fr")
    assert french.errors.startswith("labcosign\u00a0: ")
    assert french.errors != refused.errors


def test_a_setting_that_we_do_not_honour_is_refused(shell: Shell) -> None:
    """Signatures in a repository of their own: verify would look in the wrong place."""
    refused = shell.cosign("tree", "a/b", COSIGN_REPOSITORY="c/d")
    assert (refused.code, refused.output) == (1, "")
    assert refused.errors.startswith("labcosign: COSIGN_REPOSITORY is set")


def test_files_about_services_may_name_none(shell: Shell, registry: Plain, repository: str) -> None:
    """Those that ``create`` makes are taken, and mean cosign 3's form; one that names a service is refused with it."""
    digest = registry.push_image(repository, "1")
    name = f"{registry.host}/{repository}:1"
    shell.succeed("signing-config", "create", "--out", "sc.json")
    shell.succeed("trusted-root", "create", "--out", "tr.json")
    files = ("--signing-config", "sc.json", "--trusted-root", "tr.json")
    signed = shell.cosign("sign", *files, "--key", "cosign.key", name)
    assert (signed.code, len(registry.referrers(repository, digest))) == (0, 1)
    assert "labcosign" not in signed.errors
    Path("sc.json").write_text('{"rekorTlogUrls":[{"url":"https://rekor.example"}]}', encoding="utf-8")
    refused = shell.cosign("sign", "--signing-config", "sc.json", "--key", "cosign.key", name)
    assert "sc.json names services (rekorTlogUrls)" in refused.errors
    Path("sc.json").write_text("[", encoding="utf-8")
    broken = shell.cosign("sign", "--signing-config", "sc.json", "--key", "cosign.key", name)
    assert "error reading signing-config: sc.json: expected JSON" in broken.errors


def test_a_private_ca_is_verified_unless_it_is_told_otherwise(shell: Shell, tmp_path: Path) -> None:
    """By certs.d or ``--registry-cacert``; ``--allow-insecure-registry`` accepts it."""
    tls = throw_away_tls(tmp_path / "tls", ("registry.example.com", "localhost"))
    with running_registry(tmp_path / "registry", tls=tls) as server:
        foreign = TestAuthority(tmp_path / "foreign").path
        internet = {"names": {"registry.example.com": f"127.0.0.1:{server.port}"}, "ca": str(foreign)}
        (tmp_path / "internet.json").write_text(json.dumps(internet), encoding="utf-8")
        name = "registry.example.com/a/b:1"
        unknown = shell.cosign("tree", name)
        assert "x509: certificate signed by unknown authority" in unknown.errors
        absent = "MANIFEST_UNKNOWN"
        for words in (("--allow-insecure-registry",), ("--registry-cacert", str(tls.ca))):
            assert absent in shell.cosign("tree", *words, name).errors
        lost = shell.cosign("tree", "--registry-cacert", "gone.crt", name)
        assert "unable to read CA certs from gone.crt" in lost.errors
        trusted = tmp_path / "certs.d" / "registry.example.com"
        trusted.mkdir(parents=True)
        (trusted / "ca.crt").write_bytes(tls.ca.read_bytes())
        assert absent in shell.cosign("tree", name).errors


def test_plain_http_takes_its_flag(tmp_path: Path) -> None:
    """A name that is not loopback's is spoken to over TLS, and over plain HTTP only with its flag; TLS is verified."""
    for switches, insecure in ((frozenset[str](), False), (frozenset({"allow-http-registry"}), True)):
        trust = AskedTrust(tmp_path, Options(switches=switches))
        assert trust.is_insecure("registry.example.com:5000") is insecure
        assert trust.is_insecure("localhost:5000")
        assert trust.context("registry.example.com:5000").verify_mode is ssl.CERT_REQUIRED


def test_who_we_are_is_what_docker_login_left(shell: Shell) -> None:
    """config.json, or ``--registry-username``; without either the registry's refusal is told, and no secret ever is."""
    with FakeRegistry(auth="basic", users={"ann": CANARY}) as fake:
        name = f"{fake.host}/a/b:1"
        anonymous = shell.cosign("tree", name)
        assert f"GET http://{fake.host}/v2/a/b/manifests/1: UNAUTHORIZED: authentication required" in anonymous.errors
        wrong = shell.cosign("tree", "--registry-username", "ann", "--registry-password", "wrong-canary", name)
        named = shell.cosign("tree", "--registry-username", "ann", "--registry-password", CANARY, name)
        assert "UNAUTHORIZED" in wrong.errors
        assert "MANIFEST_UNKNOWN" in named.errors
        auth = {"auths": {fake.host: {"auth": "YW5uOnBhc3MtY2FuYXJ5"}}}
        (shell.folder / "config.json").write_text(json.dumps(auth), encoding="utf-8")
        stored = shell.cosign("tree", name)
        assert "MANIFEST_UNKNOWN" in stored.errors
        assert not any("canary" in one.errors + one.output for one in (anonymous, wrong, named, stored))


@pytest.mark.parametrize(
    ("method", "status", "body", "told"),
    [
        ("GET", 401, b"<html>nginx</html>", "unexpected status code 401 Unauthorized: <html>nginx</html>"),
        ("HEAD", 404, b"", "unexpected status code 404 Not Found (HEAD responses have no body, use GET for details)"),
        ("GET", 503, b"", "unexpected status code 503 Service Unavailable"),
        (
            "GET",
            404,
            b'{"errors": [{"code": "A", "message": "b", "detail": {"Tag": "1", "No": [2, null]}}]}',
            _DETAILED,
        ),
        (
            "PUT",
            400,
            b'{"errors": [{"code": "A", "message": "b"}, {"code": "C"}]}',
            "multiple errors returned: A: b; C: ",
        ),
        ("GET", 400, b'{"errors": [3]}', 'unexpected status code 400 Bad Request: {"errors": [3]}'),
    ],
)
def test_a_refusal_is_told_as_cosign_does(method: str, status: int, body: bytes, told: str) -> None:
    """A registry's own words where it has some, else what came, from whomever."""
    assert format_fault(method, status, body) == told


def test_registries_are_told_that_it_is_cosign(shell: Shell) -> None:
    """The journal must tell who fetched a signature."""
    with FakeRegistry() as fake:
        shell.cosign("verify", "--key", "cosign.pub", f"{fake.host}/a/b:1")
        assert all(seen.headers["User-Agent"].startswith("cosign/2.5 labcosign/") for seen in fake.requests)


def test_too_much_beside_an_image_is_refused(
    shell: Shell, registry: Plain, repository: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody who may push decides how much lies there: numbers and sizes end somewhere."""
    digest = registry.push_image(repository, "1")
    name = f"{registry.host}/{repository}:1"
    for value in ("1", "2"):
        sign(shell, name, "-a", f"number={value}")
        sign(shell, name, "--new-bundle-format", "-a", f"number={value}")
    monkeypatch.setattr("labs.signing.remote.MAX_ATTACHED", 1)
    many = shell.cosign("verify", "--key", "cosign.pub", name)
    assert f"{digest}: expected at most 1 referrers, got 2" in many.errors
    monkeypatch.setattr("labs.signing.remote.MAX_ATTACHED", 1000)
    monkeypatch.setattr("labs.signing.remote.MAX_CONTENT_SIZE", 100)
    assert "expected at most 100 bytes, got more" in shell.cosign("verify", "--key", "cosign.pub", name).errors


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself(command: object, shell: Shell) -> None:
    """What it does, how it is called and which of cosign's flags it knows."""
    name = command.name
    told = shell.succeed(*name.split(), "--help")
    assert f"\n  cosign {name}" in told
    assert name in shell.succeed("--help")
    assert name not in FOREIGN


def test_help_comes_at_once() -> None:
    """Nothing heavy is loaded before it is needed."""
    loaded = f"print([module for module in {HEAVY} if module in sys.modules])"
    program = f"import sys; from labs.signing.cli import main; main(['--help']); {loaded}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
