"""What containers say, as ``docker compose logs`` shows it: whole files, or what comes."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from labs.compose.containers import Container

POLL_SECONDS = 0.1


@dataclass(slots=True)
class Reader:
    """Reads one container's lines, from its beginning or from where it was."""

    container: Container
    _at: int = field(init=False)
    _rest: str = ""

    def __post_init__(self) -> None:
        self._at = self.container.log_start

    def lines(self) -> list[str]:
        """Lines that are complete and were not given yet."""
        try:
            with self.container.process.log.open("rb") as log:
                log.seek(self._at)
                content = log.read()
        except FileNotFoundError:
            return []
        self._at += len(content)
        *whole, self._rest = (self._rest + content.decode(errors="replace")).split("\n")
        return whole

    def remainder(self) -> list[str]:
        """A last line that has no end."""
        return [self._rest] if self._rest else []

    def skip(self) -> None:
        """Go to the end: what was said so far is of no interest."""
        self.lines()


def prefixes(shown: Sequence[Container]) -> Mapping[str, str]:
    """``nginx-1     | `` by service, as wide as the longest."""
    names = {container.service.name: container.name.removeprefix(f"{container.folder.name}-") for container in shown}
    width = max(map(len, names.values()), default=0) + 2
    return {service: f"{name:{width}}| " for service, name in names.items()}


def follow(readers: Sequence[Reader], say: Callable[[Reader, str], None]) -> None:
    """Give lines as they come, until nothing runs any more."""
    is_last = False
    while True:
        for reader in readers:
            for line in reader.lines():
                say(reader, line)
        if is_last:
            return
        is_last = all(reader.container.pid() is None for reader in readers)
        time.sleep(0 if is_last else POLL_SECONDS)


def last(lines: Sequence[str], count: int | None) -> Iterator[str]:
    """The last lines; all for None."""
    return iter(lines if count is None else lines[len(lines) - min(count, len(lines)) :])
