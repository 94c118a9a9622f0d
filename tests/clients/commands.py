"""Every shell command that the course prints in its blocks, and what comes of it in the lab and in Docker's own world.

Data, and the page that is made of it: ``python -m tests.clients.commands > docs/commands.md``. ``test_commands`` types
the rows in the course's order, in one world a side, since later commands build on earlier ones.

A line of a block is a command; continued lines, pipes and ``;`` belong to it, comments do not. Pipelines of the
course's CI files are none, nor is what stands within its sentences.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType

from tests.clients.chapter import PASSWORD, USER
from tests.clients.worlds import GHCR, HOSTED, MINIMAL, PRIVATE, SECRET

OURS = "ours"
SIDES = (OURS, "docker-28", "docker-26")

STANDS_FOR: Mapping[str, str] = MappingProxyType(
    {
        "ghcr.io/yug/": "ghcr.io/<org>/",
        "ghcr.io/org/repo/": "ghcr.io/<org>/<repo>/",
        "[REGISTRY]": "ghcr.io",
        "sha256:deadbeef...": "<digest>",
        "sha256:...": "<digest>",
        "aws ecr get-login-password --region eu-west-3": "echo $AWS_PASSWORD",
        "registry garbage-collect /etc/": "docker exec registry registry garbage-collect /etc/",
    }
)
"""By what the course prints, what is typed; what stands in ``<>`` is the world's own."""

OFFLINE: Mapping[str, str] = MappingProxyType(
    {
        "cosign sign": "cosign sign --yes --tlog-upload=false",
        "cosign verify": "cosign verify --insecure-ignore-tlog=true",
    }
)
"""What the real cosign needs where it reaches no transparency log. The lab's needs nothing."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a command that is typed has to show.

    Attributes:
        says: What it prints, among other things.
        asks: What the registry logs meanwhile, among other things.
        proof: A script that must succeed afterwards.
        code: Its exit code; not 0: it is refused, as the first of ``says`` tells.
    """

    says: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    proof: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True)
class Untyped:
    """A command that is not typed, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A command.

    Attributes:
        section: Of the course.
        command: As it is printed.
        ours: What comes of it with the lab's commands.
        real: What comes of it with Docker's, cosign's and Apache's.
        given: A script for what the course takes for granted, typed before.
        answers: What it asks for at its terminal, and what is typed then; without any it has none.
        registry: Whose log is read.
        remark: What a reader of the page should know.
    """

    section: str
    command: str
    ours: Shown | Untyped
    real: Shown | Untyped
    given: str = ""
    answers: Mapping[str, str] | None = None
    registry: str = ""
    remark: str = ""

    def side(self, name: str) -> Shown | Untyped:
        """What comes of it on one side."""
        return self.ours if name == OURS else self.real

    def line(self, side: str) -> str:
        """What is typed on a side: the printed words, replaced by the two tables."""
        line = self.command
        for printed, typed in {**STANDS_FOR, **({} if side == OURS else OFFLINE)}.items():
            line = line.replace(printed, typed)
        return line


def _alike(section: str, command: str, shown: Shown | Untyped, **more: str) -> Row:
    """A command of which the same comes on both sides."""
    return Row(section, command, shown, shown, **more)


def _login(section: str, command: str, registry: str, user: tuple[str, str], given: str = "") -> Row:
    """At a terminal, as a user with a password."""
    shown = Shown(("Login Succeeded",), ("GET /v2/ 200",))
    answers = dict(zip(("Username:", "Password:"), user, strict=True))
    return Row(section, command, shown, shown, given, answers, registry)


def _tag(section: str, source: str, target: str, given: str = "") -> Row:
    proof = f'test "$(docker image inspect --format ok {_typed(target)})" = ok'
    return _alike(section, f"docker tag {source} {target}", Shown(proof=proof), given=given)


