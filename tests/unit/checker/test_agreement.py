"""Log and journal held against each other: any real run agrees, and no line can be put in, taken out or changed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.checks.agreement import BUFFERED_BYTES, LATE_SECONDS, SLACK_SECONDS, Agreement, fits, needs_event
from checker.checks.agreement import agree as agree_by
from checker.facts import AccessLog, Logging, LogLine
from pyregistry.spec.journal import Event

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
AGENTS = ("docker/28", "cosign/3")
PATHS = ("/v2/", "/v2/a/b/manifests/1.0", "/v2/a/b/blobs/uploads/", "/v2/a/b/blobs/sha256:f")
ADA = "ada"
LOGGING = Logging(since=START - timedelta(hours=1), plain=True)


def log(lines: Iterable[LogLine], **more: object) -> AccessLog:
    """The log of a proxy that hands requests on as they are, and has run for an hour."""
    values = {"kept": True, "proxied": True, "logging": LOGGING} | more
    return AccessLog(lines=tuple(lines), **values)  # type: ignore[arg-type]


def agree(lines: Iterable[LogLine], events: Iterable[Event]) -> Agreement:
    """Of such a log."""
    return agree_by(log(lines), list(events))


def event(seq: int, **more: object) -> Event:
    """A request as the registry saw it."""
    at = START + timedelta(seconds=float(str(more.pop("second", seq))))
    user = more.pop("user", ADA)
    values = {"method": "GET", "path": PATHS[1], "status": 200, "bytes_out": 500, "user_agent": AGENTS[0]} | more
    values.setdefault("repository", None if values["path"] == PATHS[0] else "a/b")
    detail = {"claimed_user": user} if user else {}
    return Event(kind="request", at=at, monotonic_ns=seq, seq=seq, detail=detail, **values)  # type: ignore[arg-type]


def written(of: Event, number: int, later: float = 0.0, **more: object) -> LogLine:
    """The line that nginx writes of it."""
    at = (of.at + timedelta(seconds=later)).replace(microsecond=0)
    user = of.detail.get("claimed_user")
    size = 0 if of.method == "HEAD" else of.bytes_out
    line = LogLine(
        number,
        at,
        str(user) if user else None,
        of.method or "",
        of.path or "",
        of.status or 0,
        size,
        of.user_agent or "-",
    )
    return replace(line, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Run:
    """A real run: what the registry saw, and what nginx wrote of it and of what it answered itself."""

    events: tuple[Event, ...]
    lines: tuple[LogLine, ...]
    told: dict[int, Event]
    """By the number of its line, each event."""


@st.composite
def runs(draw: st.DrawFn, *, least: int = 0, patient: bool = False) -> Run:
    """Requests close together in time, many of them alike; some cut off, some turned away by nginx.

    ``patient``: nobody gives up before the end. A line of one who did may tell of any request of its kind.
    """
    second, events, raw = 0.0, [], list[tuple[float, LogLine, Event | None]]()
    for seq in range(1, draw(st.integers(least, 8)) + 1):
        second += draw(st.sampled_from((0.0, 0.2, 0.9, 3.0)))
        size = draw(st.sampled_from((0, 2, 500, 40_000)))
        status = draw(st.sampled_from((200, 201, 202, 404)))
        each = event(
            seq, second=second, method=draw(st.sampled_from(("GET", "PUT", "HEAD"))), path=draw(st.sampled_from(PATHS)),
            status=status, bytes_out=size, user_agent=draw(st.sampled_from(AGENTS)),
            user=draw(st.sampled_from((ADA, "eve"))),
        )  # fmt: skip
        end = "whole" if patient else draw(st.sampled_from(("whole", "whole", "whole", "left before", "left midway")))
        later = draw(st.sampled_from((0.0, 0.1, 0.8)))
        line = written(each, seq, later)
        if end == "left before":
            each, line = replace(each, aborted=draw(st.booleans())), replace(line, status=499, size=0)
        elif end == "left midway" and each.method == "GET" and size > BUFFERED_BYTES:
            line = replace(line, size=draw(st.integers(0, size)))
        events.append(each)
        raw.append((second + later, line, each))
        if draw(st.integers(0, 3)) == 0:
            refusal = draw(st.sampled_from(((401, 179), (413, 176), (400, 150), *(() if patient else ((502, 150),)))))
            raw.append((second, replace(line, status=refusal[0], size=refusal[1]), None))
    raw.sort(key=lambda row: row[0])
    lines = tuple(replace(line, number=number) for number, (_, line, _) in enumerate(raw, start=1))
    told = {number: each for number, (_, _, each) in enumerate(raw, start=1) if each is not None}
    return Run(tuple(events), lines, told)


@settings(max_examples=50, deadline=None)
@given(runs())
def test_any_real_run_agrees(run: Run) -> None:
    """Every request has its line and every line its request, however alike and close together they are."""
    found = agree(run.lines, run.events)
    assert found.holds
    assert {each.seq for _, each in found.pairs} == {each.seq for each in run.events}
    assert all(fits(line, each) for line, each in found.pairs)


def matters(run: Run) -> list[int]:
    """Lines of what somebody pushed or pulled."""
    return [number for number, each in run.told.items() if each.repository]


@settings(max_examples=50, deadline=None)
@given(runs(least=1, patient=True).filter(matters), st.data())
def test_a_line_that_is_taken_out_is_missed(run: Run, data: st.DataObject) -> None:
    """Its request stays behind."""
    number = data.draw(st.sampled_from(matters(run)))
    left = [line for line in run.lines if line.number != number]
    assert not agree(left, run.events).holds


@settings(max_examples=50, deadline=None)
@given(runs(patient=True), st.data())
def test_a_line_that_is_put_in_is_found(run: Run, data: st.DataObject) -> None:
    """Also where it is the copy of a real one: each request has one line only."""
    source = data.draw(st.sampled_from((None, *(line for line in run.lines if needs_event(line, log(run.lines))))))
    second = data.draw(st.integers(0, 12))
    invented = written(event(99, second=second, path=data.draw(st.sampled_from(PATHS))), 99)
    added = replace(source, number=99) if source else invented
    found = agree((*run.lines, added), run.events)
    assert not found.holds


CHANGES: dict[str, dict[str, object]] = {
    "status": {"status": 207},
    "size": {"size": 999_999},
    "user": {"user": "mallory"},
    "agent": {"user_agent": "curl/8"},
    "time": {"at": START + timedelta(hours=2)},
    "path": {"path": "/v2/a/b/manifests/2.0"},
    "method": {"method": "DELETE"},
}


@settings(max_examples=50, deadline=None)
@given(runs(least=1, patient=True).filter(matters), st.data())
@pytest.mark.parametrize("what", CHANGES)
def test_a_line_that_is_changed_is_found(what: str, run: Run, data: st.DataObject) -> None:
    """Whatever is changed in it."""
    number = data.draw(st.sampled_from(matters(run)))
    lines = [replace(line, **CHANGES[what]) if line.number == number else line for line in run.lines]  # type: ignore[arg-type]
    assert not agree(lines, run.events).holds


@settings(max_examples=50, deadline=None)
@given(runs(), st.randoms(use_true_random=False))
def test_the_order_in_which_lines_and_events_are_given_changes_nothing(run: Run, random: object) -> None:
    """What agrees is a question of time, not of order."""
    lines, events = list(run.lines), list(run.events)
    random.shuffle(lines)  # type: ignore[attr-defined]
    random.shuffle(events)  # type: ignore[attr-defined]
    assert agree(lines, events).holds


def test_a_line_that_fits_two_requests_leaves_the_right_one_to_the_other() -> None:
    """Of two requests at once one was given up: its line comes first and may tell of both, the other's of one only."""
    whole, given_up = event(1, second=0.0), event(2, second=0.5, status=201, aborted=True)
    lines = [written(given_up, 1, status=499, size=0), written(whole, 2, 0.9)]
    found = agree(lines, [whole, given_up])
    assert found.holds
    assert [each.seq for _, each in found.pairs] == [2, 1]


