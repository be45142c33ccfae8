"""Client transactions, and what servers share with them: running the tables of transitions.py.

A transaction has at most one timer at a time: A and B (E and F, G and H) share it, told apart by the
deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, TypeAlias

from engine.sip import transitions as t
from engine.sip.errors import IllegalTransition
from engine.sip.flow import Flow
from engine.sip.message import Response
from engine.sip.writing import Draft

if TYPE_CHECKING:
    from engine.sip.endpoint import Endpoint
    from engine.sip.timers import Timer

T1: Final = 0.5
"""Seconds: the round trip that RFC 3261 assumes."""
T2: Final = 4.0
T4: Final = 5.0
PATIENCE: Final = 1.9
"""Seconds of silence before the next of several targets is tried: RFC 3263 section 4.3 would have a caller wait
for timer B, 32 s.
"""
LIFE: Final = 64 * T1
"""Seconds: timers B, D, F, H, J, L and M."""
_SLACK: Final = 0.001

Rows: TypeAlias = dict[str, dict[str, tuple[Callable[[Any, Any], None], str]]]


class ClientUser(Protocol):
    """Whoever sent the request."""

    def on_response(self, transaction: ClientTransaction, response: Response) -> None: ...

    def on_failure(self, transaction: ClientTransaction, code: int, why: str) -> None:
        """No final response will come: 408 for silence, 503 for a peer that cannot be reached."""
        ...


def compiled(table: t.Table, owner: type) -> Rows:
    """The table with each action's name replaced by the owner's method of that name."""
    return {
        state: {event: (getattr(owner, action), after) for event, (action, after) in row.items()}
        for state, row in table.items()
    }


class Transaction:
    """What clients and servers share: running the table."""

    __slots__ = ("deadline", "endpoint", "flow", "gap", "state", "timer")

    name: ClassVar[str]
    rows: ClassVar[Rows]

    def __init__(self, endpoint: Endpoint, flow: Flow, state: str) -> None:
        self.endpoint, self.flow, self.state = endpoint, flow, state
        self.gap = T1
        self.deadline = endpoint.now + LIFE
        self.timer: Timer | None = None

    def step(self, event: str, argument: Any = None) -> None:
        """Take one row of the table. Raises IllegalTransition when there is none."""
        try:
            action, state = self.rows[self.state][event]
        except KeyError:
            raise IllegalTransition(self.name, self.state, event) from None
        self.state = state
        action(self, argument)

    def after(self, delay: float, event: str) -> None:
        """Replace the timer: `event` in `delay` seconds."""
        endpoint = self.endpoint
        endpoint.timers.cancel(self.timer)
        self.timer = endpoint.timers.at(endpoint.now + delay, lambda: self.step(event))

    def ignore(self, _: object) -> None:
        """What this state has no use for."""


class ClientTransaction(Transaction):
    """The sending side of a request."""

    __slots__ = ("ack", "data", "draft", "fallback", "others", "user")

    again: ClassVar[str]
    give_up: ClassVar[str]

    def __init__(
        self,
        endpoint: Endpoint,
        draft: Draft,
        data: bytes,
        flow: Flow,
        user: ClientUser,
        first: str,
        others: Sequence[Flow] = (),
    ) -> None:
        """Without `data` it waits for the address of the name in `flow`."""
        super().__init__(endpoint, flow, first)
        self.draft, self.data, self.user = draft, data, user
        self.ack = b""
        self.fallback: Flow | None = None
        self.others = tuple(others)
        """Where else the request may go when this target fails."""
        endpoint.clients[draft.branch, draft.method] = self
        if data:
            self.transmit()
        else:
            self._wind(LIFE)

    def receive(self, response: Response) -> None:
        """A response with our branch."""
        if self.others:  # it lives: from now on it has all the time there is
            self.deadline = self.endpoint.now + LIFE
        self.step(self.event_of(response.code), response)

    def event_of(self, code: int) -> str:
        """The table's name for that response."""
        return t.PROVISIONAL if code < 200 else t.FINAL

    def transmit(self) -> None:
        """Send for the first time and start the clock."""
        self.endpoint.send(self.data, self.flow)
        life = PATIENCE if self.others else LIFE
        self.deadline = self.endpoint.now + life
        self.gap = T1
        self._wind(life if self.flow.reliable else T1)

    def _wind(self, delay: float) -> None:
        timers = self.endpoint.timers
        timers.cancel(self.timer)
        self.timer = timers.at(self.endpoint.now + delay, self._tick)

    def _tick(self) -> None:
        if self.endpoint.now < self.deadline - _SLACK:
            self.step(self.again)
        elif self.others:
            self.pass_on()
        else:
            self.step(self.give_up)

    def pass_on(self) -> None:
        """Silent for too long, while there are other targets."""
        self.step(self.give_up)

    def unreachable(self) -> None:
        """The transport failed. A request that went by TCP only for its size is tried by UDP (RFC 3261
        18.1.1).
        """
        if self.fallback is not None and self.state in (t.CALLING, t.TRYING):
            self.endpoint.use_udp(self, self.fallback)
        elif t.UNREACHABLE in self.rows[self.state]:
            self.step(t.UNREACHABLE)

    def report(self, response: Response) -> None:
        """A response for the user."""
        self.user.on_response(self, response)

    def time_out(self, _: object) -> None:
        """Timer B or F."""
        self.end(None)
        self.user.on_failure(self, 408, "no final response in time")

    def fail(self, _: object) -> None:
        """The transport could not deliver."""
        self.end(None)
        self.user.on_failure(
            self, 503, f"{self.flow.host}:{self.flow.port} cannot be reached by {self.flow.transport}"
        )

    def end(self, _: object) -> None:
        """Forget the transaction."""
        self.state = t.TERMINATED
        self.endpoint.timers.cancel(self.timer)
        self.endpoint.clients.pop((self.draft.branch, self.draft.method), None)


