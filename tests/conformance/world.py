"""One row's repositories and content, and what its placeholders mean."""

import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote
from uuid import uuid4

from pyregistry.spec.digest import Digest
from tests.conformance.contents import CONTENTS, PARTS
from tests.conformance.steps import Body, Step
from tests.servers import Answer, RunningRegistry

_UPLOADS = "/v2/{repo}/blobs/uploads/?digest="
_BLOBS = tuple(("POST", f"{_UPLOADS}{{{name}}}", name) for name in ("blob", "config", "nothing"))
_GIVEN: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "blob": (("POST", _UPLOADS + "{blob}", "blob"),),
    "blob512": (("POST", _UPLOADS + "{blob512}", "blob"),),
    "elsewhere": (("POST", "/v2/{elsewhere}/blobs/uploads/?digest={blob}", "blob"),),
    "elsewhere512": (("POST", "/v2/{elsewhere}/blobs/uploads/?digest={blob512}", "blob"),),
    "parts": _BLOBS,
    "image": (*_BLOBS, ("PUT", "/v2/{repo}/manifests/1.0", "image")),
    "image512": (*_BLOBS, ("PUT", "/v2/{repo}/manifests/{image512}", "image")),
    "tags": tuple(("PUT", f"/v2/{{repo}}/manifests/{tag}", "image") for tag in ("b", "a", "Latest")),
    "listing": (("PUT", "/v2/{repo}/manifests/{fallback}", "listing"),),
}
"""Method, target and content of each push of what is not just a manifest by its digest."""

_DIGESTS: Mapping[str, str] = {
    placeholder: str(Digest.of(content.body, algorithm))
    for name, content in CONTENTS.items()
    for placeholder, algorithm in ((name, "sha256"), (f"{name}512", "sha512"))
}


class World:
    """Pushes what a row is given, makes its exchanges and compares.

    Args:
        registry: The server, shared with other rows; the repositories are this row's alone.
    """

    def __init__(self, registry: RunningRegistry) -> None:
        self._registry = registry
        unique = uuid4().hex
        self._values = {
            **_DIGESTS,
            **{f"{name} size": str(len(content.body)) for name, content in CONTENTS.items()},
            **{f"{name} quoted": quote(digest) for name, digest in _DIGESTS.items()},
            "url": registry.url,
            "repo": f"row/{unique}",
            "before repo": f"row/{unique[:-1]}",
            "elsewhere": f"elsewhere/{unique}",
            "location": "",
            "missing": str(Digest.of(unique.encode())),
            "missing512": str(Digest.of(unique.encode(), "sha512")),
            "empty": str(Digest.of(b"")),
            "empty512": str(Digest.of(b"", "sha512")),
            "fallback": f"sha256-{Digest.of(CONTENTS['image'].body).encoded}",
        }

    def push(self, what: str) -> None:
        """Put in place what a row is given."""
        for method, target, name in _pushes(what):
            content = CONTENTS[name]
            headers = {"Content-Type": content.media_type}
            answer = self._registry.request(method, target.format_map(self._values), content.body, headers)
            assert answer.status == 201, (what, target, answer)

    def run(self, step: Step, label: str) -> None:
        """Make the exchange and compare."""
        headers = {name: value.format_map(self._values) for name, value in step.headers.items()}
        chunked = headers.pop("Transfer-Encoding", None)
        target = step.target.format_map(self._values)
        sent = self._sent(step.send)
        answer = self._registry.request(step.method, target, _pieces(sent) if chunked and sent else sent, headers)
        label = f"{label}\n{step.method} {target}\n{_clipped(answer)}"
        assert answer.status == step.status, label
        self._compare(step, answer, label)
        if "location" in answer.headers:
            self._values["stale"] = self._values["location"]
            self._values["location"] = answer.headers["location"]
            if "docker-upload-uuid" in answer.headers:
                self._values["session"] = answer.headers["location"]

    def _compare(self, step: Step, answer: Answer, label: str) -> None:
        for name, value in step.expect.items():
            wanted = None if value is None else value.format_map(self._values)
            assert answer.headers.get(name.lower()) == wanted, f"{name}, {label}"
        if step.body is not None:
            assert answer.body == self._sent(step.body), label
        if step.code:
            assert json.loads(answer.body)["errors"][0]["code"] == step.code, label
        found = json.loads(answer.body) if step.json else {}
        for name, member in step.json.items():
            assert found[name] == self._filled(member), f"{name}, {label}"

    def _sent(self, body: Body | str | None) -> bytes | None:
        if isinstance(body, Body):
            return CONTENTS[body.name].body[body.start : body.end]
        return None if body is None else body.format_map(self._values).encode()

    def _filled(self, wanted: object) -> object:
        """Expected JSON with its placeholders filled in; a size is a number."""
        if isinstance(wanted, str):
            text = wanted.format_map(self._values)
            return int(text) if wanted.endswith(" size}") else text
        if isinstance(wanted, list):
            return [self._filled(item) for item in wanted]
        return {name: self._filled(value) for name, value in wanted.items()} if isinstance(wanted, dict) else wanted


def _pushes(what: str) -> Iterator[tuple[str, str, str]]:
    """Method, target and content of each push of what a row is given."""
    name = what.removesuffix(" parts")
    if what in _GIVEN:
        yield from _GIVEN[what]
    elif name != what:
        yield from _BLOBS
        for part in PARTS.get(name, ()):
            yield from _pushes(part)
    else:
        yield "PUT", f"/v2/{{repo}}/manifests/{{{what}}}", what


def _pieces(content: bytes) -> Iterator[bytes]:
    """So that the request has no Content-Length."""
    yield content[:100]
    yield content[100:]


def _clipped(answer: Answer) -> str:
    return f"{answer.status} {dict(answer.headers)} {answer.body[:500]!r}"
