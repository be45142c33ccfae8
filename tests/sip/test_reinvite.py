"""Hold, resume and other changes of the media in a call."""

from __future__ import annotations

import pytest

from engine.sip.errors import IllegalHeader, IllegalTransition
from engine.sip.events import Ended, Reanswered, Reoffered
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

HOLD = OFFER.replace(b"a=sendrecv", b"a=sendonly")
HELD = ANSWER.replace(b"a=sendrecv", b"a=recvonly")


def test_they_hold_and_resume() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    for offer, answer in ((HOLD, HELD), (OFFER, ANSWER)):
        play << carrier.invite(offer)
        play >> response(100)
        reoffered = play.next(Reoffered)
        assert (reoffered.dialog, reoffered.offer) == (dialog, offer)
        dialog.answer(answer, play.now)
        assert play.response(200).body == answer
        play << carrier.ack()
        play.quiet()
    assert dialog.remote_sdp == OFFER
    dialog.hang_up(play.now)
    play << carrier.answer(play.request("BYE"), 200)
    play.over()


def test_we_hold_and_resume() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    for offer, answer in ((HOLD, HELD), (OFFER, ANSWER)):
        dialog.reoffer(offer, play.now)
        invite = play.request("INVITE")
        assert (invite.to_tag, invite.body) == (phone.tag, offer)
        play << phone.answer(invite, 200, answer)
        ack = play.request("ACK")
        assert ack.cseq == invite.cseq
        assert play.next(Reanswered).sdp == answer
        play << phone.answer(invite, 200, answer)
        assert play.request("ACK").via.branch == ack.via.branch
    assert dialog.local_sdp == OFFER


def test_a_refused_change_leaves_what_was_agreed() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.reoffer(HOLD, play.now)
    play << phone.answer(play.request("INVITE"), 488)
    play >> request("ACK")
    assert play.next(Reanswered) == Reanswered(dialog, None, 488)
    assert (dialog.state, dialog.negotiation, dialog.local_sdp) == ("confirmed", "stable", ANSWER)


def test_we_decline_a_change() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    play << carrier.invite(HOLD)
    play >> response(100)
    play.next(Reoffered)
    dialog.decline(488, play.now)
    play >> response(488)
    play << carrier.ack_refusal()
    assert dialog.negotiation == "stable"


def test_a_change_that_is_taken_back() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    play << carrier.invite(HOLD)
    play >> response(100)
    play.next(Reoffered)
    play << carrier.cancel()
    play >> response(200, "CANCEL")
    play >> response(487, "INVITE")
    play << carrier.ack_refusal()
    dialog.answer(HELD, play.now)  # too late, and no harm
    play.quiet()
    assert (dialog.state, dialog.negotiation) == ("confirmed", "stable")


def test_a_reinvite_without_an_offer_gets_ours_and_answers_in_the_ack() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    play << carrier.invite(b"")
    play >> response(100)
    assert play.next(Reoffered).offer is None
    dialog.answer(ANSWER, play.now)
    play >> response(200)
    play << carrier.ack(OFFER)
    assert play.next(Reanswered).sdp == OFFER


def test_two_reinvites_of_theirs_at_once_is_500_with_retry_after() -> None:
    play = Playbook()
    carrier = Party(play)
    established_call(play, carrier)
    play << carrier.invite(HOLD)
    play >> response(100)
    play.next(Reoffered)
    play << carrier.invite(HOLD)
    assert 0 <= int(play.response(500).get("retry-after")) <= 10


def test_two_reinvites_of_ours_at_once_is_our_own_fault() -> None:
    play = Playbook()
    dialog = placed_call(play, Party(play))
    dialog.reoffer(HOLD, play.now)
    with pytest.raises(IllegalTransition):
        dialog.reoffer(OFFER, play.now)


@pytest.mark.parametrize("code", [408, 481])
def test_a_peer_that_lost_the_call_ends_it(code: int) -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.reoffer(HOLD, play.now)
    play << phone.answer(play.request("INVITE"), code)
    play >> request("ACK")
    play << phone.answer(play.request("BYE"), 481)
    assert play.next(Ended).cause == "refresh refused"
    play.over()


def test_a_reinvite_that_nobody_answers_ends_the_call() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.reoffer(HOLD, play.now)
    play.wait(33)
    assert play.next(Ended).cause == "unreachable"
    play.drop()
    play.wait(40)
    play.drop()
    play.over()


def test_hanging_up_while_our_change_is_open_still_acks_its_answer() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.reoffer(HOLD, play.now)
    invite = play.request("INVITE")
    dialog.hang_up(play.now)
    play << phone.answer(play.request("BYE"), 200)
    play << phone.answer(invite, 200, HELD)
    play >> request("ACK")
    play.over()


def test_a_reinvite_moves_the_remote_target() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    carrier.port = 5999
    play << carrier.invite(HOLD)
    play >> response(100)
    play.next(Reoffered)
    dialog.answer(HELD, play.now)
    play >> response(200)
    play << carrier.ack()
    dialog.hang_up(play.now)
    assert play.request("BYE").uri.endswith(":5999")
    assert play.flow.port == 5999


def test_a_reinvite_before_the_ack_of_the_last_one_is_491() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    play << carrier.invite(HOLD)
    play >> response(100)
    play.next(Reoffered)
    dialog.answer(HELD, play.now)
    play >> response(200)
    play << carrier.invite(OFFER)
    play >> response(491)


def test_headers_that_would_break_a_message_apart_are_our_own_fault() -> None:
    play = Playbook()
    dialog = placed_call(play, Party(play))
    with pytest.raises(IllegalHeader):
        dialog.hang_up(play.now, [("Reason", "x\r\nVia: y")])
    assert dialog.state == "confirmed"
    with pytest.raises(IllegalHeader):
        dialog.refer("<sip:a@b>\nX: y", play.now)
