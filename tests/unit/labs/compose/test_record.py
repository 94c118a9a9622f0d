"""The record of a project: written whole, read as it was written, or refused."""

from pathlib import Path

import pytest

from labs.compose.record import ProjectRecord, PublishedPort, RecordUnreadable, ServiceRecord, projects

SERVICE = ServiceRecord(
    name="nginx",
    image="nginx:1.25",
    kind="nginx",
    published=(PublishedPort(443, 443, 8443),),
    environment={"A": "1"},
    mounts={"/etc/nginx/certs": "/work/certs"},
    access_logs=("/logs/access.log",),
    keys=("/work/certs/privkey.pem",),
    pid=7,
    configuration="# configuration file /etc/nginx/nginx.conf:\n",
)
RECORD = ProjectRecord("tp2", "/work", "/work/compose.yaml", up=True, services=(SERVICE,))


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Tuples and all."""
    RECORD.save(tmp_path)
    assert ProjectRecord.load(tmp_path, "tp2") == RECORD
    assert list(projects(tmp_path)) == [RECORD]


def test_what_never_ran_has_none(tmp_path: Path) -> None:
    """Nor has an engine home where nothing ran."""
    assert ProjectRecord.load(tmp_path, "tp2") is None
    assert list(projects(tmp_path)) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"services": [1]}', '{"services": [], "name": "x", "colour": 1}']
)
def test_a_damaged_one_is_told(text: str, tmp_path: Path) -> None:
    """By its path, never as something else."""
    RECORD.save(tmp_path)
    path = tmp_path / "compose" / "tp2" / "project.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordUnreadable, match=str(path)):
        ProjectRecord.load(tmp_path, "tp2")


def test_one_of_another_time_is_told(tmp_path: Path) -> None:
    """By its schema."""
    RECORD.save(tmp_path)
    path = tmp_path / "compose" / "tp2" / "project.json"
    path.write_text(path.read_text(encoding="utf-8").replace("compose/1", "compose/2"), encoding="utf-8")
    with pytest.raises(RecordUnreadable, match="expected schema oci-registry-lab/compose/1"):
        ProjectRecord.load(tmp_path, "tp2")
