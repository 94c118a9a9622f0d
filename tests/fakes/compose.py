"""A stand-in for the stand-ins: images whose program listens and obeys a file, so that projects are tried quickly."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from labs.compose import images, planning
from labs.compose.model import ComposeError, Issue, Service
from labs.compose.place import Place, Plan

PORTS = {images.REGISTRY: 5000, images.NGINX: 80}

# Its arguments: a word by which a project's programs are known, a file of the project, the port, an order.
_PROGRAM = """
import os, signal, socket, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("starting", flush=True)
if sys.argv[3] == "0":
    sys.exit("cannot go on")
server = socket.create_server(("127.0.0.1", int(sys.argv[3])))
if sys.argv[4] == "fork":
    os.fork()
print("listening", flush=True)
while True:
    server.accept()[0].close()
"""


def plan(place: Place) -> Plan:
    """A program on the image's port. The container's file ``/orders`` may say ``refuse``, ``die`` or ``fork``."""
    port = PORTS[images.kind(place.service.image) or ""]
    orders = place.path("/orders")
    told = orders.read_text(encoding="utf-8") if orders.exists() else ""
    place.state.mkdir(parents=True, exist_ok=True)
    if told == "refuse":
        raise ComposeError(Issue(orders, 1, "refused"))
    place.logs.mkdir(parents=True, exist_ok=True)
    place.root.mkdir(parents=True, exist_ok=True)
    here = 0 if told == "die" else place.listen(port)
    command = (sys.executable, "-S", "-c", _PROGRAM, "pyregistry", str(place.state / "config"), str(here), told)
    return Plan(command, {"PATH": "/usr/bin:/bin"}, (port,), journal=place.logs / "journal.jsonl")


def replace_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this stand in for every image."""
    monkeypatch.setattr(planning, "PLANS", dict.fromkeys(PORTS, plan))


def service(name: str, **values: object) -> Service:
    """A registry, or an nginx where that is its name."""
    image = images.NGINX if name.startswith("nginx") else "registry:2"
    bare = Service(name, image, line=1, file=Path("/compose.yaml"))
    return replace(bare, **values)  # type: ignore[arg-type]
