"""Offer/answer row by row: A5, interop lines 15 and 17."""

from __future__ import annotations

import pytest

from engine.sip.errors import BadSdp, NotAcceptable
from engine.sip.offer import LocalMedia, answer, held, make_offer, resumed, settle
from engine.sip.sdp import parse_sdp

LOCAL = LocalMedia("10.0.0.1", 20000)


def offered(*lines: str, connection: str = "IN IP4 192.0.2.10", top: str = "") -> bytes:
    """A description with these lines from the first m= on."""
    head = f"v=0\r\no=- 7 1 IN IP4 192.0.2.10\r\ns=-\r\nc={connection}\r\nt=0 0\r\n{top}"
    return (head + "\r\n".join(lines) + "\r\n").encode()


AUDIO = "m=audio 6000 RTP/AVP 8 0 101"
EVENTS = "a=rtpmap:101 telephone-event/8000"


@pytest.mark.parametrize(
    ("theirs", "ours", "answered", "sends", "hears"),
    [
        ("sendrecv", "sendrecv", "sendrecv", True, True),
        ("sendonly", "sendrecv", "recvonly", False, True),
        ("recvonly", "sendrecv", "sendonly", True, False),
        ("inactive", "sendrecv", "inactive", False, False),
        ("sendrecv", "sendonly", "sendonly", True, False),
        ("sendonly", "sendonly", "inactive", False, False),
        ("recvonly", "sendonly", "sendonly", True, False),
        ("inactive", "sendonly", "inactive", False, False),
        ("sendrecv", "recvonly", "recvonly", False, True),
        ("sendonly", "recvonly", "recvonly", False, True),
        ("recvonly", "recvonly", "inactive", False, False),
        ("sendrecv", "inactive", "inactive", False, False),
        ("sendonly", "inactive", "inactive", False, False),
        ("recvonly", "inactive", "inactive", False, False),
    ],
)
def test_interop_17_directions(theirs: str, ours: str, answered: str, sends: bool, hears: bool) -> None:
    made = answer(offered(AUDIO, f"a={theirs}"), LocalMedia("10.0.0.1", 20000, direction=ours))
    assert (made.agreed.sends, made.agreed.hears, made.agreed.held) == (sends, hears, not sends)
    assert parse_sdp(made.sdp).media[0].direction == answered


@pytest.mark.parametrize("connection", ["IN IP4 0.0.0.0", "IN IP6 ::"])
def test_interop_17_the_old_hold_by_a_null_address(connection: str) -> None:
    made = answer(offered(AUDIO, connection=connection), LOCAL)
    assert (made.agreed.sends, made.agreed.hears) == (False, True)
    assert parse_sdp(made.sdp).media[0].direction == "recvonly"


def test_interop_17_hold_and_resume_count_the_version() -> None:
    on_hold = held(LOCAL)
    assert b"a=sendonly\r\n" in make_offer(on_hold)
    assert b"o=- 1 2 IN IP4" in make_offer(on_hold)
    back = make_offer(resumed(on_hold))
    assert b"a=sendrecv\r\n" in back
    assert b"o=- 1 3 IN IP4" in back


def test_a_direction_above_the_media_holds_for_it_too() -> None:
    made = answer(offered(AUDIO, top="a=sendonly\r\n"), LOCAL)
    assert made.agreed.held
    made = answer(offered(AUDIO, "a=sendrecv", top="a=sendonly\r\n"), LOCAL)
    assert not made.agreed.held


@pytest.mark.parametrize(
    ("formats", "prefer_ours", "codec", "payload"),
    [
        ("8 0", False, "PCMA", 8),
        ("0 8", False, "PCMU", 0),
        ("8 0", True, "PCMU", 0),
        ("18 8", False, "PCMA", 8),
    ],
)
def test_codec_order(formats: str, prefer_ours: bool, codec: str, payload: int) -> None:
    local = LocalMedia("10.0.0.1", 20000, prefer_ours=prefer_ours)
    made = answer(offered(f"m=audio 6000 RTP/AVP {formats}"), local)
    assert (made.agreed.codec, made.agreed.payload) == (codec, payload)
    assert parse_sdp(made.sdp).media[0].formats[0] == str(payload)


def test_a_codec_under_a_dynamic_payload_type() -> None:
    made = answer(offered("m=audio 6000 RTP/AVP 96", "a=rtpmap:96 pcma/8000/1"), LOCAL)
    assert (made.agreed.codec, made.agreed.payload) == ("PCMA", 96)
    assert b"a=rtpmap:96 PCMA/8000\r\n" in made.sdp


def test_a_static_payload_type_that_is_mapped_to_something_else_is_not_ours() -> None:
    with pytest.raises(NotAcceptable):
        answer(offered("m=audio 6000 RTP/AVP 0", "a=rtpmap:0 G729/8000"), LOCAL)


@pytest.mark.parametrize(
    ("lines", "events"),
    [
        ((AUDIO, EVENTS), 101),
        (("m=audio 6000 RTP/AVP 8 96", "a=rtpmap:96 TELEPHONE-EVENT/8000"), 96),
        (("m=audio 6000 RTP/AVP 8",), None),
        (("m=audio 6000 RTP/AVP 8", EVENTS), None),  # mapped but not listed
        (("m=audio 6000 RTP/AVP 8 97", "a=rtpmap:97 telephone-event/48000"), None),
    ],
)
def test_interop_15_telephone_event_by_whatever_payload_type(
    lines: tuple[str, ...], events: int | None
) -> None:
    made = answer(offered(*lines), LOCAL)
    assert made.agreed.events == events
    assert (f"a=rtpmap:{events} telephone-event/8000".encode() in made.sdp) is (events is not None)


