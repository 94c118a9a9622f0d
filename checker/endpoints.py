"""Which registry is graded: the attempt's own, or one that the lab does not run."""

from urllib.parse import urlsplit

from labs.attempts import Attempt, Endpoint

HOSTED = "hosted"
"""The role of the registry that the exercise pushes to."""


class UnusableUrl(ValueError):
    """``--registry`` names nothing that speaks HTTP."""


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
        name=there.hostname, url=f"{there.scheme}://{there.netloc}", ca=attempt.registries[HOSTED].ca if local else None
    )
