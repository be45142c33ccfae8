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
from engine.web import webhooks
from engine.web.api.ring import Ring
from engine.web.webhooks import posting

CLOCK = Clock(lambda: 0.0, lambda: 1_800_000_000.5)


@dataclass
class Receiver:
    """Takes what is posted; `refusals` are answered first."""

    url: str = ""
    refusals: list[int] = field(default_factory=list)
    posts: asyncio.Queue[tuple[dict[str, str], bytes]] = field(default_factory=asyncio.Queue)
    turned_away: int = 0

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.refusals:
            self.turned_away += 1
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


def deployment(*hooks: str) -> Settings:
    return loads(
        f"sip: {{listen: ['udp://127.0.0.1:5060'], domain: a.test}}\nweb: {{webhooks: [{', '.join(hooks)}]}}"
    )


def hook(receiver: Receiver, more: str = "") -> str:
    return f"{{url: '{receiver.url}', secret: hush{more}}}"


async def test_a_delivery_is_signed_over_its_time_and_body() -> None:
    ring = Ring(CLOCK, "e")
    async with receiving() as receiver, posting(deployment(hook(receiver)), ring, CLOCK, []):
        ring.tell("agent.changed", {"id": "anna"})
        headers, body = await receiver.raw()
    assert json.loads(body)["data"] == {"id": "anna"}
    assert (headers["Cordboard-Event"], headers["Cordboard-Timestamp"]) == ("e-1", "1800000000")
    expected = hmac.new(b"hush", b"1800000000." + body, sha256).hexdigest()
    assert headers["Cordboard-Signature"] == expected


async def test_what_was_not_taken_comes_again_before_what_is_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", (0.001, 0.001, 0.001))
    ring = Ring(CLOCK, "e")
    async with receiving(500, 302, 429) as receiver, posting(deployment(hook(receiver)), ring, CLOCK, []):
        for number in range(3):
            ring.tell("agent.changed", number)
        assert [(await receiver.next())["data"] for _ in range(3)] == [0, 1, 2]
        assert receiver.turned_away == 3


async def test_an_event_is_given_up_in_the_end_and_the_next_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", (0.001,))
    ring = Ring(CLOCK, "e")
    async with receiving(500, 500) as receiver, posting(deployment(hook(receiver)), ring, CLOCK, []):
        ring.tell("agent.changed", "lost")
        ring.tell("agent.changed", "next")
        assert (await receiver.next())["data"] == "next"


async def test_only_types_that_were_asked_for_are_posted_and_a_gap_is_said() -> None:
    ring = Ring(CLOCK, "e", room=2)
    async with receiving() as receiver:
        chosen = hook(receiver, ", events: [config.reloaded]")
        async with posting(deployment(chosen), ring, CLOCK, []):
            ring.tell("agent.changed", 1)
            ring.tell("config.reloaded", 2)
            assert (await receiver.next())["data"] == 2
            for number in range(5):
                ring.tell("config.reloaded", number)
            assert (await receiver.next())["type"] == "reset"


async def test_a_reload_starts_new_receivers_and_stops_old_ones() -> None:
    ring = Ring(CLOCK, "e")
    on_applied: list[Any] = []
    async with receiving() as old, receiving() as new:
        async with posting(deployment(hook(old)), ring, CLOCK, on_applied):
            [take] = on_applied
            take(deployment(hook(new)))
            ring.tell("agent.changed", 1)
            assert (await new.next())["data"] == 1
            assert old.posts.empty()
        assert on_applied == []
