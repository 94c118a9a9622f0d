"""The journal's chain holds whoever writes it, and whatever happens to the writer."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.config import Settings
from pyregistry.config.settings import HttpSettings, MemoryStorage, StorageSettings, TcpAddress
from pyregistry.journal import Journal, JournalError, NullJournal, open_journal, read
from pyregistry.journal.writing import CUT, REPAIRED
from pyregistry.spec.journal import Event, JournalBroken, parse_line, seal, verify

AT = datetime(2026, 1, 1, tzinfo=UTC)
WRITER = dedent("""\
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from pyregistry.journal import Journal
    from pyregistry.spec.journal import Event

    journal, name, count = Journal(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    for number in range(count):
        journal.append(Event("request", datetime.now(UTC), 0, actor=name, detail={"number": number, "fill": "x" * 900}))
    """)

FORKER = dedent("""\
    import os, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from pyregistry.journal import Journal
    from pyregistry.spec.journal import Event

    def append():
        journal.append(Event("request", datetime.now(UTC), 0))

    journal = Journal(Path(sys.argv[1]))
    append()
    child = os.fork()
    for _ in range(300):
        append()
    if child:
        sys.exit(os.waitpid(child, 0)[1])
    """)


def event(actor: str = "alice", **detail: object) -> Event:
    """Something that happened."""
    return Event("request", AT, 0, actor=actor, detail=detail)


def settings(journal: Path | None) -> Settings:
    """The least configuration with a journal."""
    storage = StorageSettings(MemoryStorage())
    return Settings(Path("config.yml"), storage, HttpSettings(TcpAddress("", 0), "s"), journal_path=journal)


def spawn(path: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    """Another process that appends ``count`` events."""
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(count)])


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """No file of this process grows over ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


def test_events_are_numbered_and_chained(tmp_path: Path) -> None:
    """The first has number 1 and nothing before it; what is returned is what is written."""
    journal = Journal(tmp_path / "new" / "journal.jsonl")
    written = [journal.append(event(step=step)) for step in range(3)]
    assert [one.seq for one in written] == [1, 2, 3]
    assert [one.previous for one in written] == ["", written[0].hash, written[1].hash]
    assert list(read(journal.path)) == written


def test_a_second_journal_goes_on_where_the_first_is(tmp_path: Path) -> None:
    """Two writers take turns on one chain, also when a line is longer than the part of the end that is looked at."""
    first, second = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    first.append(event())
    second.append(event(fill="x" * 200_000))
    first.append(event())
    Journal(tmp_path / "j").append(event())
    assert [one.seq for one in read(tmp_path / "j")] == [1, 2, 3, 4]


def test_several_events_are_one_write(tmp_path: Path) -> None:
    """They stand next to each other in their order, chained to what another writer appended before."""
    first, second = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    first.append_all([event(step=1), event(step=2)])
    second.append_all([event(step=3)])
    first.append_all([event(step=4), event(step=5)])
    assert [one.detail["step"] for one in read(tmp_path / "j")] == [1, 2, 3, 4, 5]


def test_threads_and_processes_keep_one_chain(tmp_path: Path) -> None:
    """Nobody's event is lost, and the chain proves from end to end."""
    path = tmp_path / "j"
    journal = Journal(path)
    others = [spawn(path, f"process-{number}", 100) for number in range(2)]
    threads = [threading.Thread(target=lambda: [journal.append(event("thread")) for _ in range(100)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait(30) for other in others] == [0, 0]
    actors = [one.actor for one in read(path)]
    assert {actor: actors.count(actor) for actor in set(actors)} == {"process-0": 100, "process-1": 100, "thread": 300}


def test_a_forked_child_has_a_lock_of_its_own(tmp_path: Path) -> None:
    """A child that was forked with the journal open does not write into its parent's turn."""
    done = subprocess.run([sys.executable, "-c", FORKER, str(tmp_path / "j")], timeout=30, check=False)
    assert done.returncode == 0
    assert sum(1 for _ in read(tmp_path / "j")) == 1 + 2 * 300


def test_a_killed_writer_leaves_a_journal_that_goes_on(tmp_path: Path) -> None:
    """Killed with -9 in the middle of writing: the next writer finds a chain that holds, and adds to it."""
    path = tmp_path / "j"
    for size in (10_000, 40_000, 80_000):
        writer = spawn(path, "victim", 1_000_000)
        try:
            _wait_for_size(path, size)
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.wait(30)
        last = Journal(path).append(event("survivor"))
        assert list(read(path))[-1] == last


def _wait_for_size(path: Path, size: int) -> None:
    deadline = time.monotonic() + 30
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < deadline, f"{path} does not grow"
        time.sleep(0.002)


@pytest.mark.parametrize("torn", ['{"kind": "requ', "x", '{"a":"\xe9'])
def test_a_torn_line_is_cut_off_and_that_is_an_event(tmp_path: Path, torn: str) -> None:
    """Opening changes nothing; the next event is preceded by one that says how much was cut off."""
    journal = Journal(tmp_path / "j")
    journal.append(event())
    with journal.path.open("ab") as file:
        file.write(torn.encode("latin-1"))
    size = journal.path.stat().st_size
    reopened = Journal(journal.path)
    assert journal.path.stat().st_size == size
    assert [one.seq for one in read(journal.path)] == [1]
    assert reopened.append(event()).seq == 3
    events = list(read(journal.path))
    assert [one.kind for one in events] == ["request", "server", "request"]
    assert events[1].detail == {"action": REPAIRED, "bytes_removed": len(torn)}


def test_a_first_line_can_be_torn_too(tmp_path: Path) -> None:
    """Without a single whole line the chain begins anew."""
    (tmp_path / "j").write_text('{"kin', encoding="utf-8")
    assert Journal(tmp_path / "j").append(event()).seq == 2
    assert [one.kind for one in read(tmp_path / "j")] == ["server", "request"]


def test_a_removed_journal_begins_anew(tmp_path: Path) -> None:
    """A reset under a running server: the next event is number 1 of a new file, folder included."""
    journal = Journal(tmp_path / "folder" / "j")
    journal.append(event())
    journal.path.unlink()
    journal.path.parent.rmdir()
    assert journal.append(event()).seq == 1
    (tmp_path / "other").write_bytes(b"")
    (tmp_path / "other").replace(journal.path)
    assert journal.append(event()).seq == 1
    journal.close()
    assert journal.append(event()).seq == 2


@pytest.mark.parametrize("kept", [0, 1, 1.5])
def test_a_journal_that_was_shortened_says_so(tmp_path: Path, kept: float) -> None:
    """Whole lines cut off at the end leave a chain that holds; the writer remembers what stood there and tells."""
    journal = Journal(tmp_path / "j")
    journal.append(event("alice"))
    one = journal.path.stat().st_size
    journal.append(event("bob"))
    last = journal.append(event("carol"))
    os.truncate(journal.path, int(kept * one))
    after = journal.append(event("dave"))
    found = list(read(journal.path))
    assert found[-1] == after
    assert found[-2].detail == {"action": CUT, "seq": 3, "hash": last.hash}
    assert [one.actor for one in found] == [*["alice"][: int(kept)], None, "dave"]


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    """A last line that is no event cannot be chained to; neither can a folder or a pipe."""
    (tmp_path / "j").write_text("hello\n", encoding="utf-8")
    with pytest.raises(JournalError, match="last line: expected an event as JSON, got 'hello'"):
        Journal(tmp_path / "j")
    with pytest.raises(JournalError, match="Is a directory"):
        Journal(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(JournalError, match="not a regular file"):
        Journal(tmp_path / "pipe")


def test_a_full_disk_is_said_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """An event that fits only in part is taken back whole; when there is room again the chain goes on."""
    journal = Journal(tmp_path / "j")
    whole = journal.append(event(fill="x" * 500))
    size = journal.path.stat().st_size
    with files_limited_to(size + 100), pytest.raises(JournalError, match="No space left"):
        journal.append(event(fill="x" * 500))
    assert journal.path.stat().st_size == size
    assert journal.append(event()).previous == whole.hash


def test_of_several_events_all_or_none_are_written(tmp_path: Path) -> None:
    """A disk that takes some of them keeps none, and the chain goes on without a hole."""
    journal = Journal(tmp_path / "j")
    journal.append(event())
    with files_limited_to(journal.path.stat().st_size + 2000), pytest.raises(JournalError, match="No space left"):
        journal.append_all([event(number=number) for number in range(9)])
    assert journal.append(event()).seq == 2
    assert len(list(read(journal.path))) == 2


def test_a_changed_line_is_found(tmp_path: Path) -> None:
    """Reading proves the chain: whoever edits an event is noticed at that line."""
    journal = Journal(tmp_path / "j")
    for actor in ("alice", "bob", "carol"):
        journal.append(event(actor))
    journal.path.write_text(journal.path.read_text(encoding="utf-8").replace("bob", "eve"), encoding="utf-8")
    with pytest.raises(JournalBroken, match="line 2"):
        list(read(journal.path))


def test_the_configuration_says_whether_there_is_a_journal(tmp_path: Path) -> None:
    """Without a path nothing is remembered, and nothing is written."""
    assert isinstance(open_journal(settings(tmp_path / "j")), Journal)
    null = open_journal(settings(None))
    assert isinstance(null, NullJournal)
    assert null.append(event()) == event()


@given(
    texts=st.lists(st.text(st.characters()), min_size=1, max_size=4),
    numbers=st.integers() | st.none() | st.lists(st.integers()),
)
def test_any_text_can_be_sealed_and_read_back(texts: list[str], numbers: object) -> None:
    """What clients send ends up on one line that proves, line separators and lone surrogates included."""
    previous, lines = "", []
    for seq, text in enumerate(texts, start=1):
        previous, line = seal(Event("request", AT, 0, user_agent=text, detail={"n": numbers}), seq, previous)
        assert line.count(b"\n") == 1
        assert json.loads(line)["hash"] == previous
        lines.append(line.decode())
    assert [one.seq for one in verify(lines)] == list(range(1, len(texts) + 1))
    assert parse_line(lines[0]).user_agent == texts[0].encode(errors="replace").decode()


def test_the_descriptor_is_not_inherited(tmp_path: Path) -> None:
    """A program that the server starts does not hold the journal open."""
    journal = Journal(tmp_path / "j")
    journal.append(event())
    assert not os.get_inheritable(journal._descriptor)
