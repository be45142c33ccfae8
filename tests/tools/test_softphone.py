"""Scripted phones, with each other and with a registrar."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import soundfile

from media.g711 import Pcm
from tests.kit.tone import Samples, seconds_of, seconds_of_others
from tests.tools.network import DOMAIN, exchange
from tools.softphone import Account, CallFailed, NotRegistered, Phone, Script
from tools.softphone.sound import BadAudio, load, tone

ANNA, BOB = "127.0.0.11", "127.0.0.12"


def scaled(heard: Pcm) -> Samples:
    return heard.astype(np.float64) / 32768


async def test_two_phones_talk_and_press_keys() -> None:
    async with Phone("anna", host=ANNA) as anna, Phone("bob", host=BOB) as bob:
        call = bob.call("anna", anna.address)
        other = await anna.answered()
        await call.up()
        assert other.number == "bob"
        await asyncio.gather(call.say(tone(700, 0.6)), other.say(tone(1000, 0.6)))
        await call.press("15#")
        other.hang_up()
        assert await call.over() == "BYE"
        assert seconds_of(scaled(call.heard), 1000) >= 0.4
        assert seconds_of(scaled(other.heard), 700) >= 0.4
        assert seconds_of_others(scaled(other.heard), 700) == 0
        assert other.keys == "15#"
        assert call.keys == ""


@pytest.mark.parametrize("code", [486, 480, 603])
async def test_a_busy_phone_turns_the_call_away(code: int) -> None:
    async with Phone("anna", host=ANNA) as anna, Phone("bob", host=BOB) as bob:
        call = bob.call("anna", anna.address)
        why = await Script(refuse=code).follow(await anna.called())
        assert why == "refused"
        with pytest.raises(CallFailed) as failed:
            await call.up()
        assert failed.value.code == code


async def test_a_phone_that_rings_out_learns_that_the_caller_gave_up() -> None:
    async with Phone("anna", host=ANNA) as anna, Phone("bob", host=BOB) as bob:
        call = bob.call("anna", anna.address)
        ringing = await anna.called()
        script = asyncio.create_task(Script(answer_after=None).follow(ringing))
        await call.ringing.wait()
        call.hang_up()
        assert await script == "cancelled"
        assert not ringing.is_up


async def test_voicemail_greets_beeps_and_listens() -> None:
    script = Script(say=tone(500, 0.4), voicemail=True, hang_up_after=1.8)
    async with Phone("anna", host=ANNA) as anna, Phone("bob", host=BOB) as bob:
        call = bob.call("anna", anna.address)
        mailbox = await anna.called()
        assert await script.follow(mailbox) == "hung up"
        await call.over()
        assert seconds_of(scaled(call.heard), 500) >= 0.2
        assert seconds_of(scaled(call.heard), 1000) >= 0.2
        assert seconds_of_others(scaled(call.heard), 500, 1000) == 0


async def test_a_phone_registers_with_digest_and_leaves_again() -> None:
    async with exchange({"anna": "secret"}) as registrar:
        async with Phone("anna", Account(DOMAIN, "secret", registrar.address), host=ANNA) as anna:
            await anna.register()
            assert registrar.registered("anna")
        assert not registrar.registered("anna")


async def test_a_wrong_password_is_said() -> None:
    async with exchange({"anna": "secret"}) as registrar:
        async with Phone("anna", Account(DOMAIN, "guess", registrar.address), host=ANNA) as anna:
            with pytest.raises(NotRegistered):
                await anna.register()


async def test_a_call_through_an_exchange_reaches_a_registered_phone() -> None:
    async with exchange({"anna": "secret"}) as centre:
        account = Account(DOMAIN, "secret", centre.address)
        async with Phone("anna", account, host=ANNA) as anna, Phone("+44790", host="127.0.0.2") as caller:
            await anna.register()
            call = caller.call("+442071230001", centre.address)
            other = await anna.answered()
            await call.up()
            await call.say(tone(700, 0.4))
            call.hang_up()
            assert await other.over() == "BYE"
            assert other.number == "+44790"
            assert seconds_of(scaled(other.heard), 700) >= 0.2


async def test_a_key_that_is_none_is_refused_by_name() -> None:
    async with Phone("anna", host=ANNA) as anna, Phone("bob", host=BOB) as bob:
        call = bob.call("anna", anna.address)
        with pytest.raises(ValueError, match="'x' is no key; allowed are 0123456789"):
            await call.press("1x")


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_an_audio_file_of_any_rate_keeps_its_pitch_and_length(rate: int, tmp_path: Path) -> None:
    wave = 0.4 * np.sin(2 * np.pi * 800 * np.arange(rate) / rate)
    soundfile.write(tmp_path / "stereo.wav", np.stack([wave, wave], axis=1), rate)
    samples = load(tmp_path / "stereo.wav")
    assert len(samples) == 8000
    assert seconds_of(scaled(samples), 800) == pytest.approx(1.0)


def test_a_file_that_is_no_audio_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BadAudio, match=r"notes\.txt.*wav, flac, ogg and mp3 are read"):
        load(tmp_path / "notes.txt")
