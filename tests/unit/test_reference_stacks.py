"""The stacks in ``compose/``: those of the exercises' solutions, but for what compose/README.md says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "compose" / "tp2"
STEPS = (ROOT / "labs" / "catalog" / "tp2" / "solution" / "steps.sh").read_text(encoding="utf-8")
PORTS = ["127.0.0.1:${LAB_HTTP_PORT:-8080}:80", "127.0.0.1:${LAB_HTTPS_PORT:-8443}:443"]


def written(word: str) -> str:
    """The here-document that the solution ends with ``word``."""
    found = re.search(rf"<<'{word}'\n(.*?)^{word}$", STEPS, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def load(name: str) -> dict[str, Any]:
    """A compose file of the reference."""
    return yaml.safe_load((REFERENCE / name).read_text(encoding="utf-8"))


def test_the_compose_file_is_the_solution_s_on_other_ports() -> None:
    """And those are open to this machine only."""
    solution, reference = yaml.safe_load(written("COMPOSE")), load("compose.yaml")
    assert solution["services"]["nginx"].pop("ports") == ["80:80", "443:443"]
    assert reference["services"]["nginx"].pop("ports") == PORTS
    assert reference == solution


def test_nginx_s_file_is_the_solution_s_with_the_port_in_its_redirect() -> None:
    """On 443 it goes without saying."""
    reference = (REFERENCE / "nginx" / "conf.d" / "registry.conf").read_text(encoding="utf-8")
    assert reference.replace("https://$host:8443$", "https://$host$") == written("NGINX")
    assert reference != written("NGINX")


def test_pyregistry_takes_the_image_s_place_and_nothing_else() -> None:
    """What it says beside image, build and its own journal would be a difference to registry:2."""
    [(name, registry)] = load("pyregistry.yaml")["services"].items()
    assert name == "registry"
    assert registry.keys() == {"image", "build", "environment"}
    assert registry["environment"] == {"REGISTRY_PYREGISTRY_JOURNAL_PATH": "/var/lib/registry/journal.jsonl"}
    assert (REFERENCE / registry["build"]["context"] / "Dockerfile").samefile(ROOT / "Dockerfile")


@pytest.mark.parametrize("line", ["client_max_body_size 0;", "Host $http_host", "https://$host:8443$request_uri"])
def test_the_page_names_each_difference(line: str) -> None:
    """In both languages, as it stands in the file."""
    readme = (ROOT / "compose" / "README.md").read_text(encoding="utf-8")
    assert line in (REFERENCE / "nginx" / "conf.d" / "registry.conf").read_text(encoding="utf-8")
    assert readme.count(f"`{line}`") == 2
