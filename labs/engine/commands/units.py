"""Sizes, times and tables as people read them (github.com/docker/go-units, docker/cli's formatter). Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from labs.engine.progress import format_size

IMAGE_SIZE_DIGITS = 3
COLUMN_GAP = 3
COLUMN_MIN_WIDTH = 10
"""With the gap, as docker/cli sets Go's tabwriter."""
# go-units' HumanDuration: up to which count of which unit (not reached), what is shown, and how.
_AGE_STEPS = (
    ("second", 1, "second", "Less than a second"),
    ("second", 2, "second", "1 second"),
    ("second", 60, "second", "{} seconds"),
    ("minute", 2, "minute", "About a minute"),
    ("minute", 60, "minute", "{} minutes"),
    ("hour", 2, "hour", "About an hour"),
    ("hour", 48, "hour", "{} hours"),
    ("day", 14, "day", "{} days"),
    ("day", 60, "week", "{} weeks"),
    ("day", 730, "month", "{} months"),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def image_size(size: int) -> str:
    """``135kB``."""
    return format_size(size, IMAGE_SIZE_DIGITS)


def parse_time(text: object) -> datetime:
    """A config's ``created`` (RFC 3339, to the nanosecond); the epoch where there is none."""
    if not isinstance(text, str):
        return _EPOCH
    head, dot, fraction = text.removesuffix("Z").partition(".")
    try:
        moment = datetime.fromisoformat(f"{head}.{fraction[:6]}" if dot else head)
    except ValueError:
        return _EPOCH
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def age(moment: datetime, now: datetime) -> str:
    """``2 minutes ago``."""
    return f"{_duration(now - moment)} ago"


def _duration(span: timedelta) -> str:
    """The first step whose limit is not reached."""
    seconds = int(span.total_seconds())
    hours = (seconds + 1800) // 3600
    days = hours // 24
    counts = {"second": seconds, "minute": seconds // 60, "hour": hours, "day": days}
    shown = counts | {"week": days // 7, "month": days // 30}
    for unit, limit, what, form in _AGE_STEPS:
        if counts[unit] < limit:
            return form.format(shown[what])
    return f"{days // 365} years"


def format_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns wide enough for what is in them."""
    widths = [
        max(max(len(cell) for cell in column) + COLUMN_GAP, COLUMN_MIN_WIDTH) for column in zip(*rows, strict=True)
    ]
    return ["".join(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)) + row[-1] for row in rows]
