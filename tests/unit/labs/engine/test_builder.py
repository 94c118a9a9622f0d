"""``docker build`` without a daemon: what an image holds, that it is the same again, and what is refused how."""

import errno
import io
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labs.engine.builder import build
from labs.engine.layout import ImageStore, ImageUnknown
from labs.engine.platforms import parse_platform
from labs.engine.reference import Reference
from labs.engine.stage import BuildError
from pyregistry.spec.descriptor import Descriptor, Platform
from pyregistry.spec.digest import Digest
from tests.tools import require

APP = Reference.parse("ghcr.io/o/r/app:1.0")


class Transcript:
    """Hears a build, and remembers."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.cached: list[str] = []
        self.notes: list[str] = []
        self.warnings: list[tuple[str, int | None]] = []

    def begin(self, step: str) -> None:
        """Remember the step."""
        self.steps.append(step)

    def note(self, text: str) -> None:
        """Remember the note."""
        self.notes.append(text)

    def end(self, *, cached: bool = False) -> None:
        """Remember what was cached."""
        if cached:
            self.cached.append(self.steps[-1])

    def warn(self, message: str, line: int | None = None) -> None:
        """Remember the warning."""
        self.warnings.append((message, line))


class Bench:
    """A context and a store."""

    def __init__(self, folder: Path) -> None:
        self.context = folder / "context"
        self.context.mkdir()
        self.store = ImageStore(folder / "engine" / "images")
        self.progress = Transcript()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Put files into the context."""
        for name, content in files.items():
            path = self.context / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            path.chmod(0o644)
        for path in self.context.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)

    def build(self, dockerfile: str, **options: Any) -> Descriptor:
        """Build from this Dockerfile."""
        path = self.context.parent / "Dockerfile"
        path.write_text(dockerfile, encoding="utf-8")
        return build(self.context, path, store=self.store, progress=self.progress, **options)

    def config(self, dockerfile: str, **options: Any) -> dict[str, Any]:
        """The runtime config of an image built from this Dockerfile."""
        config: dict[str, Any] = self.store.config(self.build(dockerfile, **options))["config"]
        return config

    def layers(self, dockerfile: str, **options: Any) -> list[dict[str, tarfile.TarInfo]]:
        """Each layer's members by name."""
        manifest = self.store.manifest(self.build(dockerfile, **options))
        return [{member.name: member for member in self._open(layer)} for layer in manifest.layers]

    def contents(self, dockerfile: str, **options: Any) -> dict[str, bytes]:
        """Every regular file of all layers; a later layer's wins."""
        found = {}
        for layer in self.store.manifest(self.build(dockerfile, **options)).layers:
            archive = self._open(layer)
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() or member.islnk() else None
                if stream is not None:
                    found[member.name] = stream.read()
        return found

    def refusal(self, dockerfile: str, **options: Any) -> BuildError:
        """What the build is refused with."""
        with pytest.raises(BuildError) as refusal:
            self.build(dockerfile, **options)
        return refusal.value

    def _open(self, layer: Descriptor) -> tarfile.TarFile:
        return tarfile.open(fileobj=io.BytesIO(self.store.read(layer.digest)), mode="r:gz")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty context and an empty store."""
    return Bench(tmp_path)


# --- config ---


def test_every_instruction_lands_in_the_config(bench: Bench) -> None:
    """The names are the image-spec's, the values BuildKit's."""
    config = bench.config(
        "FROM scratch\n"
        "ENV A=1 B='two words'\n"
        'LABEL a=b "c d"=e\n'
        "WORKDIR /srv\n"
        "WORKDIR app\n"
        "USER 1000:1000\n"
        "EXPOSE 80 8000-8001/udp\n"
        "VOLUME /data\n"
        "STOPSIGNAL SIGQUIT\n"
        'ENTRYPOINT ["/app"]\n'
        'CMD ["-x"]\n'
        'HEALTHCHECK --interval=1m30s --retries=3 CMD ["/app", "check"]\n'
        'SHELL ["/bin/ash", "-c"]\n'
    )
    assert config == {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=1", "B=two words"],
        "Labels": {"a": "b", "c d": "e"},
        "WorkingDir": "/srv/app",
        "User": "1000:1000",
        "ExposedPorts": {"80/tcp": {}, "8000/udp": {}, "8001/udp": {}},
        "Volumes": {"/data": {}},
        "StopSignal": "SIGQUIT",
        "Entrypoint": ["/app"],
        "Cmd": ["-x"],
        "Healthcheck": {"Test": ["CMD", "/app", "check"], "Interval": 90 * 10**9, "Retries": 3},
        "Shell": ["/bin/ash", "-c"],
    }


def test_the_shell_form_is_wrapped_and_advised_against(bench: Bench) -> None:
    """In /bin/sh -c, or in what SHELL says."""
    text = 'FROM scratch\nCMD echo hi\nSHELL ["/ash", "-e"]\nENTRYPOINT run it\nHEALTHCHECK CMD ok\n'
    config = bench.config(text)
    assert config["Cmd"] == ["/bin/sh", "-c", "echo hi"]
    assert config["Entrypoint"] == ["/ash", "-e", "run it"]
    assert config["Healthcheck"] == {"Test": ["CMD-SHELL", "ok"]}
    assert [(message.split(":")[0], line) for message, line in bench.progress.warnings] == [("JSONArgsRecommended", 2)]


def test_a_new_entrypoint_drops_the_bases_command_only(bench: Bench) -> None:
    """A CMD of the same stage stays, wherever it stands."""
    base = 'FROM scratch AS base\nCMD ["old"]\nFROM base\n'
    assert "Cmd" not in bench.config(base + 'ENTRYPOINT ["/app"]\n')
    assert bench.config(base + 'CMD ["new"]\nENTRYPOINT ["/app"]\n')["Cmd"] == ["new"]


def test_arguments_come_from_the_command_line_then_the_default_then_the_top(bench: Bench) -> None:
    """And are not in the image's environment."""
    text = "ARG TOP=t\nARG V=top\nFROM scratch\nARG TOP\nARG V=stage\nARG NONE\nLABEL x=$TOP-$V-$NONE-$UNDECLARED\n"
    assert bench.config(text)["Labels"] == {"x": "t-stage--"}
    config = bench.config(text, build_args={"V": "told", "UNDECLARED": "no"})
    assert config["Labels"] == {"x": "t-told--"}
    assert len(config["Env"]) == 1
    assert bench.progress.warnings == [("[Warning] One or more build-args [UNDECLARED] were not consumed", None)]


