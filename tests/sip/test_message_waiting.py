"""Message-waiting lamps: SUBSCRIBE and NOTIFY for message-summary (RFC 3842, RFC 6665); D12."""

from __future__ import annotations

import pytest

from engine.sip.events import Refused
from engine.sip.flow import Packet
from engine.sip.message import Request
from engine.sip.message_summary import Summary
from tests.kit.playbook import Party, Playbook, credentials_for, response

SUBSCRIBE = "Event: message-summary\r\nAccept: application/simple-message-summary\r\nExpires: {}\r\n"


def phone_of(play: Playbook, user: str = "anna") -> Party:
    phone = Party(play, user=user, domain="acme.test", host="192.0.2.77")
    phone.callee = f"sip:{user}@acme.test"
    return phone


def proven(play: Playbook, phone: Party, headers: str, user: str = "anna", secret: str = "s3cret") -> Packet:
    """A SUBSCRIBE that answers our challenge."""
    play << phone.request("SUBSCRIBE", headers=headers)
    challenge = play.response(401)
    lines = credentials_for(challenge, "SUBSCRIBE", phone.callee, user, secret)
    return phone.request("SUBSCRIBE", headers=headers + lines)


def subscribed(play: Playbook, phone: Party, expires: int = 600) -> Request:
    """A subscription, and its first NOTIFY, answered."""
    play << proven(play, phone, SUBSCRIBE.format(expires))
    ok = play.response(200)
    phone.their_tag = ok.to_tag
    assert ok.get("expires") == str(expires)
    return notified(play, phone)


def notified(play: Playbook, phone: Party, code: int = 200) -> Request:
    notify = play.request("NOTIFY")
    play << phone.answer(notify, code)
    return notify


def test_a_phone_is_told_of_its_mailbox_and_of_its_changes() -> None:
    play = Playbook()
    anna = phone_of(play)
    first = subscribed(play, anna)
    assert first.get("subscription-state") == "active;expires=600"
    assert first.body.startswith(b"Messages-Waiting: no\r\nMessage-Account: sip:anna@acme.test\r\n")
    assert (first.uri, first.to_tag, first.from_tag) == (anna.contact, anna.tag, anna.their_tag)
    assert play.stack.live.subscriptions == 1
    play.wait(100)
    play.stack.summarise("anna", Summary(2, 1), play.now)
    second = notified(play, anna)
    assert second.body.endswith(b"Voice-Message: 2/1 (0/0)\r\n")
    assert second.body.startswith(b"Messages-Waiting: yes")
    assert (second.cseq, second.get("subscription-state")) == (first.cseq + 1, "active;expires=500")
    play.stack.summarise("anna", Summary(2, 1), play.now)  # the same: nobody is told
    play.stack.summarise("bob", Summary(1, 0), play.now)
    play.quiet()


def test_a_subscription_ends_when_its_time_is_over() -> None:
    play = Playbook()
    anna = phone_of(play)
    subscribed(play, anna)
    play.wait(600.1)
    assert notified(play, anna).get("subscription-state") == "terminated;reason=timeout"
    assert play.stack.live.subscriptions == 0
    play.over()


def test_a_phone_refreshes_and_ends_its_subscription() -> None:
    play = Playbook()
    anna = phone_of(play)
    subscribed(play, anna)
    play.wait(500)
    play << anna.request("SUBSCRIBE", headers=SUBSCRIBE.format(600))
    play >> response(200)
    assert notified(play, anna).get("subscription-state") == "active;expires=600"
    play.wait(500)
    play.quiet()
    play << anna.request("SUBSCRIBE", headers=SUBSCRIBE.format(0))
    assert play.response(200).get("expires") == "0"
    assert notified(play, anna).get("subscription-state").startswith("terminated")
    play.over()


def test_a_look_without_a_subscription() -> None:
    play = Playbook()
    anna = phone_of(play)
    play.stack.summarise("anna", Summary(1), play.now)
    assert subscribed(play, anna, 0).body.startswith(b"Messages-Waiting: yes")
    play.over()


@pytest.mark.parametrize("code", [481, 489, None])
def test_a_phone_that_is_gone_is_told_no_more(code: int | None) -> None:
    play = Playbook()
    anna = phone_of(play)
    subscribed(play, anna)
    play.stack.summarise("anna", Summary(1), play.now)
    if code is None:
        play.wait(33)
        play.drop()
    else:
        notified(play, anna, code)
    assert play.stack.live.subscriptions == 0
    play.over()


@pytest.mark.parametrize(
    ("headers", "code", "header", "value"),
    [
        ("Event: presence\r\n", 489, "allow-events", "message-summary"),
        ("", 489, "allow-events", "message-summary"),
    ],
)
def test_other_events_are_489(headers: str, code: int, header: str, value: str) -> None:
    play = Playbook()
    play << phone_of(play).request("SUBSCRIBE", headers=headers)
    assert play.response(code).get(header) == value
    play.next(Refused)
    play.over()


def test_too_brief_is_423_and_too_long_is_cut() -> None:
    play = Playbook()
    anna = phone_of(play)
    play << proven(play, anna, SUBSCRIBE.format(30))
    assert play.response(423).get("min-expires") == "60"
    play.next(Refused)
    play << proven(play, anna, SUBSCRIBE.format(86400))
    assert play.response(200).get("expires") == "3600"


def test_nobody_knows_of_anothers_mailbox() -> None:
    play = Playbook()
    spy = phone_of(play)
    spy.callee = "sip:bob@acme.test"
    play << proven(play, spy, SUBSCRIBE.format(600))
    play >> response(403)
    play.next(Refused)
    assert play.stack.live.subscriptions == 0
    play.over()


def test_a_user_holds_no_more_than_ten() -> None:
    play = Playbook()
    for _ in range(12):
        subscribed(play, phone_of(play))
    assert play.stack.live.subscriptions == 10


def test_requests_that_do_not_belong_to_a_subscription() -> None:
    play = Playbook()
    anna = phone_of(play)
    subscribed(play, anna)
    play << anna.request("INFO")
    play >> response(481)
    stranger = phone_of(play)
    stranger.call_id, stranger.their_tag = anna.call_id, anna.their_tag
    play << stranger.request("SUBSCRIBE", headers=SUBSCRIBE.format(0))
    play >> response(481)
    play << anna.request("SUBSCRIBE", headers=SUBSCRIBE.format(0), seq=1)
    play >> response(500)
    play.next(Refused)
    assert play.stack.live.subscriptions == 1
