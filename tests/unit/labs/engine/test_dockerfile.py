"""Dockerfiles read as BuildKit reads them, with its line numbers and its refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.engine.dockerfile import Dockerfile, DockerfileInvalid, Instruction


def only(text: str) -> Instruction:
    """The one instruction behind FROM scratch."""
    (instruction,) = Dockerfile.parse(f"FROM scratch\n{text}\n").stages[0].instructions
    return instruction


def test_stages_have_bases_names_and_platforms() -> None:
    """FROM in all its forms; AS in either case."""
    text = "FROM --platform=$BUILDPLATFORM golang:1 AS Build\nUSER a\nFROM scratch as b.2\nFROM alpine\nUSER c\n"
    stages = Dockerfile.parse(text).stages
    assert [(stage.base, stage.name, stage.platform, stage.line) for stage in stages] == [
        ("golang:1", "build", "$BUILDPLATFORM", 1),
        ("scratch", "b.2", "", 3),
        ("alpine", "", "", 4),
    ]
    assert [len(stage.instructions) for stage in stages] == [1, 0, 1]


def test_arguments_before_the_first_stage_stand_apart() -> None:
    """They are for the FROM lines."""
    parsed = Dockerfile.parse("ARG V=1 W\nFROM x:$V\nARG V\n")
    assert [instruction.pairs for instruction in parsed.arguments] == [(("V", "1"), ("W", None))]
    assert parsed.stages[0].instructions[0].pairs == (("V", None),)


def test_lines_go_on_and_comments_do_not_count() -> None:
    """A continuation skips comments and empty lines; the number is that of the first line."""
    text = "# first\nFROM scratch\n\nENV A=1 \\\n  # inside\n\n  B=2 \\\n  C=3\n  # indented\nUSER x\n"
    env, user = Dockerfile.parse(text).stages[0].instructions
    assert (env.line, env.pairs) == (4, (("A", "1"), ("B", "2"), ("C", "3")))
    assert (user.line, user.words) == (10, ("x",))


def test_the_escape_directive_changes_continuations() -> None:
    """A backslash at the end is then text."""
    parsed = Dockerfile.parse("# escape=`\nFROM scratch\nWORKDIR C:\\\nENV A=1 `\n B=2\n")
    workdir, env = parsed.stages[0].instructions
    assert parsed.escape == "`"
    assert workdir.words == ("C:\\",)
    assert env.pairs == (("A", "1"), ("B", "2"))


def test_directives_end_at_the_first_comment() -> None:
    """A syntax line before is fine; after a comment, escape is a comment, too."""
    assert Dockerfile.parse("# syntax=docker/dockerfile:1\n# escape=`\nFROM scratch\n").escape == "`"
    assert Dockerfile.parse("# hello\n# escape=`\nFROM scratch\n").escape == "\\"


@pytest.mark.parametrize(
    ("text", "words", "is_json"),
    [
        ("COPY a b /c/", ("a", "b", "/c/"), False),
        ('COPY ["a b", "/c"]', ("a b", "/c"), True),
        ('CMD ["/app", "-x"]', ("/app", "-x"), True),
        ("CMD echo  hi", ("echo  hi",), False),
        ("CMD [not json", ("[not json",), False),
        ("CMD", (), False),
        ('ENTRYPOINT ["/app"]', ("/app",), True),
        ("EXPOSE 80 443/tcp", ("80", "443/tcp"), False),
        ("VOLUME /a /b", ("/a", "/b"), False),
        ('VOLUME ["/a b"]', ("/a b",), True),
        ("WORKDIR /a b", ("/a b",), False),
        ("HEALTHCHECK NONE", ("NONE",), False),
        ('HEALTHCHECK cmd ["/app"]', ("CMD", "/app"), True),
        ("RUN apk add curl", ("apk add curl",), False),
        ("run x", ("x",), False),
    ],
)
def test_arguments(text: str, words: tuple[str, ...], is_json: bool) -> None:  # noqa: FBT001  a table
    """Blank-separated, a JSON array, or the rest of the line, as the instruction has it."""
    instruction = only(text)
    assert (instruction.words, instruction.is_json) == (words, is_json)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("ENV A=1 B='x y' C=\"z w\"", (("A", "1"), ("B", "'x y'"), ("C", '"z w"'))),
        ("ENV A one  two", (("A", "one  two"),)),
        (r"ENV A=a\ b", (("A", r"a\ b"),)),
        ('LABEL "k 1"=v k2=', (('"k 1"', "v"), ("k2", ""))),
        ("ARG A B=c", (("A", None), ("B", "c"))),
    ],
)
def test_pairs(text: str, pairs: tuple[tuple[str, str | None], ...]) -> None:
    """Quotes stay: the builder takes them off when it fills in variables."""
    assert only(text).pairs == pairs


def test_flags() -> None:
    """By name, without dashes; a switch is true."""
    instruction = only("COPY --from=build --chown=1:2 --link a /")
    assert instruction.flags == {"from": "build", "chown": "1:2", "link": "true"}
    assert instruction.words == ("a", "/")


NO_DESTINATION = "COPY requires at least two arguments, but only one was provided. Destination could not be determined"
STAGE_NAME = 'invalid name for build stage: "1x", name can\'t start with a number or contain symbols'
HEREDOC = "COPY <<: here-documents are not done here, put the text into a file and COPY it"


@pytest.mark.parametrize(
    ("instruction", "fault"),
    [
        ("RUNN x", "unknown instruction: RUNN (did you mean RUN?)"),
        ("coppy x y", "unknown instruction: coppy (did you mean copy?)"),
        ("NONSENSE", "unknown instruction: NONSENSE"),
        ("FROM a b", "FROM requires either one or three arguments"),
        ("FROM a AS 1x", STAGE_NAME),
        ("COPY a", NO_DESTINATION),
        ("COPY --form=x a b", "unknown flag: --form (did you mean from?)"),
        ("COPY --from a b", "missing a value on flag: --from"),
        ("COPY --link=x a b", "expecting boolean value for flag --link, not: x"),
        ("COPY --link= a b", "missing a value on flag: --link"),
        ("COPY --chown=1 --chown=2 a b", "duplicate flag specified: --chown"),
        ("WORKDIR", "WORKDIR requires exactly one argument"),
        ("EXPOSE", "EXPOSE requires at least one argument"),
        ("ENV =1", "ENV names can not be blank"),
        ("SHELL sh -c", "SHELL requires the arguments to be in JSON form: sh -c"),
        ("HEALTHCHECK MAYBE x", 'Unknown type "MAYBE" in HEALTHCHECK (try CMD)'),
        ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
        ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
        ("COPY <<EOF /a", HEREDOC),
    ],
)
def test_a_wrong_instruction_is_refused_in_buildkits_words(instruction: str, fault: str) -> None:
    """With the number of its line."""
    with pytest.raises(DockerfileInvalid) as refusal:
        Dockerfile.parse(f"FROM scratch\n\n{instruction}\n")
    assert str(refusal.value) == f"dockerfile parse error on line 3: {fault}"
    assert refusal.value.line == 3


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "file with no instructions"),
        ("# only a comment\n", 1, "file with no instructions"),
        ("ARG A\n", 1, "dockerfile contains no stages to build"),
        ("COPY a b\nFROM scratch", 1, "no build stage in current context"),
        ("FROM scratch\nENV A", 2, "ENV must have two arguments"),
        (
            "FROM scratch\nENV A=1 b",
            2,
            'Syntax error - can\'t find = in "b". Must be of the form: name=value',
        ),
        ('FROM scratch\nCMD ["a", 1]', 2, "when using JSON array syntax, arrays must be comprised of strings only"),
        ("# escape=x\nFROM scratch", 1, "invalid escape token 'x' does not match ` or \\"),
    ],
)
def test_what_buildkit_says_without_the_line_we_say_without_it(text: str, line: int, message: str) -> None:
    """The line is in the exception, for the excerpt that is shown."""
    with pytest.raises(DockerfileInvalid) as refusal:
        Dockerfile.parse(text)
    assert (str(refusal.value), refusal.value.line) == (message, line)


LINES = st.sampled_from(
    ["FROM scratch", "FROM a AS b", "COPY a \\", "b", "", "# c", 'CMD ["x"]', "ENV A='", "ARG", "\\", "RUN x <<E", "--"]
)


@given(st.lists(LINES, max_size=8) | st.lists(st.text(max_size=20), max_size=5))
def test_any_text_is_a_dockerfile_or_refused_with_a_line_of_it(lines: list[str]) -> None:
    """The line number of a refusal can be shown with the text."""
    text = "\n".join(lines)
    refused_at = 1
    try:
        assert Dockerfile.parse(text).stages
    except DockerfileInvalid as exc:
        refused_at = exc.line
    assert 1 <= refused_at <= text.count("\n") + 1
