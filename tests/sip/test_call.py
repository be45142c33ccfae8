"""A call from ring to BYE, as ladders."""

from __future__ import annotations

import pytest

from engine.sip.errors import IllegalTransition
from engine.sip.events import (
    Answered,
    Cancelled,
    EarlyMedia,
    Ended,
    Established,
    Failed,
    Invited,
    Refused,
    Ringing,
    Trunk,
)
from engine.sip.flow import Flow
from engine.sip.message import Request
from tests.kit.playbook import (
    ANSWER,
    OFFER,
    Party,
    Playbook,
    established_call,
    placed_call,
    request,
    response,
)


def test_a_call_comes_in_and_the_caller_hangs_up() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    invited = play.next(Invited)
    assert invited.caller == Trunk("carrier")
    assert invited.offer == OFFER
    dialog = invited.dialog
    assert (dialog.called, dialog.caller.user) == ("+442071230001", "+447700900001")
    dialog.ring(play.now)
    carrier.hears(180)
    dialog.accept(ANSWER, play.now)
    assert carrier.hears(200).body == ANSWER
    play << carrier.ack()
    play.next(Established)
    assert dialog.state == "confirmed"
    play << carrier.bye()
    play >> response(200, "BYE")
    assert play.next(Ended).cause == "BYE"
    play.over()


def test_we_hang_up() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    dialog.hang_up(play.now, [("Reason", 'Q.850;cause=16;text="normal"')])
    bye = play.request("BYE")
    assert bye.get("reason").startswith("Q.850")
    assert bye.uri == carrier.contact
    assert (bye.from_tag, bye.to_tag) == (dialog.local_tag, carrier.tag)
    play << carrier.answer(bye, 200)
    dialog.hang_up(play.now)  # a late wish is let pass
    play.over()


def test_we_call_and_hang_up() -> None:
    play = Playbook()
    phone = Party(play, user="bob", host="192.0.2.77")
    dialog = play.call(phone)
    invite = play.request("INVITE")
    assert invite.uri == phone.contact
    assert invite.body == ANSWER
    play << phone.answer(invite, 100)
    play << phone.answer(invite, 180)
    assert play.next(Ringing).code == 180
    play << phone.answer(invite, 183, OFFER)
    assert play.next(EarlyMedia).sdp == OFFER
    play << phone.answer(invite, 200, OFFER)
    ack = play.request("ACK")
    assert ack.cseq == invite.cseq
    assert ack.via.branch != invite.via.branch
    assert play.next(Answered).sdp == OFFER
    dialog.hang_up(play.now)
    bye = play.request("BYE")
    assert bye.cseq > ack.cseq
    play << phone.answer(bye, 200)
    play.over()


@pytest.mark.parametrize(("code", "reason"), [(486, "Busy Here"), (600, "Busy Everywhere"), (404, None)])
def test_we_refuse(code: int, reason: str | None) -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    play.next(Invited).dialog.refuse(code, play.now, reason, [("Retry-After", "30")])
    refusal = carrier.hears(code)
    assert refusal.get("retry-after") == "30"
    play.wait(0.6)
    play >> response(code)  # repeated until the ACK
    play << carrier.ack_refusal()
    play.over()


def test_they_are_busy() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.stack.invite(
        phone.contact, flow=phone.flow, caller="<sip:a@b.test>", offer=ANSWER, now=play.now
    )
    invite = play.request("INVITE")
    play << phone.answer(invite, 486)
    ack = play.request("ACK")
    assert ack.via.branch == invite.via.branch
    assert ack.to_tag == phone.tag
    failed = play.next(Failed)
    assert (failed.dialog, failed.code) == (dialog, 486)
    play << phone.answer(invite, 486)
    play >> request("ACK")
    play.over()


def test_silence_is_408_after_seven_tries() -> None:
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    play.wait(33)
    for _ in range(7):
        play >> request("INVITE")
    assert play.next(Failed).code == 408
    play.over()


def test_a_peer_that_cannot_be_reached_is_503() -> None:
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    play >> request("INVITE")
    play.stack.unreachable(phone.flow, play.now)
    assert play.next(Failed).code == 503
    play.over()


def test_unreachable_concerns_only_that_peer() -> None:
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    invite = play.request("INVITE")
    play.stack.unreachable(Flow("udp", "192.0.2.99", 5060), play.now)
    play << phone.answer(invite, 486)
    play >> request("ACK")
    assert play.next(Failed).code == 486
    play.over()


