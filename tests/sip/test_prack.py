"""Reliable provisional responses, both sides (RFC 3262).

interop 2: PRACK is per fork.
interop 3: early media that is reliable, and a 180 after it.
"""

from __future__ import annotations

import pytest

from engine.sip.dialog import Dialog
from engine.sip.events import (
    Answered,
    Cancelled,
    EarlyMedia,
    Ended,
    Established,
    Failed,
    Invited,
    Offered,
    Reanswered,
    Refused,
    Reoffered,
    Ringing,
)
from engine.sip.flow import Packet
from engine.sip.message import Request, Response
from tests.kit.playbook import ANSWER, OFFER, Party, Playbook, request, response

RELIABLE = "Require: 100rel\r\nRSeq: {}\r\n"
OTHER = OFFER.replace(b"6000", b"6002")


def pracked(play: Playbook, phone: Party, rack: str) -> Request:
    """The stack sends this PRACK, and the phone answers it."""
    prack = play.request("PRACK")
    assert prack.get("rack") == rack
    play << phone.answer(prack, 200)
    return prack


def required_call(play: Playbook, carrier: Party, offer: bytes = OFFER) -> Dialog:
    """A caller who requires 100rel."""
    play << carrier.invite(offer, headers="Require: 100rel\r\n")
    play >> response(100)
    return play.next(Invited).dialog


def prack(carrier: Party, heard: Response, body: bytes = b"") -> Packet:
    """Their PRACK of a response."""
    return carrier.request("PRACK", body=body, headers=f"RAck: {heard.get('rseq')} {heard.get('cseq')}\r\n")


# -- we call


def test_our_calls_support_it() -> None:
    play = Playbook()
    play.call(Party(play))
    assert {"100rel", "timer"} <= set(play.request("INVITE").all("supported"))


def test_a_reliable_183_is_pracked_over_its_route_and_holds_the_answer() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    recorded = "Record-Route: <sip:192.0.2.21;lr>\r\n"
    play << phone.answer(invite, 183, OFFER, headers=RELIABLE.format(7) + recorded)
    sent = pracked(play, phone, f"7 {invite.cseq} INVITE")
    assert (sent.uri, sent.all("route"), sent.cseq) == (
        phone.contact,
        ["<sip:192.0.2.21;lr>"],
        invite.cseq + 1,
    )
    assert play.next(EarlyMedia).sdp == OFFER
    assert dialog.negotiation == "stable"
    play << phone.answer(invite, 200, OTHER, headers=recorded)  # SDP after the answer says nothing
    play >> request("ACK")
    assert play.next(Answered).sdp == OFFER
    dialog.hang_up(play.now)
    bye = play.request("BYE")
    assert bye.cseq == sent.cseq + 1
    play << phone.answer(bye, 200)
    play.over()


def test_what_is_repeated_or_out_of_order_is_not_pracked() -> None:
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    invite = play.request("INVITE")
    play << phone.answer(invite, 180, headers=RELIABLE.format(7))
    pracked(play, phone, f"7 {invite.cseq} INVITE")
    play.next(Ringing)
    for number in (7, 9, 6):
        play << phone.answer(invite, 180, headers=RELIABLE.format(number))
    play << phone.answer(invite, 180, headers="Require: 100rel\r\nRSeq: x\r\n")
    play.quiet()
    play << phone.answer(invite, 180, headers=RELIABLE.format(8))
    pracked(play, phone, f"8 {invite.cseq} INVITE")
    play.next(Ringing)


def test_interop_02_prack_is_per_fork() -> None:
    """interop 2"""
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    for tag, number, sdp in (("fork-a", 1, OFFER), ("fork-b", 1, OTHER)):
        play << phone.answer(invite, 183, sdp, headers=RELIABLE.format(number), tag=tag)
        assert pracked(play, phone, f"{number} {invite.cseq} INVITE").to_tag == tag
        assert play.next(EarlyMedia).sdp == sdp
    play << phone.answer(invite, 180, headers=RELIABLE.format(2), tag="fork-a")
    assert pracked(play, phone, f"2 {invite.cseq} INVITE").to_tag == "fork-a"
    play.next(Ringing)
    assert dialog.remote_sdp == OFFER
    play << phone.answer(invite, 200, tag="fork-b")
    assert play.request("ACK").to_tag == "fork-b"
    assert play.next(Answered).sdp == OTHER  # what that fork had answered reliably


