"""The commands, word for word: expected texts are those that Docker 28 prints in the same situation."""

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.engine.reference import Reference
from tests.fakes.images import diff_id, make_image, make_index
from tests.fakes.registry import FakeRegistry
from tests.fakes.shell import Shell

NOT_A_NAME = 'Error parsing reference: "B" is not a valid repository/tag'
INSECURE = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A machine."""
    return Shell(tmp_path / "a")


@pytest.fixture
def other(tmp_path: Path) -> Shell:
    """Another machine."""
    return Shell(tmp_path / "b")


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """An open registry."""
    with FakeRegistry() as registry:
        yield registry


@pytest.fixture
def private() -> Iterator[FakeRegistry]:
    """A registry with tokens, where bob may do all and carol may read."""
    everything, reading = {".*": {"pull", "push"}}, {".*": {"pull"}}
    with FakeRegistry("bearer", {"bob": "pw", "carol": "pw"}, {"bob": everything, "carol": reading}) as registry:
        yield registry


# --- login, logout ---


def test_login_keeps_the_credentials_and_warns(shell: Shell, private: FakeRegistry) -> None:
    """The password from stdin without its line end, the warning beside the result, a file of the owner alone."""
    result = shell.docker("login", private.host, "-u", "bob", "--password-stdin", typed="pw\n")
    assert (result.code, result.output) == (0, "Login Succeeded\n")
    path = shell.home / "config.json"
    assert result.errors == (
        f"\nWARNING! Your credentials are stored unencrypted in '{path}'.\n"
        "Configure a credential helper to remove this warning. See\n"
        "https://docs.docker.com/go/credential-store/\n\n"
    )
    assert json.loads(path.read_text())["auths"] == {private.host: {"auth": "Ym9iOnB3"}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_login_with_a_wrong_password_keeps_nothing(shell: Shell, private: FakeRegistry) -> None:
    """What the token server says, behind the request that needed it."""
    result = shell.docker("login", "-u", "bob", "-p", "wrong", private.host)
    assert result.code == 1
    cause = "unauthorized: incorrect username or password"
    assert result.errors == f'{INSECURE}Error response from daemon: Get "http://{private.host}/v2/": {cause}\n'
    assert not (shell.home / "config.json").exists()


def test_second_login_uses_what_is_known(shell: Shell, private: FakeRegistry) -> None:
    """Docker says so, and how to become somebody else."""
    shell.docker("login", "-u", "bob", "-p", "pw", private.host)
    result = shell.docker("login", private.host)
    assert result.code == 0
    assert result.lines[0] == "Authenticating with existing credentials... [Username: bob]"
    assert result.lines[-1] == "Login Succeeded"


def test_logout_forgets(shell: Shell, private: FakeRegistry) -> None:
    """What was kept is gone; a second logout says the same."""
    shell.docker("login", "-u", "bob", "-p", "pw", private.host)
    for _ in range(2):
        assert shell.docker("logout", private.host).output == f"Removing login credentials for {private.host}\n"
    assert json.loads((shell.home / "config.json").read_text()) == {"auths": {}}


def test_logout_without_a_name_is_docker_hub_s(shell: Shell) -> None:
    """The default registry has its old key."""
    assert shell.docker("logout").output == "Removing login credentials for https://index.docker.io/v1/\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-u", "bob"], "Error: Cannot perform an interactive login from a non TTY device\n"),
        (["--password-stdin"], "the --password-stdin option requires --username to be set\n"),
        (["-u", "bob", "--password-stdin"], "Error: Cannot perform an interactive login from a non TTY device\n"),
        (
            ["-u", "bob", "-p", "pw", "--password-stdin"],
            f"{INSECURE}conflicting options: cannot specify both --password and --password-stdin\n",
        ),
    ],
)
def test_login_that_cannot_begin(shell: Shell, words: list[str], message: str) -> None:
    """Nothing is sent when something is missing."""
    result = shell.docker("login", *words, "localhost:1")
    assert (result.code, result.errors) == (1, message)


def test_broken_config_is_warned_of(shell: Shell, fake: FakeRegistry) -> None:
    """Docker's warning, and the file left as it is."""
    shell.home.mkdir()
    (shell.home / "config.json").write_text("{broken")
    result = shell.docker("login", "-u", "bob", "-p", "pw", fake.host)
    assert result.code == 1
    fault = "invalid character 'b' looking for beginning of object key string"
    assert f"WARNING: Error parsing config file ({shell.home / 'config.json'}): {fault}\n" in result.errors
    assert "Error saving credentials: " in result.errors
    assert (shell.home / "config.json").read_text() == "{broken"


