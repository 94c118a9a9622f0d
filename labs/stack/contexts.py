"""Docker's contexts: Docker Desktop, rootless Docker and others keep the engine's address in one.

They lie in the student's own configuration; in the lab ``DOCKER_CONFIG`` names another folder. What they say is carried
over in variables.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 5.0
"""Docker's command reads two files for this; no engine is asked."""

_DEFAULT = "default"


def engine_variables(command: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What leads Docker's command to the engine of its context when its configuration is another folder.

    Args:
        command: Docker's own.
        environ: The student's. ``DOCKER_HOST`` in it goes before any context, as it does for Docker.

    Returns:
        Nothing where no context was chosen, or where Docker's command does not know it: it will say so itself.
    """
    if environ.get("DOCKER_HOST") or _chosen(environ) == _DEFAULT:
        return {}
    found = _inspect(command, environ)
    host = found.get("Endpoints", {}).get("docker", {}).get("Host")
    if not host:
        return {}
    return {"DOCKER_HOST": host, "DOCKER_CONTEXT": "", **_tls_variables(found)}


def _chosen(environ: Mapping[str, str]) -> str:
    """The context's name; what cannot be read chooses none."""
    if name := environ.get("DOCKER_CONTEXT"):
        return name
    home = Path(environ.get("HOME") or Path.home())
    try:
        config = Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
        return str(json.loads(config.read_text(encoding="utf-8")).get("currentContext") or _DEFAULT)
    except (OSError, ValueError, AttributeError):
        return _DEFAULT


def _inspect(command: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """The context in use, in Docker's own words; empty where it has none."""
    try:
        done = subprocess.run(
            [command, "context", "inspect", "--format", "{{json .}}"],
            env=dict(environ),
            capture_output=True,
            check=True,
            timeout=TIMEOUT_SECONDS,
        )
        return dict(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}


def _tls_variables(context: Mapping[str, Any]) -> dict[str, str]:
    """Where a context's certificates lie, if it has any."""
    if not context.get("TLSMaterial", {}).get("docker"):
        return {}
    skips = context["Endpoints"]["docker"].get("SkipTLSVerify")
    folder = Path(context["Storage"]["TLSPath"]) / "docker"
    return {"DOCKER_CERT_PATH": str(folder), "DOCKER_TLS" if skips else "DOCKER_TLS_VERIFY": "1"}