def test_interop_02_a_fork_without_the_floor_may_update() -> None:
    """interop 2"""
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    for tag in ("fork-a", "fork-b"):
        play << phone.answer(invite, 183, OFFER, headers=RELIABLE.format(1), tag=tag)
        pracked(play, phone, f"1 {invite.cseq} INVITE")
        play.next(EarlyMedia)
    phone.tag = "fork-a"
    play << phone.request("UPDATE", body=OTHER)
    assert play.next(Reoffered).offer == OTHER
    dialog.answer(ANSWER, play.now)
    assert play.response(200).body == ANSWER
    phone.tag = "fork-c"
    play << phone.request("UPDATE", body=OTHER)
    play >> response(481)


def test_interop_03_a_reliable_180_after_a_reliable_183_keeps_early_media() -> None:
    """interop 3"""
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    play << phone.answer(invite, 183, OFFER, headers=RELIABLE.format(1))
    pracked(play, phone, f"1 {invite.cseq} INVITE")
    play.next(EarlyMedia)
    play << phone.answer(invite, 180, headers=RELIABLE.format(2))
    pracked(play, phone, f"2 {invite.cseq} INVITE")
    play.next(Ringing)
    play << phone.answer(invite, 183, OTHER)  # unreliable, after the answer: no change
    assert play.next(Ringing).code == 183
    assert dialog.remote_sdp == OFFER


def test_a_prack_that_is_refused_or_lost_leaves_the_call_to_ring() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    play << phone.answer(invite, 180, headers=RELIABLE.format(1))
    play << phone.answer(play.request("PRACK"), 481)
    play.next(Ringing)
    assert dialog.state == "ringing"


# -- they offer in a reliable response to our INVITE without one (interop 1)


def test_interop_01_their_offer_in_a_reliable_183_is_answered_in_the_prack() -> None:
    """interop 1"""
    play = Playbook()
    phone = Party(play)
    dialog = play.stack.invite(phone.contact, flow=phone.flow, caller="<sip:a@b>", offer=None, now=play.now)
    invite = play.request("INVITE")
    assert (invite.body, "content-type" in invite.headers) == (b"", False)
    play << phone.answer(invite, 183, OFFER, headers=RELIABLE.format(1))
    assert play.next(Offered).offer == OFFER
    play.quiet()
    dialog.answer(ANSWER, play.now)
    assert pracked(play, phone, f"1 {invite.cseq} INVITE").body == ANSWER
    play << phone.answer(invite, 200)
    assert play.request("ACK").body == b""
    assert play.next(Answered).sdp == OFFER


def test_interop_01_their_offer_in_the_200_is_answered_in_the_ack() -> None:
    """interop 1"""
    play = Playbook()
    phone = Party(play)
    dialog = play.stack.invite(phone.contact, flow=phone.flow, caller="<sip:a@b>", offer=None, now=play.now)
    invite = play.request("INVITE")
    play << phone.answer(invite, 180)
    play.next(Ringing)
    play << phone.answer(invite, 200, OFFER)
    assert play.next(Offered).offer == OFFER
    play << phone.answer(invite, 200, OFFER)  # repeated while the engine thinks
    play.quiet()
    dialog.answer(ANSWER, play.now)
    assert play.request("ACK").body == ANSWER
    assert play.next(Answered).sdp == OFFER
    play << phone.answer(invite, 200, OFFER)
    assert play.request("ACK").body == ANSWER
    dialog.hang_up(play.now)
    play << phone.answer(play.request("BYE"), 200)
    play.over()


def test_interop_01_an_offer_we_do_not_take_is_acked_and_cleared() -> None:
    """interop 1"""
    play = Playbook()
    phone = Party(play)
    dialog = play.stack.invite(phone.contact, flow=phone.flow, caller="<sip:a@b>", offer=None, now=play.now)
    play << phone.answer(play.request("INVITE"), 200, OFFER)
    play.next(Offered)
    dialog.hang_up(play.now)
    play >> request("ACK")
    play << phone.answer(play.request("BYE"), 200)
    play.over()


def test_interop_01_a_200_without_any_offer_is_no_call() -> None:
    """interop 1"""
    play = Playbook()
    phone = Party(play)
    play.stack.invite(phone.contact, flow=phone.flow, caller="<sip:a@b>", offer=None, now=play.now)
    play << phone.answer(play.request("INVITE"), 200)
    play >> request("ACK")
    play << phone.answer(play.request("BYE"), 200)
    assert play.next(Failed).code == 488
    play.over()


# -- they call