def test_what_differs_is_told_with_what_was_seen_and_wanted() -> None:
    """The line's own word, and the registry's."""
    each = event(1)
    for change, told in (
        ({"status": 201}, ("status", "201", "200")),
        ({"size": 77}, ("size", "77", "500")),
        ({"user": None}, ("user", "-", "ada")),
        ({"user_agent": "curl/8"}, ("agent", "curl/8", "docker/28")),
        ({"at": START + timedelta(minutes=3)}, ("time", "14:03:00Z", "14:00:01Z")),
    ):
        (edit,) = agree([written(each, 1, **change)], [each]).edited  # type: ignore[arg-type]
        assert (edit.what, edit.seen, edit.wanted) == told


def test_a_changed_line_is_no_forged_one_besides() -> None:
    """One fault is told once."""
    each = event(1)
    found = agree([written(each, 1, status=201)], [each])
    assert (len(found.edited), found.forged, found.missing) == (1, (), ())


def test_another_path_is_a_forged_line_and_a_missing_one() -> None:
    """Nothing says that the two have to do with each other."""
    each = event(1)
    found = agree([written(each, 1, path=PATHS[3])], [each])
    assert ([line.number for line in found.forged], [one.seq for one in found.missing]) == ([1], [1])


@pytest.mark.parametrize("status", [301, 304, 400, 401, 403, 404, 413, 416, 429, 499, 500, 502, 503, 504])
def test_a_refusal_needs_no_request(status: int) -> None:
    """Any proxy may refuse by itself, also where it finds nothing: the registry was not asked."""
    assert agree([written(event(1), 1, status=status, size=179)], []).holds


