"""Messages that cross, repeat or get lost: interop lines 1 to 8."""

from __future__ import annotations

import pytest

from engine.sip.events import (
    Answered,
    Cancelled,
    EarlyMedia,
    Ended,
    Established,
    Failed,
    Invited,
    Reanswered,
    Reoffered,
    Ringing,
)
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


def late_offer(play: Playbook, carrier: Party) -> Invited:
    play << carrier.invite(b"")
    play >> response(100)
    invited = play.next(Invited)
    assert invited.offer is None
    invited.dialog.accept(ANSWER, play.now)
    assert carrier.hears(200).body == ANSWER
    return invited


def test_interop_01_late_offer_takes_the_answer_from_the_ack() -> None:
    play = Playbook()
    carrier = Party(play)
    invited = late_offer(play, carrier)
    play << carrier.ack(OFFER)
    assert play.next(Established).sdp == OFFER
    assert invited.dialog.remote_sdp == OFFER
    invited.dialog.hang_up(play.now)
    play << carrier.answer(play.request("BYE"), 200)
    play.over()


def test_interop_01_an_ack_without_the_answer_ends_the_call() -> None:
    play = Playbook()
    carrier = Party(play)
    late_offer(play, carrier)
    play << carrier.ack()
    assert play.next(Ended).cause == "no answer in the ACK"
    play << carrier.answer(play.request("BYE"), 200)
    play.over()


def test_interop_02_every_2xx_of_a_fork_is_acked_and_the_losers_get_bye() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    play << phone.answer(invite, 180, tag="fork-a")
    play << phone.answer(invite, 180, tag="fork-b")
    assert [play.next(Ringing).dialog for _ in range(2)] == [dialog, dialog]
    play << phone.answer(invite, 200, OFFER, tag="fork-b")
    assert play.request("ACK").to_tag == "fork-b"
    play.next(Answered)
    play << phone.answer(invite, 200, OFFER, tag="fork-a")
    assert play.request("ACK").to_tag == "fork-a"
    bye = play.request("BYE")
    assert bye.to_tag == "fork-a"
    play << phone.answer(bye, 200)
    play << phone.answer(invite, 200, OFFER, tag="fork-a")  # repeated: its ACK was lost
    assert play.request("ACK").to_tag == "fork-a"
    assert (dialog.state, dialog.remote_tag) == ("confirmed", "fork-b")
    dialog.hang_up(play.now)
    play << phone.answer(play.request("BYE"), 200)
    play.over()


def test_interop_03_a_second_183_moves_early_media_and_180_keeps_it() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    play << phone.answer(invite, 183, OFFER)
    assert play.next(EarlyMedia).sdp == OFFER
    other = OFFER.replace(b"6000", b"6002")
    play << phone.answer(invite, 183, other)
    assert play.next(EarlyMedia).sdp == other
    play << phone.answer(invite, 180)
    assert play.next(Ringing).code == 180
    assert dialog.remote_sdp == other
    play << phone.answer(invite, 200)  # no SDP: what the 183 said is the answer
    play >> request("ACK")
    assert play.next(Answered).sdp == other


@pytest.mark.parametrize("ours", [True, False])
def test_interop_04_glare_is_491_and_the_back_off_depends_on_the_call_id(ours: bool) -> None:
    play = Playbook()
    party = Party(play)
    dialog = placed_call(play, party) if ours else established_call(play, party)
    dialog.reoffer(ANSWER, play.now)
    mine = play.request("INVITE")
    play << party.invite()
    play >> response(491)
    play << party.ack_refusal()
    play << party.answer(mine, 491)
    play >> request("ACK")
    start = play.now
    while not play.packets and play.now < start + 5:
        play.wait(0.01)
        play.packets += play.stack.take_packets()
    again = play.request("INVITE")
    assert again.cseq > mine.cseq
    waited = play.now - start
    assert (2.1 <= waited <= 4.01) if ours else waited <= 2.01
    play << party.answer(again, 200, OFFER)
    play >> request("ACK")
    assert play.next(Reanswered).sdp == OFFER


