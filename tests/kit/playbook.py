"""Tests of the SIP stack that read like a ladder diagram.

    play = Playbook()
    carrier = Party(play)
    play << carrier.invite(OFFER)          # what arrives
    play >> response(100)                  # what goes out, in order
    dialog = play.next(Invited).dialog     # what the engine is told
    dialog.ring(play.now)
    play >> response(180)
    play.over()                            # nothing unread, and after a while nothing left

`play >> ...` returns the message, so that a later line can take its tag or its branch. Time is virtual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from engine.sip.auth import digest_params, digest_response
from engine.sip.dialog import Dialog
from engine.sip.events import Answered, Established, Event, Invited
from engine.sip.flow import Flow, Packet, bracketed
from engine.sip.header import quoted
from engine.sip.message import Message, Request, Response, parse
from engine.sip.stack import Stack

E = TypeVar("E")
Step = Callable[[Message], bool]

OFFER = (
    b"v=0\r\no=- 7 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)
ANSWER = (
    b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 20000 RTP/AVP 8\r\n"
    b"a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
)


@dataclass
class Roster:
    """Who may do what, for tests."""

    domain: str = "acme.test"
    trunks: Mapping[str, str] = field(default_factory=lambda: {"192.0.2.10": "carrier"})
    secrets: Mapping[str, str] = field(default_factory=lambda: {"anna": "s3cret", "bob": "hunter2"})

    def trunk_at(self, host: str) -> str | None:
        """By exact address."""
        return self.trunks.get(host)

    def secret_of(self, user: str) -> str | None:
        """The password."""
        return self.secrets.get(user)


def tokens(prefix: str = "") -> Callable[[], str]:
    """Unique text of 16 hexadecimal digits."""
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers):0{16 - len(prefix)}x}"


class Playbook:
    """A stack, its virtual time, and what it said that no line of the test has read yet."""

    def __init__(
        self, roster: Roster | None = None, local: Mapping[str, tuple[str, int]] | None = None
    ) -> None:
        addresses = local or {"udp": ("10.0.0.1", 5060), "tcp": ("10.0.0.1", 5060)}
        self.roster = roster or Roster()
        self.stack = Stack(authority=self.roster, local=addresses, token=tokens("5"), key=b"0123456789abcdef")
        self.now = 1000.0
        self.packets: list[Packet] = []
        self.events: list[Event] = []
        self.flow = Flow("udp", "0.0.0.0", 0)
        """Where the message read last was sent to."""

    def __lshift__(self, line: Packet) -> Playbook:
        """This arrives."""
        self.stack.receive(line.data, line.flow, self.now)
        return self

    def __rshift__(self, step: Step) -> Message:
        """This goes out next."""
        self._collect()
        assert self.packets, f"nothing was sent; unread events: {self.events}"
        packet = self.packets.pop(0)
        message = parse(packet.data, packet.flow)
        assert step(message), f"sent was {message!r}\n{packet.data.decode(errors='replace')}"
        self.flow = packet.flow
        return message

    def call(self, party: Party) -> Dialog:
        """The stack calls that party."""
        caller = '"Anna" <sip:anna@acme.test>'
        return self.stack.invite(party.contact, flow=party.flow, caller=caller, offer=ANSWER, now=self.now)

    def request(self, method: str) -> Request:
        """This request goes out next."""
        message = self >> request(method)
        assert isinstance(message, Request)
        return message

    def response(self, code: int) -> Response:
        """This response goes out next."""
        message = self >> response(code)
        assert isinstance(message, Response)
        return message

    def next(self, kind: type[E]) -> E:
        """This is told to the engine next."""
        self._collect()
        assert self.events, f"no event; unread packets: {[packet.data[:60] for packet in self.packets]}"
        event = self.events.pop(0)
        assert isinstance(event, kind), f"told was {event!r}"
        return event

    def quiet(self) -> None:
        """Nothing was sent or told that is not read."""
        self._collect()
        assert not self.packets, [packet.data.decode(errors="replace") for packet in self.packets]
        assert not self.events, self.events

    def wait(self, seconds: float) -> None:
        """Time passes; timers are run when they are due."""
        until = self.now + seconds
        while (due := self.stack.due()) is not None and due <= until:
            self.now = max(self.now, due)
            self.stack.handle_timer(self.now)
        self.now = until

    def drop(self) -> None:
        """What was sent until now is lost, or of no interest."""
        self._collect()
        self.packets.clear()

    def over(self) -> None:
        """All is read; when every clock has run out the stack holds nothing."""
        self.quiet()
        self.wait(240)
        live = self.stack.live
        assert (live.dialogs, live.clients, live.servers, live.timers) == (0, 0, 0, 0), live

    def _collect(self) -> None:
        self.packets += self.stack.take_packets()
        self.events += self.stack.take_events()


def request(method: str) -> Step:
    """A request of that method."""
    return lambda message: isinstance(message, Request) and message.method == method


def response(code: int, method: str | None = None) -> Step:
    """A response with that code."""
    return lambda message: (
        isinstance(message, Response) and message.code == code and method in (None, message.method)
    )


class Party:
    """A far end that writes raw SIP: one call of its own, calling or called."""

    numbers = count(1)

    def __init__(
        self,
        play: Playbook,
        *,
        user: str = "+447700900001",
        domain: str = "carrier.test",
        host: str = "192.0.2.10",
        port: int = 5060,
        transport: str = "udp",
        connection: int | None = None,
    ) -> None:
        number = next(self.numbers)
        self.play, self.user, self.domain, self.host, self.port = play, user, domain, host, port
        self.flow = Flow(transport, host, port, connection)
        self.call_id = f"call-{number}@{bracketed(host)}"
        self.tag, self.their_tag = f"tag-{number}", ""
        self.callee = "sip:+442071230001@10.0.0.1"
        self.seq = 0
        self.branches = count(1)
        self.branch = ""
        self.invite_seq = 0

    @property
    def contact(self) -> str:
        """Where we are reached."""
        suffix = ";transport=tcp" if self.flow.transport == "tcp" else ""
        return f"sip:{self.user}@{bracketed(self.host)}:{self.port}{suffix}"

    def request(
        self,
        method: str,
        uri: str | None = None,
        *,
        body: bytes = b"",
        kind: str = "application/sdp",
        headers: str = "",
        seq: int | None = None,
        branch: str | None = None,
        to_tag: str | None = None,
    ) -> Packet:
        """A request of ours; `headers` are further lines, each with its line end."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        branch = branch or f"z9hG4bK{self.tag}-{next(self.branches)}"
        if method == "INVITE":
            self.branch, self.invite_seq = branch, seq
        their_tag = self.their_tag if to_tag is None else to_tag
        tag = f";tag={their_tag}" if their_tag else ""
        typed = f"Content-Type: {kind}\r\n" if body else ""
        head = (
            f"{method} {uri or self.callee} SIP/2.0\r\n"
            f"Via: SIP/2.0/{self.flow.transport.upper()} {bracketed(self.host)}:{self.port}"
            f";branch={branch};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{self.user}@{self.domain}>;tag={self.tag}\r\n"
            f"To: <{self.callee}>{tag}\r\nCall-ID: {self.call_id}\r\nCSeq: {seq} {method}\r\n"
            f"Contact: <{self.contact}>\r\n{headers}{typed}Content-Length: {len(body)}\r\n\r\n"
        )
        return Packet(head.encode() + body, self.flow)

    def invite(self, offer: bytes = OFFER, headers: str = "") -> Packet:
        """INVITE, or re-INVITE once we know their tag."""
        return self.request("INVITE", body=offer, headers=headers)

    def ack(self, body: bytes = b"") -> Packet:
        """The ACK of a 2xx."""
        return self.request("ACK", seq=self.invite_seq, body=body)

    def ack_refusal(self) -> Packet:
        """The ACK of a refusal: same branch."""
        return self.request("ACK", seq=self.invite_seq, branch=self.branch)

    def cancel(self) -> Packet:
        """CANCEL of the last INVITE: same branch, no tag."""
        return self.request("CANCEL", seq=self.invite_seq, branch=self.branch, to_tag="")

    def bye(self) -> Packet:
        """BYE."""
        return self.request("BYE")

    def hears(self, code: int) -> Response:
        """A response to us goes out next; a final one to an INVITE sets our idea of their tag."""
        message = self.play.response(code)
        if code > 100:
            self.their_tag = message.to_tag
        return message

    def answer(
        self, heard: Request, code: int, body: bytes = b"", headers: str = "", tag: str | None = None
    ) -> Packet:
        """A response of ours to a request that the stack sent."""
        own = heard.to_tag or (self.tag if tag is None else tag)
        if not heard.to_tag and heard.method == "INVITE":
            self.call_id, self.their_tag, self.tag = heard.call_id, heard.from_tag, own
            self.callee = "sip:acd@10.0.0.1"
        suffix = "" if heard.to_tag or code == 100 or not own else f";tag={own}"
        typed = "Content-Type: application/sdp\r\n" if body else ""
        vias = "".join(f"Via: {line}\r\n" for line in heard.lines("via"))
        data = (
            f"SIP/2.0 {code} Whatever\r\n{vias}From: {heard.get('from')}\r\nTo: {heard.get('to')}{suffix}\r\n"
            f"Call-ID: {heard.call_id}\r\nCSeq: {heard.get('cseq')}\r\nContact: <{self.contact}>\r\n"
            f"{headers}{typed}Content-Length: {len(body)}\r\n\r\n"
        )
        return Packet(data.encode() + body, self.flow)


