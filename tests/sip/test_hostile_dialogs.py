"""Peers that say anything in any order while a call is set up: the stack never raises, and keeps nothing."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sip.dialog import Dialog
from engine.sip.errors import IllegalTransition
from engine.sip.events import Invited, Offered, Reoffered
from engine.sip.flow import Flow
from engine.sip.message import Request, parse
from engine.sip.stack import Live
from tests.kit.playbook import ANSWER, OFFER, Party, Playbook

ODD = (
    "",
    "Require: 100rel\r\nRSeq: 1\r\n",
    "Require: 100rel\r\nRSeq: 2\r\n",
    "Require: 100rel\r\nRSeq: 4294967295\r\n",
    "RSeq: 3\r\n",
    "Session-Expires: 90;refresher=uas\r\n",
    "Session-Expires: 1;refresher=uac\r\nAllow: UPDATE\r\n",
    "Supported: timer\r\nSession-Expires: 100;refresher=uac\r\n",
    "Session-Expires: x\r\nMin-SE: y\r\n",
    "Min-SE: 4000\r\n",
    "Retry-After: 2\r\n",
    "Retry-After: \r\n",
    "RAck: 1 1 INVITE\r\n",
    "RAck: 99999999999 1 INVITE\r\n",
    "Record-Route: <sip:192.0.2.9>, <sip:192.0.2.8;lr>\r\n",
    'Reason: Q.850;cause=17;text="x\r\n',
)
headers = st.sampled_from(ODD)
bodies = st.sampled_from((b"", OFFER, ANSWER, b"v=0"))
codes = st.sampled_from(
    (100, 180, 183, 183, 199, 200, 200, 302, 305, 380, 401, 408, 422, 481, 486, 491, 500, 603)
)
methods = st.sampled_from(("UPDATE", "PRACK", "INVITE", "ACK", "BYE", "INFO", "NOTIFY", "OPTIONS", "MESSAGE"))
waits = st.sampled_from((0.0, 0.3, 3.0, 40.0, 100.0))
answers = st.tuples(st.just("answer"), codes, st.sampled_from("ab"), headers, bodies, waits)
requests = st.tuples(st.just("ask"), methods, st.sampled_from("ab"), headers, bodies, waits)
wishes = st.tuples(
    st.just("do"),
    st.sampled_from(("ring", "progress", "accept", "reoffer", "answer", "decline", "press", "hang up")),
    st.just(""),
    st.just(""),
    bodies,
    waits,
)


def wish(play: Playbook, dialog: Dialog, word: str) -> None:
    """Something the engine may want, whether it is possible now or not."""
    now = play.now
    with suppress(IllegalTransition):
        match word:
            case "ring":
                dialog.ring(now, ANSWER)
            case "progress" | "accept" | "reoffer" | "answer":
                getattr(dialog, word)(ANSWER, now)
            case "decline":
                dialog.decline(488, now)
            case "press":
                dialog.press("5", 100, now)
            case _:
                dialog.hang_up(now)


def engine(play: Playbook, dialog: Dialog) -> None:
    """An engine that answers every other offer, and wants no other call."""
    for event in play.stack.take_events():
        if isinstance(event, (Offered, Reoffered)) and len(play.packets) % 2:
            wish(play, dialog, "answer")
        elif isinstance(event, Invited) and event.dialog is not dialog:
            event.dialog.hang_up(play.now)


def sent(play: Playbook) -> list[Request]:
    """The requests that the stack has sent, the latest last."""
    play.packets += play.stack.take_packets()
    messages = [parse(packet.data, packet.flow) for packet in play.packets]
    return [message for message in messages if isinstance(message, Request) and message.method != "ACK"]


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(st.one_of(answers, requests, wishes), max_size=14), late=st.booleans())
def test_while_we_call(steps: list[tuple[str, object, str, str, bytes, float]], late: bool) -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.stack.invite(
        phone.contact,
        flow=phone.flow,
        caller="<sip:a@b>",
        offer=None if late else ANSWER,
        now=play.now,
        follow=lambda uri: Flow("udp", "192.0.2.44", 5060),
    )
    first = sent(play)[0]
    for kind, what, tag, more, body, seconds in steps:
        if kind == "answer":
            request = sent(play)[-1]
            assert isinstance(what, int)
            packet = phone.answer(request, what, body, more, tag)
            play.stack.receive(packet.data, packet.flow, play.now)
        elif kind == "ask":
            phone.call_id, phone.their_tag, phone.tag = first.call_id, first.from_tag, tag
            packet = phone.request(str(what), body=body, headers=more)
            play.stack.receive(packet.data, packet.flow, play.now)
        else:
            wish(play, dialog, str(what))
        engine(play, dialog)
        play.wait(seconds)
    finish(play, dialog)


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(st.one_of(requests, wishes, answers), max_size=14),
    offer=st.sampled_from((b"", OFFER)),
    more=st.sampled_from(("", "Require: 100rel\r\n", "Supported: 100rel, timer\r\nAllow: UPDATE\r\n")),
)
def test_while_they_call(
    steps: list[tuple[str, object, str, str, bytes, float]], offer: bytes, more: str
) -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite(offer, headers=more)
    dialog = play.next(Invited).dialog
    carrier.their_tag = dialog.local_tag
    for kind, what, _, headers, body, seconds in steps:
        asked = sent(play)
        if kind == "answer" and asked:
            assert isinstance(what, int)
            packet = carrier.answer(asked[-1], what, body, headers)
            play.stack.receive(packet.data, packet.flow, play.now)
        elif kind == "ask":
            packet = carrier.request(str(what), body=body, headers=headers)
            play.stack.receive(packet.data, packet.flow, play.now)
        elif kind == "do":
            wish(play, dialog, str(what))
        engine(play, dialog)
        play.wait(seconds)
    finish(play, dialog)


def finish(play: Playbook, dialog: Dialog) -> None:
    """Hang up; whatever was said, nothing is left in the end."""
    wish(play, dialog, "hang up")
    for _ in range(4):
        play.wait(200)
        engine(play, dialog)
    assert play.stack.live == Live(0, 0, 0, 0)
