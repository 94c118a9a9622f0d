"""A stand-in for Docker's command, which has containers and remembers what it was asked; no engine is needed."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

# Answers as Docker's command does, to the words that are asked of it, from world.json beside it.
_DOCKER = """\
#!{python} -IS
import json, pathlib, sys
file = pathlib.Path(__file__).with_name("world.json")
world, words = json.loads(file.read_text()), sys.argv[1:]
world["asked"].append([str(pathlib.Path.cwd()), *words])
label = "com.docker.compose.project"
if words[0] == world.get("refuses"):
    sys.exit("Cannot connect to the Docker daemon")
if words[0] == "version":
    print("28.5.2")
elif words[:2] == ["compose", "version"] and not world["compose"]:
    sys.exit("docker: 'compose' is not a docker command.")
elif words[0] == "ps":
    print(*(row["Id"] for row in world["rows"] if label + ".working_dir" in row["Config"]["Labels"]), sep="\\n")
elif words[0] == "inspect":
    print(json.dumps([row for row in world["rows"] if row["Id"] in words]))
elif words[:2] == ["context", "inspect"]:
    print(json.dumps(world["context"]))
elif words[:1] == ["compose"] and "down" in words:
    world["rows"] = [row for row in world["rows"] if row["Config"]["Labels"].get(label) != words[2]]
file.write_text(json.dumps(world))
"""
LABEL = "com.docker.compose.project"


def container(name: str, labels: Mapping[str, str], pid: int = 0) -> dict[str, object]:
    """As ``docker inspect`` tells it, as far as it is read."""
    ports = {"443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "443"}], "80/tcp": None}
    return {
        "Id": name,
        "Name": f"/{name}",
        "State": {"Pid": pid},
        "Config": {"Labels": dict(labels)},
        "NetworkSettings": {"Ports": ports},
    }


def made_in(folder: Path, project: str) -> dict[str, str]:
    """What compose labels its containers with."""
    return {LABEL: project, f"{LABEL}.working_dir": str(folder)}


class DockerCommand:
    """Docker's command in a folder, and what it was asked."""

    def __init__(self, folder: Path, *rows: dict[str, object], compose: bool = True, refuses: str = "") -> None:
        self.command = folder / "docker"
        self.command.write_text(_DOCKER.format(python=sys.executable))
        self.command.chmod(0o755)
        self._world = folder / "world.json"
        self._settings: dict[str, object] = {"compose": compose, "refuses": refuses, "context": {}}
        self.have(*rows)

    def have(self, *rows: dict[str, object]) -> None:
        """Have these containers now, and nothing asked yet."""
        self._world.write_text(json.dumps({"rows": rows, "asked": [], **self._settings}))

    def have_context(self, context: Mapping[str, object]) -> None:
        """Have this context in use, and no containers."""
        self._settings["context"] = context
        self.have()

    @property
    def asked(self) -> list[list[str]]:
        """The folder it was called in, then the words."""
        found: list[list[str]] = json.loads(self._world.read_text())["asked"]
        return found

    @property
    def names(self) -> list[str]:
        """Of the containers that are there."""
        return [row["Id"] for row in json.loads(self._world.read_text())["rows"]]
