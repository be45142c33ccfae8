"""Calls that a 3xx sends elsewhere (RFC 3261 section 8.1.3.4).

interop 19: 3xx with several Contacts by q; 305; 380.
interop 9: credentials are never sent to another next hop.
"""

from __future__ import annotations

from engine.sip.auth import Credentials
from engine.sip.dialog import Dialog
from engine.sip.events import Answered, Failed, Ringing
from engine.sip.flow import Flow
from engine.sip.hop import next_hop
from tests.kit.playbook import ANSWER, OFFER, Party, Playbook, request

SEVERAL = (
    "Contact: <sip:slow@192.0.2.31>;q=0.2, <sip:quick@192.0.2.32:5070?Subject=x>;q=0.9\r\n"
    "Contact: <mailto:a@b>, <sip:evil@203.0.113.9>\r\n"
)


def follow(uri: str) -> Flow | None:
    """Anywhere in our own network."""
    hop = next_hop(uri, Flow("udp", "192.0.2.10", 5060))
    return hop if hop.host.startswith("192.0.2.") and uri.startswith("sip:") else None


def followed(play: Playbook, phone: Party) -> Dialog:
    """A call that may be redirected."""
    return play.stack.invite(
        phone.contact,
        flow=phone.flow,
        caller="<sip:acd@10.0.0.1>",
        offer=ANSWER,
        now=play.now,
        credentials=Credentials("acd", "pw"),
        follow=follow,
    )


def test_interop_19_contacts_are_tried_by_q() -> None:
    """interop 19, interop 9"""
    play = Playbook()
    phone = Party(play)
    dialog = followed(play, phone)
    first = play.request("INVITE")
    play << phone.answer(first, 401, headers='WWW-Authenticate: Digest realm="a", nonce="n", qop="auth"\r\n')
    play >> request("ACK")
    again = play.request("INVITE")
    assert "authorization" in again.headers
    play << phone.answer(again, 302, headers=SEVERAL)
    play >> request("ACK")
    quick = play.request("INVITE")
    assert (quick.uri, play.flow.host, play.flow.port) == ("sip:quick@192.0.2.32:5070", "192.0.2.32", 5070)
    assert (quick.call_id, quick.from_tag, quick.cseq) == (first.call_id, first.from_tag, again.cseq + 1)
    assert (quick.to_tag, quick.body, "authorization" in quick.headers) == ("", ANSWER, False)
    play << phone.answer(quick, 180, tag="quick")
    play.next(Ringing)
    play << phone.answer(quick, 486, tag="quick")
    play >> request("ACK")
    slow = play.request("INVITE")
    assert slow.uri == "sip:slow@192.0.2.31"
    play << phone.answer(slow, 200, OFFER, tag="slow")
    assert play.request("ACK").to_tag == "slow"
    assert play.next(Answered).dialog is dialog
    dialog.hang_up(play.now)
    play << phone.answer(play.request("BYE"), 200)
    play.over()


def test_interop_19_the_last_refusal_is_told_and_6xx_stops() -> None:
    """interop 19"""
    for code, more in ((404, True), (603, False)):
        play = Playbook()
        phone = Party(play)
        followed(play, phone)
        play << phone.answer(play.request("INVITE"), 300, headers=SEVERAL)
        play >> request("ACK")
        play << phone.answer(play.request("INVITE"), code)
        play >> request("ACK")
        if more:
            play << phone.answer(play.request("INVITE"), 480)
            play >> request("ACK")
        assert play.next(Failed).code == (480 if more else 603)
        play.over()


def test_interop_19_a_redirect_in_a_circle_ends() -> None:
    """interop 19"""
    play = Playbook()
    phone = Party(play)
    followed(play, phone)
    play << phone.answer(play.request("INVITE"), 302, headers=f"Contact: <{phone.contact}>\r\n")
    play >> request("ACK")
    failed = play.next(Failed)
    assert (failed.code, set(failed.contacts)) == (302, {phone.contact})
    play.over()


def test_interop_19_a_target_that_cannot_be_reached_gives_way_to_the_next() -> None:
    """interop 19"""
    play = Playbook()
    phone = Party(play)
    followed(play, phone)
    play << phone.answer(play.request("INVITE"), 302, headers=SEVERAL)
    play >> request("ACK")
    play >> request("INVITE")
    play.stack.unreachable(play.flow, play.now)
    assert play.request("INVITE").uri == "sip:slow@192.0.2.31"


def test_interop_19_305_names_the_proxy_to_use() -> None:
    """interop 19"""
    play = Playbook()
    phone = Party(play)
    followed(play, phone)
    play << phone.answer(play.request("INVITE"), 305, headers="Contact: <sip:192.0.2.40:5080>\r\n")
    play >> request("ACK")
    invite = play.request("INVITE")
    assert (invite.uri, invite.get("route")) == (phone.contact, "<sip:192.0.2.40:5080;lr>")
    assert (play.flow.host, play.flow.port) == ("192.0.2.40", 5080)


def test_interop_19_380_is_a_refusal() -> None:
    """interop 19"""
    play = Playbook()
    phone = Party(play)
    followed(play, phone)
    play << phone.answer(play.request("INVITE"), 380, headers=SEVERAL)
    play >> request("ACK")
    assert play.next(Failed).code == 380
    play.over()


def test_interop_19_who_does_not_follow_is_told_where_to() -> None:
    """interop 19"""
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    play << phone.answer(play.request("INVITE"), 302, headers=SEVERAL)
    play >> request("ACK")
    contacts = play.next(Failed).contacts
    assert contacts.index("sip:quick@192.0.2.32:5070?Subject=x") < contacts.index("sip:slow@192.0.2.31")
    play.over()
