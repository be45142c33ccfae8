"""The people of the demo."""

from __future__ import annotations

import asyncio
import random

import pytest

from tools.demo import people
from tools.demo.people import Callers
from tools.softphone import Call, Phone, Script

NUMBER = "+442071230001"


async def test_at_the_end_callers_say_goodbye_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "EVERY", (0.1, 0.1))
    monkeypatch.setattr(people, "PARTING", 0.1)
    said: list[str] = []
    talks: list[asyncio.Task[str]] = []
    two = asyncio.Event()

    def take(call: Call) -> None:
        talks.append(asyncio.create_task(Script(answer_after=0.0).follow(call)))
        if len(talks) == 2:
            two.set()

    async with Phone(NUMBER, on_call=take) as desk, Phone("carrier", host="127.0.0.2") as trunk:
        callers = Callers(trunk, NUMBER, desk.address, random.Random(1), said.append)
        stream = asyncio.create_task(callers.stream())
        async with asyncio.timeout(10):
            await two.wait()
            stream.cancel()
            await callers.leave()
            assert {await talk for talk in talks} == {"BYE"}
    assert said == []
