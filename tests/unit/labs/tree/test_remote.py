"""The registry as a source of trees: whom it trusts."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from labs.engine.reference import Reference
from labs.engine.transport.faults import TransportError
from labs.tree.remote import RemoteSource
from tests.fakes.certificates import TestAuthority
from tests.fakes.registry import FakeRegistry

NAME = "registry.example.com"


def test_it_trusts_whom_the_docker_in_use_trusts(tmp_path: Path) -> None:
    """With Docker's own docker a CA lies in the system's certs.d, and the lab's engine home knows nothing of it."""
    authority, state = TestAuthority(tmp_path / "ca"), tmp_path / ".lab"
    leaf, system = authority.issue(NAME), tmp_path / "docker" / "certs.d"
    (system / NAME).mkdir(parents=True)
    (system / NAME / "ca.crt").write_bytes(authority.path.read_bytes())
    state.mkdir()
    with FakeRegistry(tls=(leaf.certificate, leaf.key)) as fake:
        names = {"names": {}, "ca": str(authority.path), "private": {NAME: {"443": fake.port}}, "forward": {}}
        (state / "internet.json").write_text(json.dumps(names))
        assert "unknown authority" in refusal({"LAB_HOME": str(state)}, tmp_path / "engine")
        told = {"LAB_HOME": str(state), "LAB_CERTS_D": str(system)}
        assert "unknown authority" not in refusal(told, tmp_path / "engine")


def refusal(environ: dict[str, str], engine: Path) -> str:
    """Why a manifest that nobody pushed cannot be had."""
    reference = Reference.parse(f"{NAME}/app:1.0")
    with closing(RemoteSource(reference, engine, environ)) as source, pytest.raises(TransportError) as caught:
        source.manifest("1.0")
    return str(caught.value)
