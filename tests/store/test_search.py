"""Conversations are found the same in every form of the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.store.memory import MemoryStore
from engine.store.open import open_store
from engine.store.records import ChangeMade, ConversationEnded, ConversationStarted, PhaseEntered
from engine.store.search import Changes, Search
from engine.store.store import Store
from tests.kit.postgres import emptied
from tools.bench.postgres import Postgres

KINDS = ["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgres"))]


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Six conversations: started at 0 to 5 (two at 3), c0 and c1 over, the odd ones to sales."""
    if request.param == "memory":
        made = MemoryStore()
        await fill(made)
        yield made
        return
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/s.db"
    else:
        server: Postgres = request.getfixturevalue("server")
        url = emptied(server)
    async with open_store(url, spool=tmp_path / "spool") as opened:
        await fill(opened)
        yield opened


async def fill(store: Store) -> None:
    for i, started in enumerate((0.0, 1.0, 2.0, 3.0, 3.0, 5.0)):
        store.write(ConversationStarted(f"c{i}", "n1", "inbound", "+1", f"+44{i}", started))
        store.write(PhaseEntered(f"c{i}", 1, started, "waiting", queue="sales" if i % 2 else "support"))
    for i in range(2):
        store.write(ConversationEnded(f"c{i}", 9.0, "completed"))
    await store.flush()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "543210"),
        ({"limit": 2}, "54"),
        ({"after": (3.0, "c4")}, "3210"),
        ({"after": (3.0, "c3"), "limit": 1}, "2"),
        ({"live": True}, "5432"),
        ({"live": False}, "10"),
        ({"queue": "sales"}, "531"),
        ({"queue": "sales", "live": True, "until": 5.0}, "3"),
        ({"since": 3.0}, "543"),
        ({"end": "completed", "caller": "+441"}, "1"),
        ({"number": "+2"}, ""),
    ],
)
async def test_what_is_asked_for_is_found_newest_first(
    store: Store, asked: dict[str, Any], found: str
) -> None:
    rows = await store.conversations(Search(**{"limit": 10} | asked))
    assert "".join(row.id[1:] for row in rows) == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "43210"),
        ({"limit": 2}, "43"),
        ({"after": (2.0, "a3")}, "210"),
        ({"who": "lead"}, "420"),
        ({"action": "agent.presence", "target": "bob"}, "31"),
        ({"since": 1.0, "until": 2.0}, "1"),
        ({"who": "nobody"}, ""),
        ({"who": "no\0body"}, ""),
    ],
)
async def test_what_people_changed_is_found_newest_first(
    store: Store, asked: dict[str, Any], found: str
) -> None:
    """Five changes at 0 to 3 (two at 2), by lead and ops in turn; the odd ones are bob's presence."""
    for i, wall in enumerate((0.0, 1.0, 2.0, 2.0, 3.0)):
        who, what = ("ops", ("agent.presence", "bob")) if i % 2 else ("lead", ("config.reload", "a.yaml"))
        store.write(ChangeMade(f"a{i}", "n1", wall, who, "admin", "127.0.0.1", *what, {"status": "away"}))
        store.write(ChangeMade(f"a{i}", "n1", wall, who, "admin", "127.0.0.1", *what, {"status": "away"}))
    await store.flush()
    made = await store.changes(Changes(**{"limit": 10} | asked))
    assert "".join(change.id[1:] for change in made) == found
    assert all(change.detail == {"status": "away"} for change in made)