def test_a_line_sees_the_variables_before_it(bench: Bench) -> None:
    """All pairs of one ENV are filled in with the values from before that ENV."""
    assert bench.config("FROM scratch\nENV A=1\nENV A=2 B=$A\nENV C=${B}${D:-d}\n")["Env"][1:] == ["A=2", "B=1", "C=1d"]


def test_platform_arguments_and_the_config_follow_the_platform(bench: Bench) -> None:
    """TARGETARCH in a stage needs its ARG; in FROM it does not."""
    bench.write({"app-arm64": "arm", "app-amd64": "amd"})
    text = (
        "FROM scratch AS for-arm64\nFROM scratch AS for-amd64\n"
        "FROM for-$TARGETARCH\nARG TARGETARCH\nARG TARGETPLATFORM\n"
        "COPY app-$TARGETARCH /app\nLABEL p=$TARGETPLATFORM\n"
    )
    descriptor = bench.build(text, platform=parse_platform("linux/arm64"))
    config = bench.store.config(descriptor)
    assert (config["architecture"], config["os"], config["config"]["Labels"]) == (
        "arm64",
        "linux",
        {"p": "linux/arm64"},
    )
    assert descriptor.platform == Platform("arm64", "linux")
    assert config["history"][-2]["created_by"] == "COPY app-arm64 /app"


def test_labels_of_the_command_line_win(bench: Bench) -> None:
    """``--label`` over LABEL; no labels, no empty object."""
    assert bench.config("FROM scratch\nLABEL a=1 b=2\n", labels={"a": "x"})["Labels"] == {"a": "x", "b": "2"}
    assert "Labels" not in bench.config("FROM scratch\n")