def test_outside_of_the_api_nothing_needs_a_request() -> None:
    """A page of nginx's own, found or not."""
    for status in (200, 404):
        assert agree([written(event(1), 1, path="/index.html", status=status)], []).holds


def test_what_is_granted_needs_a_request() -> None:
    """The registry grants, and nobody else, where the proxy hands on as it should."""
    for status in (200, 201, 202, 204, 206):
        assert [line.number for line in agree([written(event(1), 1, status=status)], []).forged] == [1]


OPEN = {
    "a proxy that answers by itself": {"logging": replace(LOGGING, plain=False)},
    "a proxy that does not say since when": {"logging": replace(LOGGING, since=None)},
    "a configuration of later": {"logging": replace(LOGGING, since=START + timedelta(seconds=11))},
    "a container of later": {"since": START + timedelta(seconds=11)},
}
"""Where nothing follows from a line without an event, nor from an event without a line."""


@settings(max_examples=25, deadline=None)
@given(runs(patient=True), runs(patient=True))
@pytest.mark.parametrize("way", OPEN)
def test_what_may_have_been_otherwise_is_held_against_nobody(way: str, told: Run, seen: Run) -> None:
    """Lines and events of different runs, of which nothing needs to fit: at least nobody is accused."""
    lines = [replace(line, at=min(line.at, START + timedelta(seconds=12))) for line in told.lines]
    events = [replace(each, at=min(each.at, START + timedelta(seconds=12))) for each in seen.events]
    found = agree_by(log(lines, **OPEN[way]), events)
    assert found.holds
    assert len(found.pairs) + found.open == len(lines)


@settings(max_examples=50, deadline=None)
@given(runs(least=1, patient=True), st.data())
def test_a_line_by_hand_is_found_among_those_of_an_earlier_configuration(run: Run, data: st.DataObject) -> None:
    """What came before explains nothing, and hides nothing: the line was written since."""
    since = START + timedelta(minutes=10)
    path = data.draw(st.sampled_from(PATHS))
    invented = written(event(99, second=660, path=path), 99)
    found = agree_by(log((*run.lines[1:], invented), logging=replace(LOGGING, since=since)), run.events)
    assert found.forged == (invented,)
    assert (found.edited, found.missing) == ((), ())


