"""What a client sees while a check fails."""

import json

import pytest

from pyregistry.health import Health
from tests.unit.pyregistry.api.harness import Application


@pytest.mark.parametrize("target", ["/", "/v2/", "/v2/_catalog", "/v2/acme/app/tags/list", "/v2/UPPER/tags/list"])
def test_every_request_is_refused_while_a_check_fails(target: str) -> None:
    """In registry:2's words, and the cause stays here."""
    health = Health()
    application = Application(health=health)
    before = application.request("GET", target).status
    health.take_down()
    sent = application.request("GET", target)
    assert sent.status == 503
    assert json.loads(sent.body)["errors"] == [
        {
            "code": "UNAVAILABLE",
            "message": "service unavailable",
            "detail": "health check failed: please see /debug/health",
        }
    ]
    assert (application.event.status, application.event.error_code) == (503, "UNAVAILABLE")
    health.bring_up()
    assert application.request("GET", target).status == before
