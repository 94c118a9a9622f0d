"""``.dockerignore`` as Docker reads it; the rows are those of its documentation and of moby/patternmatcher's tests."""

import pytest

from labs.engine.ignore import Ignore, IgnorePatternInvalid


@pytest.mark.parametrize(
    ("text", "excluded", "kept"),
    [
        ("", [], ["a", "a/b"]),
        ("# a\n\n", [], ["a", "# a"]),
        ("a", ["a", "a/b", "a/b/c"], ["b", "b/a"]),
        ("/a/", ["a", "a/b"], ["b/a"]),
        ("./a", ["a"], ["b/a"]),
        ("*/temp*", ["x/temp", "x/temporary.txt"], ["temp", "x/y/temp"]),
        ("*/*/temp*", ["x/y/tempest"], ["x/temp"]),
        ("temp?", ["tempa", "tempb"], ["temp", "tempab", "temp/"]),
        ("*.md", ["README.md"], ["docs/README.md"]),
        ("**/*.go", ["main.go", "a/b/main.go"], ["main.c"]),
        ("**", ["a", "a/b"], []),
        ("a/**", ["a/b", "a/b/c"], ["b"]),
        ("a/**/z", ["a/z", "a/b/c/z"], ["az"]),
        ("[a-c].txt", ["b.txt"], ["d.txt"]),
        ("[^a].txt", ["b.txt"], ["a.txt"]),
        (r"\#a", ["#a"], ["a"]),
        (r"a\*b", ["a*b"], ["axb"]),
        ("a.b+(c)", ["a.b+(c)"], ["axb+(c)", "a.bb(c)"]),
        ("*.md\n!README.md", ["a.md"], ["README.md"]),
        ("*.md\n!README*.md\nREADME-secret.md", ["a.md", "README-secret.md"], ["README.md"]),
        ("*.md\nREADME-secret.md\n!README*.md", ["a.md"], ["README-secret.md"]),
        ("dir\n!dir/keep", ["dir", "dir/x"], ["dir/keep", "dir/keep/y"]),
        ("*\n!app\n!greeting.txt", ["Dockerfile", "x/app"], ["app", "greeting.txt"]),
        ("\ufeffa", ["a"], []),
    ],
)
def test_patterns(text: str, excluded: list[str], kept: list[str]) -> None:
    """The last matching line decides; a folder takes its content along."""
    ignore = Ignore.parse(text)
    assert [path for path in excluded if not ignore.excludes(path)] == []
    assert [path for path in kept if ignore.excludes(path)] == []


@pytest.mark.parametrize(
    ("line", "message"), [("!", 'illegal exclusion pattern: "!"'), ("a[", 'error in "a[": syntax error in pattern')]
)
def test_a_line_that_is_no_pattern_is_refused(line: str, message: str) -> None:
    """In Docker's words, with the line."""
    with pytest.raises(IgnorePatternInvalid) as refusal:
        Ignore.parse(f"ok\n{line}\n")
    assert str(refusal.value) == message
