"""A log that can be followed: what is said of a call names the call and who in it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from structlog.testing import capture_logs

from tests.flows.conftest import Play
from tests.kit.centre import Centre

Line = MutableMapping[str, Any]


def legs(line: Line) -> list[str]:
    """Ids of the legs it is about; a file knows its leg by its Call-ID."""
    return list(line["legs"]) if "legs" in line else [line.get("leg") or line["call_id"]]


def test_every_line_of_a_call_names_its_conversation_and_its_legs(play: Play) -> None:
    """Anna turns it away, Bob answers; then the customer hangs up."""

    async def story(centre: Centre) -> None:
        await centre.agent("anna", refuses=486)
        bob = await centre.agent("bob")
        caller = centre.caller()
        await bob.rung.wait()
        await centre.wait(3)
        name = centre.conversation.id
        caller.hang_up()
        await centre.wait(1)
        assert {line["conversation"] for line in said} == {name}
        named = {line.get("phase", line["event"]): legs(line) for line in said}
        assert named["call_offered"] == [f"{name}-1"]
        assert named["agent_missed"] == [f"{name}-2"]
        assert named["presented"] == named["talking"] == named["call_ended"] == [f"{name}-1", f"{name}-3"]
        assert sorted(legs(line)[0] for line in said if line["event"] == "recorded") == named["call_ended"]

    with capture_logs() as said:
        play(story)
    assert len(said) > 6


def test_what_a_phone_does_wrong_is_said_of_its_leg(play: Play) -> None:
    """A REFER that comes from the agent's phone in a talk is turned away, in words."""

    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(3)
        anna.calls[0].refer("sip:somebody@acme.test")
        await centre.wait(1)
        (refused,) = [line for line in said if line["event"] == "transfer_refused"]
        assert (refused["conversation"], refused["leg"]) == (
            centre.conversation.id,
            f"{centre.conversation.id}-2",
        )
        caller.hang_up()

    with capture_logs() as said:
        play(story)
