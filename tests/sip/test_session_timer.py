"""Session timers, both sides (RFC 4028).

interop 10: 422 with Min-SE, in-dialog too; refresher role per dialog; refresh by UPDATE or re-INVITE; a peer
that forgets to refresh is cleared.
"""

from __future__ import annotations

import pytest

from engine.sip.dialog import Dialog
from engine.sip.events import Answered, Ended, Established, Failed, Invited, Reanswered, Refused, Reoffered
from engine.sip.message import Response
from engine.sip.session_timer import REFRESHER, Asked, Interval, granted, lengthened
from engine.sip.stack import Stack
from tests.kit.playbook import ANSWER, OFFER, Party, Playbook, established_call, request, response, tokens

ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n"


def called(play: Playbook, carrier: Party, headers: str) -> tuple[Dialog, Response]:
    """A caller with those headers, answered; and the 200."""
    play << carrier.invite(headers=headers)
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.accept(ANSWER, play.now)
    ok = carrier.hears(200)
    play << carrier.ack()
    play.next(Established)
    return dialog, ok


def placed(play: Playbook, phone: Party, headers: str) -> Dialog:
    """A call of ours whose 200 has those headers."""
    dialog = play.call(phone)
    play << phone.answer(play.request("INVITE"), 200, OFFER, headers=headers)
    play >> request("ACK")
    play.next(Answered)
    return dialog


@pytest.mark.parametrize(
    ("headers", "expires", "refresher", "required"),
    [
        ("", 1800, "uas", False),
        ("Supported: timer\r\n", 1800, "uac", True),
        ("Supported: timer\r\nSession-Expires: 600\r\n", 600, "uac", True),
        ("Supported: timer\r\nx: 600;refresher=uas\r\n", 600, "uas", True),
        ("Supported: timer\r\nSession-Expires: 600 ; refresher=UAC\r\n", 600, "uac", True),
        ("Supported: timer\r\nSession-Expires: 90\r\nMin-SE: 120\r\n", 120, "uac", True),
        ("Supported: timer\r\nSession-Expires: 7200\r\n", 1800, "uac", True),
        ("Session-Expires: 60\r\n", 90, "uas", False),  # a proxy's; they know nothing of it
    ],
)
def test_interop_10_what_a_call_of_theirs_gets(
    headers: str, expires: int, refresher: str, required: bool
) -> None:
    """interop 10"""
    play = Playbook()
    _, ok = called(play, Party(play), headers)
    assert ok.get("session-expires") == f"{expires};refresher={refresher}"
    assert (ok.get("require") == "timer") is required


@pytest.mark.parametrize("refresher", ["", "uac", "uas"])
@pytest.mark.parametrize("supported", [True, False])
def test_who_refreshes(supported: bool, refresher: str) -> None:
    interval, ours, lines = granted(Asked(600, 0, refresher, supported), Interval())
    assert interval.expires == 600
    assert ours is (REFRESHER[supported, refresher] == "uas")
    assert ours or supported  # who does not know session timers cannot be told to refresh
    assert ("Require" in lines) is supported


def test_a_longer_interval_is_taken_once() -> None:
    assert lengthened(Interval(1800, 90), 3600) == Interval(3600, 3600)
    assert lengthened(Interval(1800, 90), 120) == Interval(1800, 120)
    assert lengthened(Interval(1800, 120), 120) is None


def test_interop_10_an_interval_that_is_too_short_is_422() -> None:
    """interop 10"""
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite(headers="Supported: timer\r\nSession-Expires: 60\r\n")
    assert play.response(422).get("min-se") == "90"
    play << carrier.ack_refusal()
    play.next(Refused)
    play.over()


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_interop_10_422_within_a_call(method: str) -> None:
    """interop 10"""
    play = Playbook()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    play << carrier.request(method, body=OFFER, headers="Supported: timer\r\nSession-Expires: 30\r\n")
    assert play.response(422).get("min-se") == "90"
    play.next(Refused)
    assert (dialog.state, dialog.negotiation) == ("confirmed", "stable")


@pytest.mark.parametrize("value", ["soon", "-1", "99999999999999", ";refresher=uac"])
def test_a_session_expires_that_cannot_be_read_is_400(value: str) -> None:
    play = Playbook()
    play << Party(play).invite(headers=f"Session-Expires: {value}\r\n")
    play >> response(400)