# --- push, pull ---


def test_push_and_pull_between_machines(shell: Shell, other: Shell, fake: FakeRegistry) -> None:
    """The whole of both outputs, and the same image on both sides."""
    name = f"{fake.host}/org/app:1.0"
    image = make_image(shell.store, name, [b"one"])
    layer = diff_id(b"one")[7:19]
    pushed = shell.docker("push", name)
    assert (pushed.code, pushed.errors) == (0, "")
    assert pushed.lines == [
        f"The push refers to repository [{fake.host}/org/app]",
        f"{layer}: Preparing",
        f"{layer}: Pushed",
        f"1.0: digest: {image.digest} size: {image.size}",
    ]
    pulled = other.docker("pull", name)
    assert pulled.code == 0
    assert pulled.lines[0] == "1.0: Pulling from org/app"
    assert pulled.lines[-3:] == [
        f"Digest: {image.digest}",
        f"Status: Downloaded newer image for {name}",
        name,
    ]
    assert other.docker("pull", name).lines[-2] == f"Status: Image is up to date for {name}"
    assert other.store.resolve(name).digest == image.digest


def test_quiet_says_the_name_only(shell: Shell, other: Shell, fake: FakeRegistry) -> None:
    """For scripts: one line each way."""
    name = f"{fake.host}/org/app:1.0"
    make_image(shell.store, name)
    assert shell.docker("push", "-q", name).output == f"{name}\n"
    assert other.docker("pull", "--quiet", name).output == f"{name}\n"


def test_name_without_tag_means_latest(shell: Shell, other: Shell, fake: FakeRegistry) -> None:
    """Docker says which tag it takes."""
    make_image(shell.store, f"{fake.host}/org/app:latest")
    assert shell.docker("push", f"{fake.host}/org/app").lines[0] == "Using default tag: latest"
    assert other.docker("pull", f"{fake.host}/org/app").lines[0] == "Using default tag: latest"
    assert "latest" in fake.manifests["org/app"]


def test_all_tags(shell: Shell, other: Shell, fake: FakeRegistry) -> None:
    """Every tag of the repository, and none of another."""
    image = make_image(shell.store, f"{fake.host}/org/app:1.0")
    shell.store.tag(Reference.parse(f"{fake.host}/org/app:latest"), image)
    shell.store.tag(Reference.parse(f"{fake.host}/org/other:3"), image)
    assert shell.docker("push", "-a", f"{fake.host}/org/app").code == 0
    assert {tag for tag in fake.manifests["org/app"] if ":" not in tag} == {"1.0", "latest"}
    assert "org/other" not in fake.manifests
    assert other.docker("pull", "--all-tags", f"{fake.host}/org/app").code == 0
    assert len(other.docker("images", "-q").lines) == 1
    assert len(other.docker("images").lines) == 3


def test_pull_by_digest(shell: Shell, other: Shell, fake: FakeRegistry) -> None:
    """The digest is the name; no tag is made up."""
    name = f"{fake.host}/org/app:1.0"
    image = make_image(shell.store, name)
    shell.docker("push", name)
    digest_name = f"{fake.host}/org/app@{image.digest}"
    pulled = other.docker("pull", digest_name)
    assert pulled.lines[0] == f"{digest_name}: Pulling from org/app"
    assert pulled.lines[-2] == f"Status: Downloaded newer image for {digest_name}"
    assert other.docker("images", "--format", "{{.Repository}}:{{.Tag}}").output == f"{fake.host}/org/app:<none>\n"


