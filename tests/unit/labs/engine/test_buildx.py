"""buildx's commands: builders by name, builds that are pushed or want attestations, an index as the registry has it.

Expected texts are those that buildx 0.29 prints in the same situation.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.engine.platforms import host_platform
from labs.engine.reference import Reference
from pyregistry.spec.media_types import OCI_INDEX, OCI_MANIFEST
from tests.fakes.images import make_image
from tests.fakes.registry import FakeRegistry
from tests.fakes.shell import Shell

_APPEND = "specify the node name to make changes for existing instances"
_GRAMMAR = "name needs to start with a letter and may not contain symbols, except ._-"
_REMOVED_CONTEXT = "context builder cannot be removed, run `docker context rm default` to remove this context"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A machine with a context to build."""
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n", encoding="utf-8")
    return Shell(tmp_path / "a")


@pytest.fixture
def context(shell: Shell) -> str:
    """Where its Dockerfile is."""
    return str(shell.home.parent / "context")


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """An open registry."""
    with FakeRegistry() as registry:
        yield registry


# --- builders ---


def test_a_builder_is_created_used_and_removed(shell: Shell) -> None:
    """Its name is printed; a build says whose it is; with the builder in use removed, the default one is in use."""
    assert shell.docker("buildx", "create", "--use", "--name", "multi").output == "multi\n"
    assert shell.docker("buildx", "create", "--name", "Other").output == "Other\n"
    assert _in_use(shell) == "multi"
    assert shell.docker("buildx", "use", "other").code == 0
    assert _in_use(shell) == "Other"
    assert shell.docker("buildx", "rm").errors == "Other removed\n"
    assert _in_use(shell) == "default"
    assert shell.docker("buildx", "create", "--name", "other").code == 0
    assert _in_use(shell) == "default"
    assert shell.docker("buildx", "use", "multi").code == 0
    assert shell.docker("buildx", "use", "default").code == 0
    assert _in_use(shell) == "default"
    assert shell.docker("buildx", "rm", "-f", "multi").code == 0


def _in_use(shell: Shell) -> str:
    """The one with the asterisk."""
    rows = [line.split()[0] for line in shell.docker("buildx", "ls").lines]
    return next(row.removesuffix("*") for row in rows if row.endswith("*"))


def test_without_a_name_one_is_found(shell: Shell) -> None:
    """Two are two."""
    names = {shell.docker("buildx", "create").output for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith("builder_") for name in names)


def test_builders_are_listed_and_shown(shell: Shell) -> None:
    """In buildx's columns; each has one node, which needs no booting, and says what it is."""
    shell.docker("buildx", "create", "--name", "multi")
    platforms = ", ".join(dict.fromkeys((str(host_platform()), "linux/amd64", "linux/arm64")))
    assert shell.docker("buildx", "ls").lines == [
        "NAME/NODE     DRIVER/ENDPOINT   STATUS    BUILDKIT   PLATFORMS",
        "multi         labdocker                              ",
        r" \_ multi0     \_ labdocker     running              " + platforms,
        "default*      labdocker                              ",
        r" \_ default    \_ labdocker     running              " + platforms,
    ]
    assert shell.docker("buildx", "inspect", "--bootstrap", "multi").output == (
        "Name:   multi\nDriver: labdocker\n\nNodes:\n"
        f"Name:      multi0\nEndpoint:  labdocker\nStatus:    running\nPlatforms: {platforms}\n"
    )
    assert shell.docker("buildx", "inspect").lines[0] == "Name:   default"


