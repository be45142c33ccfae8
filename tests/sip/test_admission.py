"""What is answered without the engine: interop lines 12, 18, 21 and 22."""

from __future__ import annotations

import pytest

from engine.sip.events import AgentCaller, Invited, Refused, Trunk
from engine.sip.flow import Flow, Packet
from tests.kit.playbook import (
    ANSWER,
    OFFER,
    Party,
    Playbook,
    Roster,
    credentials_for,
    request,
    response,
)


@pytest.mark.parametrize(
    ("method", "code"),
    [("MESSAGE", 405), ("SUBSCRIBE", 489), ("FROBNICATE", 501), ("INFO", 481), ("BYE", 481)],
)
def test_interop_18_methods(method: str, code: int) -> None:
    play = Playbook()
    play << Party(play).request(method)
    play >> response(code)
    assert play.next(Refused).code == code
    play.over()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"INVITE sip:+442071230001@10.0.0.1", b"INVITE nobody:knows@this", 416),
        (b"INVITE sip:+442071230001@10.0.0.1", b"INVITE http://x.test/", 416),
        (b"Max-Forwards: 70", b"Max-Forwards: 0", 483),
        (b"Max-Forwards: 70", b"Max-Forwards: +7", 400),
        (b"Max-Forwards: 70", b"Max-Forwards: 300", 400),
        (b"Max-Forwards: 70", b"Require: 100rel, tdialog", 420),
        (b"application/sdp", b"text/plain", 415),
        (b"Max-Forwards: 70", b"Accept: text/plain", 406),
        (b"Max-Forwards: 70", b"Content-Encoding: gzip", 415),
        (b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia", 505),
        (b"CSeq: 1 INVITE", b"CSeq: 1 BYE", 400),
        (b"Content-Length: ", b"Content-Length: -", 400),
        (b"Content-Length: ", b"Content-Length: 9", 400),
        (b"Max-Forwards: 70", b"Call-ID: another", 400),
        (b"From: <sip:", b'From: "open <sip:', 400),
        (b"From: <sip:", b"From: Bell, Alexander <sip:", 400),
        (b"INVITE sip:+442071230001@10.0.0.1", b"INVITE <sip:+442071230001@10.0.0.1>", 400),
        (b"INVITE sip:+442071230001@10.0.0.1", b"INVITE sip:+44207 1230001@10.0.0.1", 400),
    ],
)
def test_interop_18_and_21_each_fault_gets_the_code_that_the_rfc_names(
    old: bytes, new: bytes, code: int
) -> None:
    play = Playbook()
    line = Party(play).invite()
    assert old in line.data
    play << Packet(line.data.replace(old, new, 1), line.flow)
    play >> response(code)
    assert play.next(Refused).code == code
    play << Party(play).request("OPTIONS")  # and it still answers right afterwards
    play >> response(200)
    play.over()


def test_interop_21_a_number_too_large_is_400() -> None:
    play = Playbook()
    line = Party(play).invite()
    play << Packet(line.data.replace(b"CSeq: 1 INVITE", b"CSeq: 2147483648 INVITE"), line.flow)
    assert play.next(Refused).code == 400
    assert play.packets[0].data.startswith(b"SIP/2.0 400 ")
    assert b"CSeq: 2147483648 INVITE\r\n" in play.packets[0].data


def test_interop_18_420_names_what_is_lacking() -> None:
    play = Playbook()
    play << Party(play).invite(headers="Require: replaces, precondition\r\n")
    assert play.response(420).get("unsupported") == "precondition"


def test_interop_18_an_unreadable_ack_is_not_answered() -> None:
    play = Playbook()
    line = Party(play).request("ACK")
    play << Packet(line.data.replace(b"Max-Forwards: 70", b"no colon here"), line.flow)
    play.next(Refused)
    play.quiet()


def test_interop_18_compact_folded_and_oddly_spaced_headers() -> None:
    play = Playbook()
    line = Party(play).invite()
    data = (
        line.data.replace(b"Via:", b"v :")
        .replace(b"From: ", b"f:\r\n\t ")
        .replace(b"To: ", b"TO   : ")
        .replace(b"Call-ID", b"i")
        .replace(b"CSeq: 1 INVITE", b"cseq:   1 \t INVITE  ")
        .replace(b"Contact", b"m")
        .replace(b"Content-Length", b"l")
        .replace(b"Content-Type", b"c")
    )
    play << Packet(data, line.flow)
    play >> response(100)
    assert play.next(Invited).offer == OFFER


