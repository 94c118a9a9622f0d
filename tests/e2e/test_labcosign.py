"""labcosign, the installed command, beside labdocker on one machine: the hosted registry's name, its CA, its tokens."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labs.engine.layout import ImageStore
from tests.fakes.images import make_index
from tests.servers import RunningRegistry, running_registry, throw_away_tls

PROGRAMS = Path(sys.executable).parent
APP = "ghcr.io/acme/shop/app:1.0"


@dataclass(frozen=True)
class Machine:
    """A machine of the lab, with a twin that answers as ghcr.io."""

    folder: Path
    registry: RunningRegistry

    def run(self, program: str, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run one of our programs."""
        environ = {
            "PATH": os.environ["PATH"],
            "LAB_HOME": str(self.folder),
            "LAB_ENGINE_HOME": str(self.folder / "engine"),
            "LAB_LANG": "en",
            "COSIGN_PASSWORD": "pw",
        }
        return subprocess.run(
            [PROGRAMS / program, *words],
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            env=environ,
            cwd=self.folder,
            timeout=60,
        )

    def succeed(self, program: str, *words: str, typed: str = "") -> str:
        """What a command prints that must not fail."""
        done = self.run(program, *words, typed=typed)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def login(self, *scopes: str) -> str:
        """Log in as ann with a new token; returns its secret."""
        _, secret = self.registry.new_token("ann", scopes, orgs=["acme"])
        self.succeed("labdocker", "login", "ghcr.io", "-u", "ann", "--password-stdin", typed=secret)
        return secret


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """It, with an index pushed as ``APP`` by ann."""
    tls = throw_away_tls(tmp_path / "ca", ("ghcr.io",))
    with running_registry(tmp_path / "twin", tls=tls, twin=True) as registry:
        internet = {"names": {"ghcr.io": f"127.0.0.1:{registry.port}"}, "ca": str(tls.ca)}
        (tmp_path / "internet.json").write_text(json.dumps(internet), encoding="utf-8")
        made = Machine(tmp_path, registry)
        made.login("write:packages")
        make_index(ImageStore(tmp_path / "engine" / "images"), APP)
        made.succeed("labdocker", "push", APP)
        yield made


def test_sign_and_verify_as_the_course_prints_them(machine: Machine) -> None:
    """The logged-in person signs by the registry's name, and the journal says who put and who fetched the signature."""
    machine.succeed("labcosign", "generate-key-pair")
    machine.succeed("labcosign", "sign", "--key", "cosign.key", APP)
    machine.login("read:packages")
    claims = json.loads(machine.succeed("labcosign", "verify", "--key", "cosign.pub", APP))
    (claim,) = claims
    assert claim["critical"]["identity"] == {"docker-reference": "ghcr.io/acme/shop/app"}
    index = claim["critical"]["image"]["docker-manifest-digest"].replace(":", "-")
    seen = [event for event in machine.registry.events() if str(event.reference) == f"{index}.sig"]
    put = [event for event in seen if event.method == "PUT"]
    fetched = [event for event in seen if event.method == "GET" and event.status == 200]
    assert [(event.actor, event.status) for event in put] == [("ann", 201)]
    assert fetched[-1].seq > put[0].seq
    assert all(event.user_agent.startswith("cosign/") for event in seen)


def test_who_may_only_read_cannot_sign(machine: Machine) -> None:
    """The registry's refusal is told in one line, names no secret, and leaves no signature behind."""
    machine.succeed("labcosign", "generate-key-pair")
    secret = machine.login("read:packages")
    refused = machine.run("labcosign", "sign", "--key", "cosign.key", APP)
    assert refused.returncode == 1
    assert "DENIED" in refused.stderr
    assert secret not in refused.stderr
    assert machine.run("labcosign", "verify", "--key", "cosign.pub", APP).returncode == 10
