"""What runs of a compose project: written by ``compose up``, read by the grader and by the lab's internet.

``<engine home>/compose/<project>/project.json``. It says where to look, and proves nothing by itself.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

FOLDER = "compose"
FILE_NAME = "project.json"
SCHEMA = "oci-registry-lab/compose/1"


class RecordUnreadable(ValueError):
    """The record is there and is not what was written."""


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """``host``: as the file says; ``here``: the loopback port that stands for it."""

    host: int
    container: int
    here: int


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """One service. Paths are absolute paths of this machine, as text.

    Attributes:
        kind: ``registry`` or ``nginx``: which program stands for the image.
        mounts: Host path by container path.
        access_logs: Files that it logs requests to; empty where its configuration says ``access_log off``.
        output: All that it prints.
        pid: Of its first process.
        configuration: What an nginx runs with, as ``nginx -T`` would print it in the container.
    """

    name: str
    image: str
    kind: str
    published: tuple[PublishedPort, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    mounts: dict[str, str] = field(default_factory=dict)
    output: str = ""
    access_logs: tuple[str, ...] = ()
    journal: str | None = None
    password_files: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    pid: int | None = None
    configuration: str = ""


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A project that is up, or was: ``up`` is False after ``compose down``; the journal and the logs stay.

    Attributes:
        refusal: Why the last ``compose up`` was refused, a mistake a row; empty where it was not.
    """

    name: str
    folder: str
    file: str
    up: bool
    services: tuple[ServiceRecord, ...]
    refusal: tuple[str, ...] = ()
    schema: str = SCHEMA

    def save(self, engine: Path) -> None:
        """Write it below an engine home, atomically, for its owner's eyes: there may be secrets in it."""
        folder = engine / FOLDER / self.name
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{FILE_NAME}.tmp"
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(folder / FILE_NAME)

    @classmethod
    def load(cls, engine: Path, name: str) -> "ProjectRecord | None":
        """Read the record of a project; None where it never ran here.

        Raises:
            RecordUnreadable: The file is damaged or of another schema.
        """
        path = engine / FOLDER / name / FILE_NAME
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            services = tuple(_service(row) for row in values.pop("services"))
            refusal = tuple(map(str, values.pop("refusal", ())))
            record = cls(**values, services=services, refusal=refusal)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
            raise RecordUnreadable(f"{path}: expected a compose record, got {type(exc).__name__}: {exc}") from exc
        if record.schema != SCHEMA:
            raise RecordUnreadable(f"{path}: expected schema {SCHEMA}, got {record.schema}")
        return record


def projects(engine: Path) -> Iterator[ProjectRecord]:
    """All records of an engine home, sorted by name. Raises RecordUnreadable."""
    for path in sorted((engine / FOLDER).glob(f"*/{FILE_NAME}")):
        record = ProjectRecord.load(engine, path.parent.name)
        if record is not None:
            yield record


def _service(row: dict[str, object]) -> ServiceRecord:
    """A row as JSON has it: lists where we have tuples."""
    published = tuple(PublishedPort(**port) for port in row.pop("published"))  # type: ignore[attr-defined]
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return ServiceRecord(**(row | lists), published=published)  # type: ignore[arg-type]
