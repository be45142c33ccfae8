"""STUN keep-alives on the SIP port: read strictly, answered with the address they came from."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.sip import stun
from engine.sip.errors import BadMessage
from engine.sip.events import Refused
from engine.sip.flow import Flow
from tests.kit.playbook import Playbook

TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
BARE = bytes.fromhex("000100002112a442") + TRANSACTION
RFC_5769_REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
)
MAPPED_V4 = "002000080001a147e112a643"
MAPPED_V6 = "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"


def test_the_address_is_hidden_as_the_rfc_shows() -> None:
    """RFC 5769 sections 2.2 and 2.3: 192.0.2.1 and 2001:db8:1234:5678:11:2233:4455:6677, port 32853."""
    request = stun.parse_binding(BARE)
    assert request is not None
    four = stun.answer(request, "192.0.2.1", 32853)
    assert four.hex() == "0101000c2112a442" + TRANSACTION.hex() + MAPPED_V4
    six = stun.answer(request, "2001:db8:1234:5678:11:2233:4455:6677", 32853)
    assert six.hex() == "010100182112a442" + TRANSACTION.hex() + MAPPED_V6


def test_what_must_be_understood_and_is_not_is_named() -> None:
    """RFC 5769 section 2.1 carries PRIORITY (0x0024), which is for ICE alone, and a FINGERPRINT."""
    request = stun.parse_binding(RFC_5769_REQUEST)
    assert request == stun.Binding(TRANSACTION, (0x0024,), fingerprint=True)
    refusal = stun.answer(request, "192.0.2.1", 32853)
    assert refusal[:2] == b"\x01\x11"
    assert b"\x00\x0a\x00\x02\x00\x24\x00\x00" in refusal
    assert refusal[-8:-4] == b"\x80\x28\x00\x04"
    assert int.from_bytes(refusal[2:4], "big") == len(refusal) - 20


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (BARE[:19], "no STUN message"),
        (BARE + b"\0", "are announced"),
        (BARE[:2] + b"\0\x04" + BARE[4:] + b"\x80\x22\0\x05", "does not fit"),
        (RFC_5769_REQUEST[:-1] + b"\0", "fingerprint"),
        (BARE[:2] + b"\x02\x60" + BARE[4:] + bytes(608), "no STUN message"),
    ],
)
def test_faulty_ones_are_declared(data: bytes, says: str) -> None:
    with pytest.raises(BadMessage, match=says):
        stun.parse_binding(data)


@given(st.binary(max_size=600))
@example(BARE)
def test_any_bytes_behind_a_header(rest: bytes) -> None:
    for data in (BARE[:2] + len(rest).to_bytes(2, "big") + BARE[4:] + rest, rest):
        try:
            request = stun.parse_binding(data)
        except BadMessage:
            continue
        if request is not None:
            reply = stun.answer(request, "192.0.2.1", 5060)
            assert reply[8:20] == data[8:20]
            assert len(reply) == 20 + int.from_bytes(reply[2:4], "big")


@given(st.integers(0, len(RFC_5769_REQUEST) - 1), st.integers(0, 255))
def test_one_byte_changed(at: int, value: int) -> None:
    changed = bytearray(RFC_5769_REQUEST)
    changed[at] = value
    with suppress(BadMessage):
        request = stun.parse_binding(bytes(changed))
        assert request is None or changed == RFC_5769_REQUEST or not request.fingerprint


def test_a_keep_alive_is_answered_by_udp_and_nothing_else_is() -> None:
    play = Playbook()
    source = Flow("udp", "192.0.2.10", 40000)
    play.stack.receive(BARE, source, play.now)
    [packet] = play.stack.take_packets()
    assert packet.flow == source
    assert packet.data[:2] == b"\x01\x01"
    play.stack.receive(b"\x01\x01" + BARE[2:], source, play.now)  # a response of somebody's
    play.stack.receive(b"\x00\x11" + BARE[2:], source, play.now)  # an indication
    play.quiet()
    play.stack.receive(BARE + b"\0", source, play.now)
    assert "STUN" in play.next(Refused).why
    play.stack.receive(BARE, Flow("tcp", "192.0.2.10", 40000, 1), play.now)
    play.next(Refused)
    play.quiet()
