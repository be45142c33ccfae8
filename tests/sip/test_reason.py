"""Why calls end: Reason and Q.850, read and sent (RFC 3326, RFC 6432).

interop 2: the losers of a fork are told that the call was completed elsewhere.
"""

from __future__ import annotations

import pytest

from engine.facts import Cause
from engine.sip.events import Answered, Cancelled, Ended, Failed, Invited, Ringing
from engine.sip.reason import ELSEWHERE, cause_of
from tests.kit.playbook import OFFER, Party, Playbook, established_call, request, response


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ('Q.850;cause=17;text="User busy"', Cause("Q.850", 17, "User busy")),
        ("q.850 ; cause=16", Cause("Q.850", 16)),
        ('SIP;cause=600;text="Busy, everywhere", Q.850;cause=17', Cause("Q.850", 17)),
        ("SIP;cause=200", Cause("SIP", 200)),
        ("Q.850;cause=many", None),
        ("Q.850", None),
        ("", None),
    ],
)
def test_the_reason_of_a_bye(value: str, cause: Cause | None) -> None:
    play = Playbook()
    carrier = Party(play)
    established_call(play, carrier)
    play << carrier.request("BYE", headers=f"Reason: {value}\r\n")
    play >> response(200)
    assert cause_of(play.next(Ended).request) == cause


def test_a_text_is_cut_and_made_printable() -> None:
    play = Playbook()
    carrier = Party(play)
    established_call(play, carrier)
    play << carrier.request("BYE", headers=f'Reason: SIP;cause=1;text="a\x07{"b" * 100}"\r\n')
    cause = cause_of(play.next(Ended).request)
    assert cause is not None
    assert (cause.text[:2], len(cause.text)) == ("a?", 80)


def test_the_reason_of_a_refusal_and_of_a_cancel() -> None:
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    play << phone.answer(play.request("INVITE"), 480, headers="Reason: Q.850;cause=19\r\n")
    play >> request("ACK")
    assert cause_of(play.next(Failed).response) == Cause("Q.850", 19)
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    play.next(Invited)
    cancel = carrier.request(
        "CANCEL", seq=1, branch=carrier.branch, to_tag="", headers="Reason: SIP;cause=200\r\n"
    )
    play << cancel
    cancelled = play.next(Cancelled)
    assert (cancelled.cause, cause_of(cancelled.request)) == ("CANCEL", Cause("SIP", 200))
    assert cause_of(None) is None


def test_our_cancel_says_why() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    invite = play.request("INVITE")
    dialog.hang_up(play.now, [ELSEWHERE])
    play << phone.answer(invite, 180)
    cancel = play.request("CANCEL")
    assert cancel.get("reason") == 'SIP;cause=200;text="Call completed elsewhere"'


def test_interop_02_the_bye_of_a_losing_fork_says_that_it_was_completed_elsewhere() -> None:
    """interop 2"""
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    invite = play.request("INVITE")
    play << phone.answer(invite, 180, tag="a")
    play.next(Ringing)
    play << phone.answer(invite, 200, OFFER, tag="a")
    play >> request("ACK")
    play.next(Answered)
    play << phone.answer(invite, 200, OFFER, tag="b")
    play >> request("ACK")
    assert "cause=200" in play.request("BYE").get("reason")
