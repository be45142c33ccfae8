"""Who hears whom: examples one by one, then what must hold whatever the parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.seating import Coach, Hears, Listener, Party, Role, Seat, seating

CUSTOMER, AGENT, EXPERT, BOSS = "customer", "agent", "expert", "boss"
NAMES = (CUSTOMER, AGENT, EXPERT, BOSS, "trainee")
Seats = dict[str, Seat[str]]


def parties(*names: str) -> Seats:
    return {name: Seat(Party()) for name in names}


def voices(seats: Seats) -> dict[str, set[str] | None]:
    return {name: None if hears is None else set(hears.voices) for name, hears in seating(seats).items()}


def test_three_parties_hear_each_other_and_share_one_set() -> None:
    heard = seating(parties(CUSTOMER, AGENT, EXPERT))
    everybody = frozenset({CUSTOMER, AGENT, EXPERT})
    assert heard[CUSTOMER] == Hears(frozenset({AGENT, EXPERT}), everybody)
    assert {hears.mix for hears in heard.values() if hears is not None} == {everybody}


BOTH = parties(CUSTOMER, AGENT)


@pytest.mark.parametrize(
    ("seats", "expected"),
    [
        (parties(CUSTOMER), {CUSTOMER: set()}),
        (BOTH, {CUSTOMER: {AGENT}, AGENT: {CUSTOMER}}),
        (BOTH | {AGENT: Seat(Party(), muted=True)}, {CUSTOMER: set(), AGENT: {CUSTOMER}}),
        (BOTH | {CUSTOMER: Seat(Party(), held=True)}, {CUSTOMER: None, AGENT: set()}),
        (BOTH | {BOSS: Seat(Listener())}, {CUSTOMER: {AGENT}, AGENT: {CUSTOMER}, BOSS: {CUSTOMER, AGENT}}),
        (
            BOTH | {BOSS: Seat(Coach(AGENT))},
            {CUSTOMER: {AGENT}, AGENT: {CUSTOMER, BOSS}, BOSS: {CUSTOMER, AGENT}},
        ),
        (
            BOTH | {BOSS: Seat(Coach(AGENT), muted=True)},
            {CUSTOMER: {AGENT}, AGENT: {CUSTOMER}, BOSS: {CUSTOMER, AGENT}},
        ),
        (
            BOTH | {BOSS: Seat(Coach(EXPERT))},
            {CUSTOMER: {AGENT}, AGENT: {CUSTOMER}, BOSS: {CUSTOMER, AGENT}},
        ),
        (
            BOTH | {BOSS: Seat(Coach("trainee")), "trainee": Seat(Listener())},
            {
                CUSTOMER: {AGENT},
                AGENT: {CUSTOMER},
                BOSS: {CUSTOMER, AGENT},
                "trainee": {CUSTOMER, AGENT},
            },
        ),
    ],
)
def test_who_hears_whom(seats: Seats, expected: dict[str, set[str] | None]) -> None:
    assert voices(seats) == expected


roles: st.SearchStrategy[Role[str]] = st.one_of(
    st.just(Party()), st.just(Listener()), st.sampled_from(NAMES).map(Coach)
)
rooms = st.dictionaries(st.sampled_from(NAMES), st.builds(Seat, roles, st.booleans(), st.booleans()))


@given(rooms)
def test_nobody_hears_himself_and_those_who_are_silent_are_heard_by_nobody(seats: Seats) -> None:
    for member, hears in seating(seats).items():
        assert (hears is None) == seats[member].held
        for voice in hears.voices if hears is not None else ():
            assert voice != member
            assert not seats[voice].muted
            assert not seats[voice].held
            assert not isinstance(seats[voice].role, Listener)


@given(rooms)
def test_a_whisper_reaches_one_party_and_no_other(seats: Seats) -> None:
    for member, hears in seating(seats).items():
        for voice in hears.voices if hears is not None else ():
            role = seats[voice].role
            if isinstance(role, Coach):
                assert role.of == member
                assert isinstance(seats[member].role, Party)


@given(rooms)
def test_who_may_speak_is_heard_by_all_who_may_hear(seats: Seats) -> None:
    heard = seating(seats)
    for voice, seat in seats.items():
        if isinstance(seat.role, Party) and not seat.muted and not seat.held:
            assert all(
                voice in hears.voices
                for member, hears in heard.items()
                if member != voice and hears is not None
            )


@given(rooms)
def test_the_set_to_sum_is_the_voices_and_at_most_ones_own(seats: Seats) -> None:
    for member, hears in seating(seats).items():
        if hears is not None:
            assert hears.mix - {member} == hears.voices
