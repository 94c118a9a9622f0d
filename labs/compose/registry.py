"""``registry:2`` as a process: pyregistry with the image's configuration, the student's over it.

Container paths in it become paths of this machine, its addresses loopback ports. It is met by its command line only.
"""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labs.compose.configuration import PREFIX, Keys, addresses, keys_of, settings, with_paths
from labs.compose.model import ComposeError, Issue, Service
from labs.compose.place import Place, Plan
from labs.compose.words import say
from labs.ports import HOST
from labs.processes import module_command

IMAGE_CONFIG = """\
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
"""
"""The image's own config.yml."""

CONFIG_PATHS = (PurePosixPath("/etc/docker/registry/config.yml"), PurePosixPath("/etc/distribution/config.yml"))
"""Where the images of registry:2 and registry:3 look for it."""

JOURNAL = "journal.jsonl"
CONFIG = "config.yml"

CHECK_TIMEOUT_SECONDS = 20.0

_ROOT_DIRECTORY = "/var/lib/registry"
_HTTP_PORT = 5000
_PORT = re.compile(r"(?P<host>.*):(?P<port>\d{1,5})", re.ASCII)
_LOCATED = re.compile(r"(?::(?P<line>\d+))?: (?P<text>.*)", re.ASCII)
_WARNING = " (warning)"
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH")
"""Of our own environment, what a Python program on this machine needs."""


def plan(place: Place) -> Plan:
    """How the registry runs here.

    Raises:
        ComposeError: Its configuration is wrong: each mistake, in the file or the variable that says it.
    """
    return _Registry(place, _config_path(place)).plan()


def garbage_collect_command(config: Path, words: Sequence[str]) -> tuple[str, ...]:
    """``registry`` and these words as a command of this machine; for the container's configuration, the written one."""
    named = {str(path) for path in CONFIG_PATHS}
    return module_command("pyregistry", *(str(config) if word in named else word for word in words))