def test_history_and_layers_agree(bench: Bench) -> None:
    """As many entries without ``empty_layer`` as layers, each saying what it did and when."""
    bench.write({"a": "a"})
    document = bench.store.config(bench.build('FROM scratch\nENV A=1\nWORKDIR /w\nCOPY --chmod=600 a $A\nCMD ["x"]\n'))
    told = [(row["created_by"], row.get("empty_layer", False)) for row in document["history"]]
    assert told == [("ENV A=1", True), ("WORKDIR /w", False), ("COPY --chmod=600 a 1", False), ('CMD ["x"]', True)]
    assert len(document["rootfs"]["diff_ids"]) == 2
    assert {row["created"] for row in document["history"]} == {document["created"]} == {"1970-01-01T00:00:00Z"}


def test_source_date_epoch_sets_every_time(bench: Bench) -> None:
    """Config, history and files."""
    bench.write({"a": "a"})
    options = {"build_args": {"SOURCE_DATE_EPOCH": "1700000000"}}
    assert bench.store.config(bench.build("FROM scratch\nCOPY a /\n", **options))["created"] == "2023-11-14T22:13:20Z"
    assert bench.layers("FROM scratch\nCOPY a /\n", **options)[0]["a"].mtime == 1_700_000_000
    assert "SOURCE_DATE_EPOCH: soon" in str(bench.refusal("FROM scratch\n", build_args={"SOURCE_DATE_EPOCH": "soon"}))


def test_maintainer_is_done_and_advised_against(bench: Bench) -> None:
    """The author is in the config, the advice is BuildKit's."""
    assert bench.store.config(bench.build("FROM scratch\nMAINTAINER Ada\n"))["author"] == "Ada"
    advice = "MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label"
    assert bench.progress.warnings == [(advice, 2)]


# --- COPY ---


@pytest.mark.parametrize(
    ("copy", "names"),
    [
        ("COPY a.txt /", ["a.txt"]),
        ("COPY a.txt /new", ["new"]),
        ("COPY a.txt /new/", ["new", "new/a.txt"]),
        ("COPY a.txt ./deep/er/x", ["deep", "deep/er", "deep/er/x"]),
        ("COPY a.txt b.txt /d/", ["d", "d/a.txt", "d/b.txt"]),
        ("COPY *.txt /d/", ["d", "d/a.txt", "d/b.txt"]),
        ("COPY ?.txt /", ["a.txt", "b.txt"]),
        ("COPY d*/i* /", ["in"]),
        ("COPY *.none /", []),
        ("COPY dir /", ["in", "sub", "sub/deep"]),
        ("COPY dir /dir", ["dir", "dir/in", "dir/sub", "dir/sub/deep"]),
        ("COPY dir/ /x/", ["x", "x/in", "x/sub", "x/sub/deep"]),
        ("COPY dir/sub/deep .", ["deep"]),
        ('COPY ["a b.md", "/x y"]', ["x y"]),
        ("COPY ./dir/../a.txt /", ["a.txt"]),
        ("COPY /a.txt /", ["a.txt"]),
    ],
)
def test_copy_puts_files_where_docker_puts_them(bench: Bench, copy: str, names: list[str]) -> None:
    """A folder's content goes into the destination; a slash at the end, or a folder that is there, takes files in."""
    bench.write({"a.txt": "a", "b.txt": "b", "a b.md": "c", "dir/in": "d", "dir/sub/deep": "e"})
    (members,) = bench.layers(f"FROM scratch\n{copy}\n")
    assert list(members) == names


def test_copy_into_a_folder_that_an_earlier_layer_made(bench: Bench) -> None:
    """Without a slash it is taken for what it is."""
    bench.write({"a.txt": "a"})
    layers = bench.layers("FROM scratch\nWORKDIR /srv/app\nCOPY a.txt /srv/app\nWORKDIR /srv\nCOPY a.txt app/b.txt\n")
    assert [list(members) for members in layers] == [
        ["srv", "srv/app"],
        ["srv", "srv/app", "srv/app/a.txt"],
        ["srv", "srv/app", "srv/app/b.txt"],
    ]