def test_interop_10_our_invite_that_gets_422_is_sent_again_with_min_se() -> None:
    """interop 10"""
    play = Playbook()
    phone = Party(play)
    dialog = play.call(phone)
    first = play.request("INVITE")
    assert first.get("session-expires") == "1800"
    play << phone.answer(first, 422, headers="Min-SE: 3600\r\n")
    play >> request("ACK")
    again = play.request("INVITE")
    assert (again.call_id, again.cseq) == (first.call_id, first.cseq + 1)
    assert (again.get("session-expires"), again.get("min-se"), again.body) == ("3600", "3600", first.body)
    play << phone.answer(again, 422, headers="Min-SE: 3600\r\n")  # nothing more to try
    play >> request("ACK")
    assert play.next(Failed).code == 422
    assert dialog.state == "ended"
    play.over()


def test_interop_10_we_refresh_by_update_where_it_is_allowed() -> None:
    """interop 10"""
    play = Playbook()
    phone = Party(play)
    dialog = placed(play, phone, ALLOW + "Require: timer\r\nSession-Expires: 200;refresher=uac\r\n")
    for _ in range(3):
        play.wait(99.9)
        play.quiet()
        play.wait(0.2)
        update = play.request("UPDATE")
        assert (update.get("session-expires"), update.body) == ("200;refresher=uac", b"")
        play << phone.answer(update, 200, headers="Session-Expires: 200;refresher=uac\r\n")
        play.quiet()
    dialog.hang_up(play.now)
    play << phone.answer(play.request("BYE"), 200)
    play.over()


def test_interop_10_we_refresh_by_reinvite_where_it_is_not() -> None:
    """interop 10"""
    play = Playbook()
    phone = Party(play)
    dialog = placed(play, phone, "Session-Expires: 200;refresher=uac\r\n")
    play.wait(100.1)
    invite = play.request("INVITE")
    assert (invite.body, invite.to_tag) == (ANSWER, phone.tag)  # what was said before: nothing changes
    play << phone.answer(invite, 200, OFFER, headers="Session-Expires: 200;refresher=uac\r\n")
    play >> request("ACK")
    play.quiet()  # no news for the engine
    play.wait(100.1)
    play << phone.answer(play.request("INVITE"), 200, OFFER.replace(b"6000", b"7000"))
    play >> request("ACK")
    assert play.next(Reanswered).sdp == OFFER.replace(b"6000", b"7000")  # they moved meanwhile
    assert dialog.state == "confirmed"


@pytest.mark.parametrize("code", [405, 501])
def test_interop_10_an_update_that_is_not_known_after_all_becomes_a_reinvite(code: int) -> None:
    """interop 10"""
    play = Playbook()
    phone = Party(play)
    placed(play, phone, ALLOW + "Session-Expires: 200;refresher=uac\r\n")
    play.wait(100.1)
    play << phone.answer(play.request("UPDATE"), code)
    play << phone.answer(play.request("INVITE"), 200, OFFER)
    play >> request("ACK")
    play.quiet()


def test_interop_10_a_far_end_that_knows_no_session_timers_is_refreshed_by_us() -> None:
    """interop 10"""
    play = Playbook()
    carrier = Party(play)
    dialog, _ = called(play, carrier, "")
    play.wait(900.1)
    play << carrier.answer(play.request("INVITE"), 200, OFFER)
    play >> request("ACK")
    dialog.hang_up(play.now)
    play << carrier.answer(play.request("BYE"), 200)
    play.over()


def test_interop_10_our_refresh_that_gets_422_is_sent_again() -> None:
    """interop 10"""
    play = Playbook()
    phone = Party(play)
    placed(play, phone, ALLOW + "Session-Expires: 200;refresher=uac\r\n")
    play.wait(100.1)
    play << phone.answer(play.request("UPDATE"), 422, headers="Min-SE: 300\r\n")
    again = play.request("UPDATE")
    assert (again.get("session-expires"), again.get("min-se")) == ("300;refresher=uac", "300")


@pytest.mark.parametrize("code", [408, 481])
def test_interop_10_a_far_end_that_lost_the_call_ends_it(code: int) -> None:
    """interop 10"""
    play = Playbook()
    phone = Party(play)
    placed(play, phone, ALLOW + "Session-Expires: 200;refresher=uac\r\n")
    play.wait(100.1)
    play << phone.answer(play.request("UPDATE"), code)
    play << phone.answer(play.request("BYE"), 481)
    assert play.next(Ended).cause == "refresh refused"
    play.over()