def _push(section: str, name: str, registry: str, given: str = "", options: str = "") -> Row:
    path, tag = _path_and_tag(name)
    says = (f"{tag}: digest: sha256:",) if not options else (_typed(name),)
    shown = Shown(says, (f"PUT /v2/{path}/manifests/{tag} 201",))
    return _alike(section, f"docker push {options}{name}", shown, given=given, registry=registry)


def _pull(section: str, name: str, registry: str) -> Row:
    """What was pushed from here is here: only its name is looked up."""
    path, tag = _path_and_tag(name)
    shown = Shown((f"Status: Image is up to date for {_typed(name)}",), (f"HEAD /v2/{path}/manifests/{tag} 200",))
    return _alike(section, f"docker pull {name}", shown, registry=registry)


def _typed(name: str) -> str:
    """A name as it is typed."""
    for printed, typed in STANDS_FOR.items():
        name = name.replace(printed, typed)
    return name


def _path_and_tag(name: str) -> tuple[str, str]:
    """Repository and tag of a name with a registry."""
    path, _, tag = _typed(name).partition("/")[2].rpartition(":")
    return path, tag


def _sign(section: str, name: str, registry: str, given: str = "") -> Row:
    """The signature is put under a tag of its own."""
    asks = (f"PUT /v2/{_path_and_tag(name)[0]}/manifests/sha256-*.sig 201",)
    shown = Shown(("Pushing signature to: ",), asks)
    return _alike(section, f"cosign sign --key cosign.key {name}", shown, given=given, registry=registry)


def _verify(section: str, name: str, registry: str) -> Row:
    """It is looked for there."""
    says = ("The signatures were verified against the specified public key", '"docker-manifest-digest":"sha256:')
    asks = (f"GET /v2/{_path_and_tag(name)[0]}/manifests/sha256-*.sig 200",)
    return _alike(section, f"cosign verify --key cosign.pub {name}", Shown(says, asks), registry=registry)


_TO_GHCR = "echo $GHCR_PAT | docker login ghcr.io -u <github_user> --password-stdin"
_BUILD = "echo again >>greeting.txt && docker build --quiet -t {} ."
"""What is there already is not pushed a second time; one registry answers to the names of all clouds."""
_HOSTS_OWN = "a hosted service's own program and account, not to be had offline"
_TOKEN_LOGIN = "echo $CLOUD_TOKEN | docker login {} --username {} --password-stdin"
_KNOWN = Shown(("Authenticating with existing credentials", "Login Succeeded"), ("GET /v2/ 200",))
_SPDX = Shown(("ERROR: invalid value spdx",), code=1)
_SPDX_REMARK = (
    "buildx has no such value: `--sbom=true`. The lab's builds have no SBOM and one platform yet, and say so by name."
)
_IN_USE = "docker buildx ls | grep -q '^multi[*]'"
_IN_CONTAINER = "Typed in the registry's container, where the program is: `docker exec registry …`."
_RUN = Shown(proof="until docker logs registry 2>&1 | grep -q 'listening on'; do sleep 0.1; done")
_SIGNED = Shown(("Pushing signature to: ",))
_VERIFIED = Shown(
    ("The signatures were verified against the specified public key", '"docker-manifest-digest":"sha256:')
)
_ATTEST = (
    "cosign attest --yes --tlog-upload=false --key cosign.key --predicate provenance.json --type slsaprovenance "
    "ghcr.io/<org>/myapp:1.2.3"
)
_COLLECTED = Shown(("alpine: marking manifest sha256:", "blobs marked, 0 blobs and 0 manifests eligible for deletion"))
_STACK_UP = (
    "docker compose up -d\n"
    "for words in 'listening on' 'start worker process'; do\n"
    '    until docker compose logs | grep -q "$words"; do sleep 0.1; done\n'
    "done"
)

