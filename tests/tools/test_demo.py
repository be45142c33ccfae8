"""The people of the demo."""

from __future__ import annotations

import asyncio
import random

import pytest

from tools.demo import people
from tools.demo.people import Callers
from tools.softphone import Phone, Script

NUMBER = "+442071230001"


async def test_at_the_end_the_last_callers_say_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "PARTING", 0.1)
    said: list[str] = []
    async with Phone(NUMBER) as desk, Phone("carrier", host="127.0.0.2") as trunk:
        callers = Callers(trunk, NUMBER, desk.address, random.Random(1), said.append)
        stream = asyncio.create_task(callers.stream())
        call = await desk.called()
        talk = asyncio.create_task(Script(answer_after=0.0).follow(call))
        await call.up()
        stream.cancel()
        async with asyncio.timeout(3):
            await callers.leave()
            assert await talk == "BYE"
        assert said == []