def test_interop_04_a_reinvite_before_the_ack_is_491() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    play.next(Invited).dialog.accept(ANSWER, play.now)
    carrier.hears(200)
    first = carrier.invite_seq
    play << carrier.invite()
    play >> response(491)
    play << carrier.ack_refusal()
    play << carrier.request("ACK", seq=first)
    play.next(Established)


def test_interop_05_cancel_waits_for_a_provisional() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    dialog.cancel(play.now)
    play.quiet()
    play << phone.answer(invite, 100)
    cancel = play.request("CANCEL")
    assert (cancel.via.branch, cancel.cseq) == (invite.via.branch, invite.cseq)
    play << phone.answer(cancel, 200)
    play << phone.answer(invite, 487)
    play >> request("ACK")
    assert play.next(Failed).code == 487
    play.over()


def test_interop_05_a_200_that_crosses_the_cancel_is_acked_and_byed() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    play << phone.answer(invite, 180)
    play.next(Ringing)
    dialog.hang_up(play.now)
    cancel = play.request("CANCEL")
    play << phone.answer(invite, 200, OFFER)
    play >> request("ACK")
    play << phone.answer(play.request("BYE"), 200)
    play << phone.answer(cancel, 481)
    assert play.next(Failed).code == 487
    play.over()


def test_interop_05_a_cancel_that_nobody_answers_ends_after_64_t1() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    play << phone.answer(play.request("INVITE"), 180)
    play.next(Ringing)
    dialog.cancel(play.now)
    play.wait(33)
    assert play.next(Failed).code == 487
    play.drop()
    play.over()


def test_interop_05_a_cancel_that_comes_too_late_changes_nothing() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.accept(ANSWER, play.now)
    carrier.hears(200)
    play << carrier.cancel()
    play >> response(200, "CANCEL")
    play.quiet()
    play << carrier.ack()
    play.next(Established)


def test_interop_05_a_cancel_of_nothing_is_481() -> None:
    play = Playbook()
    carrier = Party(play)
    carrier.branch, carrier.invite_seq = "z9hG4bKnothing", 1
    play << carrier.cancel()
    play >> response(481)


def test_interop_06_bye_before_the_ack_is_accepted() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    play.next(Invited).dialog.accept(ANSWER, play.now)
    carrier.hears(200)
    play << carrier.bye()
    play >> response(200, "BYE")
    assert play.next(Ended).cause == "BYE"
    play << carrier.ack()  # late: nobody minds
    play.over()


def test_interop_06_a_second_bye_and_a_racing_reinvite_are_481() -> None:
    play = Playbook()
    carrier = Party(play)
    established_call(play, carrier)
    play << carrier.bye()
    play >> response(200)
    play.next(Ended)
    play << carrier.bye()
    play >> response(481)
    play << carrier.invite()
    play >> response(481)
    play.over()


def test_interop_06_a_bye_ends_the_reinvite_that_still_waits() -> None:
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    play << carrier.invite()
    play >> response(100)
    play.next(Reoffered)
    play << carrier.bye()
    play >> response(200, "BYE")
    play >> response(487, "INVITE")
    play << carrier.ack_refusal()
    play.next(Ended)
    dialog.answer(ANSWER, play.now)  # the engine had not read Ended yet
    play.over()


def test_interop_06_bye_drops_a_preloaded_route() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.stack.invite(
        phone.contact,
        flow=phone.flow,
        caller="<sip:acd@10.0.0.1>",
        offer=ANSWER,
        now=play.now,
        headers=[("Route", "<sip:192.0.2.10;lr>")],
    )
    invite = play.request("INVITE")
    assert invite.get("route") == "<sip:192.0.2.10;lr>"
    play << phone.answer(invite, 200, OFFER)
    assert "route" not in play.request("ACK").headers
    dialog.hang_up(play.now)
    assert "route" not in play.request("BYE").headers


