"""The names under which the grader knocks: nobody's but its own, and known again in a log and in a journal."""

from pathlib import Path

import pytest

from checker.facts import AccessLog
from checker.probes.access_log import AccessLogProbe
from checker.probes.guises import guise, is_graders, is_guise
from checker.probes.journal import by_agent, is_news
from checker.probes.surroundings import LocalFile, Surroundings
from tests.unit.checker.exercise import START, Diary
from tests.unit.checker.private import stack

DRAWN = 500


def test_no_two_guises_need_be_of_one_client() -> None:
    """Hundreds are of a few clients, and mostly differ."""
    drawn = {guise() for _ in range(DRAWN)}
    assert len(drawn) > DRAWN / 4
    assert len({agent.partition("/")[0] for agent in drawn}) > 3


def test_the_grader_knows_its_guises() -> None:
    """Each of them, and its own name; a guise that was touched is none."""
    drawn = [guise() for _ in range(DRAWN)]
    assert all(is_guise(agent) and is_graders(agent) for agent in drawn)
    assert not any(is_guise(f"{agent} ") for agent in drawn)
    assert is_graders("labcheck/1")


@pytest.mark.parametrize(
    "agent",
    [
        "docker/28.3.3 go/go1.24.5 git-commit/bea959c os/linux UpstreamClient(Docker-Client/28.3.3 \\(linux\\))",
        "containerd/v2.1.4-53-g60d9f5b7aa",
        "crane/v0.20.3 go-containerregistry/v0.0.0-20240108193616-bf42a1ad3f39",
        "curl/8.5.0",
        "",
    ],
)
def test_a_real_client_is_nobodys_guise(agent: str) -> None:
    """Whatever commit it names: a student's requests are never taken for the grader's."""
    assert not is_guise(agent)
    assert not is_graders(agent)


def test_a_guise_is_left_out_of_log_and_journal_alike(tmp_path: Path) -> None:
    """A real docker's requests stay in both."""
    log = tmp_path / "access.log"
    line = f'127.0.0.1 - ada [{START:%d/%b/%Y:%H:%M:%S} +0000] "GET /v2/ HTTP/1.1" 200 2 "-" "%s"\n'
    log.write_text(line % guise() + line % "docker/28.3.3 git-commit/bea959c", encoding="utf-8")
    found = AccessLogProbe(Surroundings(stack(), proxied=True, access_logs=(LocalFile(log),)), START).read()
    assert isinstance(found, AccessLog)
    assert [each.user_agent for each in found.lines] == ["docker/28.3.3 git-commit/bea959c"]
    diary = Diary().note(method="GET", path="/v2/", status=401, user_agent=guise())
    assert by_agent(diary.events[-1])
    assert not is_news(diary.lines().encode(), by_agent)
    assert is_news(diary.note(method="GET", path="/v2/", user_agent="docker/28.3.3").lines().encode(), by_agent)
