"""TCP: framing, connections, and requests that are too long for a datagram (interop line 13)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sip.errors import BadMessage
from engine.sip.events import Answered, Established, Failed, Invited
from engine.sip.flow import Flow
from engine.sip.framer import PING, Framer
from tests.kit.playbook import ANSWER, OFFER, Party, Playbook, request, response

PLAY = Playbook()
MESSAGES = [
    Party(PLAY, transport="tcp").invite().data,
    Party(PLAY, transport="tcp").request("OPTIONS").data,
    Party(PLAY, transport="tcp")
    .request("INFO", body=b"\r\n\r\nSIP/2.0 200 OK\r\n\r\n", kind="text/plain")
    .data,
]
LONG = ANSWER + b"a=x-padding:" + b"." * 1300 + b"\r\n"


@given(
    cuts=st.lists(st.integers(0, 4000), max_size=30), pings=st.lists(st.booleans(), min_size=3, max_size=3)
)
def test_interop_13_a_stream_may_be_cut_anywhere(cuts: list[int], pings: list[bool]) -> None:
    expected: list[bytes] = []
    for message, ping in zip(MESSAGES, pings, strict=True):
        expected += [PING, message] if ping else [message]
    stream = b"".join(expected)
    framer, got = Framer(), list[bytes]()
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    for begin, end in pairwise(edges):
        got += framer.feed(stream[begin:end])
    assert got == expected


def test_interop_13_byte_by_byte() -> None:
    framer = Framer()
    stream = b"\r\n" + b"".join(MESSAGES)
    assert [part for byte in stream for part in framer.feed(bytes([byte]))] == MESSAGES


def feed_in_pieces(stream: bytes) -> None:
    framer = Framer()
    for at in range(0, len(stream), 1000):
        framer.feed(stream[at : at + 1000])


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (b"INVITE" + b" " * 20000, 400),
        (b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"x: " * 9000 + b"\r\n\r\n", 400),
    ],
)
def test_a_stream_that_cannot_be_followed(stream: bytes, code: int) -> None:
    with pytest.raises(BadMessage) as caught:
        feed_in_pieces(stream)
    assert caught.value.code == code


def test_compact_and_folded_content_length() -> None:
    message = b"OPTIONS sip:a SIP/2.0\r\nl :\r\n  3\r\n\r\nabc"
    assert Framer().feed(message + message) == [message, message]


def test_interop_13_a_ping_is_answered_on_streams() -> None:
    play = Playbook()
    play.stack.receive(PING, Flow("tcp", "192.0.2.10", 40000, 3), play.now)
    assert [packet.data for packet in play.stack.take_packets()] == [b"\r\n"]
    play.stack.receive(PING, Flow("udp", "192.0.2.10", 40000), play.now)
    play.stack.receive(b"\0\0\0\0", Flow("udp", "192.0.2.10", 40000), play.now)
    play.quiet()


def test_a_call_over_tcp_stays_on_its_connection() -> None:
    play = Playbook()
    carrier = Party(play, transport="tcp", port=40000, connection=5)
    play << carrier.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.accept(ANSWER, play.now)
    ok = carrier.hears(200)
    assert ok.get("contact") == "<sip:10.0.0.1:5060;transport=tcp>"
    play << carrier.ack()
    play.next(Established)
    dialog.hang_up(play.now)
    bye = play.request("BYE")
    assert play.flow == carrier.flow
    assert bye.get("via").startswith("SIP/2.0/TCP")
    play << carrier.answer(bye, 200)
    play.over()


def test_a_2xx_is_repeated_over_tcp_too_but_a_refusal_is_not() -> None:
    play = Playbook()
    carrier = Party(play, transport="tcp", port=40000, connection=5)
    play << carrier.invite()
    play >> response(100)
    play.next(Invited).dialog.accept(ANSWER, play.now)
    carrier.hears(200)
    play.wait(0.6)
    play >> response(200)
    other = Party(play, transport="tcp", port=40001, connection=6)
    play << other.invite()
    play >> response(100)
    play.next(Invited).dialog.refuse(486, play.now)
    play >> response(486)
    play.wait(0.3)
    play.quiet()


def test_requests_over_tcp_are_not_repeated() -> None:
    play = Playbook()
    phone = Party(play, transport="tcp", port=40000, connection=5)
    play.call(phone)
    play >> request("INVITE")
    play.wait(31)
    play.quiet()
    play.wait(2)
    assert play.next(Failed).code == 408
    play.over()


def test_when_the_connection_is_gone_the_peer_is_called_at_its_own_address() -> None:
    play = Playbook()
    carrier = Party(play, transport="tcp", port=40000, connection=5)
    play << carrier.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.accept(ANSWER, play.now)
    carrier.hears(200)
    play << carrier.ack()
    play.next(Established)
    play.stack.unreachable(carrier.flow, play.now)
    dialog.hang_up(play.now)
    play >> request("BYE")
    assert play.flow == Flow("tcp", "192.0.2.10", 40000)


def test_interop_13_a_long_request_goes_by_tcp_and_its_cancel_and_ack_follow() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = play.stack.invite(
        phone.contact, flow=phone.flow, caller="<sip:acd@10.0.0.1>", offer=LONG, now=play.now
    )
    invite = play.request("INVITE")
    by_tcp = Flow("tcp", "192.0.2.10", 5060)
    assert play.flow == by_tcp
    assert invite.get("via").startswith("SIP/2.0/TCP")
    play << phone.answer(invite, 180)
    play.events.clear()
    play.stack.take_events()
    dialog.cancel(play.now)
    cancel = play.request("CANCEL")
    assert play.flow == by_tcp
    assert cancel.get("via") == invite.get("via")
    play << phone.answer(cancel, 200)
    play << phone.answer(invite, 487)
    play >> request("ACK")
    assert play.flow == by_tcp
    play.next(Failed)
    play.over()


def test_interop_13_without_tcp_there_a_long_request_falls_back_to_udp() -> None:
    play = Playbook()
    phone = Party(play)
    play.stack.invite(phone.contact, flow=phone.flow, caller="<sip:acd@10.0.0.1>", offer=LONG, now=play.now)
    play >> request("INVITE")
    play.stack.unreachable(play.flow, play.now)
    invite = play.request("INVITE")
    assert play.flow == phone.flow
    assert invite.get("via").startswith("SIP/2.0/UDP")
    play << phone.answer(invite, 200, OFFER)
    play >> request("ACK")
    play.next(Answered)


def test_a_stack_without_tcp_sends_long_requests_by_udp() -> None:
    play = Playbook(local={"udp": ("10.0.0.1", 5060)})
    phone = Party(play)
    play.stack.invite(phone.contact, flow=phone.flow, caller="<sip:acd@10.0.0.1>", offer=LONG, now=play.now)
    play >> request("INVITE")
    assert play.flow == phone.flow


def test_a_response_finds_its_way_when_the_connection_is_gone() -> None:
    play = Playbook()
    carrier = Party(play, transport="tcp", port=5070, connection=5)
    carrier.flow = Flow("tcp", "192.0.2.10", 40000, 5)
    play << carrier.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    play.stack.unreachable(carrier.flow, play.now)
    dialog.refuse(486, play.now)
    play >> response(486)
    assert play.flow == Flow("tcp", "192.0.2.10", 5070)
