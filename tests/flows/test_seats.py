"""A leg is a party's seat: dialogs come and go in it, and the other party notices nothing."""

from __future__ import annotations

from engine.facts import Ended, Party, Phase, Reason
from tests.flows.conftest import Play
from tests.kit.centre import ENGINE, Centre
from tests.kit.phones import Phone, PhoneCall


async def talking(centre: Centre) -> tuple[PhoneCall, Phone]:
    anna = await centre.agent("anna")
    caller = centre.caller()
    await anna.rung.wait()
    await centre.wait(3)
    assert centre.phase() is Phase.TALKING
    return caller, anna


def replaces(call: PhoneCall) -> list[tuple[str, str]]:
    """The header with which another phone asks for this call's place: tags as our side sees them (RFC 3891)."""
    dialog = call.dialog
    return [("Replaces", f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}")]


def test_an_attended_transfer_with_replaces_never_drops_the_customer(play: Play) -> None:
    """anna moves the call from her desk phone to her mobile: INVITE with Replaces, confirmed before the old BYE."""

    async def story(centre: Centre) -> None:
        caller, anna = await talking(centre)
        mobile = await centre.agent("anna", answer_after=None)
        customer, before = centre.row_of("customer"), centre.row_of("agent")
        moved = mobile.call(
            "anna",
            ENGINE,
            "acme.test",
            headers=replaces(anna.calls[0]),
            password="pw-anna",
        )
        await moved.until("answered")
        await anna.calls[0].until("ended")
        after = centre.row_of("agent")
        assert after is not before
        assert not before.open
        assert (customer.hearing, after.hearing) == (after.ref, customer.ref)
        assert caller.news == ["ringing", "answered"]
        assert [recording.about.segment for recording in centre.conversation.recordings] == [1, 1, 2]
        moved.hang_up()
        await caller.until("ended")
        assert centre.ends() == {Reason.COMPLETED: 1}

    play(story)


def test_a_stranger_cannot_take_an_agents_seat(play: Play) -> None:
    """A trunk that guessed the tags all the same."""

    async def story(centre: Centre) -> None:
        caller, anna = await talking(centre)
        thief = caller.phone.call("anna", ENGINE, headers=replaces(anna.calls[0]))
        await thief.until("failed 481")
        assert centre.phase() is Phase.TALKING
        caller.hang_up()

    play(story)


def test_a_seat_that_is_not_confirmed_is_not_taken(play: Play) -> None:
    """The new phone vanishes after our 200: the call stays where it was."""

    async def story(centre: Centre) -> None:
        caller, anna = await talking(centre)
        mobile = await centre.agent("anna", answer_after=None)
        before = centre.row_of("agent")
        centre.network.lose = lambda source, packet: (
            source == mobile.address and packet.data.startswith((b"ACK", b"BYE"))
        )
        moved = mobile.call(
            "anna",
            ENGINE,
            "acme.test",
            headers=replaces(anna.calls[0]),
            password="pw-anna",
        )
        await moved.until("answered")
        await centre.wait(40)
        assert centre.row_of("agent") is before
        assert anna.calls[0].news == ["established"]
        assert len(centre.sound.rows) == 2
        caller.hang_up()

    play(story)


def test_a_leg_changes_conversations_whole(play: Play) -> None:
    """What a consult's end comes down to: the consulted agent's leg is adopted, and nobody's dialog notices."""

    async def story(centre: Centre) -> None:
        caller, _ = await talking(centre)
        here = centre.conversation
        there = centre.engine.book.open("consult", Party("agent", "bob", "Bob Jones"))
        leg = there.seat(Party("agent", "bob", "Bob Jones"))
        here.adopt(leg, there)
        assert (leg in here.legs, leg in there.legs) == (True, False)
        centre.engine.book.close(there, Ended(Reason.COMPLETED))
        assert leg.end is None
        caller.hang_up()
        await centre.wait(1)
        assert leg.end is not None

    play(story)