def test_unknown_digest(shell: Shell, fake: FakeRegistry) -> None:
    """Nothing is said of a pull that does not begin."""
    name = f"{fake.host}/org/app@sha256:{'a' * 64}"
    result = shell.docker("pull", name)
    fault = f"manifest for {name} not found: manifest unknown: manifest unknown"
    assert (result.code, result.output, result.errors) == (1, "", f"Error response from daemon: {fault}\n")


def test_what_is_not_here_cannot_be_pushed(shell: Shell) -> None:
    """Docker names the repository, and asks no registry."""
    result = shell.docker("push", "localhost:1/x:1")
    assert result.code == 1
    assert result.lines == ["The push refers to repository [localhost:1/x]"]
    assert result.errors == "An image does not exist locally with the tag: localhost:1/x\n"


def test_push_without_the_right(shell: Shell, private: FakeRegistry) -> None:
    """The registry's refusal alone, as Docker prints it."""
    shell.docker("login", "-u", "carol", "-p", "pw", private.host)
    make_image(shell.store, f"{private.host}/org/app:1.0")
    result = shell.docker("push", f"{private.host}/org/app:1.0")
    assert (result.code, result.errors) == (1, "denied: requested access to the resource is denied\n")


def test_push_refused_by_the_token_server(shell: Shell, private: FakeRegistry) -> None:
    """Of a refused token the refusal is told, not the request."""
    private.faults.token_refusal = (403, b'{"errors":[{"code":"DENIED","message":"permission_denied: write_package"}]}')
    make_image(shell.store, f"{private.host}/org/app:1.0")
    result = shell.docker("push", f"{private.host}/org/app:1.0")
    assert (result.code, result.errors) == (1, "denied: permission_denied: write_package\n")


def test_pull_without_the_right(shell: Shell, private: FakeRegistry) -> None:
    """Docker adds that a login may help."""
    result = shell.docker("pull", f"{private.host}/org/app:1.0")
    assert result.code == 1
    assert result.errors == (
        f"Error response from daemon: pull access denied for {private.host}/org/app, repository does not exist or may "
        "require 'docker login': denied: requested access to the resource is denied\n"
    )


def test_unknown_tag(shell: Shell, fake: FakeRegistry) -> None:
    """The daemon's words around the registry's."""
    result = shell.docker("pull", f"{fake.host}/org/app:9")
    fault = f"manifest for {fake.host}/org/app:9 not found: manifest unknown: manifest unknown"
    assert (result.code, result.errors) == (1, f"Error response from daemon: {fault}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pull", "MyApp"], "invalid reference format: repository name (library/MyApp) must be lowercase\n"),
        (["push", "localhost:5/A:1"], "invalid reference format: repository name (A) must be lowercase\n"),
        (["pull", ":::"], "invalid reference format\n"),
        (["pull", "-a", "app:1"], "tag can't be used with --all-tags/-a\n"),
        (["pull", "--platform", "a/b/c/d", "app"], 'Error response from daemon: "a/b/c/d": cannot parse platform'),
    ],
)
def test_names_that_are_none(shell: Shell, words: list[str], message: str) -> None:
    """The client refuses before any registry is asked."""
    result = shell.docker(*words)
    assert result.code == 1
    assert result.errors.startswith(message)


