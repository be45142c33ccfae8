"""Answering challenges: interop line 9 as client."""

from __future__ import annotations

import pytest

from engine.sip.auth import Credentials, digest_params, digest_response
from engine.sip.dialog import Dialog
from engine.sip.events import Answered, Failed, Responded
from engine.sip.message import Request
from tests.kit.playbook import ANSWER, OFFER, Party, Playbook, request

CARRIER = Credentials("acme", "pw")


def call(play: Playbook, phone: Party, credentials: Credentials | None = CARRIER) -> Dialog:
    return play.stack.invite(
        phone.contact,
        flow=phone.flow,
        caller="<sip:acd@10.0.0.1>",
        offer=ANSWER,
        now=play.now,
        credentials=credentials,
    )


def challenge(nonce: str = "n1", realm: str = "carrier", proxy: bool = False, **more: str) -> str:
    name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
    extra = "".join(f", {key}={value}" for key, value in more.items())
    return f'{name}: Digest realm="{realm}", nonce="{nonce}", qop="auth,auth-int"{extra}\r\n'


def assert_right(sent: Request, header: str = "authorization", secret: str = "pw") -> dict[str, str]:
    given = digest_params(sent.get(header))
    assert given["response"] == digest_response(given, secret, sent.method, sent.body)
    assert given["uri"] == sent.uri
    return given


def test_interop_09_401_and_407_in_one_transaction() -> None:
    play = Playbook()
    phone = Party(play)
    call(play, phone)
    first = play.request("INVITE")
    play << phone.answer(first, 407, headers=challenge(proxy=True))
    play >> request("ACK")
    second = play.request("INVITE")
    assert (second.cseq, second.call_id, second.from_tag) == (2, first.call_id, first.from_tag)
    assert_right(second, "proxy-authorization")
    play << phone.answer(second, 401, headers=challenge())
    play >> request("ACK")
    third = play.request("INVITE")
    assert_right(third, "proxy-authorization")
    assert_right(third)
    play << phone.answer(third, 200, OFFER)
    ack = play.request("ACK")
    assert ack.cseq == 3
    assert ack.get("authorization") == third.get("authorization")
    play.next(Answered)


def test_interop_09_stale_is_tried_once_more_and_no_oftener() -> None:
    play = Playbook()
    phone = Party(play)
    call(play, phone)
    for nonce, stale in (("n1", "false"), ("n2", "true"), ("n3", "true")):
        invite = play.request("INVITE")
        play << phone.answer(invite, 401, headers=challenge(nonce, stale=stale))
        play >> request("ACK")
    assert play.next(Failed).code == 401
    play.over()


def test_interop_09_a_new_nonce_without_stale_means_a_wrong_password() -> None:
    play = Playbook()
    phone = Party(play)
    call(play, phone)
    for nonce in ("n1", "n2"):
        play << phone.answer(play.request("INVITE"), 401, headers=challenge(nonce))
        play >> request("ACK")
    assert play.next(Failed).code == 401
    play.over()


def test_interop_09_of_two_algorithms_the_stronger_is_taken() -> None:
    play = Playbook()
    phone = Party(play)
    call(play, phone)
    both = challenge("weak", algorithm="MD5") + challenge("strong", algorithm="SHA-256")
    play << phone.answer(play.request("INVITE"), 401, headers=both)
    play >> request("ACK")
    given = assert_right(play.request("INVITE"))
    assert (given["nonce"], given["algorithm"]) == ("strong", "SHA-256")


def test_two_challenges_on_one_line() -> None:
    play = Playbook()
    phone = Party(play)
    call(play, phone)
    line = (
        'WWW-Authenticate: Basic realm="x", Digest realm="carrier", nonce="a,b", algorithm=MD5, '
        'Digest realm="carrier", nonce="c", algorithm=SHA-256, opaque="o\\"q"\r\n'
    )
    play << phone.answer(play.request("INVITE"), 401, headers=line)
    play >> request("ACK")
    given = assert_right(play.request("INVITE"))
    assert (given["nonce"], given["opaque"], "qop" in given) == ("c", 'o"q', False)