def test_a_stream_that_closes_while_it_rings_is_503() -> None:
    play = Playbook()
    phone = Party(play, transport="tcp", port=40000, connection=7)
    play.call(phone)
    play << phone.answer(play.request("INVITE"), 180)
    play.next(Ringing)
    play.stack.unreachable(phone.flow, play.now)
    assert play.next(Failed).code == 503
    play.over()


def test_timer_c_ends_a_call_that_rings_for_ever() -> None:
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    invite = play.request("INVITE")
    play << phone.answer(invite, 180)
    play.next(Ringing)
    play.wait(100)
    play << phone.answer(invite, 180)  # winds timer C again
    play.next(Ringing)
    play.wait(100)
    play.quiet()
    play.wait(85.2)
    cancel = play.request("CANCEL")
    play << phone.answer(cancel, 200)
    play << phone.answer(invite, 487)
    play >> request("ACK")
    assert play.next(Failed).code == 408
    play.over()


def test_accepting_twice_is_our_own_fault() -> None:
    play = Playbook()
    dialog = established_call(play, Party(play))
    with pytest.raises(IllegalTransition, match="accept"):
        dialog.accept(ANSWER, play.now)
    assert dialog.state == "confirmed"


def test_hanging_up_an_unanswered_call_refuses_it() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    play.next(Invited).dialog.hang_up(play.now)
    carrier.hears(603)
    play << carrier.ack_refusal()
    play.over()


def test_hanging_up_before_the_ack_waits_for_it() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.accept(ANSWER, play.now)
    carrier.hears(200)
    dialog.hang_up(play.now)
    play.quiet()
    play << carrier.ack()
    play << carrier.answer(play.request("BYE"), 200)
    play.over()


def test_the_caller_gives_up_while_it_rings() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.ring(play.now)
    ringing = play.response(180)
    play << carrier.cancel()
    ok = play >> response(200, "CANCEL")
    assert ok.to_tag == ringing.to_tag
    play >> response(487, "INVITE")
    assert play.next(Cancelled).dialog is dialog
    play << carrier.ack_refusal()
    dialog.accept(ANSWER, play.now)  # the engine had not read the event yet
    play.over()


def test_three_ways_not_to_reach_a_dialog() -> None:
    play = Playbook()
    carrier = Party(play)
    established_call(play, carrier)
    stranger = Party(play)
    stranger.call_id, stranger.their_tag = carrier.call_id, carrier.their_tag
    play << stranger.bye()  # right Call-ID and our tag, wrong tag of theirs
    play >> response(481)
    stranger.their_tag = "guess"
    play << stranger.bye()
    play >> response(481)
    play << Party(play).request("ACK", to_tag="guess")
    play.quiet()


def test_requests_out_of_order_are_refused() -> None:
    play = Playbook()
    carrier = Party(play)
    established_call(play, carrier)
    play << carrier.request("INFO", seq=9, body=b"Signal=5", kind="application/dtmf-relay")
    play >> response(200, "INFO")
    play.events.clear()
    play << carrier.request("INFO", seq=8)
    play >> response(500, "INFO")


def test_a_bye_that_is_challenged_is_sent_again_with_credentials() -> None:
    from engine.sip.auth import Credentials

    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.credentials = Credentials("acme", "pw")
    dialog.hang_up(play.now)
    bye = play.request("BYE")
    challenge = 'WWW-Authenticate: Digest realm="carrier", nonce="n1", qop="auth"\r\n'
    play << phone.answer(bye, 401, headers=challenge)
    again = play.request("BYE")
    assert again.cseq == bye.cseq + 1
    assert 'realm="carrier"' in again.get("authorization")
    play << phone.answer(again, 200)
    play.over()


def test_a_scanner_gets_no_call_and_leaves_nothing() -> None:
    play = Playbook()
    scanner = Party(play, host="198.51.100.66", user="100")
    play << scanner.invite()
    play >> response(401)
    play << scanner.ack_refusal()
    play.over()


def test_refused_requests_are_reported_for_the_log() -> None:
    play = Playbook()
    play << Party(play).request("MESSAGE", body=b"hi", kind="text/plain")
    refusal = play.response(405)
    assert "INVITE" in refusal.get("allow")
    assert play.next(Refused).code == 405
    play.over()


def test_the_request_of_invited_is_the_message() -> None:
    play = Playbook()
    play << Party(play).invite(headers="X-Ticket: 42\r\n")
    message = play.next(Invited).request
    assert isinstance(message, Request)
    assert message.get("x-ticket") == "42"