ROWS: tuple[Row, ...] = (
    _login("2.1", "docker login", HOSTED, ("zoe", SECRET)),
    _login("2.1", "docker login ghcr.io", GHCR, ("<github_user>", "<token>")),
    _login("2.1", "docker login registry.gitlab.com", HOSTED, ("gitlab-ci-token", SECRET)),
    _alike(
        "2.1",
        "docker logout ghcr.io",
        Shown(("Removing login credentials for ghcr.io",), proof="! grep -q ghcr.io $DOCKER_CONFIG/config.json"),
    ),
    _alike(
        "3.1",
        "docker build -t myapp:1.2.3 .",
        Shown(
            ("[1/1] COPY greeting.txt /greeting.txt", "naming to docker.io/library/myapp:1.2.3"),
            proof="test \"$(docker image inspect --format '{{len .RootFS.Layers}}' myapp:1.2.3)\" = 1",
        ),
    ),
    *(_tag("3.1", "myapp:1.2.3", f"ghcr.io/yug/myapp:{tag}") for tag in ("1.2.3", "1.2", "1", "latest")),
    _push("3.2", "ghcr.io/yug/myapp:1.2.3", GHCR, given=_TO_GHCR),
    _pull("3.2", "ghcr.io/yug/myapp:1.2.3", GHCR),
    _alike(
        "3.2",
        "docker pull ghcr.io/yug/myapp@sha256:deadbeef...",
        Shown(("Digest: <digest>",), proof="docker image inspect ghcr.io/<org>/myapp@<digest>"),
    ),
    _alike(
        "4",
        "docker pull --platform linux/amd64 node:20",
        Shown(("Status: Downloaded newer image for node:20",), ("HEAD /v2/library/node/manifests/20 200",)),
        registry=HOSTED,
    ),
    _alike(
        "4",
        "docker pull --all-tags ubuntu",
        Shown(
            ("22.04: Pulling from library/ubuntu", "24.04: Pulling from library/ubuntu"),
            ("GET /v2/library/ubuntu/tags/list 200", "HEAD /v2/library/ubuntu/manifests/24.04 200"),
        ),
        registry=HOSTED,
    ),
    _alike(
        "4",
        "docker pull --quiet alpine",
        Shown(("docker.io/library/alpine:latest\n",), ("HEAD /v2/library/alpine/manifests/latest 200",)),
        registry=HOSTED,
    ),
    _push("4", "ghcr.io/yug/myapp:1.2.3", GHCR, given=_BUILD.format("ghcr.io/<org>/myapp:1.2.3"), options="--quiet "),
    _alike("5.1", "docker login", _KNOWN, registry=HOSTED, remark="Logged in since §2.1."),
    _alike(
        "5.2",
        "echo $GHCR_PAT | docker login ghcr.io -u <github_user> --password-stdin",
        Shown(("Login Succeeded",), ("GET /token 200",), "grep -q ghcr.io $DOCKER_CONFIG/config.json"),
        registry=GHCR,
    ),
    _tag("5.2", "myapp", "ghcr.io/<org>/<repo>/myapp:1.0", given="docker tag myapp:1.2.3 myapp"),
    _push("5.2", "ghcr.io/<org>/<repo>/myapp:1.0", GHCR),
    _alike(
        "5.3",
        'docker login -u gitlab-ci-token -p "$CI_JOB_TOKEN" registry.gitlab.com',
        Shown(("WARNING! Using --password via the CLI is insecure. Use --password-stdin.", "Login Succeeded")),
        registry=HOSTED,
    ),
    _push(
        "5.3",
        "registry.gitlab.com/<group>/<project>/myapp:1.0",
        HOSTED,
        given="docker tag myapp:1.2.3 registry.gitlab.com/<group>/<project>/myapp:1.0",
    ),
    _alike(
        "5.4",
        "aws ecr get-login-password --region eu-west-3 \\\n"
        "| docker login --username AWS --password-stdin <acct>.dkr.ecr.eu-west-3.amazonaws.com",
        Shown(("Login Succeeded",), ("GET /v2/ 200",)),
        registry=HOSTED,
        remark=f"aws is {_HOSTS_OWN}: `echo` gives the password in its place.",
    ),
    _tag(
        "5.4",
        "myapp:1.0",
        "<acct>.dkr.ecr.eu-west-3.amazonaws.com/myapp:1.0",
        given="docker tag myapp:1.2.3 myapp:1.0",
    ),
    _push("5.4", "<acct>.dkr.ecr.eu-west-3.amazonaws.com/myapp:1.0", HOSTED),
    _alike("5.5", "gcloud auth configure-docker europe-docker.pkg.dev", Untyped(f"gcloud is {_HOSTS_OWN}")),
    _tag("5.5", "myapp:1.0", "europe-docker.pkg.dev/<proj>/<repo>/myapp:1.0"),
    _push(
        "5.5",
        "europe-docker.pkg.dev/<proj>/<repo>/myapp:1.0",
        HOSTED,
        given=_TOKEN_LOGIN.format("europe-docker.pkg.dev", "oauth2accesstoken"),
    ),
    _alike("5.6", "az acr login -n <registryName>", Untyped(f"az is {_HOSTS_OWN}")),
    _tag("5.6", "myapp:1.0", "<registryName>.azurecr.io/myapp:1.0", given=_BUILD.format("myapp:1.0")),
    _push(
        "5.6",
        "<registryName>.azurecr.io/myapp:1.0",
        HOSTED,
        given=_TOKEN_LOGIN.format("<registryName>.azurecr.io", "00000000-0000-0000-0000-000000000000"),
    ),
    _alike("6", "docker buildx create --use --name multi", Shown(("multi\n",), proof=_IN_USE)),
    Row(
        "6",
        "docker buildx inspect --bootstrap",
        Shown(("Driver: labdocker\n", "Endpoint:  labdocker\n", "Platforms: linux/amd64, linux/arm64\n")),
        Shown(("pulling image moby/buildkit:buildx-stable-1", "not found"), code=1),
        remark="Docker's builder is an image of Docker Hub, not to be had offline; the lab's is there already.",
    ),
    _alike(
        "6",
        "docker buildx build \\\n"
        "  --platform linux/amd64,linux/arm64 \\\n"
        "  -t ghcr.io/yug/myapp:1.2.3 \\\n"
        "  --provenance=mode=max \\\n"
        "  --sbom=spdx \\\n"
        "  --push .",
        _SPDX,
        remark=_SPDX_REMARK,
    ),
    _alike(
        "7.1",
        "cosign generate-key-pair",
        Shown(("Private key written to cosign.key", "Public key written to cosign.pub")),
    ),
    _sign("7.1", "ghcr.io/yug/myapp:1.2.3", GHCR),
    _verify("7.1", "ghcr.io/yug/myapp:1.2.3", GHCR),
    Row(
        "7.2",
        "cosign attest --predicate provenance.json --type slsaprovenance ghcr.io/yug/myapp:1.2.3",
        Shown(("labcosign: to sign without a key (keyless), cosign asks Fulcio",), proof=_ATTEST, code=1),
        Shown(("getting key from Fulcio",), proof=_ATTEST, code=1),
        remark="Keyless without a key, with services that nobody reaches offline; with `--key cosign.key` it runs.",
    ),
    _alike("8.1", "docker run -d --name registry -p 5000:5000 registry:2", _RUN),
    _tag("8.1", "alpine:3.20", "localhost:5000/alpine:3.20", given="docker pull alpine:3.20"),
    _push("8.1", "localhost:5000/alpine:3.20", MINIMAL),
    _pull("8.1", "localhost:5000/alpine:3.20", MINIMAL),
    _alike(
        "8.2",
        f"htpasswd -Bbc auth/htpasswd {USER} '{PASSWORD}'",
        Shown((f"Adding password for user {USER}",), proof=f"grep -q '^{USER}:[$]2y[$]' auth/htpasswd"),
    ),
    _login("8.2", "docker login registry.example.com", PRIVATE, (USER, PASSWORD), given=_STACK_UP),
    _tag("8.2", "myapp:1.0", "registry.example.com/myproj/myapp:1.0"),
    _push("8.2", "registry.example.com/myproj/myapp:1.0", PRIVATE),
    _alike("8.5", "registry garbage-collect /etc/docker/registry/config.yml", _COLLECTED, remark=_IN_CONTAINER),
    _alike(
        "14",
        "docker login [REGISTRY] ; docker logout [REGISTRY]",
        Shown(("Login Succeeded", "Removing login credentials for ghcr.io"), ("GET /token 200",)),
        registry=GHCR,
    ),
    _tag("14", "src:1.0", "ghcr.io/org/repo/app:1.0", given="docker tag myapp:1.0 src:1.0"),
    _push("14", "ghcr.io/org/repo/app:1.0", GHCR, given=_TO_GHCR),
    _alike(
        "14",
        "docker pull ghcr.io/org/repo/app@sha256:...",
        Shown(("Digest: <digest>",), proof="docker image inspect ghcr.io/<org>/<repo>/app@<digest>"),
    ),
    _alike(
        "14",
        "docker buildx build --platform linux/amd64,linux/arm64 \\\n"
        "  -t registry.example.com/app:1.0 --provenance=mode=max --sbom=spdx --push .",
        _SPDX,
        remark=_SPDX_REMARK,
    ),
    _sign(
        "14",
        "registry.example.com/app:1.0",
        PRIVATE,
        given="docker tag myapp:1.0 registry.example.com/app:1.0 && docker push registry.example.com/app:1.0",
    ),
    _verify("14", "registry.example.com/app:1.0", PRIVATE),
    _alike("14", "docker run -d -p 5000:5000 --name registry registry:2", _RUN, given="docker rm -f registry"),
    _tag("14", "alpine:3.20", "localhost:5000/alpine:3.20"),
    _push("14", "localhost:5000/alpine:3.20", MINIMAL),
    _alike("14", "registry garbage-collect /etc/docker/registry/config.yml", _COLLECTED, remark=_IN_CONTAINER),
)
"""In the course's order."""