def test_interop_09_auth_int_covers_the_body() -> None:
    play = Playbook()
    phone = Party(play)
    call(play, phone)
    line = 'WWW-Authenticate: Digest realm="carrier", nonce="n", qop="auth-int"\r\n'
    play << phone.answer(play.request("INVITE"), 401, headers=line)
    play >> request("ACK")
    again = play.request("INVITE")
    assert assert_right(again)["qop"] == "auth-int"
    given = digest_params(again.get("authorization"))
    assert given["response"] != digest_response(given, "pw", "INVITE", b"other body")


@pytest.mark.parametrize(
    ("credentials", "line"),
    [
        (Credentials("acme", "pw", realm="carrier"), challenge(realm="elsewhere")),
        (None, challenge()),
        (CARRIER, 'WWW-Authenticate: Digest realm="carrier", nonce="n", algorithm=SHA-512-256\r\n'),
        (CARRIER, 'WWW-Authenticate: Digest realm="carrier", nonce="n", qop="future"\r\n'),
        (CARRIER, 'WWW-Authenticate: Basic realm="carrier"\r\n'),
        (CARRIER, "WWW-Authenticate: Digest ===\r\n"),
        (CARRIER, ""),
    ],
)
def test_interop_09_credentials_stay_here_when_the_challenge_is_not_for_them(
    credentials: Credentials | None, line: str
) -> None:
    play = Playbook()
    phone = Party(play)
    call(play, phone, credentials)
    play << phone.answer(play.request("INVITE"), 401, headers=line)
    play >> request("ACK")
    assert play.next(Failed).code == 401
    play.over()


def test_interop_09_after_the_first_challenge_the_realm_is_fixed() -> None:
    play = Playbook()
    phone = Party(play)
    call(play, phone)
    play << phone.answer(play.request("INVITE"), 407, headers=challenge(proxy=True))
    play >> request("ACK")
    play << phone.answer(play.request("INVITE"), 401, headers=challenge(realm="elsewhere"))
    play >> request("ACK")
    assert play.next(Failed).code == 401


def test_we_register_to_a_carrier() -> None:
    play = Playbook()
    carrier = Party(play)
    sent = play.stack.request(
        "REGISTER",
        "sip:192.0.2.10",
        flow=carrier.flow,
        caller="<sip:acme@192.0.2.10>",
        to="<sip:acme@192.0.2.10>",
        now=play.now,
        headers=[("Contact", "<sip:acme@10.0.0.1:5060>"), ("Expires", "300")],
        credentials=CARRIER,
        call_id="steady",
        cseq=8,
    )
    first = play.request("REGISTER")
    assert (first.call_id, first.cseq) == ("steady", 8)
    play << carrier.answer(first, 401, headers=challenge())
    second = play.request("REGISTER")
    assert second.cseq == 9
    assert second.from_tag == first.from_tag
    assert_right(second)
    play << carrier.answer(second, 200)
    responded = play.next(Responded)
    assert responded.request is sent
    assert responded.response is not None
    assert responded.response.code == 200
    play.over()


def test_options_to_a_dead_trunk_is_told_as_silence() -> None:
    play = Playbook()
    carrier = Party(play)
    sent = play.stack.request(
        "OPTIONS",
        "sip:192.0.2.10",
        flow=carrier.flow,
        caller="<sip:a@b.test>",
        to="<sip:192.0.2.10>",
        now=play.now,
    )
    play.wait(33)
    for _ in range(11):
        play >> request("OPTIONS")
    assert play.next(Responded) == Responded(sent, None)
    play.over()


def test_the_example_of_rfc_7616() -> None:
    given = {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "uri": "/dir/index.html",
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "nc": "00000001",
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        "qop": "auth",
        "algorithm": "MD5",
    }
    assert digest_response(given, "Circle of Life", "GET", b"") == "8ca523f5e9506fed4657c9700eebdbec"
    given["algorithm"] = "SHA-256"
    strong = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    assert digest_response(given, "Circle of Life", "GET", b"") == strong
