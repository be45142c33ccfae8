"""Events over a stream: as they happen, again after a break, and `reset` for who was away too long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from engine.agents.agent import Status
from engine.facts import Clock
from engine.web.api.ring import Ring
from tests.web.offices import Client, office

STILL = Clock(lambda: 0.0, lambda: 0.0)


@asynccontextmanager
async def listening(
    client: Client, last: str | None = None, **query: str
) -> AsyncIterator[AsyncIterator[Any]]:
    """The events of a stream as (id, type, data)."""
    headers = {"Authorization": "Bearer token-crm"} | ({"Last-Event-ID": last} if last is not None else {})
    url = client.url + "/api/v1/events"
    async with asyncio.timeout(20), client.http.get(url, headers=headers, params=query) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        assert await answer.content.readline() == b"retry: 2000\n"
        yield _events(answer)


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str, Any]]:
    event: dict[str, str] = {}
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            event[name] = value
        elif "data" in event:
            yield event["id"], event["event"], json.loads(event["data"])
            event = {}


async def test_a_change_is_told_and_who_comes_back_misses_nothing(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        floor = client.centre.engine.floor
        async with listening(client) as events:
            await client.centre.agent("anna")
            id, type, told = await anext(events)
            assert (type, told["data"]["id"], told["data"]["status"]) == (
                "agent.changed",
                "anna",
                "available",
            )
        floor.choose("anna", Status.AWAY)
        floor.choose("anna", Status.AVAILABLE)
        async with listening(client, id) as events:
            seen = [(await anext(events))[2]["data"]["status"] for _ in range(2)]
            assert seen == ["away", "available"]


async def test_a_call_is_told_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        async with listening(client, types="conversation.started,conversation.ended") as events:
            await client.centre.trunk().call("+449999", ("127.0.0.1", 5060)).until("failed 404")
            first, last = await anext(events), await anext(events)
            assert (first[1], last[1]) == ("conversation.started", "conversation.ended")
            assert last[2]["data"]["end"] == "refused"
            assert first[2]["data"]["id"] == last[2]["data"]["id"]


async def test_an_id_of_another_run_gets_a_reset_and_then_news(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        for id in ("elsewhere-4", "nonsense", f"{client.centre.engine.office.ring.epoch}-999"):
            async with listening(client, id) as events:
                assert (await anext(events))[1] == "reset"
        await client.centre.agent("anna")
        async with listening(client, "elsewhere-4") as events:
            assert (await anext(events))[1] == "reset"
            client.centre.engine.floor.choose("anna", Status.AWAY)
            assert (await anext(events))[1] == "agent.changed"


async def test_types_that_do_not_exist_are_named(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        got = await client.get("/events", types="agent.changed,weather")
        assert (got.status, "weather" in got.detail) == (400, True)


async def test_the_ring_forgets_the_oldest_and_says_so() -> None:
    ring = Ring(STILL, "e", room=3)
    for i in range(5):
        ring.tell("agent.changed", i)
    assert ring.after(5) == []
    assert [told.number for told in ring.after(2) or ()] == [3, 4, 5]
    assert ring.after(1) is None
    assert ring.after(6) is None
    assert [ring.number_of(id) for id in ("e-3", "f-3", "e-", "e-x", "3", "e-٣")] == [
        3,
        None,
        None,
        None,
        None,
        None,
    ]
