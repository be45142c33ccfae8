"""What each conversation went through, written as it happens, for afterwards and for a restart."""

from __future__ import annotations

import structlog

from engine.conversations.conversation import Conversation
from engine.facts import Clock, Phase
from engine.recordings.catalogue import Recorded
from engine.store.records import ConversationEnded, ConversationStarted, PhaseEntered, RecordingWhole
from engine.store.store import Store

log = structlog.get_logger()


class Journal:
    """One line to the log and one row to the store for every step."""

    def __init__(self, store: Store, clock: Clock, node: str) -> None:
        self._store = store
        self._clock = clock
        self._node = node

    def started(self, conversation: Conversation) -> None:
        customer = conversation.customer
        log.info(
            "call_offered", conversation=conversation.id, number=conversation.number, caller=customer.number
        )
        self._store.write(
            ConversationStarted(
                conversation=conversation.id,
                wall=conversation.started,
                node=self._node,
                direction="inbound",
                number=conversation.number,
                caller=customer.number,
            )
        )

    def entered(self, conversation: Conversation, phase: Phase) -> None:
        log.info("phase", conversation=conversation.id, phase=str(phase), agent=conversation.agent or None)
        self._store.write(
            PhaseEntered(
                conversation=conversation.id,
                wall=self._clock.wall(),
                phase=str(phase),
                queue=conversation.queue,
                agent=conversation.agent,
            )
        )

    def ended(self, conversation: Conversation) -> None:
        end = conversation.end
        assert end is not None, "a conversation ends before it is said to have ended"
        log.info(
            "call_ended",
            conversation=conversation.id,
            reason=str(end.reason),
            by=end.by,
            code=end.code,
            detail=end.detail or None,
        )
        self._store.write(
            ConversationEnded(
                conversation=conversation.id,
                wall=self._clock.wall(),
                queue=conversation.queue,
                agent=conversation.agent,
                answered=conversation.answered,
                end=str(end.reason),
                by=end.by,
                code=end.code,
                detail=end.detail,
            )
        )

    def recorded(self, conversation: Conversation, recorded: Recorded) -> None:
        about = recorded.about
        if about.fault:
            log.warning("recording_fault", conversation=conversation.id, leg=about.leg, fault=about.fault)
        self._store.write(
            RecordingWhole(
                conversation=conversation.id,
                wall=self._clock.wall(),
                leg=about.leg,
                path=str(recorded.path) if recorded.path is not None else None,
                seconds=about.seconds,
                gaps=about.gaps,
                fault=about.fault,
            )
        )