def test_interop_10_a_far_end_that_vanished_is_noticed_by_our_refresh() -> None:
    """interop 10"""
    play = Playbook()
    phone = Party(play)
    placed(play, phone, ALLOW + "Session-Expires: 200;refresher=uac\r\n")
    play.wait(132.2)
    play.drop()
    assert play.next(Ended).cause == "unreachable"
    play.wait(40)
    play.drop()
    play.over()


def test_interop_10_a_refresh_that_is_refused_is_tried_until_the_session_expires() -> None:
    """interop 10"""
    play = Playbook()
    phone = Party(play)
    placed(play, phone, "Session-Expires: 200;refresher=uac\r\n")
    tries = 0
    while not play.events:
        play.wait(0.4)
        play.packets += play.stack.take_packets()
        play.events += play.stack.take_events()
        while play.packets and b"INVITE sip" in play.packets[0].data:
            tries += 1
            play << phone.answer(play.request("INVITE"), 488)
            play >> request("ACK")
    assert tries > 2
    bye = play.request("BYE")
    assert bye.get("reason").startswith("SIP;cause=408")
    assert play.next(Ended).cause == "session expired"
    play << phone.answer(bye, 200)
    play.over()


def test_interop_10_a_far_end_that_forgets_to_refresh_is_cleared() -> None:
    """interop 10"""
    play = Playbook()
    carrier = Party(play)
    called(play, carrier, "Supported: timer\r\nSession-Expires: 300;refresher=uac\r\n")
    play.wait(267.9)  # 300 - min(32, 300 / 3)
    play.quiet()
    play.wait(0.2)
    bye = play.request("BYE")
    assert 'text="Session timer expired"' in bye.get("reason")
    assert play.next(Ended).cause == "session expired"
    play << carrier.answer(bye, 200)
    play.over()


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_interop_10_a_far_end_that_refreshes_keeps_the_call(method: str) -> None:
    """interop 10"""
    play = Playbook()
    carrier = Party(play)
    dialog, _ = called(play, carrier, "Supported: timer\r\nSession-Expires: 300;refresher=uac\r\n")
    for _ in range(3):
        play.wait(150)
        body = OFFER if method == "INVITE" else b""
        headers = "Supported: timer\r\nSession-Expires: 300;refresher=uac\r\n"
        play << carrier.request(method, body=body, headers=headers)
        if method == "INVITE":
            play >> response(100)
            play.next(Reoffered)
            dialog.answer(ANSWER, play.now)
        assert play.response(200).get("session-expires") == "300;refresher=uac"
        if method == "INVITE":
            play << carrier.ack()
    play.wait(268.1)
    play >> request("BYE")
    assert play.next(Ended).cause == "session expired"


def test_interop_10_whoever_refreshes_goes_on_doing_it() -> None:
    """interop 10"""
    play = Playbook()
    phone = Party(play)
    dialog = placed(play, phone, "Require: timer\r\nSession-Expires: 600;refresher=uas\r\n")
    dialog.reoffer(OFFER, play.now)  # in this request we are the UAC, and they refresh still
    invite = play.request("INVITE")
    assert invite.get("session-expires") == "600;refresher=uas"
    play << phone.answer(invite, 200, ANSWER, headers="Session-Expires: 600;refresher=uas\r\n")
    play >> request("ACK")
    play.next(Reanswered)
    play << phone.request("UPDATE", headers="Supported: timer\r\n")  # they say nothing of roles
    assert play.response(200).get("session-expires") == "1800;refresher=uac"


def test_a_refresh_waits_for_a_change_that_is_under_way() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed(play, phone, ALLOW + "Session-Expires: 200;refresher=uac\r\n")
    play.wait(90)
    play << phone.request("UPDATE", body=OFFER)
    play.next(Reoffered)
    play.wait(11)
    play.quiet()
    dialog.answer(ANSWER, play.now)  # which is a refresh, from now on
    play >> response(200)
    play.wait(80)
    play.quiet()


def test_an_interval_of_our_own_choice() -> None:
    play = Playbook()
    play.stack = Stack(
        authority=play.roster,
        local={"udp": ("10.0.0.1", 5060)},
        token=tokens("6"),
        key=b"0123456789abcdef",
        session_timer=(300, 120),
    )
    play.call(Party(play))
    invite = play.request("INVITE")
    assert (invite.get("session-expires"), invite.get("min-se")) == ("300", "120")
