"""Prometheus' text format (exposition formats, version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from engine.figures import Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[Mapping[str, object], float]
"""Labels and value."""


def family(
    name: str, kind: Literal["counter", "gauge"], about: str, samples: Iterable[Sample]
) -> Iterable[str]:
    """A metric with all its label values."""
    yield from _head(name, kind, about)
    for labels, value in samples:
        yield f"{name}{_labels(labels)} {_number(value)}"


def histogram(
    name: str, about: str, series: Iterable[tuple[Mapping[str, object], Histogram]]
) -> Iterable[str]:
    """A histogram with all its label values."""
    yield from _head(name, "histogram", about)
    for labels, counted in series:
        so_far = 0
        for step, count in zip([*map(str, counted.steps), "+Inf"], counted.counts, strict=True):
            so_far += count
            yield f"{name}_bucket{_labels({**labels, 'le': step})} {so_far}"
        yield f"{name}_sum{_labels(labels)} {_number(counted.total)}"
        yield f"{name}_count{_labels(labels)} {so_far}"


def _head(name: str, kind: str, about: str) -> Iterable[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _labels(labels: Mapping[str, object]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(str(value))}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
