"""UPDATE, early and confirmed, in and out, and its glare (RFC 3311).

interop 4: 491 and a back-off, 500 with Retry-After.
interop 17: hold in all three forms by UPDATE, answered as RFC 3264 says.
"""

from __future__ import annotations

import pytest

from engine.sip.dialog import Dialog
from engine.sip.errors import IllegalTransition
from engine.sip.events import Answered, EarlyMedia, Ended, Invited, Reanswered, Refused, Reoffered
from engine.sip.offer import LocalMedia, answer
from engine.sip.sdp import parse_sdp
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

ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE\r\n"
RELIABLE = "Require: 100rel\r\nRSeq: 1\r\n" + ALLOW
HOLD = OFFER.replace(b"a=sendrecv", b"a=sendonly")
HELD = ANSWER.replace(b"a=sendrecv", b"a=recvonly")


def early_call(play: Playbook, phone: Party) -> Dialog:
    """A call of ours that a phone has answered reliably in a 183."""
    dialog = play.call(phone)
    invite = play.request("INVITE")
    play << phone.answer(invite, 183, OFFER, headers=RELIABLE)
    play << phone.answer(play.request("PRACK"), 200)
    play.next(EarlyMedia)
    return dialog


def test_they_update_the_media_of_a_call() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    carrier.port = 5999
    play << carrier.request("UPDATE", body=HOLD)
    assert play.next(Reoffered).offer == HOLD
    dialog.answer(HELD, play.now)
    ok = play.response(200)
    assert (ok.body, "session-expires" in ok.headers) == (HELD, True)
    play.wait(40)
    play.quiet()  # no ACK is waited for
    dialog.hang_up(play.now)
    assert play.request("BYE").uri.endswith(":5999")


def test_an_update_without_an_offer_only_refreshes() -> None:
    play = Playbook()
    carrier = Party(play)
    established_call(play, carrier)
    play << carrier.request("UPDATE")
    assert play.response(200).body == b""
    play.quiet()


def test_an_update_that_we_decline_changes_nothing() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    play << carrier.request("UPDATE", body=HOLD)
    play.next(Reoffered)
    dialog.decline(488, play.now)
    play >> response(488)
    assert (dialog.state, dialog.negotiation) == ("confirmed", "stable")


def test_an_update_of_another_body_or_of_nothing() -> None:
    play = Playbook()
    carrier = Party(play)
    established_call(play, carrier)
    play << carrier.request("UPDATE", body=b"x", kind="text/plain")
    assert play.response(415).get("accept") == "application/sdp"
    play.next(Refused)
    play << Party(play).request("UPDATE", body=HOLD)
    play >> response(481)


@pytest.mark.parametrize(
    ("lines", "direction"),
    [
        ((b"a=sendrecv", b"a=sendonly"), "recvonly"),
        ((b"a=sendrecv", b"a=inactive"), "inactive"),
        ((b"c=IN IP4 192.0.2.10", b"c=IN IP4 0.0.0.0"), "recvonly"),
    ],
)
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_interop_17_hold_in_all_three_forms(method: str, lines: tuple[bytes, bytes], direction: str) -> None:
    """interop 17"""
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    play << carrier.request(method, body=OFFER.replace(*lines))
    if method == "INVITE":
        play >> response(100)
    theirs = play.next(Reoffered).offer
    assert theirs is not None
    made = answer(theirs, LocalMedia("10.0.0.1", 20000))
    assert (made.agreed.held, made.agreed.sends) == (True, False)
    dialog.answer(made.sdp, play.now)
    assert parse_sdp(play.response(200).body).media[0].direction == direction


def test_interop_04_an_update_that_meets_our_offer_is_491() -> None:
    """interop 4"""
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.reoffer(ANSWER, play.now)
    play >> request("INVITE")
    play << phone.request("UPDATE", body=HOLD)
    play >> response(491)
    play << phone.request("UPDATE")  # without an offer there is no glare
    play >> response(200)


def test_interop_04_two_updates_of_theirs_at_once_are_500_with_retry_after() -> None:
    """interop 4"""
    play = Playbook()
    carrier = Party(play)
    established_call(play, carrier)
    play << carrier.request("UPDATE", body=HOLD)
    play.next(Reoffered)
    play << carrier.request("UPDATE", body=HOLD)
    assert 0 <= int(play.response(500).get("retry-after")) <= 10


def test_interop_04_an_update_before_the_first_offer_is_answered_is_500() -> None:
    """interop 4"""
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.ring(play.now)
    carrier.hears(180)
    play << carrier.request("UPDATE", body=HOLD)
    assert "retry-after" in play.response(500).headers


