"""A project as ``docker compose config`` prints it."""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from labs.compose.model import Mount, Project, Published, Service

_STRING_TAG = "tag:yaml.org,2002:str"
_YES_OR_NO = re.compile("[yn]", re.IGNORECASE)
"""Truths to old readers, which PyYAML does not take for any."""


class _Dumper(yaml.SafeDumper):
    """Lists indented below their keys, as Go's library writes them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """PyYAML's hook."""
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Double quotes where a reader would take it for something else."""
    tag = dumper.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]  # PyYAML has no types
    is_plain = tag == _STRING_TAG and not _YES_OR_NO.fullmatch(value)
    style = "|" if "\n" in value else None if is_plain else '"'
    return dumper.represent_scalar(_STRING_TAG, value, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null"))


def render(project: Project, form: str) -> str:
    """The canonical form, as ``yaml`` or ``json``; dollars are written so that they stand for themselves."""
    values = _project(project)
    if form == "json":
        return json.dumps(values, indent=2, ensure_ascii=False)
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**16)


def _project(project: Project) -> dict[str, Any]:
    rows: dict[str, Any] = {"name": project.name}
    rows["services"] = {name: _service(project.services[name]) for name in sorted(project.services)}
    if project.networks:
        rows["networks"] = {name: {"name": f"{project.name}_{name}"} for name in sorted(project.networks)}
    if project.volumes:
        rows["volumes"] = {name: {"name": f"{project.name}_{name}"} for name in sorted(project.volumes)}
    return rows


def _service(service: Service) -> dict[str, Any]:
    """Keys in alphabetical order; what is not set is left out."""
    rows: dict[str, Any] = {
        "command": list(service.command),
        "container_name": service.container_name,
        "depends_on": {name: {"condition": "service_started", "required": True} for name in sorted(service.depends_on)},
        "environment": {name: _escaped(value) for name, value in sorted(service.environment.items())},
        "image": service.image,
        "networks": dict.fromkeys(service.networks),
        "ports": [_port(port) for port in service.ports],
        "restart": service.restart,
        "volumes": [_mount(mount) for mount in service.mounts],
    }
    return {name: value for name, value in rows.items() if value}


def _port(port: Published) -> dict[str, Any]:
    rows: dict[str, Any] = {"mode": "ingress"}
    if port.address:
        rows["host_ip"] = port.address
    rows["target"] = port.container
    if port.host:
        rows["published"] = str(port.host)
    return rows | {"protocol": "tcp"}


def _mount(mount: Mount) -> Mapping[str, Any]:
    read_only = {"read_only": True} if mount.read_only else {}
    if mount.volume:
        return {"type": "volume", "source": mount.volume, "target": str(mount.target), **read_only, "volume": {}}
    made = {"bind": {"create_host_path": True}} if mount.is_made else {}
    return {"type": "bind", "source": str(mount.source), "target": str(mount.target), **read_only, **made}


def _escaped(value: str) -> str:
    return value.replace("$", "$$")
