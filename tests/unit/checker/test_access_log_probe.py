"""The access log's probe: nginx's lines, lines that are none, and whose they are."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from checker.facts import AccessLog, Logging, LogLine, NotObserved, Stack, Unavailable
from checker.probes.access_log import AccessLogProbe
from checker.probes.nginx import parse
from checker.probes.surroundings import LocalFile, Surroundings

UP = Stack("compose", "tp2", up=True)
START = datetime(2026, 11, 23, 14, 0, 0, 500_000, tzinfo=UTC)
LINE = '127.0.0.1 - ada [23/Nov/2026:14:03:22 +0000] "PUT /v2/o/r/app/manifests/1.0 HTTP/1.1" 201 0 "-" "docker/28" "-"'


def read(folder: Path, *lines: str, tail: str = "\n") -> AccessLog:
    """What the probe says of a log with these lines."""
    path = folder / "access.log"
    path.write_text("\n".join(lines) + tail, encoding="utf-8")
    found = AccessLogProbe(Surroundings(UP, proxied=True, access_logs=(LocalFile(path),)), START).read()
    assert isinstance(found, AccessLog)
    return found


def test_a_line_is_read_in_both_of_nginxs_formats() -> None:
    """``main`` with the forwarded address, ``combined`` without; the request, who, when, how much."""
    expected = LogLine(
        7,
        datetime(2026, 11, 23, 14, 3, 22, tzinfo=UTC),
        "ada",
        "PUT",
        "/v2/o/r/app/manifests/1.0",
        201,
        0,
        "docker/28",
    )
    assert parse(LINE, 7) == expected
    assert parse(LINE.removesuffix(' "-"'), 7) == expected


class LateFile:
    """What a container prints: the last line comes when it was read twice already."""

    path = "container"

    def __init__(self, *lines: str) -> None:
        self.lines, self.reads = lines, 0

    def read(self) -> bytes:
        """All but the last line, and from the third time on that one too."""
        self.reads += 1
        shown = self.lines if self.reads > 2 else self.lines[:-1]
        return "".join(f"{line}\n" for line in shown).encode()


def test_a_log_that_comes_late_is_waited_for() -> None:
    """The grader's own call is the last line: once it is there, all before it are."""
    log = LateFile(LINE, LINE.replace("docker/28", "labcheck/1 abc"))
    stack = Surroundings(UP, proxied=True, access_logs=(log,))  # type: ignore[arg-type]
    found = AccessLogProbe(stack, START, lambda: "labcheck/1 abc").read()
    assert log.reads > 2
    assert isinstance(found, AccessLog)
    assert [line.user_agent for line in found.lines] == ["docker/28"]


def test_a_log_that_hides_its_clients_is_read_as_it_is() -> None:
    """Patience ends, and a witness to whom nobody answers is none."""

    def unheard() -> str:
        raise NotObserved(Unavailable("refused"))

    for witness in (lambda: "labcheck/1 abc", unheard):
        log = LateFile(LINE, LINE)
        stack = Surroundings(UP, proxied=True, access_logs=(log,))  # type: ignore[arg-type]
        found = AccessLogProbe(stack, START, witness, patience_seconds=0.0).read()
        assert isinstance(found, AccessLog)
        assert len(found.lines) == 1


def test_time_is_read_in_its_zone() -> None:
    """A log in another zone tells the same moment."""
    line = parse(LINE.replace("14:03:22 +0000", "15:33:22 +0130"), 1)
    assert line is not None
    assert line.at == datetime(2026, 11, 23, 14, 3, 22, tzinfo=UTC)


def test_nobody_is_nobody() -> None:
    """A dash, where no login came; a name may hold spaces."""
    anonymous, spaced = parse(LINE.replace("- ada", "- -"), 1), parse(LINE.replace("- ada", "- ada l"), 1)
    assert anonymous is not None
    assert spaced is not None
    assert (anonymous.user, spaced.user) == (None, "ada l")


@pytest.mark.parametrize("request_line", ["-", "", r"\x16\x03\x01\x02\x00", "GET /v2/"])
def test_a_request_that_is_no_http_has_no_path(request_line: str) -> None:
    """TLS on a plain port, a connection that closed: nginx logs them, and they are lines."""
    line = parse(LINE.replace("PUT /v2/o/r/app/manifests/1.0 HTTP/1.1", request_line).replace("201", "400"), 1)
    assert line is not None
    assert (line.method, line.path, line.status) == ("", "", 400)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ada pushed the image, I swear",
        LINE[:60],
        LINE.replace("201 0", "ok 0"),
        LINE.replace("23/Nov", "31/Nov"),
        LINE.replace("Nov", "nov"),
        LINE.replace('"docker', 'docker"'),
        LINE + " and more",
    ],
)
def test_what_is_no_line_is_told_by_its_number(tmp_path: Path, line: str) -> None:
    """And by nothing else: nobody knows what it holds."""
    found = read(tmp_path, LINE, line, LINE)
    assert [each.number for each in found.lines] == [1, 3]
    assert found.unreadable == (2,)


def test_lines_before_the_start_do_not_count(tmp_path: Path) -> None:
    """The log has whole seconds: those of the first second do."""
    before, first = LINE.replace("14:03:22", "13:59:59"), LINE.replace("14:03:22", "14:00:00")
    assert [line.number for line in read(tmp_path, before, first, LINE).lines] == [2, 3]


