"""Both registries, started with one configuration and asked the same; what each answered, made comparable."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import IncompleteRead
from pathlib import Path
from typing import Any

from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import MANIFEST_TYPES
from tests.differential.contents import CONTENTS, PARTS
from tests.differential.settings import HTPASSWD, SETTINGS, USER
from tests.differential.steps import Ask, Body, Case
from tests.servers import PROGRAM, Answer, RunningRegistry, end, start_registry, write_config
from tests.tools import require

_WATCHED = (
    "Accept-Ranges",
    "Access-Control-Allow-Origin",
    "Allow",
    "Cache-Control",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Docker-Content-Digest",
    "Docker-Distribution-Api-Version",
    "Docker-Upload-Uuid",
    "Etag",
    "Link",
    "Location",
    "Oci-Filters-Applied",
    "Oci-Subject",
    "Oci-Tag",
    "Range",
    "Www-Authenticate",
    "X-Content-Type-Options",
)
"""Headers that a client may act on."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STATE = re.compile(r"\?_state=[^&\"]*&?")
_SHOWN = 60
"""Characters of a body that are compared as they are; of a longer one, its digest."""

Facts = Mapping[str, str]
"""What an answer says, one line a fact."""


@dataclass(frozen=True, slots=True)
class Pair:
    """registry:2 and ours."""

    theirs: RunningRegistry
    ours: RunningRegistry

    def differences(self, case: Case) -> list[str]:
        """Run the case against both: *number of the request, fact: registry:2 → ours*, in the order of the requests."""
        answers = zip(_Side(self.theirs).run(case), _Side(self.ours).run(case), strict=True)
        return [
            f"{number} {line}" for number, (theirs, ours) in enumerate(answers, 1) for line in _compare(theirs, ours)
        ]


def _compare(theirs: Facts, ours: Facts) -> Iterator[str]:
    """What differs. Of answers that differ as a whole nothing more is said: the rest follows from that."""
    facts = ["answer"] if theirs["answer"] != ours["answer"] else sorted({*theirs, *ours})
    for fact in facts:
        if theirs.get(fact) != ours.get(fact):
            yield f"{fact}: {theirs.get(fact, '-')} → {ours.get(fact, '-')}"


@contextmanager
def running_pair(folder: Path, setting: str, mode: str = "oci") -> Iterator[Pair]:
    """Start both, and end both.

    Args:
        folder: For what both keep.
        setting: One of ``SETTINGS``.
        mode: Our ``pyregistry.mode``, which registry:2 does not know.
    """
    programs = {"theirs": [str(require("docker-registry")["docker-registry"])], "ours": list(PROGRAM)}
    started: dict[str, RunningRegistry] = {}
    try:
        for name, program in programs.items():
            home = folder / name
            config = write_config(home, config=_filled({**SETTINGS[setting], "pyregistry": {"mode": mode}}, home))
            (home / "htpasswd").write_text(HTPASSWD, encoding="utf-8")
            started[name] = start_registry(config, program=program)
        yield Pair(**started)
    finally:
        for registry in started.values():
            end(registry.process)


