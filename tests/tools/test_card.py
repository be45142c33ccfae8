"""A phone with a sound card, on a card that is not there."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from media.g711 import FRAME, Pcm
from tools.softphone import Phone
from tools.softphone.card import NoSoundCard, SoundCard
from tools.softphone.sound import tone


class FakeStream:
    """Calls back when a test says that 20 ms have passed."""

    def __init__(self, callback: Any, **asked: Any) -> None:
        self.callback, self.asked, self.closed = callback, asked, False

    def start(self) -> None:
        streams.append(self)

    def close(self) -> None:
        self.closed = True

    def block(self, said: bytes) -> bytes:
        heard = bytearray(2 * FRAME)
        self.callback(said, memoryview(heard), FRAME, None, None)
        return bytes(heard)


streams: list[FakeStream] = []


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    module = ModuleType("sounddevice")
    module.RawStream = FakeStream  # type: ignore[attr-defined]
    module.PortAudioError = RuntimeError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    streams.clear()
    return SoundCard()


async def test_a_person_speaks_and_hears_by_the_card(card: SoundCard) -> None:
    spoken = tone(1000.0, 0.02)
    async with Phone("desk") as desk, Phone("caller") as caller:
        outgoing = caller.call("desk", desk.address)
        incoming = await desk.answered()
        await outgoing.up()
        with card:
            card.join(outgoing.voice)
            (stream,) = streams
            said = asyncio.ensure_future(incoming.say(tone(500.0, 0.4)))
            heard = b""
            while not said.done() or loudest(incoming.heard) < 5000:
                heard += stream.block(spoken.tobytes())
                await asyncio.sleep(0.02)  # the phones' own clock runs in real time
        assert loudest(incoming.heard) > 5000
        assert loudest(np.frombuffer(heard, np.int16)) > 5000
        assert (stream.closed, outgoing.voice.microphone) == (True, None)
        outgoing.hang_up()


def test_with_nobody_on_the_line_the_loudspeaker_is_silent(card: SoundCard) -> None:
    with card:
        assert streams[0].block(bytes(2 * FRAME)) == bytes(2 * FRAME)
    assert streams[0].asked == {"samplerate": 8000, "blocksize": FRAME, "channels": 1, "dtype": "int16"}


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(NoSoundCard, match="cordboard\\[sound\\]"):
        SoundCard()


def loudest(samples: Pcm) -> int:
    return int(np.abs(samples.astype(np.int32)).max(initial=0))
