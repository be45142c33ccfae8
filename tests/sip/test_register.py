"""Registration with digest: A2, A3, interop lines 9 (as server) and 20."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.sip.auth import _NOBODY
from engine.sip.events import Event, Refused, Registered, Unregistered
from engine.sip.flow import Packet
from engine.sip.message import Response
from tests.kit.playbook import Party, Playbook, credentials_for, response


class Phone(Party):
    """A phone that registers as anna."""

    def __init__(self, play: Playbook, host: str = "198.51.100.9", user: str = "anna") -> None:
        super().__init__(play, user=user, domain="acme.test", host=host)
        self.callee = "sip:anna@acme.test"
        self.credentials = ""

    def register(self, headers: str = "Expires: 600\r\n", contact: str | None = None, **given: int) -> Packet:
        """A REGISTER with what credentials there are."""
        line = self.request("REGISTER", "sip:acme.test", headers=self.credentials + headers, **given)  # type: ignore[arg-type]
        if contact is None:
            return line
        own = f"Contact: <{self.contact}>\r\n".encode()
        return Packet(
            line.data.replace(own, f"Contact: {contact}\r\n".encode() if contact else b""), line.flow
        )

    def log_in(self, secret: str = "s3cret", **more: str) -> None:
        """Be challenged and remember the answer."""
        self.play << self.register()
        challenge = self.play.response(401)
        self.credentials = credentials_for(challenge, "REGISTER", "sip:acme.test", self.user, secret, **more)


def registered(play: Playbook, phone: Phone, **given: str) -> Response:
    play << phone.register(**given)  # type: ignore[arg-type]
    return play.response(200)


def test_a_phone_registers_and_lapses() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    ok = registered(play, phone)
    assert ok.get("contact") == f"<{phone.contact}>;expires=600"
    event = play.next(Registered)
    assert (event.user, event.bindings[0].flow) == ("anna", phone.flow)
    (binding,) = play.stack.registrar.contacts("anna", play.now)
    assert binding.uri == phone.contact
    play.wait(599)
    play.quiet()
    play.wait(2)
    assert play.next(Unregistered).user == "anna"
    assert play.stack.registrar.contacts("anna", play.now) == []
    play.over()


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
def test_both_algorithms_and_qops_are_taken(algorithm: str, qop: str) -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in(algorithm=algorithm, qop=qop)
    registered(play, phone)
    play.next(Registered)


def test_a_wrong_password_is_challenged_again_and_logged() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in("wrong")
    play << phone.register()
    assert "stale" not in play.response(401).get("www-authenticate")
    assert "anna" in play.next(Refused).why


def test_a_nonce_grows_old_and_says_so() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    play.wait(299)
    registered(play, phone)
    play.next(Registered)
    play.wait(2)
    play << phone.register()
    assert play.response(401).get("www-authenticate").endswith("stale=true")


def test_a_nonce_is_of_no_use_from_another_address() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    thief = Phone(play, host="198.51.100.10")
    thief.credentials = phone.credentials
    play << thief.register()
    assert play.response(401).get("www-authenticate").endswith("stale=true")


def test_a_forged_nonce_with_a_bad_time_is_only_stale() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in(nonce="zzz.0011")
    play << phone.register()
    play >> response(401)


def test_credentials_are_good_for_their_own_method_and_target_only() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in(uri="sip:elsewhere.test")
    play << phone.register()
    play >> response(401)


def test_phones_may_name_the_address_they_send_to() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in(uri="sip:10.0.0.1:5060")
    play << phone.register()
    play >> response(200)


def test_an_agent_registers_nobody_but_themselves() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    phone.callee = "sip:bob@acme.test"
    play << phone.register()
    play >> response(403)
    phone.callee = "sip:anna@elsewhere.test"
    play << phone.register()
    play >> response(403)


def test_a_trunk_address_gives_no_right_to_register() -> None:
    play = Playbook()
    play << Phone(play, host="192.0.2.10").register()
    play >> response(401)


def test_interop_20_the_same_phone_from_two_addresses() -> None:
    play = Playbook()
    desk, mobile = Phone(play), Phone(play, host="198.51.100.10")
    for phone in (desk, mobile):
        phone.log_in()
        registered(play, phone)
        play.next(Registered)
    assert {held.uri for held in play.stack.registrar.contacts("anna", play.now)} == {
        desk.contact,
        mobile.contact,
    }
    registered(play, desk, headers="Expires: 0\r\n")
    assert [held.uri for held in play.next(Registered).bindings] == [mobile.contact]


def test_interop_20_an_old_cseq_of_the_same_call_id_changes_nothing() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    play << phone.register(seq=7)
    play >> response(200)
    play.next(Registered)
    play << phone.register("Expires: 0\r\n", seq=6)
    play >> response(500)
    assert len(play.stack.registrar.contacts("anna", play.now)) == 1


def test_interop_20_a_lower_cseq_with_a_new_call_id_is_taken() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    play << phone.register(seq=7)
    play >> response(200)
    phone.call_id = "after-a-reboot"
    play << phone.register(seq=1)
    play >> response(200)


def test_interop_20_star_clears_all() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    registered(play, phone)
    play.next(Registered)
    play << phone.register("", contact="*")
    play >> response(400)  # only with Expires: 0
    play.events.clear()
    play.stack.take_events()
    ok = registered(play, phone, headers="Expires: 0\r\n", contact="*")
    assert "contact" not in ok.headers
    play.next(Unregistered)


def test_interop_20_too_brief_is_423_with_the_least() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    play << phone.register("Expires: 59\r\n")
    assert play.response(423).get("min-expires") == "60"
    assert play.stack.registrar.contacts("anna", play.now) == []


@pytest.mark.parametrize(
    ("headers", "parameter", "granted"),
    [
        ("", "", 3600),
        ("Expires: 99999\r\n", "", 3600),
        ("Expires: 600\r\n", ";expires=120", 120),
        ("", ";expires=no", 3600),
    ],
)
def test_how_long_a_binding_holds(headers: str, parameter: str, granted: int) -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    ok = registered(play, phone, headers=headers, contact=f"<{phone.contact}>{parameter}")
    assert ok.get("contact").endswith(f";expires={granted}")


def test_without_a_contact_it_is_a_query() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    registered(play, phone)
    play.next(Registered)
    ok = registered(play, phone, contact="")
    assert phone.contact in ok.get("contact")
    play.quiet()


def test_a_repeated_register_is_answered_from_memory() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    line = phone.register()
    play << line
    play << line
    play >> response(200)
    play >> response(200)
    play.next(Registered)
    play.quiet()


def test_preference_orders_the_contacts_and_path_is_kept() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    both = "<sip:a@198.51.100.9>;q=0.2, <sip:b@198.51.100.9>;q=0.9"
    ok = registered(play, phone, headers="Path: <sip:192.0.2.50;lr>\r\nSupported: path\r\n", contact=both)
    assert ok.get("path") == "<sip:192.0.2.50;lr>"
    held = play.next(Registered).bindings
    assert [binding.uri for binding in held] == ["sip:b@198.51.100.9", "sip:a@198.51.100.9"]
    assert held[0].path == ("<sip:192.0.2.50;lr>",)


def test_too_many_contacts_are_refused_whole() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    many = ", ".join(f"<sip:a@198.51.100.{n}>" for n in range(11))
    play << phone.register(contact=many)
    play >> response(403)
    assert play.stack.registrar.contacts("anna", play.now) == []


@pytest.mark.parametrize("contact", ["<sip:a@b", "<mailto:a@b.test>", '"open <sip:a@b.test>', "<sip:@>"])
def test_a_contact_that_cannot_be_called_is_refused(contact: str) -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    play << phone.register(contact=contact)
    play._collect()
    assert play.packets[0].data.startswith((b"SIP/2.0 400", b"SIP/2.0 416"))


@pytest.mark.parametrize(
    ("contact", "port"),
    [
        ("<sip:anna@198.51.100.9:6070>", 6070),
        ("<sip:anna@198.51.100.9>", 5060),
        ("<sip:anna@192.168.1.7:6070>", 5071),
        ("<sip:anna@phone.acme.test:6070>", 5071),
        ("<sip:anna@198.51.100.9:6070;transport=tcp>", 5071),
    ],
)
def test_interop_12_a_phone_behind_no_nat_is_called_where_its_contact_says(contact: str, port: int) -> None:
    """One that registers from 5071, as its Via says."""
    play = Playbook()
    phone = Phone(play)
    phone.port, phone.flow = 5071, replace(phone.flow, port=5071)
    phone.log_in()
    registered(play, phone, contact=contact)
    assert play.next(Registered).bindings[0].flow == replace(phone.flow, port=port)


def test_interop_12_a_phone_behind_a_nat_is_called_where_its_register_came_from() -> None:
    """Its Via and its Contact name the port that it had before the NAT."""
    play = Playbook()
    phone = Phone(play)
    phone.flow = replace(phone.flow, port=40_000)
    phone.log_in()
    registered(play, phone, contact="<sip:anna@198.51.100.9:5060>")
    assert play.next(Registered).bindings[0].flow.port == 40_000


def test_a_stream_that_closes_takes_its_bindings_along() -> None:
    play = Playbook()
    phone = Phone(play)
    phone.flow = type(phone.flow)("tcp", "198.51.100.9", 49152, 3)
    phone.log_in()
    registered(play, phone)
    play.next(Registered)
    play.stack.unreachable(phone.flow, play.now)
    events: list[Event] = play.stack.take_events()
    assert events == [Unregistered("anna")]
    play.over()


def test_no_password_fits_a_user_who_does_not_exist() -> None:
    play = Playbook()
    phone = Phone(play, user="nobody")
    phone.log_in(_NOBODY)
    play << phone.register()
    play >> response(401)


INSTANCE = '+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"'
OUTBOUND = "Expires: 600\r\nSupported: path, outbound\r\n"


def test_a_phone_with_flows_keeps_one_binding_for_each_whatever_its_address() -> None:
    """RFC 5626 section 6: the same phone from another connection takes the place of what it was."""
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    ok = registered(
        play, phone, headers=OUTBOUND, contact=f"<sip:a@x1.invalid;transport=ws>;{INSTANCE};reg-id=1"
    )
    assert ok.get("require") == "outbound"
    assert ok.get("contact") == f"<sip:a@x1.invalid;transport=ws>;expires=600;{INSTANCE};reg-id=1"
    other = Phone(play)
    other.credentials = phone.credentials
    registered(play, other, headers=OUTBOUND, contact=f"<sip:b@x2.invalid;transport=ws>;{INSTANCE};reg-id=1")
    ok = registered(
        play, other, headers=OUTBOUND, contact=f"<sip:c@x3.invalid;transport=ws>;{INSTANCE};reg-id=2"
    )
    held = play.stack.registrar.contacts("anna", play.now)
    assert sorted(binding.uri[:5] for binding in held) == ["sip:b", "sip:c"]
    assert {(binding.reg_id, binding.instance[:10]) for binding in held} == {
        (1, "<urn:uuid:"),
        (2, "<urn:uuid:"),
    }


@pytest.mark.parametrize(
    ("headers", "parameters"),
    [
        ("Expires: 600\r\n", f";{INSTANCE};reg-id=1"),
        (OUTBOUND, f";{INSTANCE}"),
        (OUTBOUND, ";reg-id=1"),
        (OUTBOUND, f";{INSTANCE};reg-id=0"),
        (OUTBOUND, f";{INSTANCE};reg-id=one"),
        (OUTBOUND, ';+sip.instance="no urn\t";reg-id=1'),
    ],
)
def test_who_does_not_ask_for_flows_in_full_has_none(headers: str, parameters: str) -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    ok = registered(play, phone, headers=headers, contact=f"<sip:a@192.0.2.7>{parameters}")
    assert ok.get("require") == ""
    assert ok.get("contact") == "<sip:a@192.0.2.7>;expires=600"


@pytest.mark.parametrize(
    ("path", "code"),
    [("", 439), ("Path: <sip:edge.test;lr>\r\n", 439), ("Path: <sip:edge.test;lr;ob>\r\n", 200)],
)
def test_a_proxy_on_the_way_must_keep_the_flow(path: str, code: int) -> None:
    play = Playbook()
    phone = Phone(play)
    phone.log_in()
    via = "Via: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKother\r\n"
    play << phone.register(OUTBOUND + via + path, f"<sip:a@x1.invalid>;{INSTANCE};reg-id=1")
    play.response(code)
