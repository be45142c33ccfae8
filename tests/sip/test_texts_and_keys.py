"""MESSAGE (RFC 3428) and keys in INFO, both ways: A7, A8."""

from __future__ import annotations

import pytest

from engine.sip.dtmf_info import Key, read_key, relay_body
from engine.sip.errors import RemoteFault
from engine.sip.events import AgentCaller, Informed, Messaged, Refused, Responded, Trunk
from engine.sip.stack import Stack
from tests.kit.playbook import (
    Party,
    Playbook,
    credentials_for,
    established_call,
    placed_call,
    response,
    tokens,
)


def reading() -> Playbook:
    """A stack whose engine takes plain text."""
    play = Playbook()
    play.stack = Stack(
        authority=play.roster,
        local={"udp": ("10.0.0.1", 5060), "tcp": ("10.0.0.1", 5060)},
        token=tokens("7"),
        key=b"0123456789abcdef",
        texts=("text/plain",),
    )
    return play


def test_a_message_is_taken_with_202() -> None:
    play = reading()
    carrier = Party(play)
    message = carrier.request("MESSAGE", body=b"hello", kind="Text/Plain;charset=utf-8")
    play << message
    play >> response(202)
    told = play.next(Messaged)
    assert (told.caller, told.content_type, told.body) == (Trunk("carrier"), "text/plain", b"hello")
    play << message  # repeated: told once
    play >> response(202)
    play.over()


def test_a_message_within_a_call() -> None:
    play = reading()
    carrier = Party(play)
    dialog = established_call(play, carrier)
    play << carrier.request("MESSAGE", body=b"hello", kind="text/plain")
    play >> response(202)
    assert play.next(Messaged).dialog is dialog


def test_an_agents_message_is_challenged() -> None:
    play = reading()
    anna = Party(play, user="anna", domain="acme.test", host="192.0.2.77")
    play << anna.request("MESSAGE", body=b"hello", kind="text/plain")
    headers = credentials_for(play.response(401), "MESSAGE", anna.callee, "anna", "s3cret")
    play << anna.request("MESSAGE", body=b"hello", kind="text/plain", headers=headers)
    play >> response(202)
    assert play.next(Messaged).caller == AgentCaller("anna")


@pytest.mark.parametrize("inside", [True, False])
def test_a_message_of_another_type_is_415_and_where_none_is_taken_405(inside: bool) -> None:
    for play, code, header, value in (
        (reading(), 415, "accept", "text/plain"),
        (Playbook(), 405, "allow", "UPDATE"),
    ):
        carrier = Party(play)
        if inside:
            established_call(play, carrier)
        play << carrier.request("MESSAGE", body=b"<x/>", kind="application/xml")
        assert value in play.response(code).get(header)
        play.next(Refused)


def test_a_message_of_ours() -> None:
    play = Playbook()
    phone = Party(play)
    play.stack.request(
        "MESSAGE",
        phone.contact,
        flow=phone.flow,
        caller="<sip:acd@acme.test>",
        to=f"<{phone.contact}>",
        body=b"hello",
        content_type="text/plain",
        now=play.now,
    )
    sent = play.request("MESSAGE")
    assert (sent.body, sent.content_type) == (b"hello", "text/plain")
    play << phone.answer(sent, 202)
    told = play.next(Responded).response
    assert told is not None
    assert told.code == 202
    play.over()


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", Key("5", 160)),
        ("application/dtmf-relay", b"signal= *\nduration = 250", Key("*", 250)),
        ("application/dtmf-relay", b"Signal=11\r\nDuration=20", Key("#", 40)),
        ("application/dtmf-relay", b"Signal=a\r\nDuration=99999", Key("A", 160)),
        ("application/dtmf", b"7\r\n", Key("7", 160)),
        ("application/dtmf", b"10", Key("*", 160)),
        ("application/dtmf", b"Signal=3", Key("3", 160)),
    ],
)
def test_keys_in_info(kind: str, body: bytes, key: Key) -> None:
    play = Playbook()
    carrier = Party(play)
    established_call(play, carrier)
    play << carrier.request("INFO", body=body, kind=kind)
    play >> response(200)
    assert play.next(Informed).key == key


@pytest.mark.parametrize("body", [b"", b"Signal=", b"Signal=17", b"Signal=55", b"Duration=1", b"\xff"])
def test_an_info_whose_key_cannot_be_read_is_400(body: bytes) -> None:
    with pytest.raises(RemoteFault, match="0-9"):
        read_key("application/dtmf-relay", body)


def test_info_of_other_kinds() -> None:
    play = Playbook()
    carrier = Party(play)
    established_call(play, carrier)
    play << carrier.request("INFO")
    play >> response(200)
    assert play.next(Informed).key is None
    play << carrier.request("INFO", body=b"<x/>", kind="application/media_control+xml")
    play >> response(200)
    play.next(Informed)
    play << carrier.request("INFO", body=b"<x/>", kind="application/xml")
    assert "application/dtmf-relay" in play.response(415).get("accept")
    play.next(Refused)
    play << carrier.request("INFO", body=b"x", kind="text/x", headers="Info-Package: x\r\n")
    play >> response(469)
    play.next(Refused)


def test_we_press_a_key() -> None:
    play = Playbook()
    phone = Party(play)
    dialog = placed_call(play, phone)
    dialog.press("#", 200, play.now)
    info = play.request("INFO")
    assert read_key(info.content_type, info.body) == Key("#", 200)
    assert relay_body("#", 200) == info.body
    play << phone.answer(info, 200)
    dialog.hang_up(play.now)
    play << phone.answer(play.request("BYE"), 200)
    play.over()
