"""The people of the demo."""

from __future__ import annotations

import asyncio
import random

import pytest

from tools.demo import people
from tools.demo.people import Callers
from tools.softphone import Phone, Script

NUMBER = "+442071230001"


async def test_at_the_end_callers_on_the_line_and_those_to_come_hang_up_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(people, "EVERY", (0.1, 0.1))
    monkeypatch.setattr(people, "LAST", (0.0, 0.1))
    said: list[str] = []
    async with Phone(NUMBER) as desk, Phone("carrier", host="127.0.0.2") as trunk:
        callers = Callers(trunk, NUMBER, desk.address, random.Random(1), said.append)
        stream = asyncio.create_task(callers.stream())
        early = await desk.called()
        talks = [asyncio.create_task(Script(answer_after=0.0).follow(early))]
        await early.up()
        callers.hurry()
        late = await desk.called()
        stream.cancel()
        talks.append(asyncio.create_task(Script(answer_after=0.0).follow(late)))
        async with asyncio.timeout(3):
            assert await asyncio.gather(*talks) == ["BYE", "BYE"]
        assert said == []
