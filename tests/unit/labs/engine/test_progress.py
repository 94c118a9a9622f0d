"""How transfers are told: lines into a pipe, bars on a terminal."""

from io import StringIO

import pytest

from labs.engine.progress import (
    PlainProgress,
    SilentProgress,
    TerminalProgress,
    choose_progress,
    format_bar,
    format_size,
)


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_plain_lines_have_states_and_no_bytes() -> None:
    """A log gets one line for each state."""
    stream = StringIO()
    progress = PlainProgress(stream)
    progress.status("abc", "Preparing")
    progress.transfer("abc", "Pushing", 1, 2)
    progress.message("done")
    assert stream.getvalue() == "abc: Preparing\ndone\n"


def test_bars_redraw_their_own_line() -> None:
    """The first item's second state is drawn two lines up, over its first."""
    stream = Terminal()
    progress = TerminalProgress(stream)
    progress.status("one", "Preparing")
    progress.status("two", "Preparing")
    progress.status("one", "Pushed")
    assert stream.getvalue().endswith("\x1b[2A\r\x1b[2Kone: Pushed\r\x1b[2B")


def test_bar_of_a_finished_transfer_is_always_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redraws are limited in time, but the end is not left out."""
    monkeypatch.setenv("COLUMNS", "200")
    stream = Terminal()
    progress = TerminalProgress(stream)
    for current in range(1, 101):
        progress.transfer("one", "Pushing", current, 100)
    drawn = stream.getvalue().count("Pushing")
    assert drawn < 100
    assert f"[{'=' * 50}]" in stream.getvalue()


def test_message_after_bars_starts_below_them() -> None:
    """Items that come after a message do not overwrite what is above it."""
    stream = Terminal()
    progress = TerminalProgress(stream)
    progress.status("one", "Preparing")
    progress.message("between")
    progress.status("one", "Preparing")
    assert "between\n\n\x1b[1A" in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "quiet", "kind"),
    [(StringIO(), False, PlainProgress), (Terminal(), False, TerminalProgress), (Terminal(), True, SilentProgress)],
)
def test_what_fits_the_stream(stream: StringIO, kind: type, *, quiet: bool) -> None:
    """Quiet wins over all."""
    assert type(choose_progress(stream, quiet=quiet)) is kind


@pytest.mark.parametrize(
    ("size", "digits", "text"),
    [(0, 4, "0B"), (999, 4, "999B"), (1000, 4, "1kB"), (135097, 3, "135kB"), (135097, 4, "135.1kB"), (10**9, 4, "1GB")],
)
def test_sizes(size: int, digits: int, text: str) -> None:
    """Powers of 1000, as go-units writes them."""
    assert format_size(size, digits) == text


def test_bar_shape() -> None:
    """Fifty places, the head an arrow, both sizes behind it."""
    assert format_bar(1, 2) == f"[{'=' * 25}>{' ' * 24}]       1B/2B"
    assert format_bar(5, 0) == "5B"


def test_bar_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On 80 columns both figures can be read, and the line does not wrap."""
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    TerminalProgress(stream).transfer("0123456789ab", "Downloading", 123_400_000, 987_600_000)
    line = stream.getvalue().partition("\x1b[2K")[2].partition("\r")[0]
    assert line.endswith("123.4MB/987.6MB")
    assert len(line) < 80
