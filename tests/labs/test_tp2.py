"""TP-2 done otherwise than the chapter does it, and right; and a stack that died."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from labs.catalog.model import load
from labs.ports import is_free
from labs.processes import wait_until
from labs.stack.projects import Projects
from tests.fakes.proxies import Proxy
from tests.fakes.unusual import ANOTHER_CHAIN, RELATIVE_ADDRESSES, WITHOUT_PROXY
from tests.labs.conftest import LabUnderTest, free_port_base
from tests.labs.verdicts import codes, told
from tests.tools import require

START_TIMEOUT_SECONDS = 30.0
CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: "127.0.0.1:{registry}"}}
"""
STEPS = Path(str(load("tp2").folder)) / "solution" / "steps.sh"
BUNDLE = """
sign() {
    cosign sign --yes --new-bundle-format --key cosign.key "$image:1.0"
}
"""
"""A step in another form: cosign 3's."""


@pytest.fixture
def tp2(begin: Callable[[str], LabUnderTest]) -> LabUnderTest:
    """TP-2 freshly begun."""
    return begin("tp2")


def by_hand(lab: LabUnderTest, script: str, scratch: Path) -> None:
    """Do the exercise as a student would who knows another way; the solution's steps are at hand."""
    words = f"LAB_SCRATCH={scratch}\nexport LAB_SCRATCH\ncd {lab.home.files('tp2')}\n. {STEPS}\n{script}"
    lab.labstack("shell", "tp2", "--", "sh", "-c", words)


def is_taken(port: int) -> bool:
    """Somebody listens there."""
    return not is_free(port)


def assert_full_points(lab: LabUnderTest) -> None:
    """Every check passes."""
    code, document = lab.labcheck("tp2")
    assert codes(document, "pass") == {check["code"] for check in document["checks"]}, told(document)
    assert code == 0


def test_without_a_proxy(tp2: LabUnderTest, tmp_path: Path) -> None:
    """The registry speaks TLS and asks for passwords itself; the signature is a bundle, as cosign 3 makes it."""
    by_hand(tp2, BUNDLE + WITHOUT_PROXY, tmp_path)
    assert_full_points(tp2)


def test_with_relative_addresses_on_another_port(tp2: LabUnderTest, tmp_path: Path) -> None:
    """The registry's relativeurls do what nginx's $http_host does: no port can be lost that is not named."""
    by_hand(tp2, RELATIVE_ADDRESSES, tmp_path)
    assert_full_points(tp2)


def test_with_another_chain(tp2: LabUnderTest, tmp_path: Path) -> None:
    """An RSA key, an intermediate CA and an address among the names are as good as what labstack cert makes unasked."""
    by_hand(tp2, ANOTHER_CHAIN, tmp_path)
    assert_full_points(tp2)


def test_a_stack_that_died(tp2: LabUnderTest) -> None:
    """The stack is the student's: that it does not answer is theirs to mend, and what hangs on it waits."""
    tp2.labstack("solve", "tp2")
    for process in Projects((tp2.home.engine("tp2", "a"),)).processes():
        os.kill(process.pid, signal.SIGKILL)
    code, document = tp2.labcheck("tp2")
    assert code == 1
    assert codes(document, "fail") == {"TP2-UP"}, told(document)
    assert codes(document, "pass") == {"TP2-HTPASSWD", "TP2-KEY", "TP2-LOG"}, told(document)
    assert codes(document, "inconclusive") == set(), told(document)


def caddy(proxy: Proxy, work: Path, folder: Path) -> list[str]:
    """The command that runs Caddy, whose file is written."""
    entry = (work / "auth" / "htpasswd").read_text(encoding="utf-8")
    (folder / "Caddyfile").write_text(proxy.caddyfile(entry), encoding="utf-8")
    return [str(require("caddy")["caddy"]), "run", "--config", "Caddyfile", "--adapter", "caddyfile"]


def traefik(proxy: Proxy, _work: Path, folder: Path) -> list[str]:
    """The command that runs Traefik, whose files are written."""
    (folder / "traefik.yaml").write_text(proxy.traefik(f"{folder}/routes.yaml"), encoding="utf-8")
    (folder / "routes.yaml").write_text(proxy.routes(), encoding="utf-8")
    return [str(require("traefik")["traefik"]), "--configFile=traefik.yaml"]


Prepare = Callable[[Proxy, Path, Path], list[str]]
"""Writes what a proxy reads into the folder where it will run, and returns its command; the other is the student's."""


@pytest.fixture(params=[caddy, traefik], ids=["caddy", "traefik"])
def proxied(request: pytest.FixtureRequest, tp2: LabUnderTest, tmp_path: Path) -> Iterator[str]:
    """``localhost:PORT`` of a registry with a proxy before it; certificate and password are the student's."""
    prepare: Prepare = request.param
    by_hand(tp2, 'make_passwords\necho "$password" >"$LAB_SCRATCH/password"\nlabstack cert localhost', tmp_path)
    registry, door = free_port_base(), free_port_base()
    work = tp2.home.files("tp2")
    (tmp_path / "config.yml").write_text(CONFIG.format(registry=registry, root=tmp_path / "store"))
    here = Proxy("localhost", "127.0.0.1", door, f"127.0.0.1:{registry}", f"{work}/certs", f"{work}/auth/htpasswd")
    commands = {
        registry: [sys.executable, "-m", "pyregistry", "serve", "config.yml"],
        door: prepare(here, work, tmp_path),
    }
    with ExitStack() as running, (tmp_path / "log").open("wb") as log:
        for port, command in commands.items():
            process = subprocess.Popen(command, cwd=tmp_path, env=tp2.environ, stdout=log, stderr=log)
            running.callback(process.wait)
            running.callback(process.terminate)
            assert wait_until(partial(is_taken, port), START_TIMEOUT_SECONDS), (tmp_path / "log").read_text()
        yield f"localhost:{door}"


def test_behind_another_proxy(tp2: LabUnderTest, proxied: str, tmp_path: Path) -> None:
    """A stack that compose did not build is graded by what it answers; what only its own files tell is left open."""
    script = f"""
LAB_REGISTRY={proxied}
image=$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app
password=$(cat "$LAB_SCRATCH/password")
bring_up() {{ :; }}
launch
build
push
make_keys
sign
"""
    by_hand(tp2, script, tmp_path)
    code, document = tp2.labcheck("tp2", "--registry", f"https://{proxied}")
    assert code == 3
    assert codes(document, "fail") == set(), told(document)
    assert codes(document, "pass") >= {
        "TP2-CERT",
        "TP2-UP",
        "TP2-AUTH",
        "TP2-HTTP",
        "TP2-UPLOAD",
        "TP2-SECRETS",
        "TP2-SIGN",
    }, told(document)