def test_index_is_pushed_whole_and_pulled_for_one_platform(shell: Shell, other: Shell, fake: FakeRegistry) -> None:
    """A machine that pulled one platform pushes that image on, and says so."""
    name = f"{fake.host}/org/app:1.0"
    index = make_index(shell.store, name)
    assert f"1.0: digest: {index.digest} size: {index.size}" in shell.docker("push", name).lines
    other.docker("pull", "--platform", "linux/arm64", name)
    other.store.tag(Reference.parse(f"{fake.host}/mine/app:1.0"), other.store.resolve(name))
    result = other.docker("push", "--platform", "linux/arm64", f"{fake.host}/mine/app:1.0")
    assert result.code == 0
    assert str(index.digest) not in fake.manifests["mine/app"]
    assert other.docker("inspect", "-f", "{{.Architecture}}", name).output == "arm64\n"


def test_other_platform_of_a_single_image_is_warned_of(shell: Shell, other: Shell, fake: FakeRegistry) -> None:
    """An image without an index comes anyway; Docker says that it does not match."""
    name = f"{fake.host}/org/app:1.0"
    make_image(shell.store, name)
    shell.docker("push", name)
    result = other.docker("pull", "--platform", "linux/arm64", name)
    assert result.code == 0
    assert "but its platform (linux/amd64) does not match the specified platform (linux/arm64)" in result.output


# --- images, tag, rmi ---


def test_images_table(shell: Shell) -> None:
    """Docker's columns; an image shows once for each name."""
    image = make_image(shell.store, "app:1.0")
    shell.store.tag(Reference.parse("localhost:5000/org/app:1.0"), image)
    rows = [re.split(r"\s{2,}", line) for line in shell.docker("images").lines]
    assert rows[0] == ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]
    assert [row[:2] for row in rows[1:]] == [["app", "1.0"], ["localhost:5000/org/app", "1.0"]]
    assert rows[1][2] == shell.store.image_id(image).encoded[:12]


def test_images_of_nothing(shell: Shell) -> None:
    """An empty store is no fault, and is not made by looking."""
    assert shell.docker("images").output == "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n"
    assert not shell.home.exists()


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["-q", "app:1.0"], "{short}\n"),
        (["--no-trunc", "-q"], "{id}\n"),
        (["--format", "{{.Repository}}:{{.Tag}}"], "app:1.0\n"),
        (["--format", "table {{.Repository}}\\t{{.Tag}}"], "REPOSITORY   TAG\napp          1.0\n"),
        (["--format", "{{.Digest}}"], "{digest}\n"),
        (["-f", "reference=ap*", "-q"], "{short}\n"),
        (["-f", "reference=other", "-q"], ""),
        (["-f", "label=colour=blue", "-q"], "{short}\n"),
        (["-f", "label=colour=red", "-q"], ""),
        (["-f", "dangling=true", "-q"], ""),
        (["app", "-q"], "{short}\n"),
        (["app:2", "-q"], ""),
    ],
)
def test_images_shapes(shell: Shell, words: list[str], output: str) -> None:
    """Formats and filters."""
    image = make_image(shell.store, "app:1.0")
    identity = shell.store.image_id(image)
    known = {"{short}": identity.encoded[:12], "{id}": str(identity), "{digest}": str(image.digest)}
    for mark, value in known.items():
        output = output.replace(mark, value)
    assert shell.docker("images", *words).output == output


def test_images_unknown_filter(shell: Shell) -> None:
    """The daemon's words."""
    result = shell.docker("images", "-f", "foo=bar")
    assert (result.code, result.errors) == (1, "Error response from daemon: invalid filter 'foo'\n")


def test_tag_gives_a_second_name(shell: Shell) -> None:
    """By name or by the beginning of an id."""
    image = make_image(shell.store, "app:1.0")
    assert shell.docker("tag", "app:1.0", "ghcr.io/org/app:1").code == 0
    assert shell.docker("tag", shell.store.image_id(image).encoded[:12], "ghcr.io/org/app").code == 0
    assert shell.store.resolve("ghcr.io/org/app:latest").digest == image.digest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nope", "x"], "Error response from daemon: No such image: nope:latest\n"),
        (
            ["app:1.0", "B"],
            f"{NOT_A_NAME}: invalid reference format: repository name (library/B) must be lowercase\n",
        ),
        (["app:1.0", f"b@sha256:{'a' * 64}"], "refusing to create a tag with a digest reference\n"),
    ],
)
def test_tag_refusals(shell: Shell, words: list[str], message: str) -> None:
    """Docker's words for what cannot be named."""
    make_image(shell.store, "app:1.0")
    result = shell.docker("tag", *words)
    assert (result.code, result.errors) == (1, message)