@dataclass(frozen=True, slots=True)
class _Registry:
    """One registry to be. ``config`` is the container path of its configuration."""

    place: Place
    config: PurePosixPath

    @property
    def service(self) -> Service:
        return self.place.service

    def plan(self) -> Plan:
        text = self._text()
        variables = {name: value for name, value in self.service.environment.items() if name.startswith(PREFIX)}
        variables.pop("REGISTRY_CONFIGURATION_PATH", None)  # the image's command names the file
        found = settings(text, variables)
        if found.get(("http", "net")) not in {None, "", "tcp"}:
            raise ComposeError(self._issue(say(os.environ, "value", where="http.net", value=found["http", "net"])))
        if asked := self._asked_neighbours(text, variables):
            raise ComposeError(*asked)
        mapped = {name: with_paths(value, self._path, keys_of(name)) for name, value in variables.items()}
        if _lacks_root(found):
            mapped["REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"] = self._path(_ROOT_DIRECTORY)
        written = self.place.state / CONFIG
        _write(written, with_paths(text, self._path))
        environ = _environment(self.service) | mapped
        self._check(written, environ)
        ports = self._ports(found)
        listening = {name: f"{HOST}:{self.place.listen(port)}" for name, port in ports.items()}
        return Plan(
            command=module_command("pyregistry", "serve", str(written)),
            environ=environ | listening | {"REGISTRY_PYREGISTRY_JOURNAL_PATH": str(self.journal)},
            listens=tuple(ports.values()),
            journal=self.journal,
            password_files=self._files(found, ("auth", "htpasswd", "path")),
            certificates=self._files(found, ("http", "tls", "certificate")),
            keys=self._files(found, ("http", "tls", "key")),
        )

    @property
    def journal(self) -> Path:
        return self.place.logs / JOURNAL

    def _text(self) -> str:
        """The student's file where one is mounted, else the image's."""
        file = self.place.path(self.config)
        if self._is_image_own(file):
            return IMAGE_CONFIG
        try:
            return file.read_text(encoding="utf-8")
        except OSError as exc:
            text = f"configuration error: open {self.config}: {(exc.strerror or str(exc)).lower()}"
            raise ComposeError(self._issue(text)) from exc
        except UnicodeDecodeError as exc:
            text = f"configuration error: error parsing {self.config}: yaml: invalid leading UTF-8 octet"
            raise ComposeError(Issue(file, None, text)) from exc

    def _is_image_own(self, file: Path) -> bool:
        return self.config in CONFIG_PATHS and not file.exists()

    def _asked_neighbours(self, text: str, variables: Mapping[str, str]) -> list[Issue]:
        """What would lead it to another service: a name that means nothing outside of containers.

        Only nginx's names are mapped: without Docker there is no service that a registry could ask.
        """
        service, file = self.service, self.place.path(self.config)
        rows = [(keys, host, file, line) for keys, host, line in addresses(text)]
        for name, value in variables.items():
            line = service.environment_lines.get(name, service.line or 0)
            rows += [(keys, host, service.file, line) for keys, host, _ in addresses(value, keys_of(name))]
        return [
            Issue(where, line, say(os.environ, "neighbour", where=".".join(keys), value=host))
            for keys, host, where, line in rows
            if host in self.place.neighbours
        ]

    def _path(self, inside: str) -> str:
        return str(self.place.path(inside))

    def _ports(self, found: Mapping[Keys, str]) -> dict[str, int]:
        """Container ports by the variable that moves them."""
        ports = {"REGISTRY_HTTP_ADDR": _port(found.get(("http", "addr"), ""), _HTTP_PORT)}
        if debug := found.get(("http", "debug", "addr")):
            ports["REGISTRY_HTTP_DEBUG_ADDR"] = _port(debug, _HTTP_PORT + 1)
        return ports

    def _files(self, found: Mapping[Keys, str], keys: Keys) -> tuple[Path, ...]:
        return (self.place.path(found[keys]),) if found.get(keys, "").startswith("/") else ()

    def _issue(self, text: str) -> Issue:
        return Issue(self.service.file, self.service.line, text)

    def _check(self, written: Path, environ: Mapping[str, str]) -> None:
        """Ask the registry itself what it thinks of its configuration."""
        command = module_command("pyregistry", "check-config", str(written))
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, check=False, timeout=CHECK_TIMEOUT_SECONDS
        )
        if done.returncode:
            lines = [line for line in done.stdout.splitlines() if not line.endswith(_WARNING)]
            raise ComposeError(*[self._told(line, written) for line in lines or [done.stderr.strip()]])

    def _told(self, line: str, written: Path) -> Issue:
        """A line of ``check-config``: ``FILE:LINE: text``, or ``VARIABLE: text``."""
        file = self.place.path(self.config)
        located = _LOCATED.fullmatch(line.removeprefix(str(written))) if line.startswith(str(written)) else None
        if located and located["line"] and not self._is_image_own(file):
            return Issue(file, int(located["line"]), f"configuration error: {self._seen_inside(located['text'])}")
        text = f"configuration error: {self._seen_inside(located['text'] if located else line)}"
        variable = line.partition(": ")[0]
        return Issue(self.service.file, self.service.environment_lines.get(variable, self.service.line), text)

    def _seen_inside(self, text: str) -> str:
        """What lies in the container's own file system, the student knows by its container path."""
        return text.replace(str(self.place.root), "")


def _config_path(place: Place) -> PurePosixPath:
    """What the container's command names, else where the image looks.

    Raises:
        ComposeError: The command is none of the image's.
    """
    words = [word for word in place.service.command if word not in {"registry", "/bin/registry", "serve"}]
    if len(words) == 1 and words[0].endswith((".yml", ".yaml")):
        return PurePosixPath(words[0])
    if words:
        text = say(os.environ, "value", where=f"services.{place.service.name}.command", value=" ".join(words))
        raise ComposeError(Issue(place.service.file, place.service.line, text))
    mounted = [path for path in CONFIG_PATHS if place.path(path).exists()]
    return next(iter(mounted), CONFIG_PATHS[0])


def _lacks_root(found: Mapping[Keys, str]) -> bool:
    """Whether the file system's driver is chosen and its folder left to the default, which is the container's."""
    chosen = found.get(("storage",)) == "filesystem" or any(keys[:2] == ("storage", "filesystem") for keys in found)
    return chosen and not found.get(("storage", "filesystem", "rootdirectory"))


def _port(address: str, default: int) -> int:
    found = _PORT.fullmatch(address)
    return int(found["port"]) if found else default


def _environment(service: Service) -> dict[str, str]:
    """What the process starts with, besides its configuration."""
    ours = {name: os.environ[name] for name in _KEPT if name in os.environ}
    theirs = {name: value for name, value in service.environment.items() if not name.startswith(PREFIX)}
    # The student's folder is no place to import modules from.
    return theirs | ours | {"PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _write(file: Path, text: str) -> None:
    """For its owner's eyes: a configuration may hold secrets."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
