"""What of Caddy's configuration says where to look: logs, accounts, certificates and keys. Pure.

``caddy adapt`` prints what Caddy makes of a Caddyfile: JSON, in which each server names the loggers of its hosts, and
``logging`` says where these write. Without a logger there is no access log; one without a writer writes to stderr.
"""

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from checker.facts import Logging
from checker.probes.proxy_files import ProxyFiles, Unreadable

DEFAULT_FILE = PurePosixPath("/etc/caddy/Caddyfile")
_ACCESS = "http.log.access"
_DEFAULT_OUTPUT = "stderr"
_STANDARD = frozenset({"stdout", "stderr"})
_HARMLESS = frozenset(
    {"authentication", "headers", "request_body", "reverse_proxy", "static_response", "subroute", "vars"}
)
"""Handlers that hand a request on as it came, or answer it themselves."""


def look_up(adapted: str, host: str) -> ProxyFiles:
    """What the configuration names.

    Args:
        adapted: What ``caddy adapt`` printed.
        host: By whose name clients come.

    Raises:
        Unreadable: No configuration of Caddy.
    """
    try:
        return _look_up(json.loads(adapted), host)
    except (ValueError, AttributeError, KeyError, TypeError) as exc:
        raise Unreadable(type(exc).__name__) from exc


def _look_up(config: Mapping[str, Any], host: str) -> ProxyFiles:
    apps, logs = config.get("apps", {}), config.get("logging", {}).get("logs", {})
    servers = apps.get("http", {}).get("servers", {}).values()
    proxies = [each for each in servers if any(each.get("handler") == "reverse_proxy" for each in _objects(each))]
    loggers = [name for server in proxies for name in _loggers(server.get("logs"), host)]
    logs_to = _distinct(path for name in loggers for path in _writes_to(name, logs))
    served = apps.get("tls", {}).get("certificates", {}).get("load_files", ())
    return ProxyFiles(
        access_logs=logs_to,
        password_files=(),
        certificates=_distinct(PurePosixPath(pair["certificate"]) for pair in served),
        keys=_distinct(PurePosixPath(pair["key"]) for pair in served),
        accounts=tuple(_account(each) for server in proxies for basic in _basic(server) for each in basic["accounts"]),
        logging=Logging(
            plain=len(logs_to) == 1 and _is_plain(proxies) and not any("sampling" in log for log in logs.values())
        ),
    )


def _is_plain(servers: Sequence[Mapping[str, Any]]) -> bool:
    """One server hands on to one registry, and changes no path."""
    handlers = [each for server in servers for each in _objects(server) if "handler" in each]
    onward = [each for each in handlers if each["handler"] == "reverse_proxy"]
    known = {each["handler"] for each in handlers} <= _HARMLESS
    return known and len(servers) == len(onward) == 1 and "rewrite" not in onward[0]


def _loggers(told: Mapping[str, Any] | None, host: str) -> Sequence[str]:
    """The loggers of a host's requests, the default one being nameless; none where these are not logged."""
    if told is None or host in told.get("skip_hosts", ()):
        return ()
    named = {str(name).partition(":")[0]: loggers for name, loggers in told.get("logger_names", {}).items()}
    if host not in named and told.get("skip_unmapped_hosts"):
        return ()
    found = named.get(host, told.get("default_logger_name", ""))
    return [found] if isinstance(found, str) else found  # since Caddy 2.8 a host may have several


def _writes_to(logger: str, logs: Mapping[str, Any]) -> Iterator[PurePosixPath]:
    """Where a logger's lines go: to the log that asks for them, else to the default one."""
    full = f"{_ACCESS}.{logger}"
    asked = [log for log in logs.values() if logger and full in log.get("include", ())]
    for log in asked or [logs.get("default", {})]:
        writer = log.get("writer", {})
        output = writer.get("output", _DEFAULT_OUTPUT)
        if output in _STANDARD:
            yield PurePosixPath("/dev", output)
        elif output == "file":
            yield PurePosixPath(writer["filename"])


def _basic(server: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Where passwords are asked for."""
    yield from (found["http_basic"] for found in _objects(server) if "http_basic" in found)


def _account(told: Mapping[str, str]) -> str:
    """An account as a line of htpasswd's; older Caddys wrote its hash in base64."""
    kept = told["password"]
    return f"{told['username']}:{kept if kept.startswith('$') else b64decode(kept).decode()}"


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    """All objects within, itself first."""
    if isinstance(value, dict):
        yield value
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in within:
        yield from _objects(each)


def _distinct(paths: Iterable[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(paths))
