"""The peers themselves, one against the other: what the wire tests stand on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.kit.baresip import baresip, caller_account
from tests.kit.peers import sipp
from tests.kit.tone import seconds_of, seconds_of_others

pytestmark = [pytest.mark.peer("sipp"), pytest.mark.peer("baresip")]
CALLER = {"caller": "+447900000001"}
AGENT = {"agent": "anna"}


def anna(mode: str) -> str:
    return f"<sip:anna@{{address}}>;regint=0;answermode={mode};audio_codecs=PCMU"


async def test_a_phone_hears_the_callers_tone_and_nothing_else(tmp_path: Path) -> None:
    async with baresip(anna("auto"), tmp_path, host="127.0.0.11") as phone:
        to = phone.address
        async with sipp(
            "caller_hangs_up",
            tmp_path,
            host="127.0.0.2",
            to=to,
            service="anna",
            hertz=700,
            seconds=1.5,
            keys=CALLER,
        ) as call:
            await call.succeeded()
        await phone.event("CALL_CLOSED")
        assert seconds_of(phone.heard(), 700) > 1.0
        assert seconds_of_others(phone.heard(), 700) == 0


@pytest.mark.parametrize("mode", ["auto", "manual"])
async def test_a_caller_cancels_before_or_across_the_answer(mode: str, tmp_path: Path) -> None:
    async with baresip(anna(mode), tmp_path, host="127.0.0.11") as phone:
        to = phone.address
        async with sipp(
            "caller_cancels", tmp_path, host="127.0.0.2", to=to, service="anna", keys=CALLER
        ) as call:
            await call.succeeded()


async def test_a_caller_waits_for_the_other_to_hang_up(tmp_path: Path) -> None:
    async with baresip(anna("auto"), tmp_path, host="127.0.0.11") as phone:
        to = phone.address
        async with sipp(
            "caller_waits", tmp_path, host="127.0.0.2", to=to, service="anna", keys=CALLER
        ) as call:
            await phone.event("CALL_ESTABLISHED")
            await phone.hang_up()
            await call.succeeded()


@pytest.mark.parametrize("scenario", ["agent_answers", "agent_hangs_up"])
async def test_an_agents_phone_talks(scenario: str, tmp_path: Path) -> None:
    caller = caller_account("+447900000001")
    async with (
        sipp(scenario, tmp_path, host="127.0.0.12", hertz=600, seconds=1.0, keys=AGENT) as agent,
        baresip(caller, tmp_path, host="127.0.0.2") as phone,
    ):
        await phone.dial(f"sip:anna@{agent.address[0]}:{agent.address[1]}")
        await phone.event("CALL_ESTABLISHED")
        if scenario == "agent_answers":
            await asyncio.sleep(1.0)  # the time they talk
            await phone.hang_up()
        await phone.event("CALL_CLOSED")
        assert seconds_of(phone.heard(), 600) > 0.5
        await agent.succeeded()


@pytest.mark.parametrize("scenario", ["agent_rejects", "agent_unavailable", "agent_rings"])
async def test_an_agents_phone_does_not_answer(scenario: str, tmp_path: Path) -> None:
    caller = caller_account("+447900000001")
    async with (
        sipp(scenario, tmp_path, host="127.0.0.12", keys=AGENT) as agent,
        baresip(caller, tmp_path, host="127.0.0.2") as phone,
    ):
        await phone.dial(f"sip:anna@{agent.address[0]}:{agent.address[1]}")
        if scenario == "agent_rings":
            await phone.event("CALL_RINGING")
            await phone.hang_up()
        await agent.succeeded()
