"""The journal probe: it believes a chain that holds, and no other."""

import time
from pathlib import Path
from threading import Timer

import pytest

from checker.facts import Journal, NotObserved, Source, Unavailable
from checker.probes.journal import JournalProbe, Mark, by_agent, is_news
from checker.probes.surroundings import LocalFile
from tests.unit.checker.exercise import HERE, PUSHER, READ, Diary, Pat, prepared, solved


def read(folder: Path, text: str | bytes, **more: object) -> object:
    """What the probe says of a file with this text."""
    path = folder / "journal.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return JournalProbe(LocalFile(path), horizon_seq=int(str(more.pop("horizon_seq", 0))), **more).read()  # type: ignore[arg-type]


def test_a_sound_journal_is_read_whole(tmp_path: Path) -> None:
    """All events, the horizon, and where it ends."""
    diary = solved()
    journal = read(tmp_path, diary.lines(), horizon_seq=1)
    assert journal == Journal(
        tuple(diary.events), 1, diary.events[-1].hash, len(diary.events), str(tmp_path / "journal.jsonl")
    )


def test_the_grader_leaves_its_own_requests_out(tmp_path: Path) -> None:
    """Neither its account nor what it asked before its login is anybody's doing; other anonymous requests are."""
    grader = Pat("g", account="labcheck").who() | {"user_agent": "labcheck/1"}
    diary = Diary().note(**grader).note(method="GET", path="/v2/", user_agent="labcheck/1")
    diary.note(method="GET", path="/v2/", user_agent="docker/28").login(PUSHER)
    journal = read(tmp_path, diary.lines())
    assert isinstance(journal, Journal)
    assert [event.seq for event in journal.events] == [3, 4]


def test_an_account_cannot_hide_behind_the_graders_user_agent(tmp_path: Path) -> None:
    """Whoever logged in is seen, whatever it calls itself."""
    journal = read(tmp_path, Diary().upload(PUSHER, HERE, user_agent="labcheck/1").lines())
    assert isinstance(journal, Journal)
    assert len(journal.events) == 1


def test_what_others_do_with_the_graders_account_is_seen(tmp_path: Path) -> None:
    """Its secret lies on the student's disk: whoever pulls or pushes with it is not the grader."""
    diary = (
        Diary().get(Pat("g", READ, account="labcheck"), "a", user_agent="docker/28").login(Pat("g", account="labcheck"))
    )
    journal = read(tmp_path, diary.lines())
    assert isinstance(journal, Journal)
    assert [event.actor for event in journal.events] == ["labcheck", "labcheck"]


@pytest.mark.parametrize("odd", ["\x85", "\u2028", "\x0b", "\x1c"])
def test_what_python_takes_for_the_end_of_a_line_breaks_no_chain(odd: str, tmp_path: Path) -> None:
    """A client calls itself what it likes: an honest journal is not accused for it."""
    diary = Diary().note(user_agent=f"pod{odd}man").login(PUSHER)
    journal = read(tmp_path, diary.lines())
    assert isinstance(journal, Journal)
    assert len(journal.events) == 2


def test_a_line_that_ends_within_a_character_is_left_alone(tmp_path: Path) -> None:
    """Likewise while it is being written."""
    assert isinstance(read(tmp_path, prepared().lines().encode() + "é".encode()[:1]), Journal)


def test_news_is_what_somebody_else_did() -> None:
    """Watching, the grader must not wake itself; what it cannot read it looks at again."""
    own = Diary().note(method="GET", path="/v2/", user_agent="labcheck/1").lines()
    assert not is_news(own.encode())
    assert not is_news(b"")
    assert not is_news(b'{"actor":')
    assert is_news(own.encode() + Diary().login(PUSHER).lines().encode())
    assert is_news(b"\xff\n")


def test_a_changed_line_breaks_the_chain(tmp_path: Path) -> None:
    """One letter is enough, and the line is named."""
    text = solved().lines()
    lines = text.splitlines(keepends=True)
    lines[4] = lines[4].replace('"actor":"ada"', '"actor":"eve"').replace('"actor":null', '"actor":"ada"')
    assert "".join(lines) != text
    assert read(tmp_path, "".join(lines)) == Unavailable("journal-broken", {"line": 5})


def test_a_removed_line_breaks_the_chain(tmp_path: Path) -> None:
    """The sequence has a hole."""
    lines = solved().lines().splitlines(keepends=True)
    assert read(tmp_path, "".join(lines[:3] + lines[4:])) == Unavailable("journal-broken", {"line": 4})


