"""Where SIP's events find their leg, and a caller's INVITE becomes a conversation."""

from __future__ import annotations

from functools import partial
from typing import cast

import structlog
from structlog.typing import FilteringBoundLogger as BoundLogger

from engine.calls.desk import Desk
from engine.calls.inbound import arrive
from engine.calls.refusals import Refusals
from engine.conversations.book import Book
from engine.conversations.conversation import Conversation
from engine.facts import Ended, LegEnd, Party, Reason
from engine.legs.attempt import Attempt
from engine.legs.leg import Leg
from engine.policy.routing import dialled
from engine.sip.dialog import Dialog
from engine.sip.errors import BadUri, RemoteFault
from engine.sip.events import AgentCaller, Event, Invited, Refused, Registered, Unregistered
from engine.sip.uri import NameAddr, parse_uri
from media.control import NoRow

log = structlog.get_logger()

LONGEST_NAME, LONGEST_NUMBER = 64, 32
"""Characters that are kept of a display name and of a number: an INVITE to an agent must fit a datagram."""
BUSY_FOR = 5
"""Seconds that Retry-After asks for while draining or full."""


class Reception:
    """Takes every event of the SIP stack."""

    def __init__(self, desk: Desk, book: Book) -> None:
        self._desk = desk
        self._book = book
        self._attempts = desk.plant.attempts
        self._refusals = Refusals(desk.clock)

    def deliver(self, event: Event) -> None:
        """Never raises: a defect that an event meets ends the call it is of, and the others hear of theirs."""
        try:
            self._hear(event)
        except Exception:
            logger = self._log_of(event)
            logger.exception("event_fault", about=type(event).__name__)
            self._give_up(event)

    def _hear(self, event: Event) -> None:
        match event:
            case Invited():
                self._invited(event)
            case Registered(user, bindings):
                self._desk.floor.registered(user, len(bindings))
            case Unregistered(user):
                self._desk.floor.registered(user, 0)
            case Refused():
                self._refusals.add(event)
            case _:
                self._to_attempt(event)

    def _log_of(self, event: Event) -> BoundLogger:
        """Lines about an event carry the leg it is for, or the dialog nobody sits in."""
        dialog = getattr(event, "dialog", None)
        attempt = self._attempts.get(dialog) if dialog is not None else None
        if attempt is not None:
            return attempt.owner.log
        return cast(BoundLogger, log.bind(call_id=dialog.call_id) if dialog is not None else log)

    def _to_attempt(self, event: Event) -> None:
        dialog = getattr(event, "dialog", None)
        attempt = self._attempts.get(dialog) if dialog is not None else None
        if attempt is not None:
            attempt.on_event(event)

    def _give_up(self, event: Event) -> None:
        dialog = getattr(event, "dialog", None)
        if dialog is None:
            return
        with self._desk.plant.driver.turn() as now:
            dialog.hang_up(now)
        attempt = self._attempts.get(dialog)
        if attempt is not None:
            attempt.owner.finished(attempt, LegEnd.FAULT)

    def _invited(self, event: Invited) -> None:
        if event.replaces is not None:
            self._take_over(event, event.replaces)
            return
        if self._book.draining:
            self._refuse(event, 503, "draining")
            return
        number = plain(dialled(event.dialog.called, self._desk.settings.numbers), LONGEST_NUMBER)
        conversation = self._book.open(number, customer(event.dialog.caller))
        try:
            self._seat(conversation, event)
        except NoRow as error:
            self._refuse(event, 503, str(error))
            self._book.close(conversation, Ended(Reason.REFUSED, code=503, detail=str(error)))
            return
        self._book.begin(conversation, partial(arrive, self._desk))

    def _take_over(self, event: Invited, replaced: Dialog) -> None:
        """An INVITE with Replaces (RFC 3891): another dialog for a seat that is taken, in its place once confirmed."""
        before = self._attempts.get(replaced)
        leg = before.owner if before is not None else None
        if not isinstance(leg, Leg) or not may_replace(event, leg):
            self._refuse(event, 481, "no call of theirs to replace")
            return
        try:
            attempt = Attempt.incoming(self._desk.plant, leg, leg.id, event.dialog, event.offer)
        except NoRow as error:
            self._refuse(event, 503, str(error))
            return
        leg.attempts.append(attempt)
        try:
            attempt.accept()
        except RemoteFault as fault:
            attempt.refuse(fault.code)
            leg.finished(attempt, LegEnd.FAILED)

    def _seat(self, conversation: Conversation, event: Invited) -> None:
        """The caller's own seat, with the row our answer will name. At once: the next event may be their CANCEL."""
        leg = conversation.caller
        leg.sit(Attempt.incoming(self._desk.plant, leg, leg.id, event.dialog, event.offer))

    def _refuse(self, event: Invited, code: int, why: str) -> None:
        log.warning("call_refused", call_id=event.dialog.call_id, code=code, why=why)
        with self._desk.plant.driver.turn() as now:
            event.dialog.refuse(code, now, headers=[("Retry-After", str(BUSY_FOR))])


def customer(caller: NameAddr) -> Party:
    """Who calls, as far as From says; what is no text, or no end of it, stays out of journal and file names."""
    try:
        user = parse_uri(caller.uri).user
    except BadUri:  # a scheme that is not served, such as urn:
        user = ""
    return Party("customer", plain(user, LONGEST_NUMBER), plain(caller.display, LONGEST_NAME))


def plain(text: str, most: int) -> str:
    """Printable characters, at most so many."""
    return "".join(c if c.isprintable() else "?" for c in text[:most])


def may_replace(event: Invited, leg: Leg) -> bool:
    """Agents take the seats of agents, a trunk those of callers."""
    return leg.up and (leg.party.role == "agent") == isinstance(event.caller, AgentCaller)
