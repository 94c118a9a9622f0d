"""``docker version`` and ``docker info``: what this is, and what it reaches."""

import json
import platform
from collections.abc import Sequence
from typing import Any

from labs.compose import containers
from labs.engine.commands.console import CommandFailed
from labs.engine.commands.flags import Options
from labs.engine.commands.machine import DOCKER_VERSION, Machine, labdocker_version
from labs.engine.commands.template import Template, TemplateFailed, TemplateInvalid, to_json
from labs.engine.internet import TWIN, Internet, InternetUnreadable
from labs.engine.platforms import host_platform
from labs.engine.trust import TrustError

API_VERSION = "1.51"
"""Of the Docker whose texts ours follow; nobody can speak it to us, there is no daemon."""
_NAME = "labdocker (no daemon: moves images; registry:2 and nginx run as processes)"


def version(machine: Machine, options: Options) -> None:
    """Which program this is."""
    values = _version_values()
    if _printed_by_template(machine, options, values, "version", "system.versionInfo"):
        return
    client, server = values["Client"], values["Server"]
    machine.console.say(
        f"""Client: {client["Platform"]["Name"]}
 Version:           {client["Version"]}
 API version:       {client["ApiVersion"]}
 OS/Arch:           {client["Os"]}/{client["Arch"]}
 Context:           {client["Context"]}

Server: {server["Platform"]["Name"]}
 Engine:
  Version:          {server["Version"]}
  OS/Arch:          {server["Os"]}/{server["Arch"]}
  Experimental:     false"""
    )


def short_version() -> str:
    """``docker --version``."""
    return f"Docker version {DOCKER_VERSION}, build labdocker-{labdocker_version()}"


def info(machine: Machine, options: Options) -> None:
    """What is here and which internet is reached."""
    values = _info_values(machine)
    if _printed_by_template(machine, options, values, "", "system.dockerInfo"):
        return
    insecure = "\n".join(f"  {entry}" for entry in values["RegistryConfig"]["InsecureRegistryCIDRs"])
    names = "\n".join(f"  {name}: {address}" for name, address in values["Labdocker"]["Names"].items())
    machine.console.say(
        f"""Client: labdocker {values["Labdocker"]["Version"]}
 Version:    {values["ClientInfo"]["Version"]}
 Context:    default
 Debug Mode: false

Server: {_NAME}
 Containers: {values["Containers"]}
  Running: {values["ContainersRunning"]}
  Paused: 0
  Stopped: {values["ContainersStopped"]}
 Images: {values["Images"]}
 Server Version: {values["ServerVersion"]}
 Storage Driver: {values["Driver"]}
 OSType: linux
 Architecture: {values["Architecture"]}
 Name: {values["Name"]}
 Docker Root Dir: {values["DockerRootDir"]}
 Experimental: false
 Insecure Registries:
{insecure}
 Lab Internet: {values["Labdocker"]["Internet"]}"""
        + (f"\n{names}" if names else "")
    )


def _version_values() -> dict[str, Any]:
    host = host_platform()
    common = {"ApiVersion": API_VERSION, "Os": platform.system().lower(), "Arch": host.architecture}
    return {
        "Client": {"Platform": {"Name": _NAME}, "Version": DOCKER_VERSION, **common, "Context": "default"},
        "Server": {
            "Platform": {"Name": _NAME},
            "Components": [{"Name": "labdocker", "Version": labdocker_version()}],
            "Version": f"{DOCKER_VERSION} (labdocker {labdocker_version()})",
            **common,
        },
    }


def _info_values(machine: Machine) -> dict[str, Any]:
    internet = machine.internet
    present = containers.of_engine(machine.home)
    running = sum(container.pid() is not None for container in present)
    return {
        "ID": "labdocker",
        "Containers": len(present),
        "ContainersRunning": running,
        "ContainersPaused": 0,
        "ContainersStopped": len(present) - running,
        "Images": len(machine.store.images()),
        "Driver": "oci-layout",
        "OSType": "linux",
        "OperatingSystem": platform.platform(),
        "Architecture": platform.machine(),
        "Name": platform.node(),
        "DockerRootDir": str(machine.home),
        "ServerVersion": f"{DOCKER_VERSION} (labdocker {labdocker_version()})",
        "RegistryConfig": {
            "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8", *_insecure_registries(machine)],
        },
        "ServerErrors": [],
        "ClientInfo": {"Version": DOCKER_VERSION, "Context": "default", "Debug": False, "Plugins": []},
        "Labdocker": {
            "Version": labdocker_version(),
            "Internet": internet.mode if internet.mode != TWIN or internet.twins else f"{TWIN} (no twin is up)",
            "Names": _names(internet),
        },
    }


def _names(internet: Internet) -> dict[str, str]:
    try:
        return dict(internet.addresses())
    except InternetUnreadable as exc:
        raise CommandFailed(f"labdocker: {exc}") from exc


def _insecure_registries(machine: Machine) -> Sequence[str]:
    try:
        return machine.trust.insecure_registries()
    except TrustError as exc:
        raise CommandFailed(str(exc)) from exc


def _printed_by_template(machine: Machine, options: Options, values: dict[str, Any], name: str, kind: str) -> bool:
    """Whether ``--format`` was given, and has been followed."""
    form = options.text("format")
    if not form:
        return False
    if form == "json":
        machine.console.say(to_json(values))
        return True
    try:
        machine.console.say(Template(form).render(values, kind))
    except TemplateFailed as exc:
        machine.console.say()
        raise CommandFailed(f"template: {name}{exc}".replace('executing ""', f"executing {json.dumps(name)}")) from exc
    except TemplateInvalid as exc:
        raise CommandFailed(f"template parsing error: template: {name}:1: {exc}") from exc
    return True