def test_the_graders_own_lines_are_left_out(tmp_path: Path) -> None:
    """As in the journal."""
    own = LINE.replace("docker/28", "labcheck/1 run/ab")
    assert [line.number for line in read(tmp_path, own, LINE).lines] == [2]


def test_a_line_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    """It is neither a line nor none."""
    found = read(tmp_path, LINE, LINE[:40], tail="")
    assert (len(found.lines), found.unreadable) == (1, ())


def test_a_client_cannot_end_a_field(tmp_path: Path) -> None:
    """Quotation marks are written as codes; bytes that are no text do no harm."""
    odd = LINE.replace("docker/28", r"x\x22 \x22y")
    path = tmp_path / "access.log"
    path.write_bytes(odd.encode() + b"\n" + LINE.replace("docker", "d\udcff").encode(errors="surrogateescape") + b"\n")
    found = AccessLogProbe(Surroundings(UP, proxied=True, access_logs=(LocalFile(path),)), START).read()
    assert isinstance(found, AccessLog)
    assert [line.user_agent for line in found.lines] == ['x" "y', "d\ufffd/28"]


def test_what_a_client_wrote_is_read_as_the_journal_has_it(tmp_path: Path) -> None:
    """Codes are what they stand for: bytes of a path or a client's name in Latin-1, of a user's name in UTF-8."""
    told = (
        LINE.replace("/manifests/1.0", r"/manifests/\x22q\x5C\xE9")
        .replace("docker/28", r"caf\xE9/1")
        .replace(" ada ", r" zo\xC3\xA9 ")
    )
    (line,) = read(tmp_path, told).lines
    assert line.path.endswith('/manifests/"q\\\xe9')
    assert (line.user_agent, line.user) == ("caf\xe9/1", "zo\xe9")
    daemon = r"docker/28 UpstreamClient(Docker-Client/28 \x5C(linux\x5C))"
    assert read(tmp_path, LINE.replace("docker/28", daemon)).lines[0].user_agent.endswith(r"28 \(linux\))")
    (other,) = read(tmp_path, LINE.replace(" ada ", r" zo\xE9 ")).lines
    assert other.user == "zo\xe9"


def test_lines_are_told_by_their_logs_and_all_logs_begin_where_the_last_does(tmp_path: Path) -> None:
    """Of two logs one has lines from later on only; one without any has not begun."""
    early, late, empty = (LocalFile(tmp_path / name) for name in ("early", "late", "empty"))
    before = LINE.replace("14:03:22", "12:00:00")
    early.location.write_text(f"{before}\n{LINE}\n", encoding="utf-8")
    late.location.write_text(f"{LINE}\n", encoding="utf-8")
    empty.location.touch()
    found = AccessLogProbe(Surroundings(UP, proxied=True, access_logs=(early, late)), START).read()
    assert isinstance(found, AccessLog)
    assert [(line.log, line.number) for line in found.lines] == [(early.path, 2), (late.path, 1)]
    assert found.begins_at == found.lines[0].at
    alone = AccessLogProbe(Surroundings(UP, proxied=True, access_logs=(early,)), START).read()
    assert isinstance(alone, AccessLog)
    assert alone.begins_at == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    unbegun = AccessLogProbe(Surroundings(UP, proxied=True, access_logs=(early, empty)), START).read()
    assert isinstance(unbegun, AccessLog)
    assert unbegun.begins_at == unbegun.read_at is not None


def test_what_is_no_line_counts_since_the_proxy_logs_as_it_does(tmp_path: Path) -> None:
    """Before that it may have had another format; lines from before that stand behind it prove that it was before."""
    path = tmp_path / "access.log"
    path.write_text(f"timed\n{LINE}\ntimed\n{LINE.replace('14:03', '14:05')}\ntimed\n", encoding="utf-8")
    for minute, unreadable in ((3, (1, 3, 5)), (4, (3, 5)), (6, (5,))):
        logging = Logging(since=START.replace(minute=minute))
        stack = Surroundings(UP, proxied=True, access_logs=(LocalFile(path),), logging=logging)
        found = AccessLogProbe(stack, START).read()
        assert isinstance(found, AccessLog)
        assert (found.unreadable, found.logging) == (unreadable, logging)


def test_no_log_and_no_proxy_are_told_apart(tmp_path: Path) -> None:
    """``access_log off``; a registry alone."""
    assert AccessLogProbe(Surroundings(UP, proxied=True), START).read() == AccessLog(kept=False, proxied=True)
    assert AccessLogProbe(Surroundings(UP), START).read() == AccessLog(kept=False, proxied=False)
    assert read(tmp_path).path == str(tmp_path / "access.log")


def test_a_log_that_cannot_be_read_is_not_observed(tmp_path: Path) -> None:
    """Gone, or of a proxy behind a URL: never "nothing happened"."""
    gone = Surroundings(UP, proxied=True, access_logs=(LocalFile(tmp_path / "gone"),))
    with pytest.raises(NotObserved) as caught:
        AccessLogProbe(gone, START).read()
    assert caught.value.unavailable.reason == "file-unreadable"
    unseen = Unavailable("stack-unseen", {"url": "https://x"})
    assert AccessLogProbe(Surroundings(UP, proxied=True, access_logs=unseen), START).read() is unseen
