"""Prometheus' text format 0.0.4, read strictly: whatever a scraper could stumble over fails the test."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import groupby, pairwise

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
SAMPLE = re.compile(rf"({NAME.pattern})(?:\{{(.*)\}})? (\S+)")
ESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
Labels = tuple[tuple[str, str], ...]


@dataclass
class Family:
    """One metric with its samples by name and labels."""

    name: str
    kind: str
    about: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)


def parse(text: str) -> dict[str, Family]:
    """Families by name. Fails the test with the line that is wrong."""
    assert text.endswith("\n")
    found: dict[str, Family] = {}
    lines = iter(text.splitlines())
    family: Family | None = None
    for line in lines:
        if line.startswith("# HELP "):
            _, _, name, about = line.split(" ", 3)
            kind = re.fullmatch(rf"# TYPE {re.escape(name)} (counter|gauge|histogram)", next(lines, ""))
            assert kind is not None, f"no TYPE after {line!r}"
            assert NAME.fullmatch(name)
            assert name not in found, f"{name} is there twice"
            family = found[name] = Family(name, kind[1], about)
        else:
            assert family is not None, line
            _take(family, line)
    for each in found.values():
        _check(each)
    return found


def _take(family: Family, line: str) -> None:
    sample = SAMPLE.fullmatch(line)
    assert sample is not None, line
    name, labels, value = sample.groups()
    suffixes = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
    assert name in {family.name + suffix for suffix in suffixes}, f"{line!r} stands among {family.name}"
    key = name, _labels(labels or "")
    assert key not in family.samples, f"{line!r}: twice"
    family.samples[key] = float(value)


def _labels(text: str) -> Labels:
    found, at = [], 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match is not None, text
        found.append((match[1], re.sub(r"\\.", lambda escaped: ESCAPED[escaped[0]], match[2])))
        at = match.end()
    assert len({name for name, _ in found}) == len(found), text
    return tuple(found)


def _check(family: Family) -> None:
    if family.kind == "counter":
        assert family.name.endswith("_total"), family.name
        assert all(value >= 0 for value in family.samples.values())
    if family.kind == "histogram":
        buckets = [item for item in family.samples.items() if item[0][0].endswith("_bucket")]
        for labels, steps in groupby(buckets, lambda item: item[0][1][:-1]):
            _check_steps(family, labels, [(float(dict(key[1])["le"]), count) for key, count in steps])


def _check_steps(family: Family, labels: Labels, steps: list[tuple[float, float]]) -> None:
    """Steps rise and so do their counts; the last is everything."""
    for (step, count), (higher, more) in pairwise(steps):
        assert step < higher, (family.name, labels)
        assert count <= more, (family.name, labels)
    assert steps[-1] == (math.inf, family.samples[f"{family.name}_count", labels])
    assert f"{family.name}_sum" in {name for name, of in family.samples if of == labels}
