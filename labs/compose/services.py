"""One service of a compose file, read."""

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labs.compose import images, keys
from labs.compose.discovery import Source, read_dotenv
from labs.compose.document import Cursor
from labs.compose.layout import ProjectFolder
from labs.compose.model import ComposeError, Mount, Published, Service
from labs.compose.shorthand import Port, ShorthandInvalid, Volume, parse_port, parse_volume
from labs.compose.words import say

_OURS = frozenset(
    (
        *("image", "environment", "env_file", "volumes", "ports", "depends_on", "networks", "command", "restart"),
        "container_name",
    )
)
_NAME = re.compile(r"[a-zA-Z0-9._-]+")
_CONTAINER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")
_OR = "', '"
_HEX = re.compile(r"0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class ServiceReader:
    """Reads one service.

    Attributes:
        line: Where its name stands.
        networks: Those that the file declares; so ``volumes``.
    """

    name: str
    line: int
    body: Cursor
    source: Source
    folder: ProjectFolder
    networks: Collection[str]
    volumes: Collection[str]

    def read(self) -> Service | None:
        """The service; None where nothing of it can be told. What is wrong is noted."""
        if not _NAME.fullmatch(self.name):
            self._at_services(f"additional properties '{self.name}' not allowed")
            return None
        if not self.body.is_mapping:
            if self.body.is_null:
                self.body.invalid("must be a mapping")
            else:
                self.body.wrong(f"{self.body.where} must be a mapping")
            return None
        self.body.check_keys(_OURS, keys.SERVICE)
        entries = self.body.entries()
        environment, lines = self._environment(entries.get("environment"))
        return Service(
            name=self.name,
            image=self._image(entries.get("image")),
            line=self.line,
            environment=self._env_files(entries.get("env_file")) | environment,
            mounts=tuple(self._mounts(entries.get("volumes"))),
            ports=tuple(self._ports(entries.get("ports"))),
            depends_on=self._depends_on(entries.get("depends_on")),
            networks=self._attachments(entries.get("networks")),
            command=self._command(entries.get("command")),
            container_name=self._container_name(entries.get("container_name")),
            restart=_optional_text(entries.get("restart")),
            file=self.source.file,
            environment_lines=lines,
        )

    def _at_services(self, text: str) -> None:
        Cursor(self.body.node, "services", self.body.findings).invalid(text)

    def _image(self, entry: Cursor | None) -> str:
        """The image; a slip in another key's name may be why there is none, and is told alone."""
        known_wrong = len(self.body.findings.issues)
        image = entry.demand_text() if entry else None
        is_misspelt = entry is None and not keys.SERVICE.issuperset(self.body.keys())
        if len(self.body.findings.issues) > known_wrong or is_misspelt:
            return ""
        if not image:
            at = entry or self.body
            at.wrong(
                f'service "{self.name}" has neither an image nor a build context specified: invalid compose project'
            )
        elif images.kind(image) is None and entry:
            entry.wrong(say(self.source.variables, "image", where=entry.where, value=image, images=images.STAND_INS))
        return image or ""

    def _environment(self, entry: Cursor | None) -> tuple[dict[str, str], dict[str, int]]:
        """Variables and their lines. One without a value takes that of the surroundings, where there is one."""
        if entry is None or entry.is_null:
            return {}, {}
        if entry.is_list:
            rows = self._environment_list(entry)
        elif entry.is_mapping:
            rows = self._environment_map(entry)
        else:
            entry.invalid("must be a mapping")
            rows = []
        values: dict[str, str] = {}
        for name, value, _ in rows:
            told = self.source.variables.get(name) if value is None else value
            if told is not None:
                values[name] = told
        return values, {name: line for name, _, line in rows}

    def _environment_map(self, entry: Cursor) -> list[tuple[str, str | None, int]]:
        rows = []
        for name, value in entry.entries().items():
            if value.is_scalar:
                rows.append((name, _plain(value), value.line))
            elif value.is_mapping or value.is_list:
                value.invalid("must be a boolean, null, number or string")
            else:
                value.invalid("invalid jsonType time.Time")
        return rows

    def _environment_list(self, entry: Cursor) -> list[tuple[str, str | None, int]]:
        rows = []
        for number, item in enumerate(entry.items()):
            if not item.is_text:
                item.wrong(f"{entry.where}.[{number}]: unexpected type")
                continue
            name, equals, value = (item.scalar() or "").partition("=")
            rows.append((name, value if equals else None, item.line))
        return rows

    def _env_files(self, entry: Cursor | None) -> dict[str, str]:
        values: dict[str, str] = {}
        for item in _one_or_more(entry):
            path, required = item, True
            if item.is_mapping:
                item.check_keys({"path", "required"}, keys.ENV_FILE)
                rows = item.entries()
                required = "required" not in rows or rows["required"].boolean()
                if "path" not in rows:
                    item.invalid("missing property 'path'")
                    continue
                path = rows["path"]
            told = path.demand_text()
            if told and (required or (self.source.folder / told).exists()):
                values |= self._env_file(path, self.source.folder / told)
        return values

    def _env_file(self, entry: Cursor, file: Path) -> dict[str, str]:
        try:
            return read_dotenv(file, self.source.variables)
        except ComposeError as exc:
            entry.wrong(str(exc))
            return {}

    def _ports(self, entry: Cursor | None) -> list[Published]:
        published = []
        for item in entry.items() if entry else []:
            try:
                rows = self._long_port(item) if item.is_mapping else parse_port(item.scalar() or "")
            except ShorthandInvalid as exc:
                item.wrong(str(exc))
                continue
            for row in rows:
                if row.protocol != "tcp":
                    item.decline(row.protocol)
                published.append(Published(row.host, row.container, row.address))
        self._check_published_once(entry, published)
        return published

    def _check_published_once(self, entry: Cursor | None, published: list[Published]) -> None:
        """A program of this machine listens once where a container's port can be led to from many."""
        hosts: dict[int, set[int]] = {}
        for row in published:
            hosts.setdefault(row.container, set()).add(row.host)
        for port, several in hosts.items():
            if len(several) > 1 and entry:
                entry.wrong(say(self.source.variables, "published-twice", where=entry.where, port=port))

    def _long_port(self, item: Cursor) -> tuple[Port, ...]:
        item.check_keys({"name", "mode", "host_ip", "target", "published", "protocol", "app_protocol"}, keys.PORT)
        rows = {key: cursor.scalar() or "" for key, cursor in item.entries().items()}
        if not rows.get("target"):
            item.wrong(f"service ports {_bracketed(item.where)} is missing a target port")
            return ()
        if rows.get("mode", "ingress") not in {"ingress", "host"}:
            item.decline(rows["mode"])
        address = f"[{rows['host_ip']}]:" if ":" in rows.get("host_ip", "") else f"{rows.get('host_ip', '')}:"
        return parse_port(f"{address}{rows.get('published', '')}:{rows['target']}/{rows.get('protocol') or 'tcp'}")

    def _mounts(self, entry: Cursor | None) -> list[Mount]:
        found = []
        for item in entry.items() if entry else []:
            try:
                mount = self._long_mount(item) if item.is_mapping else self._short_mount(item)
            except ShorthandInvalid as exc:
                item.wrong(str(exc))
                continue
            if mount is None:
                continue
            if not mount.target.is_absolute():
                item.wrong(
                    f"invalid mount config for type \"bind\": invalid mount path: '{mount.target}' mount path must be "
                    "absolute"
                )
            found.append(mount)
        return found

    def _short_mount(self, item: Cursor) -> Mount | None:
        text = item.demand_text()
        volume = parse_volume(text) if text is not None else None
        if volume is None or volume.source is None:
            return None  # an anonymous volume: a part of the container's own file system
        named = volume.source if volume.is_named else None
        source = self._mount_source(item, volume)
        return Mount(source, PurePosixPath(volume.target), "ro" in volume.options, volume=named)

    def _mount_source(self, item: Cursor, volume: Volume) -> Path:
        if volume.is_named:
            return self._named_volume(item, str(volume.source))
        return self._path(str(volume.source))

    def _path(self, source: str) -> Path:
        """A path as the file writes it, against the project's folder; ``..`` goes up as it is written."""
        home = self.source.variables.get("HOME", str(Path.home()))
        expanded = home + source[1:] if source == "~" or source.startswith("~/") else source
        whole = self.source.folder / expanded
        parts: list[str] = []
        for part in whole.parts[1:]:
            if part == "..":
                parts = parts[:-1]
            else:
                parts.append(part)
        return Path("/", *parts)

    def _named_volume(self, item: Cursor, name: str) -> Path:
        if name not in self.volumes:
            item.wrong(f'service "{self.name}" refers to undefined volume {name}: invalid compose project')
        return self.folder.volume(name)

    def _long_mount(self, item: Cursor) -> Mount | None:
        item.check_keys({"type", "source", "target", "read_only", "bind", "volume"}, keys.MOUNT)
        rows = item.entries()
        kind = rows["type"].demand_text() if "type" in rows else None
        target = rows["target"].scalar() if "target" in rows else None
        source = rows["source"].scalar() if "source" in rows else None
        if not target:
            item.wrong(f"service volume {_bracketed(item.where)} is missing a mount target")
            return None
        if kind not in {"bind", "volume"}:
            (rows.get("type") or item).decline(kind or "type")
            return None
        if not source:
            if kind == "bind":
                item.wrong('invalid mount config for type "bind": field Source must not be empty')
            return None
        where = self._path(source) if kind == "bind" else self._named_volume(item, source)
        read_only = "read_only" in rows and rows["read_only"].boolean()
        is_made = kind == "volume" or self._creates(rows.get("bind"))
        return Mount(where, PurePosixPath(target), read_only, is_made, source if kind == "volume" else None)

    def _creates(self, bind: Cursor | None) -> bool:
        """Whether the long syntax asks for a missing folder to be made."""
        if bind is None or bind.is_null:
            return False
        bind.check_keys({"create_host_path", "selinux", "propagation"}, keys.BIND)
        created = bind.entries().get("create_host_path")
        return created is not None and created.boolean()

    def _depends_on(self, entry: Cursor | None) -> tuple[str, ...]:
        if entry is None or entry.is_null:
            return ()
        if not entry.is_mapping:
            return tuple(name for item in entry.items() if (name := item.demand_text()))
        for item in entry.entries().values():
            self._check_condition(item)
        return tuple(entry.entries())

    def _check_condition(self, item: Cursor) -> None:
        item.check_keys({"condition", "required", "restart"}, keys.DEPENDENCY)
        condition = item.entries().get("condition")
        asked = condition.demand_text() if condition else None
        if condition is None:
            item.invalid("missing property 'condition'")
        elif asked is not None and asked not in _CONDITIONS:
            condition.invalid(f"value must be one of '{_OR.join(_CONDITIONS)}'")
        elif asked not in {None, _CONDITIONS[0]}:
            condition.decline(asked)

    def _attachments(self, entry: Cursor | None) -> tuple[str, ...]:
        if entry is None or entry.is_null:
            return ("default",)
        if entry.is_mapping:
            names = [(name, body) for name, body in entry.entries().items()]
            for _, body in names:
                if not body.is_null:
                    body.check_keys((), keys.ATTACHMENT)
        else:
            names = [(item.demand_text() or "", item) for item in entry.items()]
            self._check_twice(entry, [name for name, _ in names])
        for name, item in names:
            if name and name != "default" and name not in self.networks:
                item.wrong(f'service "{self.name}" refers to undefined network {name}: invalid compose project')
        return tuple(name for name, _ in names)

    def _check_twice(self, entry: Cursor, names: list[str]) -> None:
        for number, name in enumerate(names):
            if name in names[:number]:
                entry.invalid(f"items at {names.index(name)} and {number} are equal")

    def _command(self, entry: Cursor | None) -> tuple[str, ...]:
        if entry is None or entry.is_null:
            return ()
        if entry.is_list:
            return tuple(item.scalar() or "" for item in entry.items())
        if not entry.is_scalar:
            entry.invalid("must be a null")
            return ()
        try:
            return tuple(shlex.split(entry.scalar() or ""))
        except ValueError:
            entry.wrong(
                "decoding failed due to the following error(s):\n\n"
                f"'services[{self.name}].command' invalid command line string"
            )
            return ()

    def _container_name(self, entry: Cursor | None) -> str | None:
        name = entry.demand_text() if entry else None
        if entry and name is not None and not _CONTAINER_NAME.fullmatch(name):
            entry.invalid(f"'{name}' does not match pattern '{_CONTAINER_NAME.pattern}'")
        return name


def _optional_text(entry: Cursor | None) -> str | None:
    return entry.demand_text() if entry else None


def _one_or_more(entry: Cursor | None) -> list[Cursor]:
    if entry is None or entry.is_null:
        return []
    return entry.items() if entry.is_list else [entry]


def _plain(value: Cursor) -> str | None:
    """A variable's value as Compose turns it into text: truths in small letters, hexadecimals counted."""
    text = value.scalar()
    if text is None or value.is_text:
        return text
    if text.lower() in {"true", "false"}:
        return text.lower()
    return str(int(text, 16)) if _HEX.fullmatch(text) else text


def _bracketed(where: str) -> str:
    """``services.a.ports.[0]``: how Compose writes an item's path in some texts."""
    head, _, number = where.rpartition(".")
    return f"{head}.[{number}]"
