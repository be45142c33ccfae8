"""What each conversation went through, written as it happens, for afterwards and for a restart."""

from __future__ import annotations

import structlog

from engine.conversations.conversation import Conversation
from engine.facts import Clock, Outcome, Phase
from engine.legs.leg import Leg
from engine.recordings.catalogue import Recorded
from engine.recordings.sidecar import wall
from engine.store.records import (
    ConversationEnded,
    ConversationStarted,
    Detail,
    EventNoted,
    PhaseEntered,
    RecordingWhole,
)
from engine.store.store import Store
from media.quality import Quality

log = structlog.get_logger()


class Journal:
    """One line to the log and one row to the store for every step."""

    def __init__(self, store: Store, clock: Clock, node: str) -> None:
        self._store = store
        self._clock = clock
        self._node = node

    def started(self, call: Conversation) -> None:
        caller = call.customer.number
        about = {"number": call.number, "caller": caller}
        log.info("call_offered", conversation=call.id, legs=call.seated, **about)
        self._store.write(
            ConversationStarted(call.id, self._node, "inbound", call.number, caller, call.started)
        )

    def entered(self, call: Conversation, phase: Phase) -> None:
        if phase is not Phase.ENDED:  # call_ended says that, and more
            about = {"phase": phase.value, "queue": call.queue, "agent": call.agent}
            log.info("phase", conversation=call.id, legs=call.seated, **about)
        self._store.write(
            PhaseEntered(
                call.id,
                call.next_entry(),
                self._clock.wall(),
                phase.value,
                queue=call.queue,
                agent=call.agent,
                answered=call.answered,
            )
        )

    def missed(self, call: Conversation, leg: str, agent: str, outcome: Outcome) -> None:
        """An agent was rung and did not take it."""
        detail: dict[str, str | int | None] = {"leg": leg, "agent": agent}
        detail |= {"outcome": outcome.answer.value, "code": outcome.code}
        if outcome.cause is not None:
            detail["cause"] = str(outcome.cause)
        log.info("agent_missed", conversation=call.id, **detail)
        self._note(call, "agent_missed", detail)

    def measured(self, call: Conversation, leg: Leg, quality: Quality) -> None:
        """How well a party was heard and heard, as it left."""
        detail = {"leg": leg.id, "party": leg.party.role, **quality.figures()}
        log.info("leg_quality", conversation=call.id, **detail)
        self._note(call, "leg_quality", detail)

    def noted(self, call: Conversation, event: str, detail: Detail) -> None:
        """Something that was done to it from outside."""
        log.info(event, conversation=call.id, legs=call.seated, **detail)
        self._note(call, event, detail)

    def ended(self, call: Conversation) -> None:
        end = call.end
        assert end is not None, "a conversation ends before it is said to have ended"
        detail = {"reason": end.reason.value, "by": end.by, "code": end.code, "detail": end.detail}
        log.info("call_ended", conversation=call.id, legs=call.seated, agent=call.agent, **detail)
        self._note(call, "ended", detail)
        self._store.write(ConversationEnded(call.id, self._clock.wall(), end.reason.value))

    def recorded(self, call: Conversation, leg: str, recorded: Recorded) -> None:
        about = recorded.about
        say = log.warning if about.fault else log.info
        path = str(recorded.path or "")
        say(
            "recorded",
            conversation=call.id,
            leg=leg,
            role=about.leg,
            seconds=about.seconds,
            path=path,
            fault=about.fault,
        )
        self._store.write(_recording(call.id, recorded))

    def mended(self, recorded: Recorded) -> None:
        """A recording that a crash left unfinished can be played now."""
        about = recorded.about
        log.warning("recording_mended", path=str(recorded.path), seconds=about.seconds)
        self._store.write(_recording(about.conversation_id, recorded))

    def _note(self, call: Conversation, event: str, detail: Detail) -> None:
        self._store.write(EventNoted(call.id, call.next_entry(), self._clock.wall(), event, detail))


def _recording(conversation: str, recorded: Recorded) -> RecordingWhole:
    about = recorded.about
    return RecordingWhole(
        conversation,
        about.leg,
        str(recorded.path or ""),
        wall(about.start),
        about.seconds,
        about.gaps,
        about.fault or None,
    )
