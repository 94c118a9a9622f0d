"""Scopes of GitHub's classic personal access tokens, of which three concern packages."""

import difflib
from collections.abc import Iterable

READ_PACKAGES = "read:packages"
WRITE_PACKAGES = "write:packages"
DELETE_PACKAGES = "delete:packages"

# GitHub Docs, "Scopes for OAuth apps" and the form "New personal access token (classic)", in the form's order.
CLASSIC_SCOPES: tuple[str, ...] = (
    *("repo", "repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"),
    *("workflow", WRITE_PACKAGES, READ_PACKAGES, DELETE_PACKAGES),
    *("admin:org", "write:org", "read:org", "manage_runners:org"),
    *("admin:public_key", "write:public_key", "read:public_key"),
    *("admin:repo_hook", "write:repo_hook", "read:repo_hook", "admin:org_hook"),
    *("gist", "notifications", "user", "read:user", "user:email", "user:follow", "delete_repo"),
    *("write:discussion", "read:discussion"),
    *("admin:enterprise", "manage_runners:enterprise", "manage_billing:enterprise", "read:enterprise"),
    *("audit_log", "read:audit_log", "codespace", "codespace:secrets", "copilot", "manage_billing:copilot"),
    *("project", "read:project"),
    *("admin:gpg_key", "write:gpg_key", "read:gpg_key"),
    *("admin:ssh_signing_key", "write:ssh_signing_key", "read:ssh_signing_key"),
)


class ScopeUnknown(ValueError):
    """GitHub has no scope of that name."""


def parse_scopes(names: Iterable[str]) -> tuple[str, ...]:
    """Names of scopes, each once, in GitHub's order. None at all is allowed, as on GitHub.

    Raises:
        ScopeUnknown: With the nearest names, or the ones that concern packages.
    """
    wanted = {name.strip() for name in names} - {""}
    for name in sorted(wanted):
        if name not in CLASSIC_SCOPES:
            nearest = difflib.get_close_matches(name, CLASSIC_SCOPES, n=3)
            known = nearest or [READ_PACKAGES, WRITE_PACKAGES, DELETE_PACKAGES]
            raise ScopeUnknown(f"{name}: GitHub has no such scope; there are {', '.join(known)}")
    return tuple(name for name in CLASSIC_SCOPES if name in wanted)
