"""Requests that come twice, and a BYE that comes early."""

from __future__ import annotations

from engine.sip.events import Cancelled, Invited
from tests.kit.playbook import Party, Playbook, response


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
