"""REFER and Replaces: interop line 11, and the attended transfer that never drops the customer."""

from __future__ import annotations

import pytest

from engine.sip.errors import RemoteFault
from engine.sip.events import Ended, Established, Failed, Invited, Notified, Referred, Refused
from engine.sip.message import Request
from engine.sip.refer import Replaces, fragment_code, parse_refer_to, parse_replaces, refer_to
from tests.kit.playbook import ANSWER, Party, Playbook, established_call, placed_call, request, response


def accept_notify(play: Playbook, party: Party) -> Request:
    notify = play.request("NOTIFY")
    play << party.answer(notify, 200)
    return notify


def test_attended_transfer_by_refer_with_replaces() -> None:
    """A phone has two calls with us, the customer's and the consult, and joins them."""
    play = Playbook()
    phone = Party(play, user="bob", host="192.0.2.77")
    customer_leg = placed_call(play, phone)
    consulted = Party(play)
    consult_leg = placed_call(play, consulted)
    named = Replaces(consult_leg.call_id, to_tag=consult_leg.local_tag, from_tag=consult_leg.remote_tag)
    line = f"Refer-To: {refer_to('sip:carol@10.0.0.1', named)}\r\nReferred-By: <sip:bob@acme.test>\r\n"
    play << phone.request("REFER", headers=line)
    play >> response(202)
    first = accept_notify(play, phone)
    assert first.body.startswith(b"SIP/2.0 100")
    assert first.get("subscription-state").startswith("active")
    referred = play.next(Referred)
    assert referred.dialog is customer_leg
    assert referred.replaces is consult_leg
    assert referred.refer_to == "sip:carol@10.0.0.1"
    customer_leg.notify("SIP/2.0 200 OK", play.now, final=True)
    last = accept_notify(play, phone)
    assert last.body == b"SIP/2.0 200 OK\r\n"
    assert last.get("subscription-state").startswith("terminated")
    assert customer_leg.state == "confirmed"  # a terminated subscription keeps the call
    play << phone.bye()
    play >> response(200, "BYE")
    assert play.next(Ended).dialog is customer_leg
    consult_leg.hang_up(play.now)
    play << consulted.answer(play.request("BYE"), 200)
    play.over()


def test_attended_transfer_by_invite_with_replaces() -> None:
    """The new leg is confirmed before the old one gets its BYE: the customer is never without a party."""
    play = Playbook()
    old_phone = Party(play, user="bob", host="192.0.2.10")
    old = placed_call(play, old_phone)
    new_phone = Party(play)
    named = Replaces(old.call_id, to_tag=old.local_tag, from_tag=old.remote_tag)
    play << new_phone.invite(headers=f"Replaces: {named}\r\nRequire: replaces\r\n")
    play >> response(100)
    invited = play.next(Invited)
    assert invited.replaces is old
    invited.dialog.accept(ANSWER, play.now)
    new_phone.hears(200)
    assert old.state == "confirmed"
    play << new_phone.ack()
    assert play.next(Established).dialog is invited.dialog
    play.quiet()  # still no BYE to the old one: that is the engine's to say
    old.hang_up(play.now)
    bye = play.request("BYE")
    assert bye.call_id == old.call_id
    play << old_phone.answer(bye, 200)
    assert invited.dialog.state == "confirmed"
    invited.dialog.hang_up(play.now)
    play << new_phone.answer(play.request("BYE"), 200)
    play.over()


def test_replaces_of_a_call_that_is_ringing_takes_it_over() -> None:
    play = Playbook()
    ringing_phone = Party(play)
    ringing = play.call(ringing_phone)
    play << ringing_phone.answer(play.request("INVITE"), 180)
    play.events.clear()
    play.stack.take_events()
    picker = Party(play)
    named = Replaces(ringing.call_id, ringing.local_tag, ringing.remote_tag, early_only=True)
    play << picker.invite(headers=f"Replaces: {named}\r\n")
    play >> response(100)
    assert play.next(Invited).replaces is ringing


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"call_id": "other"}, 481),
        ({"from_tag": "other"}, 481),
        ({"to_tag": "x"}, 481),
        ({"early_only": True}, 486),
    ],
)
def test_replaces_that_does_not_fit(change: dict[str, str | bool], code: int) -> None:
    from dataclasses import replace

    play = Playbook()
    old = placed_call(play, Party(play))
    named = replace(Replaces(old.call_id, old.local_tag, old.remote_tag), **change)  # type: ignore[arg-type]
    play << Party(play).invite(headers=f"Replaces: {named}\r\n")
    play >> response(code)
    assert play.next(Refused).code == code


def test_interop_11_refer_refused_and_the_call_goes_on() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.refer("<sip:carol@acme.test>", play.now)
    refer = play.request("REFER")
    assert refer.get("refer-to") == "<sip:carol@acme.test>"
    play << phone.answer(refer, 603)
    notified = play.next(Notified)
    assert (fragment_code(notified.fragment), notified.final) == (603, True)
    assert dialog.state == "confirmed"


