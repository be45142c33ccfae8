"""Deliveries: signed, in order, tried again, and never in the way of what they tell of."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from aiohttp import web

from config.load import loads
from config.settings import Settings
from engine.facts import Clock
from engine.store.memory import MemoryStore
from engine.store.store import StoreDown
from engine.web import webhooks
from engine.web.api.ring import Ring
from engine.web.outbox import Outbox
from engine.web.webhooks import posting

CLOCK = Clock(lambda: 0.0, lambda: 1_800_000_000.5)


@dataclass
class Receiver:
    """Takes what is posted; `refusals` are answered first."""

    url: str = ""
    refusals: list[int] = field(default_factory=list)
    posts: asyncio.Queue[tuple[dict[str, str], bytes]] = field(default_factory=asyncio.Queue)
    turned_away: int = 0
    refused: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.refusals:
            self.turned_away += 1
            self.refused.set()
            return web.Response(status=self.refusals.pop(0), headers={"Location": "/elsewhere"})
        self.posts.put_nowait((dict(request.headers), body))
        return web.Response(status=204)

    async def next(self) -> Any:
        _, body = await self.raw()
        return json.loads(body)

    async def raw(self) -> tuple[dict[str, str], bytes]:
        async with asyncio.timeout(10):
            return await self.posts.get()


@asynccontextmanager
async def receiving(*refusals: int) -> AsyncIterator[Receiver]:
    receiver = Receiver(refusals=list(refusals))
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def taken(store: MemoryStore, receiver: str, position: tuple[int, int]) -> None:
    """Wait until it is down that a receiver took an event: a moment after its answer."""
    for _ in range(1000):
        if (await store.positions("n1")).get(receiver) == position:
            return
        await asyncio.sleep(0.001)  # the answer is under way to the engine; there is no event for its arrival
    raise AssertionError(await store.positions("n1"))


def outbox(ring: Ring) -> Outbox:
    return Outbox(ring, MemoryStore(), "n1", 1)


def deployment(*hooks: str) -> Settings:
    return loads(
        f"sip: {{listen: ['udp://127.0.0.1:5060'], domain: a.test}}\nweb: {{webhooks: [{', '.join(hooks)}]}}"
    )


def hook(receiver: Receiver, more: str = "") -> str:
    return f"{{url: '{receiver.url}', secret: hush{more}}}"


async def test_a_delivery_is_signed_over_its_time_and_body() -> None:
    ring = Ring(CLOCK, "e")
    async with receiving() as receiver, posting(deployment(hook(receiver)), outbox(ring), CLOCK, []):
        ring.tell("agent.changed", {"id": "anna"})
        headers, body = await receiver.raw()
    assert json.loads(body)["data"] == {"id": "anna"}
    assert (headers["Cordboard-Event"], headers["Cordboard-Timestamp"]) == ("e-1", "1800000000")
    expected = hmac.new(b"hush", b"1800000000." + body, sha256).hexdigest()
    assert headers["Cordboard-Signature"] == expected


async def test_what_was_not_taken_comes_again_before_what_is_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", (0.001, 0.001, 0.001))
    ring = Ring(CLOCK, "e")
    async with (
        receiving(500, 302, 429) as receiver,
        posting(deployment(hook(receiver)), outbox(ring), CLOCK, []),
    ):
        for number in range(3):
            ring.tell("agent.changed", number)
        assert [(await receiver.next())["data"] for _ in range(3)] == [0, 1, 2]
        assert receiver.turned_away == 3


async def test_an_event_is_given_up_in_the_end_and_the_next_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", (0.001,))
    ring = Ring(CLOCK, "e")
    async with receiving(500, 500) as receiver, posting(deployment(hook(receiver)), outbox(ring), CLOCK, []):
        ring.tell("agent.changed", "lost")
        ring.tell("agent.changed", "next")
        assert (await receiver.next())["data"] == "next"


async def test_only_types_that_were_asked_for_are_posted() -> None:
    ring = Ring(CLOCK, "e")
    async with receiving() as receiver:
        chosen = hook(receiver, ", events: [config.reloaded]")
        async with posting(deployment(chosen), outbox(ring), CLOCK, []):
            ring.tell("agent.changed", 1)
            ring.tell("config.reloaded", 2)
            assert (await receiver.next())["data"] == 2


async def test_what_the_ring_forgot_the_store_still_has() -> None:
    ring = Ring(CLOCK, "e", room=2)
    async with receiving() as receiver, posting(deployment(hook(receiver)), outbox(ring), CLOCK, []):
        for number in range(300):
            ring.tell("agent.changed", number)
        assert [(await receiver.next())["data"] for _ in range(300)] == list(range(300))


async def test_what_was_too_much_to_keep_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.web.outbox.MOST", 3)
    ring = Ring(CLOCK, "e", room=2)
    kept = outbox(ring)
    async with receiving() as receiver, posting(deployment(hook(receiver)), kept, CLOCK, []):
        await kept.join(receiver.url, kept.now)
        for number in range(10):
            ring.tell("agent.changed", number)
        await kept.tidy()
        assert (await receiver.next())["type"] == "reset"
        assert [(await receiver.next())["data"] for _ in range(3)] == [7, 8, 9]


async def test_a_restart_neither_loses_nor_repeats_what_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", (60.0,))
    store = MemoryStore()
    async with receiving() as receiver:
        before = Ring(CLOCK, "a")
        async with posting(deployment(hook(receiver)), Outbox(before, store, "n1", 1), CLOCK, []):
            before.tell("agent.changed", 1)
            first, _ = await receiver.raw()
            await taken(store, receiver.url, (1, 1))
            receiver.refusals.append(503)
            for number in (2, 3):
                before.tell("agent.changed", number)
            await receiver.refused.wait()
        after = Ring(CLOCK, "b")
        async with posting(deployment(hook(receiver)), Outbox(after, store, "n1", 2), CLOCK, []):
            after.tell("agent.changed", 4)
            posts = [await receiver.raw() for _ in range(3)]
    assert first["Cordboard-Event"] == "a-1"
    assert [headers["Cordboard-Event"] for headers, _ in posts] == ["a-2", "a-3", "b-1"]
    assert [json.loads(body)["data"] for _, body in posts] == [2, 3, 4]


async def test_a_new_receiver_hears_of_nothing_that_was_before_it() -> None:
    store = MemoryStore()
    async with receiving() as old, receiving() as new:
        before = Ring(CLOCK, "a")
        async with posting(deployment(hook(old)), Outbox(before, store, "n1", 1), CLOCK, []):
            before.tell("agent.changed", 1)
            await old.raw()
            await taken(store, old.url, (1, 1))
        after = Ring(CLOCK, "b")
        async with posting(deployment(hook(old), hook(new)), Outbox(after, store, "n1", 2), CLOCK, []):
            after.tell("agent.changed", 2)
            assert (await new.next())["data"] == (await old.next())["data"] == 2


async def test_what_all_have_taken_is_kept_no_longer() -> None:
    ring, store = Ring(CLOCK, "e"), MemoryStore()
    kept = Outbox(ring, store, "n1", 1)
    async with receiving() as receiver, posting(deployment(hook(receiver)), kept, CLOCK, []):
        for number in range(3):
            ring.tell("agent.changed", number)
        for _ in range(3):
            await receiver.next()
        assert len(await store.events("n1", (0, 0), 10)) == 3
        await taken(store, receiver.url, (1, 3))
        await kept.tidy()
        assert await store.events("n1", (0, 0), 10) == []


async def test_the_store_is_away_and_deliveries_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ring, store = Ring(CLOCK, "e"), MemoryStore()

    async def down() -> None:
        raise StoreDown("away")

    async with (
        receiving() as receiver,
        posting(deployment(hook(receiver)), Outbox(ring, store, "n1", 1), CLOCK, []),
    ):
        ring.tell("agent.changed", 0)
        await receiver.next()
        monkeypatch.setattr(store, "flush", down)
        for number in (1, 2):
            ring.tell("agent.changed", number)
        assert [(await receiver.next())["data"] for _ in range(2)] == [1, 2]


async def test_a_reload_starts_new_receivers_and_stops_old_ones() -> None:
    ring = Ring(CLOCK, "e")
    on_applied: list[Any] = []
    async with receiving() as old, receiving() as new:
        async with posting(deployment(hook(old)), outbox(ring), CLOCK, on_applied):
            [take] = on_applied
            take(deployment(hook(new)))
            ring.tell("agent.changed", 1)
            assert (await new.next())["data"] == 1
            assert old.posts.empty()
        assert on_applied == []
