"""The record of one attempt at an exercise: what the stack writes and the grader reads (``.lab/<tp>/attempt.json``).

How many attempts there were is remembered beside the stacks (``.lab/attempts.json``), for a reset must not forget it.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

HOSTED = "hosted"
"""Role of a registry that somebody else runs, as GitHub does: in the lab, its twin."""

PRIVATE = "private"
"""Role of the registry that the student builds."""

EMBEDDED = "embedded"
"""Engine whose stacks are processes of this machine."""

DOCKER = "docker"
"""Engine whose stacks are containers: Docker's."""

SCHEMA = "oci-registry-lab/attempt/1"
FILE_NAME = "attempt.json"


COUNTS_FILE_NAME = "attempts.json"


class AttemptUnreadable(ValueError):
    """The record is there and is not what was written."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A registry as the grader reaches it.

    Attributes:
        name: The name that the exercise types, e.g. ``ghcr.io``; TLS is verified for it.
        url: Where it really listens, e.g. ``https://127.0.0.1:5001``.
        ca: PEM of the CA to trust, or None for plain HTTP or the system's CAs.
        journal: The registry's journal, or None where it keeps none.
        credential: File with ``user:token`` of the grader's own read-only account, mode 0600, or None.
    """

    name: str
    url: str
    ca: str | None = None
    journal: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. Parameters follow from class secret, student, exercise and attempt by HMAC.

    Attributes:
        horizon_seq: The journal's last sequence number when the attempt began; nothing up to it counts.
        registries: By role.
        machines: Docker config folder of each client machine (``a``, ``b``).
    """

    slug: str
    number: int
    started_at: datetime
    horizon_seq: int
    student: str
    parameters: dict[str, str]
    engine: str
    registries: dict[str, Endpoint]
    machines: dict[str, str]
    work: str
    schema: str = field(default=SCHEMA)

    @property
    def registry(self) -> Endpoint:
        """What the exercise pushes to."""
        return self.registries.get(HOSTED) or self.registries[PRIVATE]

    def save(self, folder: Path) -> None:
        """Write the record into a stack's state folder, atomically."""
        values = asdict(self) | {"started_at": self.started_at.isoformat()}
        temporary = folder / f"{FILE_NAME}.tmp"
        temporary.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(folder / FILE_NAME)

    @classmethod
    def load(cls, folder: Path) -> "Attempt | None":
        """Read the record of a stack's state folder; None when the exercise was never started.

        Raises:
            AttemptUnreadable: The file is damaged or of another schema.
        """
        path = folder / FILE_NAME
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            values["started_at"] = datetime.fromisoformat(values["started_at"])
            values["registries"] = {role: Endpoint(**row) for role, row in values["registries"].items()}
            attempt = cls(**values)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
            raise AttemptUnreadable(f"{path}: expected an attempt record, got {type(exc).__name__}: {exc}") from exc
        if attempt.schema != SCHEMA:
            raise AttemptUnreadable(f"{path}: expected schema {SCHEMA}, got {attempt.schema}")
        return attempt


def last_number(state: Path, slug: str) -> int:
    """Number of the last attempt at an exercise, 0 before the first. ``state`` is the lab's folder."""
    return _counts(state).get(slug, 0)


def remember_number(state: Path, slug: str, number: int) -> None:
    """Spend a number: no later attempt gets it again, so that none has an earlier one's parameters."""
    temporary = state / f"{COUNTS_FILE_NAME}.tmp"
    temporary.write_text(json.dumps(_counts(state) | {slug: number}) + "\n", encoding="utf-8")
    temporary.replace(state / COUNTS_FILE_NAME)


def _counts(state: Path) -> dict[str, int]:
    """Attempts by exercise. A damaged file counts as none: what the earlier attempts left, a reset has removed."""
    try:
        values = json.loads((state / COUNTS_FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {slug: n for slug, n in values.items() if isinstance(n, int)} if isinstance(values, dict) else {}
