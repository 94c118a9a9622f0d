"""TP-2 with nginx configured as it should not be, in ways that the grader once took for right, or told wrongly."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.labs.conftest import LabUnderTest
from tests.labs.verdicts import codes, first_cause, told

CONF = "nginx/conf.d/registry.conf"
PASSED_ON = "proxy_pass http://registry:5000; proxy_set_header Host $http_host;"
SECRET = "auth_basic Registry; auth_basic_user_file /etc/nginx/auth/htpasswd;"
BEFORE = "  location /v2/ {"


@dataclass(frozen=True)
class Mistake:
    """A change of the solution's configuration.

    Attributes:
        old: What is replaced in it.
        new: By what.
        fails: The one check that fails.
        cause: Why.
        ahead: What comes before all of it.
    """

    old: str
    new: str
    fails: str
    cause: str
    ahead: str = ""

    def of(self, conf: str) -> str:
        """The changed configuration."""
        assert self.old in conf
        return self.ahead + conf.replace(self.old, self.new)


MISTAKES = {
    "a password for the grader alone": Mistake(
        'auth_basic "Registry";', "auth_basic $realm;", "TP2-AUTH", "auth.none",
        ahead='map $http_user_agent $realm { default off; ~labcheck "Registry"; }\n',
    ),
    "layers for everybody": Mistake(
        BEFORE, f"  location ~ ^/v2/.+/blobs/sha256: {{ {PASSED_ON} }}\n{BEFORE}", "TP2-AUTH", "auth.side-door"
    ),
    "deletions for everybody": Mistake(
        BEFORE, f"  location ~ /manifests/ {{ limit_except PUT DELETE {{ {SECRET} }} {PASSED_ON} }}\n{BEFORE}",
        "TP2-AUTH", "auth.side-door",
    ),
    "the catalog for everybody": Mistake(
        BEFORE, f"  location = /v2/_catalog {{ {PASSED_ON} }}\n{BEFORE}", "TP2-AUTH", "auth.side-door"
    ),
    "another name": Mistake(
        "server_name registry.example.com;\n  ssl", "server_name registry.example.com;\n  ssl", "TP2-AUTH",
        "auth.other-name",
        ahead="server { listen 443 ssl default_server; ssl_certificate /etc/nginx/certs/fullchain.pem; "
        f"ssl_certificate_key /etc/nginx/certs/privkey.pem; location / {{ {PASSED_ON} }} }}\n",
    ),
    "a location for /v2/ alone": Mistake(BEFORE, "  location = /v2/ {", "TP2-UP", "up.not-passed-on"),
    "a slash behind the host": Mistake("registry:5000;", "registry:5000/;", "TP2-UP", "up.path-changed"),
    "a limit for the grader": Mistake(
        BEFORE, f"  limit_req zone=few;\n{BEFORE}", "", "",
        ahead="limit_req_zone $binary_remote_addr zone=few:1m rate=1r/m;\n",
    ),
}  # fmt: skip


@pytest.fixture
def solved(begin: Callable[[str], LabUnderTest]) -> LabUnderTest:
    """TP-2 as it should be."""
    lab = begin("tp2")
    lab.labstack("solve", "tp2")
    return lab


def configure(lab: LabUnderTest, conf: str) -> None:
    """Have nginx run with this."""
    folder = lab.home.files("tp2")
    (folder / CONF).write_text(conf, encoding="utf-8")
    lab.labstack("shell", "tp2", "--", "sh", "-c", f"cd '{folder}' && docker compose restart nginx")


def test_each_mistake_is_told_as_what_it_is(solved: LabUnderTest) -> None:
    """One check fails, for the true cause; put right, all of them pass again."""
    right = (solved.home.files("tp2") / CONF).read_text(encoding="utf-8")
    for name, mistake in MISTAKES.items():
        configure(solved, mistake.of(right))
        _, document = solved.labcheck("tp2")
        assert codes(document, "fail") == {mistake.fails} - {""}, (name, told(document))
        if mistake.fails:
            assert first_cause(document, mistake.fails) == mistake.cause, (name, told(document))
        else:
            assert first_cause(document, "TP2-AUTH") == "throttled", (name, told(document))
    configure(solved, right)
    code, document = solved.labcheck("tp2")
    assert code == 0, told(document)


def test_an_address_where_nobody_is_is_no_failure(solved: LabUnderTest) -> None:
    """One reason, and nothing judged."""
    code, document = solved.labcheck("tp2", "--registry", "https://127.0.0.1:1")
    assert code == 3
    assert codes(document, "inconclusive") == {check["code"] for check in document["checks"]}, told(document)
    assert {first_cause(document, check["code"]) for check in document["checks"]} == {"unreachable"}
