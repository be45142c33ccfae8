"""Names that never collide, are valid anywhere, and can be read back."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.recordings.names import Name, parse

ANY = st.text(max_size=300)
NAMES = st.builds(
    Name,
    conversation=ANY,
    agent=ANY,
    customer=ANY,
    start=st.integers(0, 4_000_000_000).map(float),
    segment=st.integers(1, 999_999_999),
    leg=ANY,
)


def test_the_form_users_rely_on() -> None:
    name = Name("n1-20260301-7", "Anna Smith", "+442071230009", 1772357400.9, 2, "customer")
    assert str(name) == "n1-20260301-7_Anna-Smith_+442071230009_20260301093000_2_customer"


@pytest.mark.parametrize(
    ("agent", "written"),
    [
        ("Jörg Müller", "Jorg-Muller"),
        ("  O'Brien / Sales_2 ", "O-Brien-Sales-2"),
        ("../../etc/passwd", "etc-passwd"),
        ("李", "~E6~9D~8E"),
        ("", "~"),
    ],
)
def test_names_of_people(agent: str, written: str) -> None:
    assert str(Name("c", agent, "x", 0, 1, "leg")).split("_")[1] == written


@given(NAMES)
def test_every_name_is_a_valid_file_name_of_six_parts(name: Name) -> None:
    text = str(name)
    assert re.fullmatch(r"[A-Za-z0-9.+~-]+(_[A-Za-z0-9.+~-]+){5}", text)
    assert len(text) <= 240, "a suffix has room below 255"
    assert not text.startswith(".")


@given(NAMES, NAMES)
@example(Name("a", "x", "y", 0, 1, "b_1_c"), Name("a", "x", "y", 0, 1, "b"))
@example(Name("a_b", "x", "y", 0, 1, "c"), Name("a-b", "x", "y", 0, 1, "c"))
@example(Name("", "x", "y", 0, 1, "c"), Name("~", "x", "y", 0, 1, "c"))
@example(Name("x" * 97, "x", "y", 0, 1, "c"), Name("x" * 98, "x", "y", 0, 1, "c"))
def test_two_recordings_never_share_a_name(one: Name, other: Name) -> None:
    same = (one.conversation, one.segment, one.leg) == (other.conversation, other.segment, other.leg)
    assert same or str(one) != str(other)


@given(NAMES)
def test_what_counts_is_read_back(name: Name) -> None:
    back = parse(str(name))
    assert back is not None
    assert (back.start, back.segment) == (name.start, name.segment)
    if len(name.conversation.encode(errors="surrogatepass")) <= 32:
        assert back.conversation == name.conversation


@given(ANY)
def test_any_other_file_name_is_not_one_of_ours_or_reads_cleanly(text: str) -> None:
    name = parse(text)
    assert name is None or str(name).count("_") == 5


@pytest.mark.parametrize(
    "stem", ["", "a_b", "a_b_c_d_e_f", "a_b_c_20260230000000_1_x", "a_b_c_20260301000000_x_x"]
)
def test_what_is_not_a_recording(stem: str) -> None:
    assert parse(stem) is None