def test_interop_11_notify_tells_how_the_transfer_gets_on() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.refer("<sip:carol@acme.test>", play.now)
    play << phone.answer(play.request("REFER"), 202)
    line = "Event: refer\r\nSubscription-State: {}\r\n"
    kind = "message/sipfrag;version=2.0"
    active, ended = line.format("active;expires=60"), line.format("terminated;reason=noresource")
    play << phone.request("NOTIFY", body=b"SIP/2.0 180 Ringing\r\n", kind=kind, headers=active)
    play >> response(200)
    assert play.next(Notified) == Notified(dialog, "SIP/2.0 180 Ringing", False)
    play << phone.request("NOTIFY", body=b"SIP/2.0 200 OK\r\n", kind=kind, headers=ended)
    play >> response(200)
    assert play.next(Notified) == Notified(dialog, "SIP/2.0 200 OK", True)
    assert dialog.state == "confirmed"


def test_interop_11_202_and_then_no_notify_leaves_the_call_as_it_is() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.refer("<sip:carol@acme.test>", play.now)
    play << phone.answer(play.request("REFER"), 202)
    play.wait(600)
    play.quiet()
    assert dialog.state == "confirmed"


def test_interop_11_the_transferor_hangs_up_right_after_the_202() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    play << phone.request("REFER", headers="Refer-To: <sip:carol@acme.test>\r\n")
    play >> response(202)
    play >> request("NOTIFY")
    referred = play.next(Referred)
    play << phone.bye()
    play >> response(200)
    play.next(Ended)
    referred.dialog.notify("SIP/2.0 200 OK", play.now, final=True)  # nobody listens any more
    play.quiet()
    assert dialog.state == "ended"


def test_notify_of_anything_else_is_489() -> None:
    play = Playbook()
    phone = Party(play)
    placed_call(play, phone)
    play << phone.request("NOTIFY", headers="Event: presence\r\nSubscription-State: active\r\n")
    play >> response(489)


@pytest.mark.parametrize(
    "line", ["", "Refer-To: <sip:a@b.test>, <sip:c@d.test>\r\n", "Refer-To: <nonsense>\r\n"]
)
def test_a_refer_that_cannot_be_read_is_400(line: str) -> None:
    play = Playbook()
    phone = Party(play)
    placed_call(play, phone)
    play << phone.request("REFER", headers=line)
    play >> response(400)


def test_refer_outside_a_call_is_403() -> None:
    play = Playbook()
    play << Party(play).request("REFER", headers="Refer-To: <sip:a@b.test>\r\n")
    play >> response(403)


def test_a_second_refer_is_told_apart_by_its_id() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    for _ in range(2):
        play << phone.request("REFER", headers="Refer-To: <sip:carol@acme.test>\r\n")
        play >> response(202)
        notify = accept_notify(play, phone)
    assert notify.get("event") == f"refer;id={phone.seq}"
    assert dialog.state == "confirmed"


def test_refer_to_survives_the_way_there_and_back() -> None:
    named = Replaces("12@host", "a+b", "c%d", early_only=True)
    target = parse_refer_to(refer_to("sip:carol@acme.test;user=phone", named))
    assert target.uri == "sip:carol@acme.test;user=phone"
    assert target.replaces == named
    assert parse_replaces(str(named)) == named


def test_replaces_without_its_tags_is_400() -> None:
    with pytest.raises(RemoteFault, match="to-tag"):
        parse_replaces("12@host;from-tag=x")


def test_interop_19_a_redirect_lists_its_contacts_by_preference() -> None:
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    moved = (
        "Contact: <sip:b@192.0.2.2>;q=0.3, <sip:c@192.0.2.3>;q=0.9\r\nContact: <sip:d@192.0.2.4>;q=0.5\r\n"
    )
    answer = phone.answer(play.request("INVITE"), 302, headers=moved)
    own = f"Contact: <{phone.contact}>\r\n".encode()
    play.stack.receive(answer.data.replace(own, b"", 1), answer.flow, play.now)
    play >> request("ACK")
    failed = play.next(Failed)
    assert failed.code == 302
    assert failed.contacts == ("sip:c@192.0.2.3", "sip:d@192.0.2.4", "sip:b@192.0.2.2")
    play.over()


def test_interop_19_a_503_carries_its_retry_after() -> None:
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    play << phone.answer(play.request("INVITE"), 503, headers="Retry-After: 120\r\n")
    play >> request("ACK")
    failed = play.next(Failed)
    assert failed.response is not None
    assert (failed.code, failed.response.get("retry-after")) == (503, "120")
    play.over()


def test_a_call_that_is_not_answered_cannot_be_referred() -> None:
    play = Playbook()
    carrier = Party(play)
    established = established_call(play, carrier)
    assert established.state == "confirmed"
    ringing = Party(play)
    play << ringing.invite()
    play >> response(100)
    play.next(Invited).dialog.ring(play.now)
    ringing.hears(180)
    play << ringing.request("REFER", headers="Refer-To: <sip:a@b.test>\r\n")
    play >> response(403)