def credentials_for(challenge: Message, method: str, uri: str, user: str, secret: str, /, **more: str) -> str:
    """An Authorization line that answers the first challenge of a 401; `more` changes or adds parameters."""
    given = digest_params(challenge.lines("www-authenticate")[0])
    body = more.pop("body", "").encode()
    wanted = {
        "username": user,
        "realm": given["realm"],
        "nonce": given["nonce"],
        "uri": uri,
        "algorithm": given["algorithm"],
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "0a4f113b",
    } | more
    wanted["response"] = digest_response(wanted, secret, method, body)
    bare = ("algorithm", "qop", "nc")
    text = ", ".join(f"{name}={value if name in bare else quoted(value)}" for name, value in wanted.items())
    return f"Authorization: Digest {text}\r\n"


def established_call(play: Playbook, party: Party) -> Dialog:
    """A call that the party made and the stack answered; everything on the way is read."""
    play << party.invite()
    play >> response(100)
    dialog = play.next(Invited).dialog
    dialog.accept(ANSWER, play.now)
    party.hears(200)
    play << party.ack()
    play.next(Established)
    return dialog


def placed_call(play: Playbook, party: Party) -> Dialog:
    """A call that the stack made and the party answered; everything on the way is read."""
    dialog = play.call(party)
    play << party.answer(play.request("INVITE"), 200, OFFER)
    play >> request("ACK")
    play.next(Answered)
    return dialog