def test_ringing_is_reliable_where_it_is_required() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = required_call(play, carrier)
    dialog.ring(play.now)
    ringing = carrier.hears(180)
    assert ringing.get("require") == "100rel"
    play.wait(3.6)
    for _ in range(3):  # after 0.5, 1.5 and 3.5 s
        assert play.response(180).get("rseq") == ringing.get("rseq")
    play << prack(carrier, ringing)
    play >> response(200, "PRACK")
    play.wait(60)
    play.quiet()
    dialog.accept(ANSWER, play.now)
    assert carrier.hears(200).body == ANSWER
    play << carrier.ack()
    play.next(Established)


def test_a_prack_of_nothing_is_481() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = required_call(play, carrier)
    dialog.ring(play.now)
    ringing = carrier.hears(180)
    for rack in ("1 1 INVITE", f"{ringing.get('rseq')} 9 INVITE", f"{ringing.get('rseq')} 1 UPDATE", "x", ""):
        play << carrier.request("PRACK", headers=f"RAck: {rack}\r\n")
        play >> response(481)
        play.next(Refused)
    play << prack(carrier, ringing)
    play >> response(200, "PRACK")
    play << prack(carrier, ringing)
    play >> response(481)


def test_the_next_response_waits_for_the_prack_of_the_one_before() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = required_call(play, carrier)
    dialog.ring(play.now)
    dialog.progress(ANSWER, play.now)
    first = carrier.hears(180)
    play.quiet()
    play << prack(carrier, first)
    play >> response(200, "PRACK")
    second = carrier.hears(183)
    assert (second.body, int(second.get("rseq"))) == (ANSWER, int(first.get("rseq")) + 1)


def test_early_media_is_reliable_for_whoever_supports_it_and_the_200_waits_for_its_prack() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite(headers="Supported: 100rel\r\n")
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.ring(play.now)
    assert "rseq" not in carrier.hears(180).headers
    dialog.progress(ANSWER, play.now)
    early = carrier.hears(183)
    assert "rseq" in early.headers
    dialog.accept(ANSWER, play.now)
    play.quiet()
    play << prack(carrier, early)
    play >> response(200, "PRACK")
    assert play.response(200).body == b""  # the answer was given (RFC 6337 section 3.1.1)
    play << carrier.ack()
    assert play.next(Established).sdp is None
    assert dialog.negotiation == "stable"


def test_a_call_whose_ringing_is_never_pracked_is_504() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = required_call(play, carrier)
    dialog.progress(ANSWER, play.now)
    carrier.hears(183)
    dialog.accept(ANSWER, play.now)
    play.wait(31.9)
    play.drop()
    play.wait(0.2)
    play >> response(504, "INVITE")
    assert play.next(Cancelled).cause == "no PRACK"
    play << carrier.ack_refusal()
    play.over()


@pytest.mark.parametrize("way", ["CANCEL", "BYE"])
def test_a_caller_who_leaves_while_the_200_waits_gets_487(way: str) -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = required_call(play, carrier)
    dialog.progress(ANSWER, play.now)
    carrier.hears(183)
    dialog.accept(ANSWER, play.now)
    play << (carrier.cancel() if way == "CANCEL" else carrier.bye())
    play >> response(200, way)
    play >> response(487, "INVITE")
    assert play.next(Cancelled).cause == way
    play << carrier.ack_refusal()
    play.over()


def test_interop_01_a_caller_without_an_offer_gets_ours_when_it_rings() -> None:
    """interop 1"""
    play = Playbook()
    carrier = Party(play)
    dialog = required_call(play, carrier, b"")
    before = dialog.rings_with_offer
    dialog.ring(play.now)  # without an offer it may not ring reliably
    play.quiet()
    dialog.ring(play.now, ANSWER)
    ringing = carrier.hears(180)
    assert ringing.body == ANSWER
    assert (before, dialog.rings_with_offer) == (True, False)
    dialog.accept(ANSWER, play.now)
    play.quiet()
    play << prack(carrier, ringing, OFFER)
    play >> response(200, "PRACK")
    assert play.next(Reanswered).sdp == OFFER
    assert play.response(200).body == b""
    play << carrier.ack()
    assert play.next(Established).sdp is None
    assert dialog.remote_sdp == OFFER


def test_a_prack_may_bring_an_offer() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = required_call(play, carrier)
    dialog.progress(ANSWER, play.now)
    early = carrier.hears(183)
    play << prack(carrier, early, OTHER)
    assert play.next(Reoffered).offer == OTHER
    dialog.answer(ANSWER, play.now)
    assert play.response(200).body == ANSWER
    dialog.accept(ANSWER, play.now)
    assert carrier.hears(200).body == b""
    play << carrier.ack()
    play.next(Established)
    play << carrier.bye()
    play >> response(200)
    play.next(Ended)
    play.over()