def test_the_copy_of_a_line_from_before_is_found() -> None:
    """Soon after a restart, too: the request that it tells of has its line."""
    events = [event(600), event(660)]
    lines = [written(each, each.seq) for each in events]
    copy = replace(lines[1], number=661)
    since = replace(LOGGING, since=START + timedelta(seconds=630))
    assert agree_by(log(lines, logging=since), events).holds
    assert len(agree_by(log((*lines, copy), logging=since), events).forged) == 1


def test_a_changed_line_is_known_at_once() -> None:
    """Before its request is missed."""
    each = event(1, bytes_in=5_000_000)
    (edit,) = agree_by(log([written(each, 1, user="eve")], read_at=each.at), [each]).edited
    assert edit.what == "user"


def test_lines_that_were_cleared_away_are_missed_by_nobody() -> None:
    """What came before the log's first line may have stood there."""
    events = [event(seq, path=PATHS[3]) for seq in range(1, 9)]
    lines = [written(each, each.seq) for each in events]
    assert not agree(lines[4:], events).holds
    assert agree_by(log(lines[4:], begins_at=lines[4].at), events).holds
    late = event(60, path=PATHS[3])
    assert agree_by(log(lines[4:], begins_at=lines[4].at), [*events, late]).missing == (late,)


def test_a_request_is_missed_once_its_line_must_be_there() -> None:
    """Not while it may still be written: at once, where bytes are many after some time, where somebody left later."""
    for more, seconds in (({}, 2), ({"bytes_in": 5_000_000}, 52), ({"aborted": True}, LATE_SECONDS)):
        each = event(1, **more)
        for at, holds in ((seconds, True), (seconds + 1, False)):
            assert agree_by(log([], read_at=each.at + timedelta(seconds=at)), [each]).holds is holds


def test_a_line_needs_a_memory_that_reaches_back_to_it() -> None:
    """What registry:2 printed may be lost in part."""
    line = written(event(10), 1)
    assert agree_by(log([line]), [], START).forged == (line,)
    assert agree_by(log([line]), [], line.at).holds


def test_each_log_is_held_against_the_registry_by_itself() -> None:
    """A request that stands in two of them is no forged one; a line too many in either is."""
    events = [event(1), event(2, path=PATHS[3])]
    here = [written(each, each.seq) for each in events]
    there = [replace(line, log="other") for line in here]
    assert agree([*here, *there], events).holds
    assert agree([*here, there[0]], events).holds
    assert agree([*here, *there, replace(there[1], number=3)], events).forged == (replace(there[1], number=3),)


def test_a_path_that_the_proxy_takes_another_for_is_told() -> None:
    """Where its configuration does so, and the registry refused."""
    refused = event(1, path="/a/b/manifests/1.0", status=404, repository=None)
    line = written(refused, 1, path=PATHS[1])
    rewriting = replace(LOGGING, plain=False, rewrites=True)
    assert agree_by(log([line], logging=rewriting), [refused]).rewritten == ((line, refused),)
    assert agree_by(log([line]), [refused]).rewritten == ()
    granted = replace(refused, status=200)
    assert agree_by(log([replace(line, status=200)], logging=rewriting), [granted]).rewritten == ()


def test_the_nearest_request_is_taken_for_a_line_s() -> None:
    """Of others like it the lines may be missing: they are told apart by their times."""
    events = [event(1, path=PATHS[3]), event(31, path=PATHS[3])]
    ((_, met),) = agree_by(log([written(events[1], 1)], begins_at=events[1].at), events).pairs
    assert met is events[1]


def test_a_proxy_may_cut_and_spare() -> None:
    """206 and 304 made of 200, and a body that the client did not take to its end."""
    each = event(1, bytes_out=50_000)
    for change in ({"status": 206, "size": 100}, {"status": 304, "size": 0}, {"size": 20_000}):
        assert agree([written(each, 1, **change)], [each]).holds  # type: ignore[arg-type]
    small = event(1, bytes_out=BUFFERED_BYTES)
    assert not agree([written(small, 1, size=100)], [small]).holds


