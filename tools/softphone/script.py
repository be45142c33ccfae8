"""What a scripted phone does with its calls."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from media.g711 import Pcm
from tools.softphone.call import Call, CallFailed
from tools.softphone.card import SoundCard
from tools.softphone.sound import BEEP, PAUSE

BUSY = 486


@dataclass(frozen=True, slots=True)
class Script:
    """The life of each call. A call that we placed begins where one that came in is answered."""

    answer_after: float | None = 0.0
    """Seconds that it rings; None: it rings out."""
    refuse: int | None = None
    """The final response that turns it away at once, such as 486."""
    say: Pcm | None = None
    """Said once it is up; with `voicemail`, the greeting."""
    voicemail: bool = False
    """Say the greeting and a beep, then only listen."""
    press: str = ""
    """Keys pressed after what is said."""
    card: SoundCard | None = None
    """A person's microphone and loudspeaker take part, once what is to be said is said."""
    hang_up_after: float | None = None
    """Seconds from the answer to our BYE; None: the other side ends it."""

    async def follow(self, call: Call) -> str:
        """Take part in a call until it is over; why it ended."""
        if self.refuse is not None:
            call.refuse(self.refuse)
        elif self.answer_after is not None:
            await _until_over(call, self.answer_after)
            call.answer()
            await self.talk(call)
        return await call.over()

    async def talk(self, call: Call) -> str:
        """The part from the answer on: also for a call that we placed. Returns why it ended."""
        try:
            await call.up()
        except CallFailed:
            return await call.over()
        try:
            async with asyncio.timeout(self.hang_up_after):
                await self._speak(call)
                return await call.over()
        except TimeoutError:
            call.hang_up()
            return await call.over()

    async def _speak(self, call: Call) -> None:
        if self.say is not None:
            await call.say(self.say)
        if self.voicemail:
            await call.say(PAUSE)
            await call.say(BEEP)
        if self.press and not call.is_over:
            await call.press(self.press)
        if self.card is not None and not call.is_over:
            self.card.join(call.voice)


async def _until_over(call: Call, seconds: float) -> None:
    """Wait that long, or until the caller has given up."""
    try:
        async with asyncio.timeout(seconds):
            await call.over()
    except TimeoutError:
        return