def test_modes_owners_and_links_are_kept(bench: Bench) -> None:
    """Modes as on disk, root as owner, links as links, two names of a file as hard links."""
    bench.write({"run": "x", "one": "same"})
    (bench.context / "run").chmod(0o750)
    (bench.context / "link").symlink_to("run")
    (bench.context / "broken").symlink_to("/nowhere")
    os.link(bench.context / "one", bench.context / "two")
    (members,) = bench.layers("FROM scratch\nCOPY . /\n")
    assert members["run"].mode == 0o750
    assert (members["link"].issym(), members["link"].linkname) == (True, "run")
    assert members["broken"].linkname == "/nowhere"
    assert (members["two"].islnk(), members["two"].linkname) == (True, "one")
    assert {(member.uid, member.gid, member.mtime) for member in members.values()} == {(0, 0, 0)}


def test_a_link_that_is_named_is_followed_inside_the_context(bench: Bench) -> None:
    """Its file is copied; one that leads out leads to nothing."""
    bench.write({"real": "content"})
    (bench.context / "link").symlink_to("/real")
    (bench.context / "out").symlink_to("../../etc/passwd")
    assert bench.contents("FROM scratch\nCOPY link /x\n") == {"x": b"content"}
    assert '"/out": not found' in str(bench.refusal("FROM scratch\nCOPY out /x\n"))


def test_chown_and_chmod(bench: Bench) -> None:
    """Numbers as they are (a user alone is its own group), names by the image's own files; folders made, too."""
    bench.write({"etc/passwd": "app:x:100:101::/:\n", "etc/group": "web:x:33:\n", "f": "f"})
    text = "FROM scratch\nCOPY etc /etc\n"
    for flag, owner in {"7": (7, 7), "7:8": (7, 8), "app": (100, 101), "app:web": (100, 33), "7:web": (7, 33)}.items():
        members = bench.layers(f"{text}COPY --chown={flag} --chmod=0640 f /new/f\n")[-1]
        assert {(member.uid, member.gid) for member in members.values()} == {owner}
        assert members["new/f"].mode == 0o640
    fault = "unable to find user nobody: no matching entries in passwd file"
    assert str(bench.refusal(f"{text}COPY --chown=nobody f /\n")) == fault


def test_chmod_leaves_links_alone(bench: Bench) -> None:
    """A link has no mode of its own."""
    bench.write({"f": "f"})
    (bench.context / "link").symlink_to("f")
    (members,) = bench.layers("FROM scratch\nCOPY --chmod=600 . /\n")
    assert (members["f"].mode, members["link"].mode) == (0o600, 0o777)


def test_the_user_owns_the_folder_that_workdir_makes(bench: Bench) -> None:
    """As BuildKit has it."""
    (members,) = bench.layers("FROM scratch\nUSER 5\nWORKDIR /a/b\n")
    assert {name: member.uid for name, member in members.items()} == {"a": 5, "a/b": 5}


def test_dockerignore_keeps_files_out(bench: Bench) -> None:
    """Of everything; a COPY that names one is warned about and fails as if it were not there."""
    bench.write({".dockerignore": "secret*\nbuild\n!build/keep\n", "secret.txt": "s", "a": "a"})
    bench.write({"build/x": "x", "build/keep": "k"})
    assert set(bench.contents("FROM scratch\nCOPY . /\n")) == {".dockerignore", "a", "build/keep"}
    refusal = bench.refusal("FROM scratch\nCOPY secret.txt /\n")
    assert str(refusal).endswith('"/secret.txt": not found')
    advice = 'CopyIgnoredFile: Attempting to Copy file "secret.txt" that is excluded by .dockerignore'
    assert bench.progress.warnings == [(advice, 2)]


def test_a_dockerfiles_own_ignore_file_wins(bench: Bench) -> None:
    """``Dockerfile.dockerignore`` beside it, before ``.dockerignore``."""
    bench.write({".dockerignore": "a\n", "a": "a", "b": "b"})
    (bench.context.parent / "Dockerfile.dockerignore").write_text("b\n.dockerignore\n", encoding="utf-8")
    assert set(bench.contents("FROM scratch\nCOPY . /\n")) == {"a"}


# --- ADD ---