@pytest.mark.parametrize(
    ("words", "errors"),
    [
        (
            "create --name MULTI",
            f'ERROR: existing instance for "MULTI" but no append mode, {_APPEND}',
        ),
        (
            "create --name default",
            "ERROR: default is a reserved name and cannot be used to identify builder instance",
        ),
        (
            "create --name Bad!",
            f"ERROR: invalid name Bad!, {_GRAMMAR}",
        ),
        ("create --driver docker", 'ERROR: additional instances of driver "docker" cannot be created'),
        ("create --driver nope", 'ERROR: failed to find driver "nope"'),
        (
            "use",
            f'ERROR: failed to find instance "": invalid name , {_GRAMMAR}',
        ),
        ("inspect nope", 'ERROR: no builder "nope" found'),
        ("build --builder nope .", 'ERROR: no builder "nope" found'),
        (
            "rm nope",
            'failed to remove nope: no builder "nope" found\nERROR: failed to remove one or more builders',
        ),
        ("rm", f"failed to remove : {_REMOVED_CONTEXT}\nERROR: failed to remove one or more builders"),
    ],
)
def test_a_builder_that_cannot_be(shell: Shell, words: str, errors: str) -> None:
    """In buildx's words."""
    shell.docker("buildx", "create", "--name", "multi")
    result = shell.docker("buildx", *words.split())
    assert (result.code, result.output, result.errors) == (1, "", f"{errors}\n")


def test_a_builder_that_is_used_has_to_be_there(shell: Shell) -> None:
    """The fault names the file that would say so."""
    result = shell.docker("buildx", "use", "nope")
    place = shell.home / "builders" / "instances" / "nope"
    assert (result.code, result.errors) == (
        1,
        f'ERROR: failed to find instance "nope": open {place}: no such file or directory\n',
    )


@pytest.mark.parametrize("words", [("--driver", "remote"), ("tcp://far:1234",)])
def test_a_builder_elsewhere_is_refused_by_name(shell: Shell, words: tuple[str, ...]) -> None:
    """There is one builder, and it is here."""
    result = shell.docker("buildx", "create", *words)
    assert result.code == 125
    assert " ".join(words) in result.errors
    assert shell.docker("buildx", "ls").output.count("\n") == 3


def test_a_build_says_whose_it_is(shell: Shell, context: str) -> None:
    """By flag, by the environment, by what is in use."""
    for name in ("one", "two", "three"):
        shell.docker("buildx", "create", "--name", name)
    shell.docker("buildx", "use", "three")
    said = [
        shell.docker("build", "--builder", "one", context, BUILDX_BUILDER="two"),
        shell.docker("build", context, BUILDX_BUILDER="two"),
        shell.docker("build", context),
    ]
    assert [result.errors.splitlines()[0] for result in said] == [
        f'#0 building with "{name}" instance using labdocker' for name in ("one", "two", "three")
    ]


# --- builds ---


def test_a_build_is_pushed(shell: Shell, context: str, fake: FakeRegistry) -> None:
    """Under all its names, each told with the digest."""
    names = [f"{fake.host}/app:{tag}" for tag in ("1", "2")]
    result = shell.docker("buildx", "build", "--tag", names[0], "--tag", names[1], "--push", context)
    assert result.code == 0, result.errors
    digest = shell.store.resolve(Reference.parse(names[0])).digest
    for name in names:
        assert f"Digest:    {digest}\n" in shell.docker("buildx", "imagetools", "inspect", name).output
        assert f"pushing manifest for {name}@{digest} done\n" in result.errors
    assert shell.docker("build", "--quiet", "--push", "--tag", names[0], context).output.startswith("sha256:")


def test_a_build_that_cannot_be_pushed(shell: Shell, context: str) -> None:
    """Without a name nothing is built; a registry that is not there is told as BuildKit tells a failed step."""
    nameless = shell.docker("build", "--push", context)
    assert (nameless.code, nameless.errors) == (1, "ERROR: failed to build: tag is needed when pushing to registry\n")
    lost = shell.docker("build", "--push", "--tag", "localhost:1/app", context)
    assert lost.code == 1
    assert "\n > pushing localhost:1/app:latest:\n" in lost.errors
    assert lost.errors.splitlines()[-1].startswith(
        "ERROR: failed to build: failed to solve: failed to push localhost:1/app:latest: "
    )


