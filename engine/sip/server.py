"""Server transactions (RFC 3261 section 17.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from engine.sip import transitions as t
from engine.sip.flow import Flow
from engine.sip.message import Request
from engine.sip.targets import default_port
from engine.sip.transaction import LIFE, T1, T2, T4, Transaction, compiled
from engine.sip.uri import split_host
from engine.sip.via import stamped
from engine.sip.writing import response_bytes

if TYPE_CHECKING:
    from engine.sip.endpoint import Endpoint

_SLACK = 0.001


class ServerUser(Protocol):
    """Whoever answers an INVITE."""

    def on_cancel(self, request: Request) -> None: ...

    def on_ack(self, request: Request) -> None: ...


class ServerTransaction(Transaction):
    """The answering side of a request."""

    __slots__ = ("head", "key", "last", "merge", "tag", "user")

    def __init__(self, endpoint: Endpoint, request: Request, first: str) -> None:
        via = request.via
        request.headers["via"], back = stamped(request.headers["via"], via.sent_by, request.flow)
        super().__init__(endpoint, back, first)
        self.head = request.head()
        self.tag = "" if request.to_tag else endpoint.token()
        self.last = b""
        self.user: ServerUser | None = None
        self.key = (via.branch, via.sent_by, request.method)
        self.merge = (
            "" if request.to_tag else f"{request.call_id}|{request.from_tag}|{request.cseq}|{request.method}"
        )
        endpoint.servers[self.key] = self
        if self.merge:
            endpoint.merges[self.merge] = self.key

    def forget_connection(self) -> None:
        """The stream is gone: responses go to the Via's address from now on (RFC 3261 section 18.2.2)."""
        _, port = split_host(self.key[1])
        transport = self.flow.transport
        self.flow = Flow(transport, self.flow.host, port or default_port(transport))

    def respond(self, code: int, extra: str = "", body: bytes = b"", reason: str | None = None) -> None:
        """Send a response. Raises IllegalTransition after a final one."""
        self.step(self.event_of(code), response_bytes(code, self.head, self.tag, extra, body, reason))

    def event_of(self, code: int) -> str:
        """The table's name for sending that code."""
        return t.SEND_PROVISIONAL if code < 200 else t.SEND_FINAL

    def receive(self, request: Request) -> None:
        """The request once more, or the ACK of a refusal."""
        self.step(t.ACK if request.method == "ACK" else t.REQUEST, request)

    def send(self, data: bytes) -> None:
        """A response, kept to be repeated."""
        self.last = data
        self.endpoint.send(data, self.flow)

    def send_last(self, _: object) -> None:
        """What was said last, once more."""
        if self.last:
            self.endpoint.send(self.last, self.flow)

    def end(self, _: object) -> None:
        """Forget the transaction."""
        self.state = t.TERMINATED
        self.user = None
        endpoint = self.endpoint
        endpoint.timers.cancel(self.timer)
        endpoint.servers.pop(self.key, None)
        if self.merge and endpoint.merges.get(self.merge) == self.key:
            del endpoint.merges[self.merge]


class InviteServer(ServerTransaction):
    """RFC 3261 section 17.2.1 with the Accepted state of RFC 6026."""

    __slots__ = ()

    name = "INVITE server"

    def __init__(self, endpoint: Endpoint, request: Request) -> None:
        super().__init__(endpoint, request, t.PROCEEDING)

    def event_of(self, code: int) -> str:
        """The table's name for sending that code."""
        return t.SEND_PROVISIONAL if code < 200 else t.SEND_SUCCESS if code < 300 else t.SEND_FAILURE

    def send_accept(self, data: bytes) -> None:
        """The first 2xx; the dialog repeats it until the ACK."""
        self.send(data)
        self.after(LIFE, t.TIMER_L)

    def close(self, data: bytes) -> None:
        """A refusal, repeated here until its ACK."""
        self.send(data)
        self.deadline = self.endpoint.now + LIFE
        self._wind(LIFE if self.flow.reliable else T1)

    def _wind(self, delay: float) -> None:
        self.timer = self.endpoint.timers.at(self.endpoint.now + delay, self._tick)

    def _tick(self) -> None:
        over = self.endpoint.now >= self.deadline - _SLACK
        self.step(t.TIMER_H if over else t.TIMER_G)

    def resend(self, _: object) -> None:
        """Timer G."""
        self.send_last(None)
        self.gap = min(2 * self.gap, T2)
        self._wind(min(self.gap, self.deadline - self.endpoint.now))

    def confirm(self, _: object) -> None:
        """The ACK of our refusal; more of them are swallowed until I."""
        self.after(0 if self.flow.reliable else T4, t.TIMER_I)

    def report_ack(self, request: Request) -> None:
        """An ACK of a 2xx that carries the INVITE's branch, as old elements send it."""
        if self.user is not None:
            self.user.on_ack(request)


class OtherServer(ServerTransaction):
    """RFC 3261 section 17.2.2."""

    __slots__ = ()

    name = "non-INVITE server"

    def __init__(self, endpoint: Endpoint, request: Request) -> None:
        super().__init__(endpoint, request, t.TRYING)

    def close(self, data: bytes) -> None:
        """The final response, kept for what repeats the request until J."""
        self.send(data)
        self.after(0 if self.flow.reliable else LIFE, t.TIMER_J)


InviteServer.rows = compiled(t.INVITE_SERVER, InviteServer)
OtherServer.rows = compiled(t.OTHER_SERVER, OtherServer)