def make_tar(rows: Mapping[str, bytes | tuple[bytes, str]], mode: str = "w:gz") -> bytes:
    """An archive of files, and of (type, target) links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]  # mode is a parameter
        for name, row in rows.items():
            member = tarfile.TarInfo(name)
            member.uid, member.gid, member.mtime = 3, 4, 99
            if isinstance(row, bytes):
                member.size = len(row)
                archive.addfile(member, io.BytesIO(row))
            else:
                member.type, member.linkname = row
                archive.addfile(member)
    return buffer.getvalue()


def test_add_unpacks_archives_and_copy_does_not(bench: Bench) -> None:
    """Whatever their name; owners stay, times do not; other files are copied as they are."""
    bench.write({"data": make_tar({"x/y": b"in", "hard": (tarfile.LNKTYPE, "x/y")}), "plain.txt": "p"})
    (members,) = bench.layers("FROM scratch\nADD data plain.txt /d/\n")
    assert list(members) == ["d", "d/hard", "d/plain.txt", "d/x", "d/x/y"]
    assert (members["d/x/y"].linkname, members["d/x/y"].islnk()) == ("d/hard", True)
    assert (members["d/hard"].uid, members["d/hard"].gid, members["d/hard"].mtime) == (3, 4, 0)
    assert list(bench.contents("FROM scratch\nCOPY data /d/\n")) == ["d/data"]


@pytest.mark.parametrize(
    "rows",
    [
        {"../evil": b"x"},
        {"a/../../evil": b"x"},
        {"link": (tarfile.SYMTYPE, "../../etc")},
        {"f": b"x", "hard": (tarfile.LNKTYPE, "../f")},
    ],
)
def test_an_archive_that_reaches_out_is_refused(bench: Bench, rows: dict[str, bytes | tuple[bytes, str]]) -> None:
    """By name, link or hard link."""
    bench.write({"evil.tar": make_tar(rows, "w")})
    assert 'is outside of "/d"' in str(bench.refusal("FROM scratch\nADD evil.tar /d/\n"))


# --- stages and base images ---


def test_files_are_copied_between_stages(bench: Bench) -> None:
    """By name or number, from any folder, owners kept; a stage that nobody needs is not built."""
    bench.write({"a": "from a"})
    text = (
        "FROM scratch AS one\nCOPY --chown=9:9 a /out/file\n"
        "FROM nowhere.example/never AS unused\nRUN something\n"
        "FROM scratch\nCOPY --from=one /out /x\nCOPY --from=0 /out/file /y\n"
    )
    assert bench.contents(text) == {"x/file": b"from a", "y": b"from a"}
    assert [step for step in bench.progress.steps if not step.startswith("[internal]")] == [
        "[one 1/1] COPY --chown=9:9 a /out/file",
        "[stage-2 1/2] COPY --from=one /out /x",
        "[stage-2 2/2] COPY --from=0 /out/file /y",
        "exporting to image",
    ]
    assert {member.uid for member in bench.layers(text)[1].values()} == {9}


def test_the_target_is_where_the_build_stops(bench: Bench) -> None:
    """By name in either case, or number."""
    text = "FROM scratch AS one\nLABEL s=1\nFROM one AS two\nLABEL s=2\nFROM two\nLABEL s=3\n"
    targets = {"": "3", "one": "1", "TWO": "2", "0": "1"}
    assert {target: bench.config(text, target=target)["Labels"]["s"] for target in targets} == targets
    fault = 'target stage "tow" could not be found (did you mean two?)'
    assert str(bench.refusal(text, target="tow")) == fault


def test_an_image_of_the_store_can_be_built_on(bench: Bench) -> None:
    """Its layers, config and history come first; its files decide where COPY goes."""
    bench.write({"etc/conf": "1", "f": "f"})
    base = bench.build('FROM scratch\nCOPY etc /etc\nENV A=base\nCMD ["x"]\n', tags=[Reference.parse("mybase")])
    image = bench.build("FROM mybase\nCOPY f /etc\nLABEL a=$A\n")
    manifest, config = bench.store.manifest(image), bench.store.config(image)
    assert manifest.layers[:1] == bench.store.manifest(base).layers
    assert [row["created_by"] for row in config["history"]][:3] == ["COPY etc /etc", "ENV A=base", 'CMD ["x"]']
    assert (config["config"]["Labels"], config["config"]["Cmd"]) == ({"a": "base"}, ["x"])
    assert f"[1/2] FROM docker.io/library/mybase:latest@{base.digest}" in bench.progress.steps
    assert set(bench.contents("FROM mybase\nCOPY f /etc\n")) == {"etc/conf", "etc/f"}
    assert bench.contents("FROM scratch\nCOPY --from=mybase /etc/conf /\n") == {"conf": b"1"}


def test_stages_do_not_change_the_stage_they_stand_on(bench: Bench) -> None:
    """Two stages from one: what the first does, config and files, the second does not see."""
    bench.write({"a": "a"})
    text = "FROM scratch AS base\nLABEL s=0\nFROM base AS other\nLABEL s=1 t=1\nCOPY a /dir/\nFROM base\n"
    assert bench.config(f"{text}COPY --from=other /dir /x\n")["Labels"] == {"s": "0"}
    assert list(bench.contents(f"{text}COPY --from=other /dir /x\nCOPY a /dir\n")) == ["x/a", "dir"]


def test_the_images_platform_is_the_one_asked_for(bench: Bench) -> None:
    """Whatever the base is for, as cross-builds need it; a base that does not fit is warned about."""
    arm64, amd64 = parse_platform("linux/arm64"), parse_platform("linux/amd64")
    bench.build("FROM scratch\nENV A=1\n", platform=arm64, tags=[Reference.parse("base")])
    image = bench.build("FROM --platform=linux/arm64 base\n", platform=amd64)
    assert bench.store.config(image)["architecture"] == "amd64"
    assert bench.progress.warnings == []
    bench.build("FROM base\n", platform=amd64)
    advice = (
        'InvalidBaseImagePlatform: Base image base was pulled with platform "linux/arm64", '
        'expected "linux/amd64" for current build'
    )
    assert bench.progress.warnings == [(advice, 1)]


def test_a_missing_base_is_pulled_for_the_platform(bench: Bench) -> None:
    """The caller's pull is asked once for an image, with what the stage wants."""
    asked: list[tuple[str, str]] = []

    def pull(reference: Reference, platform: Platform) -> Descriptor:
        asked.append((str(reference), str(platform)))
        return build(bench.context, made, store=bench.store, platform=platform)

    made = bench.context / "base.Dockerfile"
    made.write_text("FROM scratch\nENV PULLED=yes\n", encoding="utf-8")
    text = (
        "FROM --platform=linux/arm64 alpine AS one\nFROM --platform=linux/arm64 alpine\n"
        "COPY --from=one *.none /\nLABEL pulled=$PULLED\n"
    )
    config = bench.store.config(bench.build(text, pull=pull))
    assert (config["config"]["Labels"], config["architecture"]) == ({"pulled": "yes"}, "arm64")
    assert asked == [("docker.io/library/alpine:latest", "linux/arm64")]


