"""What of Traefik's configuration says where to look: logs, accounts, certificates and keys. Pure.

Options are kept as Traefik's command line writes them, in lower case: ``accesslog.filepath``,
``tls.certificates[0].certfile``. The static ones stand in a file, or in arguments, or in variables, the first of these
that there is; the dynamic ones in files of their own, and in labels.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import yaml

from checker.facts import Logging
from checker.probes.proxy_files import Options, ProxyFiles, Unreadable

STATIC_FILES = tuple(PurePosixPath(f"/etc/traefik/traefik.{suffix}") for suffix in ("toml", "yml", "yaml"))
"""Where it looks for its file, unless it is told another."""
SUFFIXES = frozenset(path.suffix for path in STATIC_FILES)
_VARIABLE = "TRAEFIK_"
_STANDARD_OUTPUT = PurePosixPath("/dev/stdout")
_PASSWORDS = re.compile(r"http\.middlewares\..+\.basicauth\.usersfile")
_ACCOUNTS = re.compile(r"http\.middlewares\..+\.basicauth\.users(\[\d+\])?")
_CERTIFICATE = re.compile(r"tls\..+\.certfile")
_KEY = re.compile(r"tls\..+\.keyfile")
_MIDDLEWARE = re.compile(r"http\.middlewares\.[^.]+\.(?P<kind>\w+)")
_SERVER = re.compile(r"http\.services\..+\.(url|port)")
_HARMLESS = frozenset({"basicauth", "buffering", "headers", "inflightreq", "ipallowlist", "ratelimit"})
"""Middlewares that hand a request on as it came, or answer it themselves."""
_SELECTING = ("accesslog.filters", "accesslog.bufferingsize", "accesslog.fields.defaultmode", "accesslog.fields.names")


def parse(text: str, path: PurePosixPath) -> Options:
    """Options of a file, TOML or YAML.

    Raises:
        Unreadable: It is neither; one that is a template of Go's, for example.
    """
    try:
        tree = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except (yaml.YAMLError, tomllib.TOMLDecodeError) as exc:
        raise Unreadable(str(path)) from exc
    return dict(_flat("", tree))


def of_variables(environment: Mapping[str, str]) -> Options:
    """Options of variables: ``TRAEFIK_ACCESSLOG_FILEPATH``."""
    return {
        name.removeprefix(_VARIABLE).lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith(_VARIABLE)
    }


def of_labels(labels: Mapping[str, str]) -> Options:
    """Options of a container's labels: ``traefik.http.middlewares.NAME.basicauth.users``."""
    return {name.lower().removeprefix("traefik."): value for name, value in labels.items()}


def look_up(static: Options, dynamic: Sequence[Options]) -> ProxyFiles:
    """What the options name."""
    told = [(name, value) for options in dynamic for name, value in options.items()]
    logs = _access_logs(static)
    return ProxyFiles(
        access_logs=logs,
        password_files=_paths(told, _PASSWORDS),
        certificates=_paths(told, _CERTIFICATE),
        keys=_paths(told, _KEY),
        accounts=tuple(
            entry.strip() for name, value in told if _ACCOUNTS.fullmatch(name) for entry in value.split(",")
        ),
        logging=Logging(
            plain=bool(logs) and not any(name.startswith(_SELECTING) for name in static) and _is_plain(told)
        ),
    )


def _is_plain(told: Iterable[tuple[str, str]]) -> bool:
    """One server is handed on to, and no middleware changes a path."""
    names = [name for name, _ in told]
    kinds = {found["kind"] for name in names if (found := _MIDDLEWARE.match(name))}
    return kinds <= _HARMLESS and sum(_SERVER.fullmatch(name) is not None for name in names) == 1


def _access_logs(static: Options) -> tuple[PurePosixPath, ...]:
    """Where the access log goes; nowhere unless something is said of it."""
    told = {name: value for name, value in static.items() if f"{name}.".startswith("accesslog.")}
    if not told or told.get("accesslog", "").lower() == "false":
        return ()
    return (PurePosixPath(told.get("accesslog.filepath") or _STANDARD_OUTPUT),)


def _paths(told: Iterable[tuple[str, str]], pattern: re.Pattern[str]) -> tuple[PurePosixPath, ...]:
    """What the options of one kind name, each once; a certificate may stand there itself, and is no path."""
    named = (value for name, value in told if pattern.fullmatch(name))
    return tuple(dict.fromkeys(PurePosixPath(value) for value in named if "\n" not in value))


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    """The leaves of a tree; what says nothing (``accessLog:``) is none, what is empty (``accessLog: {}``) is."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _flat(f"{name}.{key}".lower().removeprefix("."), each)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _flat(f"{name}[{place}]", each)
    elif value is not None:
        yield name, "" if isinstance(value, dict) else str(value)
