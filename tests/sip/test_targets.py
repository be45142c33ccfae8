"""Several targets for one request (RFC 3263 section 4.3): who is tried next, when, and what becomes of late answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.sip.dialog import Dialog
from engine.sip.errors import BadUri
from engine.sip.events import Answered, Failed, Responded, Ringing, TargetFailed
from engine.sip.flow import Flow
from engine.sip.hop import next_hop
from engine.sip.message import Request, Response, parse
from engine.sip.targets import first_hop, retry_after
from engine.sip.transaction import PATIENCE
from tests.kit.playbook import ANSWER, OFFER, Party, Playbook, request

ONE, TWO, THREE = (Flow("udp", f"192.0.2.1{number}", 5060) for number in (1, 2, 3))
NAME = Flow("", "carrier.test", 0)


def calls(play: Playbook, flow: Flow = ONE, others: Sequence[Flow] = (TWO, THREE)) -> Dialog:
    return play.stack.invite(
        "sip:+4420@carrier.test",
        flow=flow,
        others=others,
        caller="<sip:a@acme.test>",
        offer=ANSWER,
        now=play.now,
    )


def party(play: Playbook, at: Flow) -> Party:
    return Party(play, host=at.host, port=at.port, transport=at.transport)


def test_silence_moves_the_call_on_within_two_seconds() -> None:
    play = Playbook()
    calls(play)
    first = play.request("INVITE")
    assert play.flow == ONE
    play.wait(PATIENCE + 0.1)
    assert PATIENCE < 2
    play.next(TargetFailed)
    [*repeats, last] = play.packets
    assert {packet.flow for packet in repeats} == {ONE}
    assert last.flow == TWO
    play.packets = [last]
    second = play.request("INVITE")
    assert second.via.branch != first.via.branch
    assert (second.call_id, second.cseq, second.body) == (first.call_id, first.cseq, first.body)
    play << party(play, TWO).answer(second, 200, OFFER)
    play >> request("ACK")
    play.next(Answered)


@pytest.mark.parametrize("how", ["unreachable", "503"])
def test_who_says_so_is_passed_over_at_once(how: str) -> None:
    play = Playbook()
    calls(play)
    invite = play.request("INVITE")
    if how == "503":
        play << party(play, ONE).answer(invite, 100)
        play << party(play, ONE).answer(invite, 503, headers="Retry-After: 60 (later)\r\n")
        play >> request("ACK")
    else:
        play.stack.unreachable(ONE, play.now)
    failed = play.next(TargetFailed)
    assert (failed.flow, failed.rest) == (ONE, 60.0 if how == "503" else None)
    play >> request("INVITE")
    assert play.flow == TWO


def test_a_target_that_answers_provisionally_has_all_the_time_there_is() -> None:
    play = Playbook()
    calls(play)
    invite = play.request("INVITE")
    play << party(play, ONE).answer(invite, 180)
    play.next(Ringing)
    play.wait(60)
    play.quiet()


def test_when_all_fail_the_call_fails() -> None:
    play = Playbook()
    calls(play, others=(TWO,))
    play >> request("INVITE")
    play.stack.unreachable(ONE, play.now)
    play.next(TargetFailed)
    play >> request("INVITE")
    play.stack.unreachable(TWO, play.now)
    assert play.next(Failed).code == 503
    play.over()


def test_another_refusal_is_the_answer() -> None:
    play = Playbook()
    calls(play)
    play << party(play, ONE).answer(play.request("INVITE"), 486)
    play >> request("ACK")
    assert play.next(Failed).code == 486


def moved_on(play: Playbook) -> tuple[Request, Request]:
    """A call that went to the second target, whose first may still answer; the INVITEs of both."""
    calls(play, others=(TWO,))
    first = play.request("INVITE")
    play.wait(PATIENCE + 0.1)
    play.next(TargetFailed)
    play.packets = play.packets[-1:]
    return first, play.request("INVITE")


def test_who_rings_late_is_cancelled() -> None:
    play = Playbook()
    first, second = moved_on(play)
    one, two = party(play, ONE), party(play, TWO)
    play << one.answer(first, 180) << one.answer(first, 180)
    cancel = play.request("CANCEL")
    assert play.flow == ONE
    play << one.answer(cancel, 200) << one.answer(first, 487)
    play >> request("ACK")
    assert play.flow == ONE
    play << two.answer(second, 180)
    play.next(Ringing)


def test_who_answers_late_is_thanked_and_cleared() -> None:
    play = Playbook()
    first, second = moved_on(play)
    two = party(play, TWO)
    play << two.answer(second, 200, OFFER)
    play >> request("ACK")
    play.next(Answered)
    late = Party(play, host=ONE.host)
    play << late.answer(first, 200, OFFER)
    play >> request("ACK")
    assert play.flow == ONE
    play << late.answer(play.request("BYE"), 200)
    assert play.flow == ONE
    play.quiet()


def test_a_call_that_was_given_up_goes_nowhere_else() -> None:
    play = Playbook()
    dialog = calls(play)
    play >> request("INVITE")
    dialog.cancel(play.now)
    play.wait(PATIENCE + 0.1)
    assert play.next(Failed).code == 487
    play.drop()
    play.over()


def test_a_challenge_is_answered_where_it_came_from() -> None:
    play = Playbook()
    sent = play.stack.request(
        "OPTIONS", "sip:carrier.test", flow=ONE, others=(TWO,), caller="<sip:a@acme.test>", to="<sip:carrier.test>",
        now=play.now,
    )  # fmt: skip
    play >> request("OPTIONS")
    play.stack.unreachable(ONE, play.now)
    play.next(TargetFailed)
    again = play.request("OPTIONS")
    assert play.flow == TWO
    play << party(play, TWO).answer(again, 200)
    outcome = play.next(Responded)
    assert (outcome.request, outcome.response is not None) == (sent, True)
    play.over()


# -- names


def test_a_request_to_a_name_waits_for_its_address_and_speaks_as_dns_says() -> None:
    play = Playbook()
    calls(play, flow=NAME, others=())
    play.quiet()
    assert play.stack.take_unlocated() == [NAME]
    play.wait(1)
    play.stack.located(NAME, [Flow("tcp", "192.0.2.11", 5060), TWO], play.now)
    invite = play.request("INVITE")
    assert play.flow == Flow("tcp", "192.0.2.11", 5060)
    assert invite.get("via").startswith("SIP/2.0/TCP 10.0.0.1")
    play.stack.unreachable(play.flow, play.now)
    play.next(TargetFailed)
    again = play.request("INVITE")
    assert play.flow == TWO
    assert again.get("via").startswith("SIP/2.0/UDP 10.0.0.1")


def test_a_name_that_leads_nowhere_fails_the_request() -> None:
    play = Playbook()
    play.stack.request(
        "OPTIONS",
        "sip:carrier.test",
        flow=NAME,
        caller="<sip:a@acme.test>",
        to="<sip:carrier.test>",
        now=play.now,
    )
    assert play.stack.take_unlocated() == [NAME]
    play.stack.unreachable(NAME, play.now)
    assert play.next(Responded).response is None
    play.over()


def test_the_cancel_of_a_located_call_goes_where_its_invite_went() -> None:
    play = Playbook()
    dialog = calls(play, flow=NAME, others=())
    play.stack.located(play.stack.take_unlocated()[0], [TWO], play.now)
    invite = play.request("INVITE")
    play << party(play, TWO).answer(invite, 180)
    play.next(Ringing)
    dialog.cancel(play.now)
    assert play.request("CANCEL").via == invite.via
    assert play.flow == TWO
    play.stack.take_unlocated()


def test_an_unlocated_call_that_nobody_locates_ends() -> None:
    play = Playbook()
    calls(play, flow=NAME, others=())
    play.stack.take_unlocated()
    play.wait(33)
    assert play.next(Failed).code == 408
    play.over()


@pytest.mark.parametrize(
    ("uri", "flow"),
    [
        ("sip:192.0.2.1", Flow("udp", "192.0.2.1", 5060)),
        ("sip:a@[2001:db8::1]:5070;transport=tcp", Flow("tcp", "2001:db8::1", 5070)),
        ("sip:192.0.2.1;transport=TLS", Flow("tls", "192.0.2.1", 5061)),
        ("sips:192.0.2.1", Flow("tls", "192.0.2.1", 5061)),
        ("sips:carrier.test;transport=tcp", Flow("tls", "carrier.test", 0)),
        ("sip:carrier.test", NAME),
        ("sip:carrier.test:5080", Flow("", "carrier.test", 5080)),
        ("sip:carrier.test;transport=udp", Flow("udp", "carrier.test", 0)),
    ],
)
def test_where_a_first_request_goes(uri: str, flow: Flow) -> None:
    assert first_hop(uri) == flow


def test_no_uri_no_hop() -> None:
    with pytest.raises(BadUri):
        first_hop("mailto:a@b")


BROWSER = Flow("wss", "198.51.100.7", 50123, 9)
PHONE = Flow("tls", "198.51.100.7", 50123, 9)


@pytest.mark.parametrize(
    ("contact", "home", "flow"),
    [
        ("sip:x@df7jal23ls0d.invalid;transport=ws", BROWSER, BROWSER),
        ("sip:x@198.51.100.99;transport=ws", BROWSER, BROWSER),
        ("sip:x@198.51.100.99:5061;transport=tls;ob", PHONE, PHONE),
        ("sip:x@198.51.100.7:5061;transport=tls", PHONE, PHONE),
        ("sips:x@198.51.100.7", PHONE, PHONE),
        ("sips:x@198.51.100.8", PHONE, Flow("tls", "198.51.100.8", 5061)),
        ("sips:x@198.51.100.8", ONE, Flow("tls", "198.51.100.8", 5061)),
        ("sip:x@gw.carrier.test", ONE, Flow("udp", "gw.carrier.test", 0)),
        ("sip:x@gw.carrier.test:5070;transport=tcp", ONE, Flow("tcp", "gw.carrier.test", 5070)),
    ],
)
def test_where_requests_within_a_call_go(contact: str, home: Flow, flow: Flow) -> None:
    assert next_hop(contact, home) == flow


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5.0), ("18 (lunch)", 18.0), ("7;duration=9", 7.0), ("99999", 300.0), ("soon", None)],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    head = "SIP/2.0 503 No\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
    message = parse(f"{head}Call-ID: 1\r\nCSeq: 1 INVITE\r\nRetry-After: {value}\r\n\r\n".encode(), ONE)
    assert isinstance(message, Response)
    assert retry_after(message) == seconds


def test_never_less_than_tls() -> None:
    """A stack that does not speak TLS sends nothing in its stead: the driver says that it cannot be reached."""
    play = Playbook()
    calls(play, flow=first_hop("sips:192.0.2.1"), others=())
    play >> request("INVITE")
    assert play.flow.transport == "tls"
    play.stack.unreachable(play.flow, play.now)
    assert play.next(Failed).code == 503
