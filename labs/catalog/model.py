"""What ``lab.toml`` says, as values; ``load`` reads one exercise.

```toml
id = "tp1"
chapter = "§1 to §5"
title.fr = "…"
title.en = "…"
payload = 5_000_000             # bytes of the starter's payload.bin, which none can compress; left out: no such file
[[services]]                    # what the stack runs
role = "hosted"                 # hosted: what the exercise pushes to
name = "ghcr.io"                # the name that the exercise types
twin = "ghcr"                   # whose manners it has
port = 1                        # plain HTTP, where Docker's own daemon finds it: added to LAB_PORT_BASE
tls_port = 21                   # TLS, where its name leads in the lab: likewise
[private]                       # instead of services: the registry is the student's own work
name = "registry.example.com"   # the name that the exercise types
https_port = 3443               # where 443 of that name leads on this machine: added to LAB_PORT_BASE
http_port = 3080                # likewise 80
[[steps]]                       # the task, in the chapter's order
number = 1
title.fr = "…"
title.en = "…"
[[mutants]]                     # a named wrong end state: mutants/<name>.sh puts it in place
name = "not-pushed"
kills = ["TP1-PUSH"]            # the checks that FAIL, and no other; what depends on them is BLOCKED
cause = "push.never-tried"      # id of the cause that must be ranked first for kills[0]
title.fr = "…"
title.en = "…"
```

Hints stand in ``hints.fr.toml`` and ``hints.en.toml``: ``[TP1-PUSH] rungs = ["…", "…"]``, from a nudge to the
command's name, never the student's own answer.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable


@dataclass(frozen=True, slots=True)
class Service:
    """One registry that the exercise's stack runs. Ports are added to ``LAB_PORT_BASE``."""

    role: str
    name: str
    twin: str
    port: int
    tls_port: int


@dataclass(frozen=True, slots=True)
class Private:
    """The name of a registry that the student builds, and the ports that stand for 443 and 80 of it on this machine.

    Ports are added to ``LAB_PORT_BASE``.
    """

    name: str
    https_port: int
    http_port: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the task, numbered as the chapter numbers it; titles by language."""

    number: int
    title: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A named wrong end state."""

    name: str
    kills: tuple[str, ...]
    cause: str
    title: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lab:
    """One exercise. ``folder`` holds ``starter/``, ``solution/`` and ``mutants/``.

    ``payload`` is the size in bytes of the starter's ``payload.bin``, 0 where it has none.
    """

    id: str
    chapter: str
    title: Mapping[str, str]
    services: tuple[Service, ...]
    steps: tuple[Step, ...]
    mutants: tuple[Mutant, ...]
    folder: Traversable
    private: Private | None = None
    payload: int = 0

    def mutant(self, name: str) -> Mutant:
        """The mutant of that name. Raises KeyError."""
        return {mutant.name: mutant for mutant in self.mutants}[name]

    def hints(self, language: str) -> Mapping[str, Sequence[str]]:
        """Ladders of hints by check code, lightest rung first."""
        text = (self.folder / f"hints.{language}.toml").read_text(encoding="utf-8")
        return {code: tuple(table["rungs"]) for code, table in tomllib.loads(text).items()}


def slugs() -> Sequence[str]:
    """Ids of all exercises, sorted."""
    return sorted(entry.name for entry in files(__package__).iterdir() if (entry / "lab.toml").is_file())


def load(slug: str) -> Lab:
    """Read one exercise.

    Raises:
        KeyError: There is none of that id.
    """
    folder = files(__package__) / slug
    if slug not in slugs():
        raise KeyError(slug)
    values = tomllib.loads((folder / "lab.toml").read_text(encoding="utf-8"))
    return Lab(
        id=values["id"],
        chapter=values["chapter"],
        title=values["title"],
        services=tuple(Service(**row) for row in values.get("services", ())),
        steps=tuple(Step(**row) for row in values["steps"]),
        mutants=tuple(Mutant(**(row | {"kills": tuple(row["kills"])})) for row in values["mutants"]),
        folder=folder,
        private=Private(**values["private"]) if "private" in values else None,
        payload=values.get("payload", 0),
    )
