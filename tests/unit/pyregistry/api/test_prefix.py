"""``http.prefix`` moves the token endpoint too; registry:2, which has none of its own, is asked in tests/contract."""

import json
import re
from dataclasses import replace
from pathlib import Path

from pyregistry.auth.guards import guard_for
from tests.unit.pyregistry.api.harness import Application, settings
from tests.unit.pyregistry.auth.door import settings_for


def test_the_token_endpoint_stands_below_the_prefix(tmp_path: Path) -> None:
    """The challenge leads there, what is issued there is taken, and nothing answers where it would stand otherwise."""
    http = settings(prefix="/some/where").http
    guard = guard_for(replace(settings_for(tmp_path, None), http=http))
    application = Application(guard=guard, settings=settings(prefix="/some/where"))
    refused = application.request("GET", "/some/where/v2/")
    realm = re.search(r'realm="http://registry\.test([^"]+)"', refused.headers["www-authenticate"])
    assert realm
    issued = application.request("GET", f"{realm[1]}?service=pyregistry")
    assert issued.status == 200
    token = {"authorization": f"Bearer {json.loads(issued.body)['token']}"}
    assert application.request("GET", "/some/where/v2/", headers=token).status == 200
    for path in ("/auth/token", "/v2/", "/some/where/"):
        assert application.request("GET", path, headers=token).status == 404
    assert application.request("GET", "/").status == 200
