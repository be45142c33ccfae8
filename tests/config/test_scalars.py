"""Single values: what is read is what was written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from config.addresses import Listen, ListenUrl, Target, TrunkTarget
from config.documents import parse
from config.faults import Wrong, choice, dotted
from config.scalars import duration, spell
from config.times import DAY, QuietSpan, Span, uncovered

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@given(st.integers(0, 10_000), st.sampled_from("smhd"))
def test_durations(count: int, unit: str) -> None:
    assert duration(f"{count}{unit}", "") == count * UNITS[unit]


@given(st.integers(0, 100_000_000))
def test_what_a_message_spells_is_read_back(length: int) -> None:
    assert duration(spell(length), "") == pytest.approx(length, rel=1e-5)


@given(st.text(max_size=8))
def test_no_text_upsets_a_duration(text: str) -> None:
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?[smhd]", text):
        assert duration(text, "") >= 0
    else:
        with pytest.raises(Wrong, match="is not a duration"):
            duration(text, "")


@given(st.integers(0, DAY - 1), st.integers(1, DAY))
def test_spans(start: int, end: int) -> None:
    if start == end:
        return
    span = TypeAdapter(QuietSpan).validate_python(str(Span(start, end)))
    assert span == Span(start, end)
    held = sum(span.holds(minute) for minute in range(DAY))
    assert held == (end - start) % DAY or (start, end) == (0, DAY)


def test_uncovered_finds_the_first_open_minute() -> None:
    night = Span(21 * 60, 8 * 60)
    assert uncovered([night], night) is None
    assert uncovered([Span(21 * 60, DAY), Span(0, 8 * 60)], night) is None
    assert uncovered([Span(22 * 60, 8 * 60)], night) == 21 * 60


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("sip:127.0.0.2:5080;transport=udp", Target("127.0.0.2", 5080, "udp")),
        ("carrier.test", Target("carrier.test")),
        ("carrier.test:5070", Target("carrier.test", 5070)),
        ("sip:gw@[2001:db8::1]:5060;transport=tcp", Target("2001:db8::1", 5060, "tcp", "gw")),
        ("sips:carrier.test", Target("carrier.test", secure=True)),
    ],
)
def test_trunk_targets(text: str, target: Target) -> None:
    adapter: TypeAdapter[Target] = TypeAdapter(TrunkTarget)
    assert adapter.validate_python(text) == target
    assert adapter.validate_python(str(target)) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "h:0",
        "h:65536",
        "h;transport=sctp",
        "h;lr",
        "http://h",
        "999.1.1.1",
        "a b",
        "-h",
        "2001:db8::1",
    ],
)
def test_bad_trunk_targets(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TrunkTarget).validate_python(text)


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("udp://127.0.0.1", Listen("udp", "127.0.0.1", 5060)),
        ("tls://[::1]", Listen("tls", "::1", 5061)),
        ("ws://0.0.0.0:0", Listen("ws", "0.0.0.0", 0)),
    ],
)
def test_listen(text: str, listen: Listen) -> None:
    adapter: TypeAdapter[Listen] = TypeAdapter(ListenUrl)
    assert adapter.validate_python(text) == listen
    assert adapter.validate_python(str(listen)) == listen


@pytest.mark.parametrize(
    "text", ["udp:127.0.0.1", "sctp://127.0.0.1:1", "udp://localhost:5060", "ws://127.0.0.1"]
)
def test_bad_listen(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ListenUrl).validate_python(text)


def test_text_over_several_lines() -> None:
    assert parse("a: >-\n  one\n  two\nb: |\n  one\n  two\n", "d.yaml").tree == {
        "a": "one two",
        "b": "one\ntwo\n",
    }


@given(st.text(max_size=60))
def test_no_text_upsets_the_parser(text: str) -> None:
    document = parse(text, "d.yaml")
    assert all(fault.line >= 1 and fault.column >= 1 for fault in document.faults)
    assert document.readable or document.faults


def test_words_of_messages() -> None:
    assert (
        dotted(("queues", "support", "overflow", "before", 0, "then"))
        == "queues.support.overflow.before[0].then"
    )
    assert choice("suport", ["support", "sales"]) == '"support" (nearest) of sales, support'
    assert choice("x", []) == "nothing: none is defined"
