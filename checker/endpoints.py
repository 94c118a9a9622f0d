"""Which registry is graded: the attempt's own, or one that the lab does not run."""

from urllib.parse import urlsplit

from labs.attempts import Attempt, Endpoint

HOSTED = "hosted"
"""The role of the registry that the exercise pushes to, where the lab runs it."""
PRIVATE = "private"
"""The role of the registry that the exercise has the student build."""


class UnusableUrl(ValueError):
    """``--registry`` names nothing that speaks HTTP."""


def is_built(attempt: Attempt) -> bool:
    """Whether the registry is the student's own work."""
    return PRIVATE in attempt.registries


def own_registry(attempt: Attempt) -> Endpoint:
    """The registry that the exercise is about."""
    return attempt.registries[PRIVATE if is_built(attempt) else HOSTED]


def other_registry(attempt: Attempt, url: str) -> Endpoint:
    """A registry that the stack does not run; on this machine the lab's own CA may vouch for it.

    Raises:
        UnusableUrl: ``url`` is none of HTTP.
    """
    there = urlsplit(url if "://" in url else f"https://{url}")
    if there.scheme not in {"http", "https"} or not there.hostname:
        raise UnusableUrl(url)
    local = there.hostname == "localhost" or there.hostname.startswith("127.")
    return Endpoint(
        name=there.hostname,
        url=f"{there.scheme}://{there.netloc}",
        ca=own_registry(attempt).ca if local else None,
    )
