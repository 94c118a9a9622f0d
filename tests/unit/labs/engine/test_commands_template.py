"""The part of Go's templates behind --format; expected texts are those of Docker 28 for the same template."""

import pytest

from labs.engine.commands.template import Template, TemplateFailed, TemplateInvalid

IMAGE = {
    "Id": "sha256:abc",
    "RepoTags": ["app:1", "app:2"],
    "Size": 135097,
    "Architecture": "amd64",
    "Os": "linux",
    "Gone": None,
    "Good": True,
    "Config": {"Labels": {"a": "b", "c.d": "<e>"}, "Env": [], "Cmd": ["/a"]},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.Id}}", "sha256:abc"),
        ("{{json .Config.Labels}}", '{"a":"b","c.d":"\\u003ce\\u003e"}'),
        ("{{index .RepoTags 0}}", "app:1"),
        ('{{index .Config.Labels "c.d"}}', "<e>"),
        ("{{.Config.Labels}} {{.RepoTags}} {{.Size}} {{.Good}}", "map[a:b c.d:<e>] [app:1 app:2] 135097 true"),
        ("{{range .RepoTags}}{{.}},{{end}}", "app:1,app:2,"),
        ("{{range $i, $tag := .RepoTags}}{{$i}}={{$tag}};{{end}}", "0=app:1;1=app:2;"),
        ("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}", "a=b c.d=<e> "),
        ("{{range .Config.Env}}{{.}}{{else}}none{{end}}", "none"),
        ("{{range .RepoTags}}{{$.Os}} {{end}}", "linux linux "),
        ("{{if .Config.Cmd}}y{{else}}n{{end}}{{if .Config.Env}}y{{else}}n{{end}}", "yn"),
        ('{{if eq .Os "windows"}}w{{else if eq .Os "linux"}}l{{else}}?{{end}}', "l"),
        ("{{with .Config}}{{index .Cmd 0}}{{end}}", "/a"),
        ('{{join .RepoTags "+"}}', "app:1+app:2"),
        ("{{.Architecture | upper}} {{.RepoTags | len}}", "AMD64 2"),
        ('{{printf "%s-%d %q %v" .Os 3 "x" .RepoTags}}', 'linux-3 "x" [app:1 app:2]'),
        ("{{/* nothing */}}a {{- .Os -}} b", "alinuxb"),
        ("{{(index .RepoTags 1) | title}}", "App:2"),
        ('{{and .Good (eq .Os "linux")}} {{not .Good}} {{or .Gone "x"}}', "true false x"),
        ("{{$x := .Os}}{{$x}}", "linux"),
        (r"{{.Os}}\t{{.Architecture}}", "linux\tamd64"),
        ("{{.Gone}} {{.Config.Absent}}", "<no value> <no value>"),
        ('{{println "x"}}', "x\n"),
        ("plain", "plain"),
    ],
)
def test_templates(template: str, text: str) -> None:
    """A template and what comes out."""
    assert Template(template).render(IMAGE) == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{.Id", "unclosed action"),
        ("{{foo .Id}}", 'function "foo" not defined'),
        ("{{if .Id}}", "unexpected EOF"),
        ("{{end}}", "unexpected {{end}}"),
        ("{{}}", "missing value for command"),
        ("{{range}}{{end}}", "missing value for range"),
    ],
)
def test_unreadable_templates(template: str, message: str) -> None:
    """What cannot be read is told before any image is looked at."""
    with pytest.raises(TemplateInvalid) as caught:
        Template(template)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{.Foo}}", ':1:2: executing "" at <.Foo>: map has no entry for key "Foo"'),
        (
            "{{index .RepoTags 3}}",
            ':1:2: executing "" at <index .RepoTags 3>: error calling index: index out of range: 3',
        ),
    ],
)
def test_templates_that_do_not_fit(template: str, message: str) -> None:
    """Docker's own places and words."""
    with pytest.raises(TemplateFailed) as caught:
        Template(template).render(IMAGE)
    assert str(caught.value) == message


def test_missing_field_of_a_listed_image() -> None:
    """In lists Docker tells the type."""
    with pytest.raises(TemplateFailed, match=r"can't evaluate field Foo in type \*formatter\.imageContext"):
        Template("{{.Foo}}").render({"ID": "x"}, "*formatter.imageContext")