def test_they_update_before_the_call_is_answered() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = early_call(play, phone)
    play << phone.request("UPDATE", body=HOLD)
    assert play.next(Reoffered).offer == HOLD
    dialog.answer(HELD, play.now)
    ok = play.response(200)
    assert (ok.body, "session-expires" in ok.headers) == (HELD, False)
    assert dialog.state == "ringing"


def test_we_update_before_the_call_is_answered() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = early_call(play, phone)
    dialog.reoffer(HELD, play.now)
    update = play.request("UPDATE")
    assert (update.body, update.to_tag) == (HELD, phone.tag)
    play << phone.answer(update, 200, HOLD)
    assert play.next(Reanswered).sdp == HOLD
    assert (dialog.local_sdp, dialog.remote_sdp, dialog.negotiation) == (HELD, HOLD, "stable")


def test_we_update_as_the_called_side_once_early_media_is_acknowledged() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite(headers="Supported: 100rel\r\n" + ALLOW)
    play >> response(100)
    dialog = play.next(Invited).dialog
    with pytest.raises(IllegalTransition):
        dialog.reoffer(ANSWER, play.now)
    dialog.progress(ANSWER, play.now)
    early = carrier.hears(183)
    play << carrier.request("PRACK", headers=f"RAck: {early.get('rseq')} 1 INVITE\r\n")
    play >> response(200)
    dialog.reoffer(HELD, play.now)
    play << carrier.answer(play.request("UPDATE"), 200, OFFER)
    assert play.next(Reanswered).code == 200


def test_no_update_to_whom_does_not_allow_it_nor_before_the_answer() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    play << phone.answer(invite, 183, OFFER)
    with pytest.raises(IllegalTransition, match="UPDATE"):
        dialog.reoffer(HELD, play.now)


@pytest.mark.parametrize(
    ("code", "headers", "least", "most"), [(491, "", 2.1, 4.1), (500, "Retry-After: 3\r\n", 3, 3.1)]
)
def test_interop_04_our_update_that_meets_glare_is_tried_again(
    code: int, headers: str, least: float, most: float
) -> None:
    """interop 4"""
    play = Playbook()
    phone = Party(play)
    dialog = early_call(play, phone)
    dialog.reoffer(HELD, play.now)
    first = play.request("UPDATE")
    play << phone.answer(first, code, headers=headers)
    play.wait(least - 0.1)
    play.quiet()
    play.wait(most - least + 0.2)
    again = play.request("UPDATE")
    assert (again.cseq, again.body) == (first.cseq + 1, HELD)
    play << phone.answer(again, 200, OFFER)
    assert play.next(Reanswered).code == 200


def test_a_change_that_meets_glare_for_ever_is_given_up() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.reoffer(HELD, play.now)
    for _ in range(5):
        play << phone.answer(play.request("INVITE"), 491)
        play >> request("ACK")
        for _ in range(41):
            if not play.packets:
                play.wait(0.1)
                play.packets += play.stack.take_packets()
    assert play.next(Reanswered).code == 491
    assert dialog.negotiation == "stable"


def test_an_update_of_ours_that_is_refused_early_leaves_the_call_to_ring() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = early_call(play, phone)
    dialog.reoffer(HELD, play.now)
    play << phone.answer(play.request("UPDATE"), 481)
    assert play.next(Reanswered).code == 481
    assert (dialog.state, dialog.negotiation) == ("ringing", "stable")


def test_a_reinvite_of_ours_that_rings_reliably_is_pracked() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.reoffer(HELD, play.now)
    invite = play.request("INVITE")
    play << phone.answer(invite, 183, OFFER, headers=RELIABLE)
    prack = play.request("PRACK")
    assert prack.get("rack") == f"1 {invite.cseq} INVITE"
    play << phone.answer(prack, 200)
    play << phone.answer(invite, 200)  # the answer stood in the 183
    assert play.request("ACK").cseq == invite.cseq
    assert play.next(Reanswered).sdp == OFFER


def test_a_bye_ends_an_update_that_still_waits() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    play << carrier.request("UPDATE", body=HOLD)
    play.next(Reoffered)
    play << carrier.bye()
    play >> response(200, "BYE")
    play >> response(487, "UPDATE")
    play.next(Ended)
    dialog.answer(HELD, play.now)
    play.over()


def test_an_answer_while_the_200_waits_for_its_ack() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.accept(ANSWER, play.now)
    carrier.hears(200)
    play << carrier.request("UPDATE", body=HOLD)
    play.next(Reoffered)
    dialog.answer(HELD, play.now)
    assert play.response(200).body == HELD


def test_an_answered_call_keeps_who_allows_update() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    play << phone.answer(play.request("INVITE"), 200, OFFER, headers=ALLOW)
    play >> request("ACK")
    play.next(Answered)
    assert dialog.allows_update