def test_a_line_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    """A registry in the middle of a write is no tampering."""
    diary = prepared()
    journal = read(tmp_path, diary.lines() + '{"actor":null,"at"')
    assert isinstance(journal, Journal)
    assert journal.seq_to == len(diary.events)


def test_a_journal_cut_before_the_horizon_is_tampering(tmp_path: Path) -> None:
    """The chain holds, and yet what was there at the attempt's start is gone."""
    assert read(tmp_path, prepared().lines(), horizon_seq=9) == Unavailable("journal-truncated", {"seq": 3})


def test_a_journal_cut_after_an_earlier_run_is_tampering(tmp_path: Path) -> None:
    """Likewise for what an earlier run has read."""
    diary = solved()
    mark = Mark(len(diary.events), diary.events[-1].hash)
    assert read(tmp_path, prepared().lines(), mark=mark) == Unavailable("journal-truncated", {"seq": 3})


def test_a_journal_written_anew_is_tampering(tmp_path: Path) -> None:
    """A sound chain that is not the one of the earlier run."""
    diary, other = solved(), prepared().push(Pat("p2")).push(Pat("p3")).push()
    mark = Mark(7, diary.events[6].hash)
    assert read(tmp_path, other.lines(), mark=mark) == Unavailable("journal-broken", {"line": 7})
    assert isinstance(read(tmp_path, diary.lines(), mark=mark), Journal)


def test_an_empty_journal_is_no_journal(tmp_path: Path) -> None:
    """A registry that was ever started has written something."""
    assert read(tmp_path, "") == Unavailable("empty", {"source": Source.JOURNAL})


def test_bytes_that_are_no_text_are_garbage(tmp_path: Path) -> None:
    """Not a crash."""
    assert read(tmp_path, b"\xff\xfe\n") == Unavailable("garbage", {"source": Source.JOURNAL})


def test_an_absent_journal_is_not_observed(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(NotObserved) as caught:
        JournalProbe(LocalFile(tmp_path / "gone"), 0).read()
    assert caught.value.unavailable.reason == "file-unreadable"


def test_earlier_events_of_a_students_registry_do_not_count(tmp_path: Path) -> None:
    """Its numbers know nothing of attempts: the time at which the attempt began is the horizon."""
    diary = solved()
    journal = read(tmp_path, diary.lines(), since=diary.events[4].at)
    assert isinstance(journal, Journal)
    assert journal.since_start == tuple(diary.events[4:])


def test_behind_a_proxy_the_graders_own_requests_are_told_by_their_name(tmp_path: Path) -> None:
    """There it knocks with the student's login: nobody else's doing may be taken for the student's pull."""
    diary = Diary().get(PUSHER, "a", user_agent="labcheck/1").get(PUSHER, "a", user_agent="docker/28")
    journal = read(tmp_path, diary.lines(), is_own=by_agent)
    assert isinstance(journal, Journal)
    assert [event.user_agent for event in journal.events] == ["docker/28"]
    assert not is_news(diary.lines().splitlines(keepends=True)[0].encode(), by_agent)
    assert is_news(diary.lines().encode(), by_agent)


def test_a_registry_may_write_down_later_what_it_answered(tmp_path: Path) -> None:
    """What the witness said is waited for, and no longer than that."""
    first = Diary().login(PUSHER)
    path = tmp_path / "journal.jsonl"
    path.write_text(first.lines(), encoding="utf-8")

    def witness() -> str:
        Timer(0.1, lambda: path.write_text(first.note(user_agent="labcheck/1 run/2").lines(), encoding="utf-8")).start()
        return "labcheck/1 run/2"

    probe = JournalProbe(LocalFile(path), 0, witness=witness, patience_seconds=5.0)
    begun = time.monotonic()
    found = probe.read()
    assert isinstance(found, Journal)
    assert found.seq_to == 2
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize(("ours", "expected"), [(True, "journal-elsewhere"), (False, "journal-silent")])
def test_a_journal_without_the_graders_call_is_none(tmp_path: Path, ours: bool, expected: str) -> None:  # noqa: FBT001  a row
    """Of the lab's own registry that is tampering; a student's proxy may hide it, and accuses nobody."""
    found = read(tmp_path, prepared().lines(), witness=lambda: "labcheck/1 run/2", is_ours=ours)
    assert found == Unavailable(expected, {"path": str(tmp_path / "journal.jsonl")})
    assert isinstance(read(tmp_path, prepared().lines(), witness=lambda: None), Journal)