class InviteClient(ClientTransaction):
    """RFC 3261 section 17.1.1 with the Accepted state of RFC 6026."""

    __slots__ = ()

    name = "INVITE client"
    again = t.TIMER_A
    give_up = t.TIMER_B

    def event_of(self, code: int) -> str:
        """The table's name for that response."""
        return t.PROVISIONAL if code < 200 else t.SUCCESS if code < 300 else t.FAILURE

    def pass_on(self) -> None:
        """Kept until timer B would fire: whoever answers late is to hear that the call went elsewhere."""
        self.deadline = self.endpoint.now + LIFE
        self._wind(LIFE)
        self.user.on_failure(self, 408, "no response in time")
        self.others = ()

    def resend(self, _: object) -> None:
        """Timer A: twice as long each time, until B."""
        self.endpoint.send(self.data, self.flow)
        self.gap *= 2
        self._wind(min(self.gap, self.deadline - self.endpoint.now))

    def proceed(self, response: Response) -> None:
        """The first provisional response stops A and B."""
        self.endpoint.timers.cancel(self.timer)
        self.user.on_response(self, response)

    def expire_in(self, seconds: float) -> None:
        """After a CANCEL: give up if no final response comes (RFC 3261 section 9.1)."""
        self.deadline = self.endpoint.now + seconds
        self._wind(seconds)

    def report_accepted(self, response: Response) -> None:
        """The first 2xx: others, of other forks, may follow until timer M."""
        self.after(LIFE, t.TIMER_M)
        self.user.on_response(self, response)

    def report_and_ack(self, response: Response) -> None:
        """A final refusal is ACKed here, hop by hop."""
        self.ack = self.draft.ack(response.headers["to"].strip())
        self.resend_ack(response)
        self.after(0 if self.flow.reliable else LIFE, t.TIMER_D)
        self.user.on_response(self, response)

    def resend_ack(self, _: object) -> None:
        """The refusal came again: so must the ACK."""
        self.endpoint.send(self.ack, self.flow)


class OtherClient(ClientTransaction):
    """RFC 3261 section 17.1.2."""

    __slots__ = ()

    name = "non-INVITE client"
    again = t.TIMER_E
    give_up = t.TIMER_F

    def resend(self, _: object) -> None:
        """Timer E: doubling up to T2; at T2 once a provisional response came."""
        if not self.flow.reliable:
            self.endpoint.send(self.data, self.flow)
        self.gap = T2 if self.state == t.PROCEEDING else min(2 * self.gap, T2)
        self._wind(min(self.gap, self.deadline - self.endpoint.now))

    def report_final(self, response: Response) -> None:
        """The final response; what repeats it is swallowed until K."""
        self.after(0 if self.flow.reliable else T4, t.TIMER_K)
        self.user.on_response(self, response)


InviteClient.rows = compiled(t.INVITE_CLIENT, InviteClient)
OtherClient.rows = compiled(t.OTHER_CLIENT, OtherClient)