def by_id() -> dict[str, Row]:
    """The rows by section and place in it: ``3.1-2``."""
    numbered = (enumerate(rows, 1) for _, rows in groupby(ROWS, lambda row: row.section))
    return {f"{row.section}-{number}": row for rows in numbered for number, row in rows}


_HEAD = """# The course's commands

The course prints 58 shell commands in its blocks, counted by lines: continued lines, pipes and `;` belong to theirs.
`tests/clients/test_commands.py` types them all, in order, in `labstack shell` and beside it with Docker 28 and 26,
cosign 2.5 and Apache's htpasswd, and asks what was printed and what the registry logged. There the names of the hosted
registries lead to the GHCR twin and, where there is no twin yet, to a registry with passwords.

This page is made of the tests' table: `python -m tests.clients.commands > docs/commands.md`.

| § | command | in the lab | real programs | remark |
|---|---|---|---|---|
"""
_FOOT = """
What is typed for what is printed, placeholders in `<>` aside:

| printed | typed |
|---|---|
"""


def render() -> str:
    """The page."""
    rows = [(row.section, _code(row.command), _cell(row.ours), _cell(row.real), row.remark) for row in ROWS]
    replaced = [(_code(printed), _code(typed)) for printed, typed in STANDS_FOR.items()]
    offline = [(_code(printed), f"{_code(typed)} (real programs only)") for printed, typed in OFFLINE.items()]
    return f"{_HEAD}{_table(rows)}{_FOOT}{_table([*replaced, *offline])}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _code(text: str) -> str:
    """A command on one line; a pipe would end its cell."""
    return f"`{' '.join(text.replace(chr(92), '').split())}`".replace("|", "\\|")


def _cell(shown: Shown | Untyped) -> str:
    match shown:
        case Untyped(reason):
            return f"not typed: {reason}"
        case Shown(code=0):
            return "runs"
        case Shown(says=says):
            return f"refused: {_code(says[0])}"


if __name__ == "__main__":
    sys.stdout.write(render())