@pytest.mark.parametrize(
    ("line", "ptime"),
    [
        *(("ptime:10", 10), ("ptime:30", 30), ("ptime:40", 40), ("ptime:60", 60), ("ptime:25", 20)),
        *(("ptime:200", 60), ("ptime:0", 20), ("ptime:x", 20), ("maxptime:10", 10), ("ptime:20.0", 20)),
        *(("ptime:-5", 20), ("x:1", 20)),
    ],
)
def test_interop_15_ptime(line: str, ptime: int) -> None:
    made = answer(offered(AUDIO, f"a={line}"), LOCAL)
    assert made.agreed.ptime == ptime
    assert f"a=ptime:{ptime}\r\n".encode() in made.sdp


def test_every_other_stream_is_refused_with_port_0_in_its_place() -> None:
    made = answer(
        offered("m=video 6002 RTP/AVP 96", AUDIO, "m=audio 6004 RTP/AVP 8", "m=application 9 TCP/BFCP *"),
        LOCAL,
    )
    media = parse_sdp(made.sdp).media
    assert [(part.kind, part.port) for part in media] == [
        ("video", 0),
        ("audio", 20000),
        ("audio", 0),
        ("application", 0),
    ]
    assert made.agreed.port == 6000


@pytest.mark.parametrize(
    "lines",
    [
        ("m=audio 6000 RTP/AVP 18",),
        ("m=audio 6000 RTP/SAVP 8",),
        ("m=audio 0 RTP/AVP 8",),
        ("m=video 6000 RTP/AVP 8",),
        ("m=audio 6000 RTP/AVP 300",),
    ],
)
def test_nothing_that_we_can_take_is_488(lines: tuple[str, ...]) -> None:
    with pytest.raises(NotAcceptable) as caught:
        answer(offered(*lines), LOCAL)
    assert caught.value.code == 488


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"v=1\r\n",
        b"v=0\r\n",
        b"hello",
        offered("m=audio 6000"),
        offered("m=audio 65536 RTP/AVP 0"),
        offered("m=audio -1 RTP/AVP 0"),
        offered(AUDIO, connection="IN IP5 x"),
        offered(AUDIO, "nonsense"),
        b"v=0\r\n" + b"a=x\r\n" * 600,
    ],
)
def test_what_cannot_be_read_is_400(body: bytes) -> None:
    with pytest.raises(BadSdp) as caught:
        answer(body, LOCAL)
    assert caught.value.code == 400


def test_bare_line_feeds_are_read() -> None:
    assert answer(offered(AUDIO, EVENTS).replace(b"\r\n", b"\n"), LOCAL).agreed.events == 101


def test_ipv6() -> None:
    made = answer(offered(AUDIO, connection="IN IP6 2001:db8::9"), LocalMedia("2001:db8::1", 20000))
    assert made.agreed.host == "2001:db8::9"
    assert b"c=IN IP6 2001:db8::1\r\n" in made.sdp


def test_a_connection_of_the_media_wins() -> None:
    made = answer(offered(AUDIO, "c=IN IP4 192.0.2.99/127"), LOCAL)
    assert made.agreed.host == "192.0.2.99"


@pytest.mark.parametrize(
    ("theirs", "ours", "agreed"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_rtcp_mux_takes_two(theirs: bool, ours: bool, agreed: bool) -> None:
    lines = (AUDIO, "a=rtcp-mux") if theirs else (AUDIO,)
    made = answer(offered(*lines), LocalMedia("10.0.0.1", 20000, rtcp_mux=ours))
    assert made.agreed.rtcp_mux is agreed
    assert (b"a=rtcp-mux" in made.sdp) is agreed


def test_our_offer_and_their_answer() -> None:
    ours = make_offer(LOCAL)
    assert parse_sdp(ours).media[0].formats == ("0", "8", "101")
    theirs = answer(ours, LocalMedia("192.0.2.10", 6000, codecs=("PCMA",)))
    agreed = settle(LOCAL, theirs.sdp)
    assert (agreed.codec, agreed.payload, agreed.events, agreed.ptime) == ("PCMA", 8, 101, 20)
    assert (agreed.host, agreed.port, agreed.sends, agreed.hears) == ("192.0.2.10", 6000, True, True)
    assert theirs.agreed.codec == "PCMA"


@pytest.mark.parametrize(
    "lines", [("m=audio 0 RTP/AVP 0",), ("m=audio 6000 RTP/AVP 18",), ("m=video 1 RTP/AVP 0",)]
)
def test_an_answer_that_takes_nothing(lines: tuple[str, ...]) -> None:
    with pytest.raises(NotAcceptable):
        settle(LOCAL, offered(*lines))


def test_each_side_of_a_hold_sees_the_same() -> None:
    us = held(LOCAL)
    theirs = answer(make_offer(us), LocalMedia("192.0.2.10", 6000))
    assert theirs.agreed.held
    agreed = settle(us, theirs.sdp)
    assert (agreed.sends, agreed.hears) == (True, False)
    assert (theirs.agreed.sends, theirs.agreed.hears) == (False, True)