class _Side:
    """One registry while a case runs against it, and what the placeholders mean there."""

    def __init__(self, registry: RunningRegistry) -> None:
        self._registry = registry
        self._values: dict[str, str] = {"host": f"{registry.host}:{registry.port}", "upload": ""}
        for name, content in CONTENTS.items():
            self._values |= {
                name: str(Digest.of(content.body)),
                f"{name}512": str(Digest.of(content.body, "sha512")),
                f"size {name}": str(len(content.body)),
            }
        self._values |= {
            "missing": str(Digest.of(b"what nobody has")),
            "empty": str(Digest.of(b"")),
            "alice": USER,
            "manifest types": ", ".join(sorted(MANIFEST_TYPES)),
        }

    def run(self, case: Case) -> list[Facts]:
        """Facts of every answer, in order."""
        self._values |= {"repo": f"case/{case.id}", "elsewhere": f"elsewhere/{case.id}"}
        for what in case.given:
            self._push(what)
        return [self._facts(self._ask(ask), ask.method) for ask in case.asks]

    def _ask(self, ask: Ask) -> Answer | None:
        """The answer; None where the connection ended within it."""
        headers = {name: self._fill(value) for name, value in ask.headers.items()}
        sent = self._content(ask.send)
        body = iter([sent or b""]) if ask.streamed else sent
        try:
            answer = self._registry.request(ask.method, self._fill(ask.target), body, headers)
        except IncompleteRead:
            return None
        if "location" in answer.headers:
            self._remember(answer.headers["location"], session="docker-upload-uuid" in answer.headers)
        return answer

    def _remember(self, location: str, *, session: bool) -> None:
        self._values["location"] = location
        if session:
            joint = "&" if "?" in location else "?"
            path = location.removeprefix("https://registry.example.com")
            self._values["stale"] = self._values["upload"] or path
            self._values |= {
                "upload": path,
                "upload with": path + joint,
                "upload bare": path.partition("?")[0],
            }

    def _push(self, what: str) -> None:
        """A manifest with all that it is made of, or a blob, in the way that both know."""
        name, _, tag = what.partition(":")
        content = CONTENTS[name]
        if "json" not in content.media_type or name in ("config", "nothing"):
            self._push_blob(name)
            return
        for part in ("blob", "config", "nothing"):
            self._push_blob(part)
        for part in PARTS.get(name, ()):
            self._push(part)
        headers = {"Content-Type": content.media_type, "Authorization": USER}
        target = self._fill(f"/v2/{{repo}}/manifests/{tag or f'{{{name}}}'}")
        answer = self._registry.request("PUT", target, content.body, headers)
        assert answer.status == 201, (what, answer)

    def _push_blob(self, name: str) -> None:
        headers = {"Authorization": USER}
        begun = self._registry.request("POST", self._fill("/v2/{repo}/blobs/uploads/"), headers=headers)
        self._remember(begun.headers["location"], session=True)
        target = self._fill(f"{{upload with}}digest={{{name}}}")
        answer = self._registry.request("PUT", target, CONTENTS[name].body, headers)
        assert answer.status == 201, (name, answer)
        self._values["upload"] = ""

    def _content(self, send: Body | str | None) -> bytes | None:
        if isinstance(send, Body):
            return CONTENTS[send.name].body[send.start : send.end]
        return None if send is None else self._fill(send).encode()

    def _fill(self, text: str) -> str:
        return text.format_map(self._values)

    def _facts(self, answer: Answer | None, method: str) -> Facts:
        """The answer without what is different each time: addresses, sessions and their state."""
        if answer is None:
            return {"answer": "broken off"}
        errors = _errors(answer)
        facts = {
            name: self._normal(answer.headers[name.lower()]) for name in _WATCHED if name.lower() in answer.headers
        }
        if answer.status >= 400 or method != "HEAD":  # a body is compared itself
            facts.pop("Content-Length", None)
        if errors is None:
            return facts | {"answer": str(answer.status), "body": self._body(answer.body)}
        words = ", ".join(f"{each['code']} {each['message']}" for each in errors)
        return facts | {
            "answer": f"{answer.status} {words}",
            "detail": ", ".join(_shape(each.get("detail")) for each in errors),
        }

    def _body(self, body: bytes) -> str:
        text = self._normal(body.decode("utf-8", "replace"))
        try:
            text = json.dumps(_unordered(json.loads(text)), sort_keys=True)
        except ValueError:
            text = json.dumps(text, ensure_ascii=False)
        return text if len(text) <= _SHOWN else f"{len(body)} bytes {hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def _normal(self, text: str) -> str:
        text = _STATE.sub("?", _UUID.sub("{uuid}", text)).rstrip("?")
        return text.replace(self._registry.url, "{url}").replace(self._values["host"], "{host}")


def _errors(answer: Answer) -> list[dict[str, Any]] | None:
    """The entries of an error body; None where it is none."""
    try:
        return list(json.loads(answer.body)["errors"])
    except (ValueError, KeyError, TypeError):
        return None


def _unordered(document: Any) -> Any:
    """Tags without their order: registry:2 lists them as the folder happens to have them."""
    tags = document.get("tags") if isinstance(document, dict) else None
    return {**document, "tags": sorted(tags)} if tags else document


def _shape(detail: object) -> str:
    if isinstance(detail, dict):
        return "{" + " ".join(sorted(detail)) + "}"
    return {type(None): "nothing", str: "text", list: "list"}.get(type(detail), type(detail).__name__)


def _filled(config: Any, folder: Path) -> Any:
    if isinstance(config, dict):
        return {name: _filled(value, folder) for name, value in config.items()}
    return config.format(folder=folder) if isinstance(config, str) else config
