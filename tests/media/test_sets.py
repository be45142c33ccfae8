"""The table of sets, the choice of a phase, and the bending of loud sums: what must hold whatever is asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.control import RowRef
from media.ledger import MIX, PHASES, SILENT, Ledger
from media.mix import FULL, LINEAR, limited
from media.sets import Sets, Summands

ROWS = 6
choices = st.sets(st.integers(0, ROWS - 1), min_size=2)
asked = st.lists(st.tuples(st.integers(0, ROWS - 1), st.one_of(choices, st.just("leave"), st.just("crash"))))


def ref(row: int, worker: int = 0) -> RowRef:
    return RowRef(worker, row, 100 * (worker + 1) + row)


def held(ledger: Ledger, row: int) -> set[tuple[int, ...]]:
    """The set that a row hears, as the ledger has it."""
    place = ledger.mix[row]
    return {tuple(part) for part in ledger.parts[place, : ledger.parts_n[place]].tolist()}


@settings(max_examples=150)
@given(asked)
def test_each_row_hears_its_set_and_equal_sets_are_one(steps: list[tuple[int, set[int] | str]]) -> None:
    ledger = Ledger.create(ROWS)
    sets, model = Sets(ledger), dict[int, set[int]]()
    for row, what in steps:
        if what == "crash":
            sets = Sets(ledger)
            for other in range(ROWS):
                sets.restore(other)
        elif what == "leave":
            sets.leave(row)
            ledger.kind[row] = SILENT
            model.pop(row, None)
        elif isinstance(what, set):
            sets.join(row, [ref(source) for source in what])
            model[row] = what
        assert {int(row) for row in np.flatnonzero(ledger.kind == MIX)} == set(model)
        for listener, sources in model.items():
            assert held(ledger, listener) == {(0, source, 100 + source) for source in sources}
        assert len({int(ledger.mix[listener]) for listener in model}) == len(
            {frozenset(sources) for sources in model.values()}
        )


def two_workers(clocks: list[int | None]) -> list[Ledger]:
    """Ledgers of which these rows, one after the other, are heard in such phases; None: not yet."""
    ledgers = [Ledger.create(ROWS) for _ in range(2)]
    for worker, ledger in enumerate(ledgers):
        for row in range(ROWS):
            ledger.owner[row] = ref(row, worker).generation
            clock = clocks[worker * ROWS + row]
            if clock is not None:
                ledger.c[row], ledger.anchored[row] = clock, 1
    return ledgers


everybody = [(worker, row) for worker in range(2) for row in range(ROWS)]
clocks = st.lists(st.one_of(st.none(), st.integers(0, 40)), min_size=2 * ROWS, max_size=2 * ROWS)
rooms = st.lists(st.sets(st.sampled_from(everybody), min_size=2), min_size=ROWS, max_size=ROWS)


@settings(max_examples=150)
@given(clocks, rooms, st.integers(0, 1), st.integers(0, 3))
def test_no_phase_would_keep_the_longest_waiting_shorter(
    clock: list[int | None], room: list[set[tuple[int, int]]], me: int, kept: int
) -> None:
    ledgers = two_workers(clock)
    sets = Sets(ledgers[me])
    for row in range(ROWS):
        sets.join(row, [ref(source, worker) for worker, source in room[row]])
    chosen = Summands(ledgers, me, np.arange(ROWS)).phases(np.full(ROWS, kept))
    for row in range(ROWS):
        due = [
            (at + (worker > me)) % PHASES
            for worker, source in room[row] - {(me, row)}
            if (at := clock[worker * ROWS + source]) is not None
        ]
        longest = [max(((phase - at) % PHASES for at in due), default=0) for phase in range(PHASES)]
        assert longest[chosen[row]] == min(longest)
        assert chosen[row] == kept or longest[kept] > min(longest)


@given(st.integers(-2_000_000, 2_000_000))
def test_a_sum_is_kept_or_bent_but_never_turned(total: int) -> None:
    bent = float(limited(np.array([float(total)]))[0])
    assert abs(bent) <= min(abs(total), FULL)
    assert bent * total >= 0
    assert abs(total) > LINEAR or bent == total


@pytest.mark.parametrize("least", [0, LINEAR - 5, 40_000])
def test_a_louder_sum_is_never_softer(least: int) -> None:
    bent = limited(np.arange(least, least + 20_000, dtype=np.float64))
    assert (np.diff(bent) >= 0).all()