def test_interop_18_sdp_inside_multipart() -> None:
    play = Playbook()
    body = (
        b"preamble\r\n--x=y\r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n--x=y\r\n"
        b"Content-Type: application/sdp\r\n\r\n" + OFFER + b"\r\n--x=y--\r\n"
    )
    carrier = Party(play)
    play << carrier.request("INVITE", body=body, kind='multipart/mixed;boundary="x=y"')
    play >> response(100)
    assert play.next(Invited).offer == OFFER


def test_interop_18_merged_request_is_482() -> None:
    play = Playbook()
    carrier = Party(play)
    play << carrier.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    play << carrier.request("INVITE", seq=1, branch="z9hG4bKotherpath", body=OFFER)
    play >> response(482)
    assert play.next(Refused).code == 482
    carrier.branch = "z9hG4bKotherpath"
    play << carrier.ack_refusal()
    dialog.refuse(486, play.now)  # the first path is not touched
    play >> response(486)
    play.drop()


def test_a_request_of_rfc_2543_is_matched_without_a_branch() -> None:
    play = Playbook()
    carrier = Party(play)
    line = carrier.request("INVITE", body=OFFER, branch="1")
    play << line
    play << line
    play >> response(100)
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.refuse(486, play.now)
    carrier.hears(486)
    play << carrier.request("ACK", seq=1, branch="1")
    play.wait(2)
    play.quiet()  # the ACK was matched: no more 486


def test_interop_12_received_and_rport_are_filled_in_and_used() -> None:
    play = Playbook()
    phone = Party(play)
    line = phone.request("OPTIONS")
    play << Packet(line.data, Flow("udp", "203.0.113.9", 41000))
    ok = play >> response(200)
    assert ";rport=41000" in ok.get("via")
    assert ";received=203.0.113.9" in ok.get("via")
    assert (play.flow.host, play.flow.port) == ("203.0.113.9", 41000)


def test_interop_12_without_rport_the_reply_goes_to_the_port_of_the_via() -> None:
    play = Playbook()
    line = Party(play, port=5062).request("OPTIONS")
    play << Packet(line.data.replace(b";rport", b""), Flow("udp", "203.0.113.9", 41000))
    ok = play >> response(200)
    assert ok.get("via").endswith(";received=203.0.113.9")
    assert (play.flow.host, play.flow.port) == ("203.0.113.9", 5062)


def test_interop_12_a_contact_behind_a_nat_is_reached_where_it_came_from() -> None:
    play = Playbook(Roster(trunks={"203.0.113.9": "carrier"}))
    phone = Party(play, host="192.168.1.5")
    phone.flow = Flow("udp", "203.0.113.9", 41000)
    play << phone.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.accept(ANSWER, play.now)
    phone.hears(200)
    play << phone.ack()
    play.events.clear()
    dialog.hang_up(play.now)
    bye = play.request("BYE")
    assert bye.uri == "sip:+447700900001@192.168.1.5:5060"
    assert (play.flow.host, play.flow.port) == ("203.0.113.9", 41000)


def test_interop_12_ipv6() -> None:
    play = Playbook(
        Roster(trunks={"2001:db8::9": "carrier"}),
        local={"udp": ("2001:db8::1", 5060), "tcp": ("2001:db8::1", 5060)},
    )
    carrier = Party(play, host="2001:db8::9")
    carrier.callee = "sip:+442071230001@[2001:db8::1]"
    play << carrier.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.accept(ANSWER, play.now)
    ok = carrier.hears(200)
    assert ok.get("contact") == "<sip:[2001:db8::1]:5060>"
    play << carrier.ack()
    dialog.hang_up(play.now)
    bye = play.request("BYE")
    assert bye.uri == "sip:+447700900001@[2001:db8::9]:5060"
    assert play.flow.host == "2001:db8::9"


