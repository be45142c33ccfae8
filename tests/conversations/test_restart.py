"""What a killed engine left open is closed, once, and only what is this node's."""

from __future__ import annotations

from engine.conversations.restart import AT_ONCE, close_cut_off
from engine.facts import Clock
from engine.store.memory import MemoryStore
from engine.store.records import ConversationEnded, ConversationStarted, PhaseEntered

CLOCK = Clock(lambda: 5.0, lambda: 1000.0)


def started(id: str, node: str = "n1") -> ConversationStarted:
    return ConversationStarted(id, node, "inbound", "1", "2", 100.0)


async def test_the_cut_off_are_closed_and_the_numbers_add_up() -> None:
    store = MemoryStore()
    await store.commit(
        [started("a"), PhaseEntered("a", 1, 100.0, "waiting"), PhaseEntered("a", 2, 130.0, "talking")]
    )
    await store.commit([started("b"), ConversationEnded("b", 200.0, "completed"), started("c", "n2")])
    assert await close_cut_off(store, CLOCK, "n1") == 1
    row = await store.conversation("a")
    assert row is not None
    assert (row.end, row.ended, row.phase) == ("restarted", 1000.0, "ended")
    last = (await store.journal("a"))[-1]
    assert (last.seq, last.name) == (3, "ended")
    assert last.detail == {"reason": "restarted", "phase": "talking", "last_seen": 130.0}
    tally = await store.tally("n1")
    assert tally.ends == {"restarted": 1, "completed": 1}
    assert tally.open == 0
    assert (await store.tally("n2")).open == 1


async def test_a_second_start_finds_nothing_to_close() -> None:
    store = MemoryStore()
    await store.commit([started(f"c{i}") for i in range(AT_ONCE + 3)])
    assert await close_cut_off(store, CLOCK, "n1") == AT_ONCE + 3
    written = len(store.written)
    assert await close_cut_off(store, CLOCK, "n1") == 0
    assert len(store.written) == written


async def test_a_clock_that_went_back_ends_no_call_before_its_last_line() -> None:
    store = MemoryStore()
    await store.commit([started("a"), PhaseEntered("a", 1, 2000.0, "talking")])
    await close_cut_off(store, CLOCK, "n1")
    row = await store.conversation("a")
    assert row is not None
    assert row.ended == 2000.0
