"""``notifications``: who is told what happened."""

from urllib.parse import urlsplit

from pyregistry.config.scalars import parse_url
from pyregistry.config.section import Section
from pyregistry.config.sections.headers import read_headers
from pyregistry.config.settings import NotificationEndpoint, NotificationSettings


def read_notifications(root: Section) -> NotificationSettings:
    """``notifications``."""
    with root.section("notifications") as notifications, notifications.section("events") as events:
        return NotificationSettings(
            endpoints=tuple(map(_read_endpoint, notifications.sections("endpoints"))),
            include_references=events.boolean("includereferences", default=False),
        )


def _read_endpoint(section: Section) -> NotificationEndpoint:
    """One endpoint. A timeout, threshold or backoff of 0 is the default, as in registry:2."""
    default = NotificationEndpoint(name="", url="")
    with section, section.section("ignore") as ignore:
        url = section.parsed("url", parse_url, "")
        section.require("url")
        return NotificationEndpoint(
            name=section.text("name", "") or urlsplit(url).hostname or "",
            url=url,
            headers=read_headers(section),
            timeout_seconds=section.duration("timeout", 0.0) or default.timeout_seconds,
            threshold=section.count("threshold", 0) or default.threshold,
            backoff_seconds=section.duration("backoff", 0.0) or default.backoff_seconds,
            # ``ignoredmediatypes`` is the older spelling of ``ignore.mediatypes``; both count.
            ignored_media_types=frozenset(
                section.several("ignoredmediatypes", str) + ignore.several("mediatypes", str)
            ),
            ignored_actions=frozenset(ignore.several("actions", str)),
            disabled=section.boolean("disabled", default=False),
        )
