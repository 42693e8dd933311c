"""Families of samples, and the text that Prometheus reads. Pure.

prometheus_client's own writer takes ten times as long for each sample, and its import 3 MiB; the tests hold
what is written here against its parser and against promtool.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LONGEST_LABEL = 200
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(slots=True)
class Family:
    """A metric with its samples: pairs of labels, as `labels` writes them, and a value."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: list[tuple[str, float]] = field(default_factory=list)

    def add(self, value: float | None, labels: str = "") -> None:
        """Add a sample; None, what could not be seen, adds none."""
        if value is not None:
            self.samples.append((labels, value))


def counter(name: str, help_: str) -> Family:
    return Family(name, "counter", help_)


def gauge(name: str, help_: str, value: float | None = None) -> Family:
    """A gauge; with `value` it has that one sample, without labels."""
    family = Family(name, "gauge", help_)
    family.add(value)
    return family


def labels(**values: str) -> str:
    """`name="value",...` with values bounded and escaped."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())


def bounded(value: str) -> str:
    """At most `LONGEST_LABEL` characters. What was cut off is a checksum, so that two stay two."""
    if len(value) <= LONGEST_LABEL:
        return value
    checksum = hashlib.sha256(value.encode(errors="replace")).hexdigest()[:8]
    return f"{value[: LONGEST_LABEL - 9]}~{checksum}"


def exposition(families: Iterable[Family]) -> bytes:
    """Prometheus text format 0.0.4; a family without samples is left out."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        name = family.name
        lines.append(f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}")
        lines.extend(
            f"{name}{{{held}}} {_number(value)}" if held else f"{name} {_number(value)}"
            for held, value in family.samples
        )
    lines.append("")
    return "\n".join(lines).encode(errors="replace")


def _escaped(value: str) -> str:
    return bounded(value).translate(_ESCAPES)


def _number(value: float) -> str:
    if isinstance(value, int) or math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