@pytest.mark.parametrize("user", ["anna", "nobody", "", "1 or 1=1", "ann\u00e4"])
def test_interop_22_no_enumeration_by_different_answers(user: str) -> None:
    play = Playbook()
    answers = []
    for name in ("bob", user):
        party = Party(play, user="anna", domain="acme.test", host="198.51.100.9")
        play << party.invite()
        first = play.response(401)
        line = credentials_for(first, "INVITE", party.callee, name, "guess")
        play << party.invite(headers=line)
        second = play.response(401)
        answers.append(
            [sorted(second.headers), [v.split("nonce")[0] for v in second.lines("www-authenticate")]]
        )
        assert "stale" not in second.get("www-authenticate")
    assert answers[0] == answers[1]


def test_interop_22_an_unauthenticated_invite_is_challenged_whatever_it_dials() -> None:
    play = Playbook()
    scanner = Party(play, host="198.51.100.66", user="100", domain="10.0.0.1")
    scanner.callee = "sip:900442071230001@10.0.0.1"
    play << scanner.invite()
    challenge = play.response(401)
    algorithms = [
        line.partition("algorithm=")[2].split(",")[0] for line in challenge.lines("www-authenticate")
    ]
    assert algorithms == ["SHA-256", "MD5"]
    play.over()


def test_a_from_in_our_domain_is_challenged_even_from_a_trunk() -> None:
    play = Playbook()
    spoofer = Party(play, user="anna", domain="acme.test", host="192.0.2.10")
    play << spoofer.invite()
    challenge = play.response(401)
    play << spoofer.ack_refusal()
    line = credentials_for(challenge, "INVITE", spoofer.callee, "anna", "s3cret")
    play << spoofer.invite(headers=line)
    play >> response(100)
    assert play.next(Invited).caller == AgentCaller("anna")


def test_a_from_in_our_domain_is_challenged_in_other_letters_too() -> None:
    play = Playbook()
    play << Party(play, user="anna", domain="ACME.Test").invite()
    play >> response(401)


def test_an_agent_may_not_call_as_another() -> None:
    play = Playbook()
    party = Party(play, user="bob", domain="acme.test", host="198.51.100.9")
    play << party.invite()
    line = credentials_for(play.response(401), "INVITE", party.callee, "anna", "s3cret")
    play << party.invite(headers=line)
    play >> response(403)
    assert play.next(Refused).code == 403


def test_a_trunk_that_calls_from_a_tel_uri() -> None:
    play = Playbook()
    line = Party(play).invite()
    play << Packet(line.data.replace(b"<sip:+447700900001@carrier.test>", b"<tel:+447700900001>"), line.flow)
    play >> response(100)
    invited = play.next(Invited)
    assert invited.caller == Trunk("carrier")
    assert invited.dialog.caller.user == "+447700900001"


def test_options_is_answered_by_anybody_and_keeps_nothing() -> None:
    play = Playbook()
    play << Party(play, host="198.51.100.3").request("OPTIONS")
    ok = play >> response(200)
    assert "INVITE" in ok.get("allow")
    assert ok.get("accept") == "application/sdp"
    assert ok.to_tag
    assert play.stack.live.servers == 0


def test_interop_24_garbage_leaves_nothing_behind() -> None:
    play = Playbook()
    flow = Flow("udp", "198.51.100.4", 5060)
    good = Party(play, host="198.51.100.4").invite().data
    for cut in range(0, len(good), 3):
        play.stack.receive(good[:cut] + b"\xff\x00\r" + good[cut + 1 :], flow, play.now)
        play.stack.receive(good[cut:], flow, play.now)
        play.stack.receive(good[:cut], flow, play.now)
    play.drop()
    play.events.clear()
    play.over()


def test_a_stray_response_is_dropped() -> None:
    play = Playbook()
    phone = Party(play)
    play.call(phone)
    invite = play.request("INVITE")
    answer = phone.answer(invite, 200, OFFER)
    play.stack.receive(
        answer.data.replace(invite.via.branch.encode(), b"z9hG4bKstranger"), answer.flow, play.now
    )
    play.quiet()
    play << phone.answer(invite, 486)
    play >> request("ACK")