def test_interop_07_lost_200_is_retransmitted() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    play.next(Invited).dialog.accept(ANSWER, play.now)
    first = carrier.hears(200)
    play.wait(3.6)
    for _ in range(3):  # after 0.5, 1.5 and 3.5 s
        assert play.response(200).to_tag == first.to_tag
    play << carrier.ack()
    play.next(Established)
    play.wait(40)
    play.quiet()


def test_interop_07_a_fast_ack_stops_the_200() -> None:
    play = Playbook()
    established_call(play, Party(play))
    play.wait(40)
    play.quiet()


def test_interop_07_a_repeated_200_is_acked_again() -> None:
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    invite = play.request("INVITE")
    play << phone.answer(invite, 200, OFFER)
    first = play.request("ACK")
    play.next(Answered)
    play << phone.answer(invite, 200, OFFER)
    assert play.request("ACK").via.branch == first.via.branch
    play.quiet()


def test_interop_07_no_ack_within_64_t1_is_bye_and_the_engine_is_told() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    play.next(Invited).dialog.accept(ANSWER, play.now)
    carrier.hears(200)
    play.wait(31.9)
    play.drop()
    play.wait(0.2)
    play >> request("BYE")
    assert play.next(Ended).cause == "no ACK"
    play.wait(40)
    play.drop()
    play.over()


def test_interop_08_the_ack_goes_to_the_contact_over_the_reversed_record_route() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    recorded = "Record-Route: <sip:192.0.2.21;lr>, <sip:192.0.2.22:5070;lr>\r\n"
    play << phone.answer(invite, 200, OFFER, headers=recorded)
    ack = play.request("ACK")
    assert ack.uri == phone.contact
    assert ack.all("route") == ["<sip:192.0.2.22:5070;lr>", "<sip:192.0.2.21;lr>"]
    assert ack.via.branch != invite.via.branch
    assert (play.flow.host, play.flow.port) == ("192.0.2.22", 5070)
    dialog.hang_up(play.now)
    assert play.request("BYE").all("route") == ack.all("route")


def test_interop_08_a_strict_router_gets_its_own_uri_and_the_target_goes_last() -> None:
    play = Playbook()
    carrier = Party(play)
    recorded = "Record-Route: <sip:192.0.2.31>\r\nRecord-Route: <sip:192.0.2.32;lr>\r\n"
    play << carrier.invite(headers=recorded)
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.accept(ANSWER, play.now)
    assert carrier.hears(200).all("record-route") == ["<sip:192.0.2.31>", "<sip:192.0.2.32;lr>"]
    play << carrier.ack()
    play.next(Established)
    dialog.hang_up(play.now)
    bye = play.request("BYE")
    assert bye.uri == "sip:192.0.2.31"
    assert bye.all("route") == ["<sip:192.0.2.32;lr>", f"<{carrier.contact}>"]
    assert play.flow.host == "192.0.2.31"


def test_retransmitted_requests_are_answered_from_memory() -> None:
    play = Playbook()
    carrier = Party(play)
    invite = carrier.invite()
    play << invite
    play << invite
    play >> response(100)
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.ring(play.now)
    play >> response(180)
    play << invite
    play >> response(180)
    dialog.refuse(486, play.now)
    carrier.hears(486)
    play << invite
    play >> response(486)
    play << carrier.ack_refusal()
    play << invite  # swallowed
    bye = Party(play).request("BYE", to_tag="gone")
    play << bye
    play >> response(481)
    play.over()


def test_bye_by_the_caller_before_the_answer_counts_as_cancel() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    play.next(Invited).dialog.ring(play.now)
    carrier.hears(180)
    play << carrier.bye()
    play >> response(200, "BYE")
    play >> response(487, "INVITE")
    play.next(Cancelled)
    play << carrier.ack_refusal()
    play.over()
