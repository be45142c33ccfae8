"""What every Store promises, asked of each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.store.memory import MemoryStore
from engine.store.open import open_store
from engine.store.records import (
    ChangeMade,
    ConversationEnded,
    ConversationRow,
    ConversationStarted,
    EventNoted,
    EventsTaken,
    EventTold,
    JournalRow,
    PhaseEntered,
    PresenceChosen,
    Record,
    RecordingWhole,
)
from engine.store.store import Store
from tests.kit.postgres import emptied
from tools.bench.postgres import Postgres

STARTED = ConversationStarted("n1-1", "n1", "inbound", "+442071230001", "+447700900123", 100.0)
STORY: tuple[Record, ...] = (
    STARTED,
    PhaseEntered("n1-1", 1, 100.0, "greeting"),
    PhaseEntered("n1-1", 2, 104.0, "waiting", queue="support"),
    EventNoted("n1-1", 3, 105.5, "agent_missed", {"agent": "bob", "rang": 30.0, "code": None}),
    PhaseEntered("n1-1", 4, 110.0, "talking", agent="anna", answered=110.0),
    ConversationEnded("n1-1", 170.5, "completed"),
    RecordingWhole("n1-1", "n1-1-2", "recordings/b.wav", 110.0, 60.5, 3),
    RecordingWhole("n1-1", "n1-1-1", "recordings/a.wav", 100.0, 70.5, 0),
    RecordingWhole("n1-1", "n1-1-3", "", 120.0, 0.0, 0, fault="no space left on device"),
)


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgres"))]


@pytest.fixture(params=["memory", *BOTH])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    async with open_store(url_of(request.param, request, tmp_path), spool=tmp_path / "spool") as opened:
        yield opened


def url_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder}/store.db"
    server: Postgres = request.getfixturevalue("server")
    return emptied(server)


async def put(store: Store, *records: Record) -> None:
    for record in records:
        store.write(record)
    await store.flush()


async def test_a_whole_story_is_read_back(store: Store) -> None:
    await put(store, *STORY)
    assert await store.conversation("n1-1") == ConversationRow(
        id="n1-1",
        node="n1",
        direction="inbound",
        number="+442071230001",
        caller="+447700900123",
        started=100.0,
        queue="support",
        agent="anna",
        answered=110.0,
        ended=170.5,
        end="completed",
        phase="ended",
    )
    assert await store.journal("n1-1") == [
        JournalRow("n1-1", 1, 100.0, "phase", "greeting", {}),
        JournalRow("n1-1", 2, 104.0, "phase", "waiting", {"queue": "support"}),
        JournalRow("n1-1", 3, 105.5, "event", "agent_missed", {"agent": "bob", "rang": 30.0, "code": None}),
        JournalRow("n1-1", 4, 110.0, "phase", "talking", {"agent": "anna"}),
    ]
    assert await store.recordings("n1-1") == [STORY[7], STORY[6], STORY[8]]


async def test_what_is_not_there_is_nothing(store: Store) -> None:
    assert await store.conversation("n1-9") is None
    assert await store.journal("n1-9") == []
    assert await store.recordings("n1-9") == []
    assert await store.unended("n1") == []


async def test_unended_are_this_nodes_live_ones_oldest_first(store: Store) -> None:
    for id, node, started in (("a", "n1", 3.0), ("b", "n1", 1.0), ("c", "n2", 2.0), ("d", "n1", 0.5)):
        store.write(ConversationStarted(id, node, "inbound", "1", "2", started))
    await put(store, ConversationEnded("d", 9.0, "abandoned"))
    assert [row.id for row in await store.unended("n1")] == ["b", "a"]


async def test_a_record_written_twice_is_stored_once(store: Store) -> None:
    await put(store, *STORY)
    before = await store.conversation("n1-1"), await store.journal("n1-1"), await store.recordings("n1-1")
    await put(store, *STORY)
    assert (
        await store.conversation("n1-1"),
        await store.journal("n1-1"),
        await store.recordings("n1-1"),
    ) == before


async def test_a_change_of_nothing_known_makes_nothing(store: Store) -> None:
    await put(store, ConversationEnded("ghost", 5.0, "fault"))
    assert await store.conversation("ghost") is None


async def test_flush_with_nothing_written_returns(store: Store) -> None:
    await store.flush()
    await store.flush()


async def test_the_latest_choice_of_an_agent_counts(store: Store) -> None:
    await put(store, PresenceChosen("anna", "away", 2.0), PresenceChosen("bob", "available", 1.0))
    await put(store, PresenceChosen("anna", "available", 1.0))
    bob = PresenceChosen("bob", "available", 1.0)
    assert await store.presences() == [PresenceChosen("anna", "away", 2.0), bob]
    await store.commit([PresenceChosen("anna", "available", 3.0)])
    assert await store.presences() == [PresenceChosen("anna", "available", 3.0), bob]
    assert await store.presences(1.1) == [PresenceChosen("anna", "available", 3.0)]


def told(epoch: int, number: int, node: str = "n1") -> EventTold:
    return EventTold(node, epoch, number, f"{epoch}-{number}", "agent.changed", '{"data":"\u00fc"}')


async def test_events_are_read_in_order_page_by_page_and_dropped_up_to_one(store: Store) -> None:
    mine = [told(epoch, number) for epoch in (1, 2) for number in (1, 2, 10)]
    await put(store, *reversed(mine), told(1, 1, "n2"), mine[0])
    assert await store.events("n1", (0, 0), 100) == mine
    assert await store.events("n1", (1, 2), 2) == mine[2:4]
    await store.forget_events("n1", (2, 1))
    assert await store.events("n1", (0, 0), 100) == mine[4:]
    assert len(await store.events("n2", (0, 0), 100)) == 1


async def test_the_furthest_position_counts(store: Store) -> None:
    for place in ((1, 5), (2, 1), (1, 9), (2, 0)):
        await put(store, EventsTaken("n1", "http://a/", *place), EventsTaken("n1", "http://b/", 1, 1))
    assert await store.positions("n1") == {"http://a/": (2, 1), "http://b/": (1, 1)}
    assert await store.positions("n2") == {}


IDS = st.sampled_from(["a", "b", "c"])
TIMES = st.floats(0, 2e9, allow_nan=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
RECORDS = st.one_of(
    st.builds(ConversationStarted, IDS, st.just("n1"), st.just("inbound"), TEXT, TEXT, TIMES),
    st.builds(
        PhaseEntered,
        IDS,
        st.integers(0, 5),
        TIMES,
        TEXT,
        st.none() | TEXT,
        st.none() | TEXT,
        st.none() | TIMES,
        st.dictionaries(TEXT, TEXT, max_size=2),
    ),
    st.builds(EventNoted, IDS, st.integers(0, 5), TIMES, TEXT),
    st.builds(ConversationEnded, IDS, TIMES, TEXT),
    st.builds(RecordingWhole, IDS, IDS, TEXT, TIMES, TIMES, st.integers(0, 9), st.none() | TEXT),
)


def told_in_order(written: list[list[Record]]) -> list[list[Record]]:
    """The same without changes that precede their conversation's start: nobody writes those."""
    begun: set[str] = set()
    kept: list[list[Record]] = []
    for batch in written:
        kept.append([])
        for record in batch:
            assert not isinstance(record, PresenceChosen | EventTold | EventsTaken | ChangeMade)
            id = (
                record.id
                if isinstance(record, ConversationStarted | ConversationEnded)
                else record.conversation
            )
            if isinstance(record, ConversationStarted):
                begun.add(id)
            if id in begun:
                kept[-1].append(record)
    return kept


@pytest.mark.parametrize("kind", BOTH)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(st.lists(RECORDS, max_size=12), max_size=4))
async def test_all_forms_agree_on_any_story(
    kind: str,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    written: list[list[Record]],
) -> None:
    memory = MemoryStore()
    folder = tmp_path_factory.mktemp("agree")
    async with open_store(url_of(kind, request, folder), spool=folder / "spool") as sql:
        for number, batch in enumerate(told_in_order(written)):
            await memory.commit(batch)
            await (put(sql, *batch) if number % 2 else sql.commit(batch))
        for id in ("a", "b", "c"):
            assert await sql.conversation(id) == await memory.conversation(id)
            assert await sql.journal(id) == await memory.journal(id)
            assert await sql.recordings(id) == await memory.recordings(id)
        assert await sql.unended("n1") == await memory.unended("n1")
        assert await sql.last_lines("n1") == await memory.last_lines("n1")
        assert await sql.tally("n1") == await memory.tally("n1")
