"""The folder, the prompts and the real media plane together, as the engine wires them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.facts import Clock
from engine.legs.sound import Sound
from engine.recordings.catalogue import LegFacts, Recorded, Recordings
from media.client import MediaPlane, PlaneSettings, RowEvent
from media.control import RecordingEnded, Stream
from media.prompts import Prompts


@pytest.fixture
async def plane() -> AsyncIterator[MediaPlane]:
    plane = MediaPlane(PlaneSettings("127.0.0.1", 21000, 29998, rows_per_worker=8))
    prompts = Prompts(plane.arena.add)
    plane.loader = prompts.load
    await plane.start()
    yield plane
    await plane.stop()
    await prompts.close()


async def test_one_party_hears_a_prompt_and_the_other_s_recording_holds_it(
    plane: MediaPlane, tmp_path: Path
) -> None:
    """The far ends are two rows that speak to each other: what one plays, the other's file holds."""
    sound: Sound = plane
    recordings = Recordings(tmp_path, Clock(time.monotonic, time.time))
    whole: asyncio.Future[Recorded | None] = asyncio.get_running_loop().create_future()

    def on_event(event: RowEvent) -> None:
        if isinstance(event, RecordingEnded):
            whole.set_result(recordings.ended(event))

    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    soundfile.write(tmp_path / "tone.flac", wave, 16000)
    clip = await sound.load(tmp_path / "tone.flac")
    player, listener = sound.open("player", lambda _: None), sound.open("listener", on_event)
    for row, other in ((player, listener), (listener, player)):
        host, port = other.address
        row.aim(Stream(host=host, port=port, codec="PCMU", payload=0, events=None))
    facts = LegFacts(conversation="c1", call_id="x@y", leg="customer", customer_number="+441")
    recording = recordings.start(listener, facts)
    recording.answered_by("Bob")
    await player.play(clip)
    recording.stop()
    recorded = await asyncio.wait_for(whole, 5)
    for row in (player, listener):
        row.close()
    assert recorded is not None
    assert recorded.path is not None
    assert recorded.path.name.startswith("c1_Bob_+441_")
    heard, rate = soundfile.read(recorded.path)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert round(int(spectrum.argmax()) * rate / len(heard)) in range(438, 443)
    assert 0.8 < np.count_nonzero(np.abs(heard) > 0.01) / rate < 1.05


async def test_built_in_music_can_be_loaded_for_the_plane(plane: MediaPlane) -> None:
    clip = await plane.load(Path("builtin:hold"))
    assert clip.seconds == 48.0
    assert await plane.load(Path("builtin:hold")) == clip
