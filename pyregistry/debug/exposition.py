r"""Prometheus' text format, version 0.0.4. Pure.

family ::= "# HELP " name " " help "\n" "# TYPE " name " " kind "\n" sample*
sample ::= name suffix labels? " " value "\n"        labels ::= "{" name '="' value '"' ("," …)* "}"
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FIRST_IN_EXPONENTS = 1_000_000
"""From here on Go writes a number with an exponent. The bound of a bucket is a label: another spelling, another one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One line. ``suffix`` follows the family's name, as ``_bucket`` does."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: all its lines, with what they mean. ``kind`` is counter, gauge or histogram."""

    name: str
    kind: str
    help: str
    samples: Sequence[Sample]


def format_families(families: Iterable[Family]) -> str:
    """The page that Prometheus scrapes; a family without samples is left out."""
    return "".join(line for family in families if family.samples for line in _lines(family))


def histogram(labels: Mapping[str, str], bounds: Sequence[float], buckets: Sequence[int], total: float) -> list[Sample]:
    """The lines of one histogram.

    Args:
        labels: Of all lines.
        bounds: Upper bounds, inclusive, ascending.
        buckets: Observations in each, not cumulative; one more than there are bounds.
        total: The sum of what was observed.
    """
    samples, count = [], 0
    for bound, observed in zip([*map(_number, bounds), "+Inf"], buckets, strict=True):
        count += observed
        samples.append(Sample({**labels, "le": bound}, count, "_bucket"))
    return [*samples, Sample(labels, total, "_sum"), Sample(labels, count, "_count")]


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}\n"
    yield f"# TYPE {family.name} {family.kind}\n"
    for sample in family.samples:
        labels = ",".join(f'{name}="{_quoted(value)}"' for name, value in sample.labels.items())
        yield f"{family.name}{sample.suffix}{f'{{{labels}}}' if labels else ''} {_number(sample.value)}\n"


def _number(value: float) -> str:
    """As Go writes it: shortest, ``1.048576e+06`` from a million on."""
    if value < _FIRST_IN_EXPONENTS:
        return repr(value).removesuffix(".0")
    digits, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{digits}e{int(exponent):+03d}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