def test_rmi_takes_a_name_away_then_the_image(shell: Shell) -> None:
    """The last name takes the content along."""
    image = make_image(shell.store, "app:1.0")
    shell.docker("tag", "app:1.0", "app:1")
    identity = shell.store.image_id(image)
    assert shell.docker("rmi", "app:1").output == "Untagged: app:1\n"
    assert shell.docker("rmi", "app:1.0").lines[:3] == [
        "Untagged: app:1.0",
        f"Untagged: app@{image.digest}",
        f"Deleted: {identity}",
    ]
    assert shell.docker("images", "-q").output == ""
    assert not shell.store.has(identity)


def test_rmi_by_id_of_several_repositories_must_be_forced(shell: Shell) -> None:
    """Docker will not guess which repository was meant."""
    image = make_image(shell.store, "app:1.0")
    shell.docker("tag", "app:1.0", "other:1")
    short = shell.store.image_id(image).encoded[:12]
    result = shell.docker("rmi", short)
    conflict = f"conflict: unable to delete {short} (must be forced) - image is referenced in multiple repositories"
    assert (result.code, result.errors) == (1, f"Error response from daemon: {conflict}\n")
    assert shell.docker("rmi", "-f", short).code == 0
    assert shell.docker("images", "-q").output == ""


def test_rmi_tries_every_name(shell: Shell) -> None:
    """One that is missing does not keep the others."""
    make_image(shell.store, "app:1.0")
    result = shell.docker("rmi", "nope", "app:1.0")
    assert (result.code, result.errors) == (1, "Error response from daemon: No such image: nope:latest\n")
    assert shell.docker("images", "-q").output == ""


# --- inspect, manifest inspect ---


def test_inspect_document(shell: Shell) -> None:
    """The fields that scripts read."""
    image = make_image(shell.store, "app:1.0")
    (document,) = json.loads(shell.docker("inspect", "app:1.0").output)
    assert document["Id"] == str(shell.store.image_id(image))
    assert document["RepoTags"] == ["app:1.0"]
    assert document["RepoDigests"] == [f"app@{image.digest}"]
    assert document["Config"]["Labels"] == {"colour": "blue"}
    assert document["RootFS"]["Layers"] == [diff_id(b"one"), diff_id(b"two")]
    assert (document["Os"], document["Architecture"]) == ("linux", "amd64")


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ("{{json .Config.Labels}}", '{"colour":"blue"}\n'),
        ("{{.Os}}/{{.Architecture}}", "linux/amd64\n"),
        ("{{range .Config.Env}}{{println .}}{{end}}", "A=b\n\n"),
    ],
)
def test_inspect_format(shell: Shell, template: str, output: str) -> None:
    """A line for each image."""
    make_image(shell.store, "app:1.0")
    assert shell.docker("inspect", "--format", template, "app:1.0").output == output


def test_inspect_what_is_missing(shell: Shell) -> None:
    """What is there is printed, what is not is told, each command in its own words."""
    make_image(shell.store, "app:1.0")
    result = shell.docker("inspect", "app:1.0", "nope")
    assert (result.code, result.errors) == (1, "Error: No such object: nope\n")
    assert len(json.loads(result.output)) == 1
    result = shell.docker("image", "inspect", "nope")
    assert (result.output, result.errors) == ("[]\n", "Error response from daemon: No such image: nope:latest\n")


