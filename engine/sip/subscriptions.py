"""Phones that want to know of their mailbox: SUBSCRIBE and NOTIFY (RFC 6665) for message-summary (RFC 3842)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.sip.admission import check_require
from engine.sip.errors import RemoteFault
from engine.sip.events import Refused
from engine.sip.header import number, param
from engine.sip.identity import Identity
from engine.sip.message import Request, Response
from engine.sip.message_summary import EVENT, TYPE, Summary
from engine.sip.request_user import RequestUser
from engine.sip.writing import header_lines

if TYPE_CHECKING:
    from engine.sip.endpoint import Endpoint
    from engine.sip.timers import Timer

USUAL: Final = 3600
"""Seconds of a subscription that asks for none (RFC 3842 section 3.4)."""
LEAST: Final = 60
MOST_OF_ONE: Final = 10
"""Subscriptions that one user may hold: the oldest goes when there is one more."""


class Subscription(Identity):
    """One phone that is told of one mailbox."""

    __slots__ = ("_event", "_expiry", "_mailboxes", "_timer", "user")

    def __init__(self, mailboxes: Mailboxes, request: Request, tag: str, user: str) -> None:
        super().__init__(
            mailboxes.endpoint,
            outgoing=False,
            call_id=request.call_id,
            local_tag=tag,
            sender=f"{request.headers['to'].strip()};tag={tag}",
            peer=request.headers["from"].strip(),
            home=request.flow,
        )
        self.user = user
        self._mailboxes = mailboxes
        self._timer: Timer | None = None
        self._expiry = 0.0
        event_id = param(request.get("event"), "id")
        self._event = EVENT if event_id is None else f"{EVENT};id={event_id}"
        self.remote_tag, self.remote_seq = request.from_tag, request.cseq
        self.routes = tuple(request.all("record-route"))
        self.refresh_target(request)

    def begin(self, expires: int) -> None:
        """Let it run for so many seconds from now; 0 ends it with the NOTIFY that follows."""
        endpoint = self.endpoint
        endpoint.timers.cancel(self._timer)
        self._expiry = endpoint.now + expires
        self._timer = endpoint.after(expires, self._on_expiry) if expires else None

    def notify(self, summary: Summary) -> None:
        """Send the state of the mailbox."""
        left = round(self._expiry - self.endpoint.now)
        self._send(f"active;expires={left}" if left > 0 else "terminated;reason=timeout", summary)
        if left <= 0:
            self.end()

    def end(self) -> None:
        """Forget it."""
        self.endpoint.timers.cancel(self._timer)
        self._mailboxes.drop(self)

    def on_request(self, request: Request) -> None:
        """A request within it: SUBSCRIBE refreshes or ends it."""
        endpoint = self.endpoint
        if request.from_tag != self.remote_tag or request.method not in ("SUBSCRIBE", "ACK"):
            endpoint.reply(request, 481)
        elif request.method == "SUBSCRIBE":
            transaction = endpoint.serve(request)
            try:
                if request.cseq < self.remote_seq:
                    raise RemoteFault(f"CSeq {request.cseq} after {self.remote_seq}", 500)
                self.remote_seq = request.cseq
                check_require(request)
                expires = wanted(request)
            except RemoteFault as fault:
                transaction.respond(fault.code, header_lines(fault.headers))
                endpoint.emit(Refused(request.flow, fault.code, fault.why))
                return
            self.refresh_target(request)
            transaction.respond(200, f"{self.contact_line()}Expires: {expires}\r\n")
            self.begin(expires)
            self.notify(self._mailboxes.summary(self.user))

    def _on_expiry(self) -> None:
        self.notify(self._mailboxes.summary(self.user))

    def _send(self, status: str, summary: Summary) -> None:
        account = self.sender.partition(";tag=")[0].strip().strip("<>")
        lines = (
            f"{self.contact_line()}Event: {self._event}\r\nSubscription-State: {status}\r\n"
            f"Content-Type: {TYPE}\r\n"
        )
        draft = self.draft("NOTIFY", lines, summary.body(account))
        user = RequestUser(self.endpoint, draft, self._on_outcome, None, lambda: self.local_seq)
        self.endpoint.start(draft, self.flow, user)

    def _on_outcome(self, response: Response | None) -> None:
        """A phone that is gone, or does not know of it, is told no more (RFC 6665 section 4.2.2)."""
        if response is None or response.code in (
            404,
            405,
            410,
            416,
            480,
            481,
            482,
            483,
            484,
            485,
            489,
            501,
            604,
        ):
            self.end()


class Mailboxes:
    """Every mailbox's state, and who is told of it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._summaries: dict[str, Summary] = {}
        self._of: dict[str, list[Subscription]] = {}

    def summary(self, user: str) -> Summary:
        """The state of a user's mailbox; empty when the engine has said nothing of it."""
        return self._summaries.get(user, Summary())

    def set(self, user: str, summary: Summary) -> None:
        """Take a new state and tell the user's phones."""
        if summary == self.summary(user):
            return
        self._summaries[user] = summary
        for subscription in tuple(self._of.get(user, ())):
            subscription.notify(summary)

    def subscribe(self, request: Request, user: str) -> None:
        """A new subscription of a user to their own mailbox. Raises RemoteFault."""
        expires = wanted(request)
        if "contact" not in request.headers:
            raise RemoteFault("SUBSCRIBE needs a Contact")
        endpoint = self.endpoint
        transaction = endpoint.serve(request)
        subscription = Subscription(self, request, transaction.tag, user)
        transaction.respond(200, f"{subscription.contact_line()}Expires: {expires}\r\n")
        endpoint.subscriptions[subscription.call_id, subscription.local_tag] = subscription
        held = self._of.setdefault(user, [])
        held.append(subscription)
        if len(held) > MOST_OF_ONE:
            held[0].end()
        subscription.begin(expires)
        subscription.notify(self.summary(user))

    def drop(self, subscription: Subscription) -> None:
        """Forget one. Safe to call twice."""
        if self.endpoint.subscriptions.pop((subscription.call_id, subscription.local_tag), None) is None:
            return
        held = self._of[subscription.user]
        held.remove(subscription)
        if not held:
            del self._of[subscription.user]


def check_event(request: Request) -> None:
    """Raises RemoteFault (489) for an event that nobody here can tell of."""
    if request.get("event").partition(";")[0].strip().lower() != EVENT:
        raise RemoteFault(
            f"SUBSCRIBE to {request.get('event')[:40]!r}; allowed is {EVENT}", 489, (("Allow-Events", EVENT),)
        )


def wanted(request: Request) -> int:
    """Seconds that a SUBSCRIBE gets: what it asks for, cut to an hour. Raises RemoteFault (489, or 423)."""
    check_event(request)
    given = request.headers.get("expires")
    expires = USUAL if given is None else min(number(given.strip(), 0xFFFFFFFF, "Expires"), USUAL)
    if 0 < expires < LEAST:
        raise RemoteFault(f"Expires {expires} is below {LEAST}", 423, (("Min-Expires", str(LEAST)),))
    return expires