def test_a_base_that_is_nowhere_is_refused(bench: Bench) -> None:
    """With the name as written, the complete one, and why."""
    refusal = bench.refusal("FROM nope\n")
    assert (str(refusal), refusal.line) == (
        "nope: failed to resolve source metadata for docker.io/library/nope:latest: No such image: nope:latest",
        1,
    )

    def pull(reference: Reference, platform: Platform) -> Descriptor:
        raise ImageUnknown(f"{reference} for {platform}")

    assert "linux/arm64" in str(bench.refusal("FROM --platform=linux/arm64 nope\n", pull=pull))


# --- refusals ---

NOT_FOUND = 'failed to compute cache key: failed to calculate checksum of ref context: "/nope": not found'
ONE_FOLDER = "When using COPY with more than one source file, the destination must be a directory and end with a /"
NO_VARIABLE = (
    "variable expansion is not supported for --from, "
    "define a new stage with FROM using ARG from global scope as a workaround"
)


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ("COPY nope /", NOT_FOUND),
        ("COPY ../etc /", "COPY failed: forbidden path outside the build context: ../etc ()"),
        ("ADD a/../../etc /", "ADD failed: forbidden path outside the build context: a/../../etc ()"),
        ("COPY --chmod=9 a /", "invalid chmod parameter: '9'. it should be octal string and between 0 and 07777"),
        ("COPY a dir /x", ONE_FOLDER),
        ("COPY --from=9 a /", "invalid stage index 9"),
        ("COPY --from=$K a /", NO_VARIABLE),
        (
            "ADD https://example.com/x /",
            "ADD https://example.com/x: labdocker fetches nothing, put the file into the context",
        ),
        ("EXPOSE nope", "invalid containerPort: nope"),
        ("EXPOSE 70000", "invalid containerPort: 70000"),
        ("EXPOSE 9-8", "invalid containerPort: 9-8"),
        ("STOPSIGNAL SIGNOPE", "invalid signal: SIGNOPE"),
        ("HEALTHCHECK --interval=soon CMD x", 'time: invalid duration "soon"'),
        ("HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"),
        ("HEALTHCHECK --retries=x CMD x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("LABEL a=${K", 'failed to process "${K": unsupported modifier () in substitution'),
        ('VOLUME [""]', "VOLUME specified can not be an empty string"),
        ("FROM $NONE", "base name ($NONE) should not be blank"),
        (
            "FROM MyBase",
            (
                'failed to parse stage name "MyBase": '
                "invalid reference format: repository name (library/MyBase) must be lowercase"
            ),
        ),
        (
            "FROM --platform=a/b/c/d x",
            ('failed to parse platform a/b/c/d: "a/b/c/d": cannot parse platform specifier: invalid argument'),
        ),
        ("FROM --platform=$NONE x", "empty platform value from expression $NONE"),
        ("NONSENSE", "dockerfile parse error on line 3: unknown instruction: NONSENSE"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_line(bench: Bench, instruction: str, message: str) -> None:
    """In the words that students search for; no image is kept."""
    bench.write({"a": "a", "dir/x": "x"})
    refusal = bench.refusal(f"FROM scratch\nENV K=v\n{instruction}\n")
    assert (str(refusal), refusal.line) == (message, 3)
    assert bench.store.images() == []


def test_a_stage_cannot_take_from_a_later_one(bench: Bench) -> None:
    """Nor from itself."""
    text = "FROM scratch AS one\nCOPY --from=two a /\nFROM scratch AS two\n"
    fault = 'cannot copy from stage "two", it needs to be defined before current stage "one"'
    assert str(bench.refusal(text)) == fault
    assert 'current stage "one"' in str(bench.refusal("FROM scratch AS one\nCOPY --from=one a /\n"))


@pytest.mark.parametrize("instruction", ["RUN apk add curl", "ONBUILD COPY . /", "COPY --parents a /"])
def test_what_needs_an_engine_is_refused_by_name_before_anything_is_built(bench: Bench, instruction: str) -> None:
    """With what to do instead."""
    refusal = bench.refusal(f"FROM scratch\nWORKDIR /x\n{instruction}\n")
    assert instruction.split(maxsplit=1)[0] in str(refusal)
    assert "LAB_DOCKER=real" in str(refusal)
    assert refusal.line == 3
    assert bench.progress.steps == ["[internal] load build definition from Dockerfile"]


def test_files_and_folders_do_not_replace_each_other(bench: Bench) -> None:
    """BuildKit's words for both directions, and for a folder below a file."""
    bench.write({"f": "f", "d/f/x": "x"})
    bench.write({"e/x": "file"})
    faults = {
        "COPY f /f\nCOPY d /": "cannot copy to non-directory: /f",
        "COPY f /y\nCOPY f /y/z": "cannot copy to non-directory: /y",
        "COPY d/f /e/x\nCOPY e /e": "cannot replace to directory /e/x with file",
    }
    assert {text: str(bench.refusal(f"FROM scratch\n{text}\n")) for text in faults} == faults


def test_the_dockerfile_must_be_there_and_say_something(bench: Bench, tmp_path: Path) -> None:
    """Docker's words for both."""
    with pytest.raises(BuildError, match="failed to read dockerfile: open Nope: no such file or directory"):
        build(bench.context, bench.context / "Nope", store=bench.store)
    with pytest.raises(BuildError, match="failed to read dockerfile: open Dockerfile: no such file or directory"):
        build(bench.context, store=bench.store)
    assert str(bench.refusal("")) == "the Dockerfile cannot be empty"
    (tmp_path / "latin").write_bytes(b"# caf\xe9")
    with pytest.raises(BuildError, match="latin is not UTF-8"):
        build(bench.context, tmp_path / "latin", store=bench.store)


def test_a_folder_that_cannot_be_read_is_a_build_error(bench: Bench) -> None:
    """The sender's words, not a traceback."""
    bench.context.rmdir()
    fault = f"error from sender: open {bench.context}: no such file or directory"
    assert str(bench.refusal("FROM scratch\nCOPY . /\n")) == fault


class Vandal(Transcript):
    """Removes a file as soon as it is to be copied."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def begin(self, step: str) -> None:
        """Remember the step."""
        super().begin(step)
        if "COPY" in step:
            self._file.unlink()


def test_a_file_that_vanishes_is_a_build_error(bench: Bench) -> None:
    """It was there when the context was listed."""
    bench.write({"a": "a"})
    bench.progress = Vandal(bench.context / "a")
    refusal = bench.refusal("FROM scratch\nCOPY . /\n")
    fault = f"error from sender: open {bench.context / 'a'}: no such file or directory"
    assert (str(refusal), refusal.line) == (fault, 2)


class FullStore(ImageStore):
    """A store on a disk that is full."""

    def settle(self, *_: object) -> None:
        """As the kernel answers."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_a_build_error(bench: Bench) -> None:
    """It names the instruction; nothing half-written stays."""
    bench.write({"a": "a"})
    bench.store = FullStore(bench.store.folder)
    refusal = bench.refusal("FROM scratch\nCOPY a /\n")
    assert (str(refusal), refusal.line) == ("failed to write COPY a /: no space left on device", 2)
    assert [path for path in (bench.store.folder / "blobs").rglob("*") if path.is_file()] == []


# --- the store ---


def test_an_image_is_kept_under_its_names_or_without(bench: Bench) -> None:
    """Blobs of a failed build go with the next prune, those of an image do not."""
    bench.write({"a": "a"})
    named = bench.build("FROM scratch\nCOPY a /\n", tags=[APP, Reference.parse("alpine")])
    assert bench.store.resolve("ghcr.io/o/r/app:1.0").digest == named.digest
    unnamed = bench.build("FROM scratch\nLABEL a=b\n")
    assert [image.references for image in bench.store.images()] == [(APP, Reference.parse("alpine")), ()]
    bench.refusal("FROM scratch\nWORKDIR /lost\nCOPY nope /\n")
    assert len(bench.store.prune()) == 1
    assert bench.store.has(unnamed.digest)
    assert "naming to docker.io/library/alpine:latest done" in bench.progress.notes


def test_the_second_build_is_cached_and_the_same(bench: Bench) -> None:
    """The same manifest; every step that makes files says so."""
    bench.write({"a": "a"})
    text = "FROM scratch\nWORKDIR /w\nCOPY a .\n"
    first = bench.build(text)
    assert bench.progress.cached == []
    assert bench.build(text) == first
    assert bench.progress.cached == ["[1/2] WORKDIR /w", "[2/2] COPY a ."]


FILES = st.dictionaries(
    st.from_regex(r"[a-m]{1,3}|[n-z]{1,3}/[a-z]{1,3}", fullmatch=True), st.binary(max_size=100), min_size=1, max_size=6
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(files=FILES)
def test_same_input_same_digest(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    """In another folder, written in another order, at another time."""
    text = "FROM scratch\nCOPY . /app\nENV A=1\nLABEL x=y z=w\n"
    digests: list[Digest] = []
    for order in (files, dict(reversed(files.items()))):
        bench = Bench(tmp_path_factory.mktemp("bench"))
        bench.write(order)
        for path in bench.context.rglob("*"):
            os.utime(path, (len(digests) * 1000, len(digests) * 1000))
        digests.append(bench.build(text, platform=parse_platform("linux/amd64")).digest)
    assert digests[0] == digests[1]


def test_skopeo_reads_the_image(bench: Bench, tmp_path: Path) -> None:
    """Another implementation verifies every digest while it copies the image out."""
    skopeo = require("skopeo")["skopeo"]
    bench.write({"a": "a" * 10_000})
    image = bench.build("FROM scratch\nCOPY a /\nLABEL n=1\n", tags=[APP])
    source = f"oci:{bench.store.folder}:{APP}"
    command = [str(skopeo), "copy", "--quiet", "--insecure-policy", source, f"dir:{tmp_path / 'out'}"]
    subprocess.run(command, check=True, timeout=60)
    assert Digest.of((tmp_path / "out" / "manifest.json").read_bytes()) == image.digest
