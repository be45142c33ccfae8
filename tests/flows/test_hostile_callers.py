"""What callers and phones may write in their messages costs their own call at most, and mostly not even that."""

from __future__ import annotations

import pytest

from engine.calls.desk import name_addr
from engine.calls.reception import LONGEST_NAME, LONGEST_NUMBER
from engine.facts import Phase, Reason
from tests.flows.conftest import Play
from tests.kit.centre import ENGINE, NUMBER, Centre
from tests.kit.raw import SDP, RawPhone

TRUNK = ("127.0.0.2", 5081)


@pytest.mark.parametrize(
    "sender",
    [
        "<sip:1@127.0.0.2>",
        "<tel:+447700900123>",
        "<urn:service:sos>",
        "<mailto:someone@example.com>",
        "<sip:%FF%00%0D%0A@127.0.0.2>",
        "<sip:\udcff@127.0.0.2>",
        '"\udcff\udcfe" <sip:1@127.0.0.2>',
        '"\x01\x1b[31m\x7f" <sip:1@127.0.0.2>',
        '"\\"; DROP \\\\" <sip:1@127.0.0.2>',
        f'"{"x" * 5000}" <sip:{"1" * 5000}@127.0.0.2>',
        "<sip:127.0.0.2>",
    ],
)
def test_whoever_calls_an_agent_is_rung_and_speaks(play: Play, sender: str) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        caller = RawPhone(centre.network, TRUNK, ENGINE)
        caller.invite(NUMBER, sender=sender)
        await anna.rung.wait()
        await centre.wait(3)
        assert centre.phase() is Phase.TALKING
        party = centre.conversation.customer
        assert (party.name + party.number).isprintable()
        assert (len(party.name) <= LONGEST_NAME, len(party.number) <= LONGEST_NUMBER) == (True, True)
        anna.calls[0].hang_up()
        await centre.wait(1)
        assert any(line.startswith("BYE") for line in caller.got)
        assert centre.ends() == {Reason.COMPLETED: 1}
        caller_shown = anna.calls[0].dialog.remote
        assert str(caller_shown) == name_addr(party, "acme.test")

    play(story)


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:1@127.0.0.2:5081;transport=tcp>",
        "<sip:1@127.0.0.2:5081;transport=ws>",
        "<sips:1@127.0.0.2:5081>",
        "<tel:+1>",
        "not a contact at all <",
    ],
)
def test_a_contact_that_cannot_be_followed_costs_no_call(play: Play, contact: str) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        RawPhone(centre.network, TRUNK, ENGINE).invite(NUMBER, contact=contact)
        other = centre.caller()
        await other.until("answered")
        await anna.rung.wait()
        await centre.wait(3)
        anna.calls[0].hang_up()
        other.hang_up()
        await centre.wait(40)
        assert sum(centre.ends().values()) == 2

    play(story)


def test_a_description_with_an_odd_payload_number_is_no_fault(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller = RawPhone(centre.network, TRUNK, ENGINE)
        odd = SDP.replace("AVP 0", "AVP 0 00015") + "a=rtpmap:00015 telephone-event/8000\r\n"
        odd = odd.replace("00015", "000199999")
        caller.invite(NUMBER, sdp=odd)
        await centre.wait(1)
        assert any(line.startswith("SIP/2.0 200") for line in caller.got)
        centre.engine.book.stop()
        await centre.wait(1)

    play(story)


def test_a_fault_in_one_calls_event_costs_that_call_alone(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(centre: Centre) -> None:
        first, second = centre.caller(), centre.caller()
        await first.until("answered")
        await second.until("answered")
        await centre.wait(1)
        centre.faults = 1
        faulty, sound = centre.engine.book.live.values()
        seat = faulty.caller.seat

        def fail(event: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(seat, "on_event", fail)
        first.hang_up()
        second.hang_up()
        await centre.wait(1)
        assert (faulty.end is not None, sound.end is not None) == (True, True)
        assert centre.ends() == {Reason.FAULT: 1, Reason.ABANDONED: 1}

    play(story)


def test_strangers_who_are_refused_fill_no_log(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    async def story(centre: Centre) -> None:
        stranger = RawPhone(centre.network, ("127.0.0.66", 5060), ENGINE)
        for number in range(1000):
            stranger.send(
                b"INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.66;branch=z9hG4bK%d\r\n\r\n" % number
            )
        await centre.wait(1)
        refused = capsys.readouterr().out.count("sip_refused")
        assert 0 < refused <= 20
        await centre.wait(60)
        stranger.send(b"INVITE sip:1@x SIP/2.0\r\n\r\n")
        await centre.wait(1)
        line = capsys.readouterr().out
        assert "sip_refused" in line
        assert str(1000 - refused) in line

    play(story)