def test_a_client_that_left_is_an_aborted_request() -> None:
    """499 in the log, aborted in the journal, whichever of both saw more."""
    gone = event(1, status=499, aborted=True, bytes_out=12)
    assert agree([written(gone, 1, status=499, size=0)], [gone]).holds
    assert agree([written(gone, 1, later=60, status=499, size=0)], [gone]).holds
    assert agree([written(event(1), 1, status=499, size=0)], [event(1)]).holds


def test_a_large_body_may_take_its_time() -> None:
    """A layer an hour, on a laptop that was closed; the same delay for nothing is another request."""
    large, small = event(1, method="PATCH", bytes_in=5_000_000), event(1, method="PATCH")
    assert agree([written(large, 1, later=3600)], [large]).holds
    assert not agree([written(small, 1, later=3600)], [small]).holds


def test_a_busy_machine_may_take_its_time() -> None:
    """A line comes late; it never comes before its request."""
    each = event(600)
    for later in (0.0, 30.0, LATE_SECONDS - 1):
        assert agree([written(each, 1, later)], [each]).holds
    for later in (-SLACK_SECONDS - 1, LATE_SECONDS + 1):
        assert not agree([written(each, 1, later)], [each]).holds


def test_names_are_compared_as_far_as_both_know_one() -> None:
    """Nobody known to the registry, a bearer token unknown to nginx: right. Another name than its own: wrong."""
    nameless = event(1, user=None)
    assert agree([written(nameless, 1, user=ADA)], [nameless]).holds
    known = replace(nameless, actor=ADA)
    assert agree([written(known, 1, user=None)], [known]).holds
    assert agree([written(known, 1, user=ADA)], [known]).holds
    assert not agree([written(known, 1, user="eve")], [known]).holds


def test_paths_are_compared_as_far_as_the_journal_keeps_them() -> None:
    """A secret in a query is redacted there, and a path of thousands of characters is cut."""
    redacted = event(1, path="/v2/?token=REDACTED&n=1")
    assert agree([written(redacted, 1, path="/v2/?token=s3cret&n=1")], [redacted]).holds
    assert not agree([written(redacted, 1, path="/v2/?token=s3cret&n=2")], [redacted]).holds
    token = event(1, path="/v2/a/manifests/REDACTED")
    assert agree([written(token, 1, path="/v2/a/manifests/ghp_0123456789")], [token]).holds
    long = event(1, path="/v2/" + "a" * 1020)
    assert agree([written(long, 1, path="/v2/" + "a" * 2000)], [long]).holds
    assert not agree([written(long, 1, path="/v2/" + "b" * 2000)], [long]).holds


def test_a_name_that_the_journal_hides_in_part_is_compared_as_far_as_it_goes() -> None:
    """An address before an @ may be a secret, and what a client calls itself may hold one."""
    each = event(1, user="REDACTED@example.com", user_agent="up/1 token=REDACTED")
    line = written(each, 1, user="ada@example.com", user_agent="up/1 token=s3cret")
    assert agree([line], [each]).holds
    assert not agree([replace(line, user="ada@example.org")], [each]).holds
    assert not agree([replace(line, user_agent="up/2 token=s3cret")], [each]).holds


def test_two_logs_may_have_lines_of_one_number() -> None:
    """A server for each port, each with a log of its own."""
    one, other = event(1), event(2, path=PATHS[3])
    assert agree([written(one, 1), written(other, 1)], [one, other]).holds
    found = agree([written(one, 1), written(other, 1), written(other, 1)], [one, other])
    assert len(found.forged) == 1


def test_a_client_without_a_name_of_its_own() -> None:
    """Nginx writes "-" where the journal has nothing."""
    each = event(1, user_agent=None)
    assert agree([written(each, 1, user_agent="-")], [each]).holds
