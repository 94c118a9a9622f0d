"""The configurations that both registries get, in registry:2's own words, and who may come in."""

from collections.abc import Mapping
from typing import Any

USER = "Basic YWxpY2U6c2VjcmV0IHdvcmRz"  # alice:secret words
HTPASSWD = "# who may come in\nalice:$2y$05$BeficFxmNlew/VlVp0.kvuAky0yOtA9pioj7YkYgvY1aB4wge7d2u\n"

SETTINGS: Mapping[str, dict[str, Any]] = {
    "default": {"storage": {"delete": {"enabled": True}}},
    "undeletable": {"storage": {"delete": {"enabled": False}}},
    "readonly": {"storage": {"delete": {"enabled": True}, "maintenance": {"readonly": {"enabled": True}}}},
    "htpasswd": {
        "storage": {"delete": {"enabled": True}},
        "auth": {"htpasswd": {"realm": "the tests", "path": "{folder}/htpasswd"}},
    },
    "silly": {"auth": {"silly": {"realm": "https://auth.example.com/token", "service": "registry.example.com"}}},
    "catalog": {"storage": {"delete": {"enabled": True}}, "catalog": {"maxentries": 5}},
    "headers": {"http": {"headers": {"X-Content-Type-Options": ["nosniff"], "Access-Control-Allow-Origin": ["*"]}}},
    "relative": {"http": {"relativeurls": True}},
    "prefixed": {"http": {"prefix": "/lab/"}},
    "hosted": {"http": {"host": "https://registry.example.com"}},
}
"""Laid over what both need in any case; ``{folder}`` is each registry's own."""