def test_inspect_template_faults(shell: Shell) -> None:
    """Docker's exit codes: 64 for what cannot be read, 1 for what does not fit."""
    make_image(shell.store, "app:1.0")
    result = shell.docker("inspect", "-f", "{{.Id", "app:1.0")
    assert (result.code, result.errors) == (64, "template parsing error: template: :1: unclosed action\n")
    result = shell.docker("inspect", "-f", "{{.Foo}}", "app:1.0")
    message = 'template parsing error: template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"\n'
    assert (result.code, result.errors) == (1, message)


def test_manifest_inspect(shell: Shell, fake: FakeRegistry) -> None:
    """What the registry has, indented by tabs; verbose adds the platform from the config."""
    name = f"{fake.host}/org/app:1.0"
    image = make_image(shell.store, name)
    shell.docker("push", name)
    shown = shell.docker("manifest", "inspect", name)
    assert json.loads(shown.output) == json.loads(shell.store.read(image.digest))
    assert '\n\t"schemaVersion": 2' in shown.output
    verbose = json.loads(shell.docker("manifest", "inspect", "-v", name).output)
    assert verbose["Descriptor"]["platform"] == {"architecture": "amd64", "os": "linux"}
    missing = shell.docker("manifest", "inspect", f"{fake.host}/org/app:9")
    assert (missing.code, missing.errors) == (1, f"no such manifest: {fake.host}/org/app:9\n")


def test_manifest_inspect_without_the_right(shell: Shell, private: FakeRegistry) -> None:
    """Docker tells which request was refused."""
    private.faults.token_refusal = (403, b'{"errors":[{"code":"DENIED","message":"no"}]}')
    result = shell.docker("manifest", "inspect", f"{private.host}/org/app:1")
    wanted = f'Get "http://{private.host}/v2/org/app/manifests/1": denied: no\n'
    assert (result.code, result.errors) == (1, wanted)


def test_manifest_inspect_of_nobody(shell: Shell) -> None:
    """Docker says at which step it failed."""
    result = shell.docker("manifest", "inspect", "localhost:1/app")
    assert result.errors.startswith("failed to configure transport: error pinging v2 registry: Get ")


# --- build ---


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A folder to build from."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "app.txt").write_text("hello")
    (folder / "Dockerfile").write_text('FROM scratch\nARG WHO=me\nLABEL who=$WHO\nCOPY app.txt /\nCMD ["/app"]\n')
    return folder


def test_build_tells_its_steps(shell: Shell, context: Path) -> None:
    """BuildKit's plain lines, on stderr; the image is named and labelled."""
    result = shell.docker("build", "-t", "app:1.0", "--build-arg", "WHO=you", "--label", "a=b", str(context))
    assert (result.code, result.output) == (0, "")
    lines = result.errors.splitlines()
    assert "#4 [1/1] COPY app.txt /" in lines
    assert re.fullmatch(r"#4 DONE \d+\.\ds", lines[lines.index("#4 [1/1] COPY app.txt /") + 1])
    assert "#5 exporting to image" in lines
    assert "#5 naming to docker.io/library/app:1.0 done" in lines
    assert json.loads(shell.docker("inspect", "-f", "{{json .Config.Labels}}", "app:1.0").output) == {
        "who": "you",
        "a": "b",
    }


def test_build_is_reproducible_on_every_machine(shell: Shell, other: Shell, context: Path) -> None:
    """Same files, same digest; quiet prints the id, iidfile keeps it."""
    identities = set()
    for machine in (shell, other):
        result = machine.docker("build", "-q", "--iidfile", str(context.parent / "id"), str(context))
        assert result.errors == ""
        identities |= {result.output.strip(), (context.parent / "id").read_text()}
        os.utime(context / "app.txt", (1, 1))
    assert len(identities) == 1


