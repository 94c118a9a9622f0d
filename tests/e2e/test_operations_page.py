"""What docs/operations.md shows is so: its configuration starts, its commands answer as printed, its event is ours."""

import json
import re
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.pushes import make_image, push
from tests.fakes.prometheus import parse
from tests.fakes.sink import running_sink, wait_until
from tests.servers import ROOT, running_registry

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
_COMMAND = re.compile(r"\$ curl (?:-X (?P<method>[A-Z]+) )?http://localhost:5001(?P<target>\S+)")
_PORT = re.compile(r"debug server listening 127\.0\.0\.1:([0-9]+)")


def blocks(language: str) -> list[str]:
    """The page's code of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """The page's configuration, on free ports and in a folder of the test."""
    [text] = blocks("yaml")
    read: dict[str, Any] = yaml.safe_load(text)
    read["http"]["debug"]["addr"] = "127.0.0.1:0"
    read["health"]["file"][0]["file"] = str(tmp_path / "down")
    return read


def shape(value: object) -> object:
    """Names and types, all the way down; of a list, its first item's."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value).__name__


def test_the_commands_answer_as_printed(tmp_path: Path, config: dict[str, Any]) -> None:
    """In the page's order; an ellipsis stands for the rest of a line."""
    with running_sink() as sink:
        config["notifications"]["endpoints"][0]["url"] = sink.url
        with running_registry(tmp_path, config=config) as registry:
            found = _PORT.search(registry.log())
            assert found
            [lines] = [block.splitlines() for block in blocks("console")]
            assert len(lines) == 12
            for command, printed in zip(lines[::2], lines[1::2], strict=True):
                asked = _COMMAND.fullmatch(command)
                assert asked, command
                with closing(HTTPConnection("127.0.0.1", int(found[1]), timeout=10)) as connection:
                    connection.request(asked["method"] or "GET", asked["target"])
                    answer = connection.getresponse().read().decode().rstrip("\n")
                expected, ellipsis, _ = printed.partition("…")
                assert answer.startswith(expected), command
                assert ellipsis or answer == expected, command


def test_a_refusal_and_an_event_look_as_shown(tmp_path: Path, config: dict[str, Any]) -> None:
    """The refusal to the letter, the event in its names and types; what the page ignores does not come."""
    refusal, envelope = blocks("json")
    with running_sink() as sink:
        config["notifications"]["endpoints"][0]["url"] = sink.url
        with running_registry(tmp_path, config=config) as registry:
            push(registry, "acme/app", make_image("page", 100))
            registry.request("GET", "/v2/acme/app/manifests/1.0")
            sink.wait_for(1)
            (tmp_path / "down").touch()
            wait_until(lambda: registry.request("GET", "/v2/").status == 503)
            assert registry.request("GET", "/v2/").body == refusal.encode()
            assert registry.stop() == 0
    [delivery] = sink.deliveries
    assert delivery.headers["Authorization"] == "Bearer a-secret"
    assert shape(json.loads(delivery.body)) == shape(json.loads(envelope))


def test_the_metrics_are_those_of_the_table(tmp_path: Path, config: dict[str, Any]) -> None:
    """All of them, and no others."""
    named = set(
        re.findall(
            r"`((?:registry|pyregistry)_[a-z_]+)`(?=[^|\n]*\|)", PAGE.partition("## Metrics")[2].partition("Names,")[0]
        )
    )
    with running_sink() as sink:
        config["notifications"]["endpoints"][0]["url"] = sink.url
        with running_registry(tmp_path, config=config) as registry:
            push(registry, "acme/app", make_image("page", 100))
            found = _PORT.search(registry.log())
            assert found
            sink.wait_for(1)
            wait_until(lambda: metrics(int(found[1])) >= named)  # a delivery counts once its answer was read
            assert metrics(int(found[1])) == named


def metrics(port: int) -> set[str]:
    """Names of what the debug server counts now."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/metrics")
        return set(parse(connection.getresponse().read().decode()))
