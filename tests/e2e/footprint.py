"""How much memory the processes of a server take, as Linux counts it: nothing is sampled, so no peak is missed."""

import re
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.servers import RunningRegistry
from tests.tools import absent


class Footprint:
    """The resident memory of a server and its children from now on.

    Take it when the server is warm: the first requests load code.
    """

    def __init__(self, registry: RunningRegistry) -> None:
        self._pids = _processes(registry)
        self._before = 0
        for pid in self._pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")  # the peak is what is resident now
            self._before += _status_bytes(pid, "VmRSS")

    @property
    def growth_bytes(self) -> int:
        """The sum of what each process had at its own worst moment, above what all had at first."""
        return sum(_status_bytes(pid, "VmHWM") for pid in self._pids) - self._before


def _processes(registry: RunningRegistry) -> Sequence[int]:
    if not Path("/proc/self/clear_refs").exists():
        absent("needs Linux: its /proc tells the peak of a process's memory")
    children = psutil.Process(registry.process.pid).children(recursive=True)
    return [registry.process.pid, *(child.pid for child in children)]


def _status_bytes(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, f"no {name} in /proc/{pid}/status"
    return int(found[1]) * 1024