def test_build_from_an_image_of_a_registry(shell: Shell, other: Shell, fake: FakeRegistry, context: Path) -> None:
    """A base that is not here is pulled."""
    shell.docker("build", "-t", f"{fake.host}/org/base:1", str(context))
    shell.docker("push", f"{fake.host}/org/base:1")
    (context / "Dockerfile").write_text(f"FROM {fake.host}/org/base:1\nLABEL top=yes\n")
    result = other.docker("build", "-t", "app", str(context))
    assert result.code == 0, result.errors
    assert other.docker("inspect", "-f", "{{json .Config.Labels}}", "app").output == '{"top":"yes","who":"me"}\n'


def test_build_of_an_unreachable_base(shell: Shell, context: Path) -> None:
    """BuildKit's words, with the line of the Dockerfile."""
    (context / "Dockerfile").write_text("FROM localhost:1/base:1\n")
    result = shell.docker("build", str(context))
    assert result.code == 1
    assert "Dockerfile:1\n--------------------\n   1 | >>> FROM localhost:1/base:1\n   2 |     \n" in result.errors
    fault = "localhost:1/base:1: failed to resolve source metadata for localhost:1/base:1"
    assert f"ERROR: failed to build: failed to solve: {fault}" in result.errors
    assert "connect: connection refused" in result.errors


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        (
            "FOO x\n",
            "ERROR: failed to build: failed to solve: dockerfile parse error on line 1: unknown instruction: FOO",
        ),
        ("FROM scratch\nCOPY nofile /\n", '"/nofile": not found'),
        ("FROM scratch\nRUN true\n", "RUN"),
    ],
)
def test_build_failures(shell: Shell, context: Path, dockerfile: str, message: str) -> None:
    """The fault, its line, exit code 1, and nothing left behind."""
    (context / "Dockerfile").write_text(dockerfile)
    result = shell.docker("build", "-t", "app", str(context))
    assert result.code == 1
    assert message in result.errors
    assert " | >>> " in result.errors
    assert shell.docker("images", "-q").output == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nodir"], 'ERROR: failed to build: unable to prepare context: path "nodir" not found\n'),
        (["-t", "A:b", "."], 'ERROR: failed to build: invalid tag "A:b": repository name must be lowercase\n'),
        (["https://github.com/o/r.git"], "labdocker: a build context is a folder or -"),
    ],
)
def test_build_that_cannot_begin(shell: Shell, words: list[str], message: str) -> None:
    """What is wrong with what was typed."""
    result = shell.docker("build", *words)
    assert result.code == 1
    assert result.errors.startswith(message)


def test_build_from_stdin(shell: Shell) -> None:
    """A Dockerfile without a context."""
    result = shell.docker("build", "-t", "app", "-", typed="FROM scratch\nLABEL a=b\n")
    assert result.code == 0, result.errors
    assert shell.docker("inspect", "-f", "{{.Config.Labels.a}}", "app").output == "b\n"


# --- version, info ---


def test_version_says_what_it_is(shell: Shell) -> None:
    """Nobody may take it for Docker's own."""
    assert "labdocker (no daemon" in shell.docker("version").output
    assert "labdocker" in shell.docker("--version").output
    assert shell.docker("version", "--format", "{{.Client.Version}}").output == "28.5\n"


def test_info_says_which_internet(shell: Shell, tmp_path: Path) -> None:
    """The twins by name, or that the real ones are reached."""
    (tmp_path / "internet.json").write_text('{"names": {"ghcr.io": "127.0.0.1:5001"}, "ca": "/ca.crt"}')
    twin = shell.docker("info", LAB_HOME=str(tmp_path)).output
    assert " Lab Internet: twin\n  ghcr.io: 127.0.0.1:5001\n" in twin
    assert " Lab Internet: real\n" in shell.docker("info", LAB_HOME=str(tmp_path), LAB_INTERNET="real").output
    assert shell.docker("info", "-f", "{{.Labdocker.Internet}}", LAB_INTERNET="real").output == "real\n"