@pytest.mark.parametrize(
    ("flag", "errors"),
    [
        ("--sbom=spdx", "invalid value spdx"),
        ("--sbom=generator=x,spdx", "invalid value spdx"),
        ("--provenance=maxi", "invalid value maxi"),
        ("--sbom=disabled=maybe", 'invalid value disabled=maybe: strconv.ParseBool: parsing "maybe": invalid syntax'),
    ],
)
def test_an_attestation_that_buildx_does_not_know(shell: Shell, flag: str, errors: str) -> None:
    """``--sbom=spdx`` before all: the course prints it, with ``--provenance=mode=max`` and two platforms around it."""
    words = ["--platform", "linux/amd64,linux/arm64", "--provenance=mode=max", flag, "--push", "nowhere"]
    result = shell.docker("buildx", "build", *words)
    assert (result.code, result.errors) == (1, f"ERROR: {errors}\n")


@pytest.mark.parametrize("flag", ["--sbom=true", "--sbom=generator=x", "--provenance=mode=max", "--provenance=1"])
def test_an_attestation_is_refused_by_name(shell: Shell, flag: str, context: str) -> None:
    """None is made, and none is left out silently."""
    result = shell.docker("build", flag, context)
    assert result.code == 125
    assert f"does not do {flag.partition('=')[0]}" in result.errors


@pytest.mark.parametrize("flag", ["--sbom=false", "--sbom=", "--provenance=mode=max,disabled=true"])
def test_no_attestation_is_what_there_is(shell: Shell, flag: str, context: str) -> None:
    """Who asks for none gets none."""
    assert shell.docker("build", flag, context).code == 0


# --- imagetools ---


def test_an_image_of_the_registry(shell: Shell, fake: FakeRegistry) -> None:
    """By name, type and digest; ``--raw`` is what the registry has, to the byte."""
    name = f"{fake.host}/org/app:1.0"
    image = make_image(shell.store, name)
    shell.docker("push", name)
    assert shell.docker("buildx", "imagetools", "inspect", name).output == (
        f"Name:      {name}\nMediaType: {image.media_type}\nDigest:    {image.digest}\n"
    )
    assert (
        shell.docker("buildx", "imagetools", "inspect", "--raw", name).output == shell.store.read(image.digest).decode()
    )


def test_an_index_of_the_registry(shell: Shell, fake: FakeRegistry) -> None:
    """What it lists, platform by platform; annotations in columns of their own, which end a block."""
    name, digests = f"{fake.host}/org/app:1.0", [f"sha256:{letter * 64}" for letter in "abc"]
    rows = [{"mediaType": OCI_MANIFEST, "digest": digest, "size": 1} for digest in digests]
    described = [
        rows[0] | {"platform": {"architecture": "unknown", "os": "unknown"}, "annotations": {"k": "v", "a.long": "w"}},
        rows[1] | {"platform": {"architecture": "arm64", "os": "linux"}},
        rows[2],
    ]
    content = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": described}).encode()
    digest = fake.put_manifest("org/app", "1.0", OCI_INDEX, content)
    assert shell.docker("buildx", "imagetools", "inspect", name).output == (
        f"Name:      {name}\nMediaType: {OCI_INDEX}\nDigest:    {digest}\n           \nManifests: \n"
        f"  Name:        {name}@{digests[0]}\n  MediaType:   {OCI_MANIFEST}\n  Platform:    unknown/unknown\n"
        "  Annotations: \n    a.long: w\n    k:      v\n"
        f"             \n  Name:      {name}@{digests[1]}\n  MediaType: {OCI_MANIFEST}\n  Platform:  linux/arm64\n"
        f"             \n  Name:      {name}@{digests[2]}\n  MediaType: {OCI_MANIFEST}\n"
    )


def test_what_the_registry_does_not_have(shell: Shell, fake: FakeRegistry) -> None:
    """Told by the whole name; a name that is none, and a registry that is not there, in buildx's words."""
    missing = shell.docker("buildx", "imagetools", "inspect", f"{fake.host}/org/app")
    assert (missing.code, missing.errors) == (1, f"ERROR: {fake.host}/org/app:latest: not found\n")
    upper = shell.docker("buildx", "imagetools", "inspect", "UPPER")
    assert upper.errors == "ERROR: invalid reference format: repository name (library/UPPER) must be lowercase\n"
    lost = shell.docker("buildx", "imagetools", "inspect", "localhost:1/app")
    assert lost.errors.startswith('ERROR: failed to do request: Get "http://localhost:1/v2/": dial tcp')
