r"""A strict reader of Prometheus' text format 0.0.4: what it takes, Prometheus takes.

page   ::= family*        family ::= help type sample+
sample ::= name labels? " " value "\n"
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_HELP = re.compile(r"# HELP (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?P<help>(?:[^\\\n]|\\[\\n])+)")
_TYPE = re.compile(r"# TYPE (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?P<kind>counter|gauge|histogram)")
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(
    rf"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{(?P<labels>{_LABEL}(?:,{_LABEL})*)\}})? "
    r"(?P<value>[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]{2,})?)"
)
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}

Labels = frozenset[tuple[str, str]]


@dataclass
class Family:
    """One metric. ``samples`` are by their whole name and their labels."""

    kind: str
    help: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)


def parse(page: str) -> dict[str, Family]:
    """The families of a page. Anything that is not as the format has it is an AssertionError."""
    assert page.endswith("\n")
    families: dict[str, Family] = {}
    lines = page.splitlines()
    while lines:
        name, family = _parse_family(lines)
        assert name not in families, f"{name} twice"
        families[name] = family
    return families


def _parse_family(lines: list[str]) -> tuple[str, Family]:
    told, typed = _HELP.fullmatch(lines.pop(0)), _TYPE.fullmatch(lines.pop(0))
    assert told, lines
    assert typed, lines
    assert told["name"] == typed["name"]
    family = Family(typed["kind"], told["help"])
    names = {told["name"] + suffix for suffix in _SUFFIXES[family.kind]}
    while lines and not lines[0].startswith("#"):
        line = lines.pop(0)
        found = _SAMPLE.fullmatch(line)
        assert found, line
        assert found["name"] in names, line
        pairs = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"', found["labels"] or "")
        assert len(dict(pairs)) == len(pairs), line
        key = found["name"], frozenset(pairs)
        assert key not in family.samples, line
        family.samples[key] = float(found["value"])
    assert family.samples, told["name"]
    if family.kind == "histogram":
        _require_histograms(told["name"], family)
    return told["name"], family


def _require_histograms(name: str, family: Family) -> None:
    """Cumulative buckets that end with +Inf, which is the count; each with its sum."""
    buckets: dict[Labels, dict[float, float]] = {}
    for (sample, labels), value in family.samples.items():
        if sample.endswith("_bucket"):
            bound = dict(labels)["le"]
            rest = labels - {("le", bound)}
            buckets.setdefault(rest, {})[math.inf if bound == "+Inf" else float(bound)] = value
    for labels, found in buckets.items():
        ordered = [found[bound] for bound in sorted(found)]
        assert list(found) == sorted(found)
        assert ordered == sorted(ordered)
        assert found[math.inf] == family.samples[f"{name}_count", labels]
        assert (f"{name}_sum", labels) in family.samples


def value(families: Mapping[str, Family], name: str, **labels: str) -> float:
    """One sample of a counter or a gauge."""
    return families[name].samples[name, frozenset(labels.items())]
