"""``nginx -t`` on a mapped configuration, and its words as the container would say them.

nginx's own words are kept; what changes in them are the paths and the addresses.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from labs.compose.model import Issue
from labs.compose.nginx.files import PATHS
from labs.compose.nginx.mapping import Mapped, written
from labs.compose.nginx.tree import Statement, absolute, walk
from labs.compose.nginx.words import say
from labs.compose.place import Place

TIMEOUT_SECONDS = 20.0
"""It takes a hundredth of one. A host name that only a far name server knows (syslog, stapling) may keep it longer."""

# nginx: [emerg] text, or once its log is open: 2026/11/23 23:21:54 [emerg] 1#1: text
LINE = re.compile(r"^(?:nginx: |\S+ \S+ )\[(?P<level>\w+)\] (?:\d+#\d+: )?(?P<text>.*)$", re.MULTILINE)
POSITION = re.compile(r" in (?P<file>/.*):(?P<line>\d+)$")
REFUSALS = frozenset({"alert", "crit", "emerg", "error"})
NEWER = re.compile(r"unknown directive|invalid parameter|unknown \S+ variable|variable \S+ is unknown")
"""What an nginx says of a word that a later one knows."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What nginx thinks of a configuration: nothing in ``issues`` where it takes it."""

    issues: tuple[Issue, ...]

    @property
    def may_be_too_old(self) -> bool:
        """Whether a later nginx may take what this one refuses."""
        return any(NEWER.search(issue.text) for issue in self.issues)


def run_trial(
    place: Place, mapped: Mapped, command: tuple[str, ...], timeout_seconds: float = TIMEOUT_SECONDS
) -> Trial:
    """Test a configuration; ``command`` is the one that would run it."""
    # A session of its own: for a key with a passphrase OpenSSL would ask the terminal, which a container does not have.
    try:
        done = subprocess.run(
            [*command, "-t"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout_seconds,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return Trial((Issue(mapped.sources[0].here, None, say("silent", seconds=timeout_seconds)),))
    said = dict.fromkeys((match["level"], match["text"]) for match in LINE.finditer(done.stderr))
    refused = tuple(_issue(place, mapped, text, level) for level, text in said if level in REFUSALS)
    if done.returncode and not refused:
        refused = (Issue(mapped.sources[0].here, None, inside(place, mapped, done.stderr.strip())),)
    return Trial(refused if done.returncode else ())


def inside(place: Place, mapped: Mapped, text: str) -> str:
    """What nginx says, with container paths and ports in the place of this machine's."""
    paths = {str(written(place, source)): str(source.inside) for source in mapped.sources}
    paths |= {str(mount.source): str(mount.target) for mount in place.service.mounts}
    paths |= {str(mapped.files.access_log): "/var/log/nginx/access.log", f"{place.root}/": "/"}
    paths |= {f"127.0.0.1:{here}": f"0.0.0.0:{port}" for port, here in mapped.doors.outer.items()}
    paths |= {f"127.0.0.1:{here}": f"127.0.0.1:{port}" for port, here in mapped.doors.inner.items()}
    for here in sorted(paths, key=len, reverse=True):
        text = re.sub(rf"{re.escape(here)}(?!\d)", paths[here].replace("\\", r"\\"), text)
    return text


def _issue(place: Place, mapped: Mapped, text: str, level: str) -> Issue:
    """One refusal at the student's line: nginx's own, else the line of the file that it names."""
    words = f"nginx: [{level}] {inside(place, mapped, text)}"
    position = POSITION.search(text)
    if position:
        for source in mapped.sources:
            if str(written(place, source)) == position["file"]:
                return Issue(source.here, int(position["line"]), words)
    statement = next(_naming(place, mapped, text), None)
    return (
        Issue(statement.source.here, statement.line, words) if statement else Issue(mapped.sources[0].here, None, words)
    )


def _naming(place: Place, mapped: Mapped, text: str) -> Iterator[Statement]:
    """The statements that name the file of a message: of a key's or of a certificate's, where both name one file."""
    about_key = "certificate key" in text or "PrivateKey" in text
    for statement, _ in walk(mapped.sources[0].statements):
        fits = statement.name in PATHS and statement.arguments and statement.name.endswith("_key") == about_key
        if fits and f'"{place.path(absolute(statement.values[0]))}"' in text:
            yield statement
