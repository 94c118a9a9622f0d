"""What the lab's own clients are told of names: ``<LAB_HOME>/internet.json``, which ``labs.engine.internet`` reads.

```json
{
  "names": {"ghcr.io": "127.0.0.1:5021"},
  "ca": "/home/zoe/lab/.lab/ca/ca.crt",
  "private": {"registry.example.com": {"443": 8443, "80": 8080}},
  "forward": {"443": 8443, "80": 8080, "8443": 8443, "8080": 8080, "5000": 5000}
}
```

``names`` reach a twin's TLS door, by the lab's CA. ``private`` ones reach what the student built. ``forward`` is the
port of this machine that stands for a port which a compose file publishes; others stand for themselves.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from labs.catalog.model import Private
from labs.home import LabHome
from labs.ports import DEFAULT_BASE, HOST
from labs.stack.files import write_whole

HTTPS_PORT, HTTP_PORT = 443, 80


@dataclass(frozen=True, slots=True)
class Names:
    """Names and ports; ``|`` puts those of two exercises together."""

    hosted: Mapping[str, int] = field(default_factory=dict)
    private: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    forward: Mapping[int, int] = field(default_factory=dict)

    def __or__(self, other: "Names") -> "Names":
        """Both; where they differ, the other's."""
        return Names(
            {**self.hosted, **other.hosted}, {**self.private, **other.private}, {**self.forward, **other.forward}
        )

    def save(self, home: LabHome) -> None:
        """Write them where the clients look."""
        names = {name: f"{HOST}:{port}" for name, port in self.hosted.items()}
        authority = str(home.authority / "ca.crt")
        values = {"names": names, "ca": authority, "private": self.private, "forward": self.forward}
        write_whole(home.internet, json.dumps(values, indent=2) + "\n")


def private_names(private: Private, port_base: int) -> Names:
    """A registry that the student builds: no program of ours may listen below 1024, so other ports stand for those."""
    https, http = port_base + private.https_port, port_base + private.http_port
    moved = {private.https_port: https, private.http_port: http, 0: port_base}
    forward = {HTTPS_PORT: https, HTTP_PORT: http} | {DEFAULT_BASE + usual: here for usual, here in moved.items()}
    return Names(private={private.name: {HTTPS_PORT: https, HTTP_PORT: http}}, forward=forward)
