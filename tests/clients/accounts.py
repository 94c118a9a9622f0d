"""Accounts of the twin under test, made with the registry's own command."""

import json
import subprocess
import sys
from dataclasses import dataclass

from tests.clients.registry import Registry


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the twin and a personal access token of theirs."""

    user: str
    token: str
    token_id: str


def add_account(registry: Registry, user: str, *, org: str, scopes: str) -> Account:
    """Make a user of ``org`` with a classic token of ``scopes``; the running registry knows them at once."""
    command = ["account", "add", str(registry.config), user, "--org", org, "--pat", scopes, "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "pyregistry", *command], check=True, capture_output=True, text=True, timeout=30
    )
    made = json.loads(done.stdout)
    return Account(user, made["token"], made["id"])
