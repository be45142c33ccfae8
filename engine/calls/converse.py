"""Caller and agent speak."""

from __future__ import annotations

from dataclasses import dataclass

from engine.agents.floor import Hold
from engine.calls.desk import Desk
from engine.calls.talk import LegEnded, Pressed, Talk
from engine.conversations.conversation import Conversation
from engine.facts import Ended, LegEnd, Next, Phase, Reason
from engine.legs.leg import Leg


@dataclass(frozen=True, slots=True)
class Connected:
    """An agent who has answered: their leg and the hold on the person, handed over together."""

    leg: Leg
    hold: Hold

    def give_back(self) -> None:
        self.leg.hang_up()
        self.hold.release()


async def converse(desk: Desk, conversation: Conversation, caller: Leg, connected: Connected) -> Next:
    """Bridge them, record the agent too, and listen until one of them leaves."""
    agent = connected.leg
    try:
        with Talk(caller, agent) as talk:
            caller.hear(agent)
            agent.hear(caller)
            connected.hold.answered(caller.party.label)
            desk.answered_by(conversation, connected.hold.agent)
            desk.record(conversation, agent, connected.hold.agent)
            conversation.enter(Phase.TALKING)
            while True:
                match await talk.next():
                    case LegEnded(leg):
                        return over(leg)
                    case Pressed():
                        pass  # feature codes come with transfer; until then keys during a talk mean nothing
    finally:
        connected.give_back()


def over(leg: Leg) -> Ended:
    """One of the two left."""
    match leg.end:
        case LegEnd.MEDIA_LOST:
            return Ended(Reason.MEDIA_LOST)
        case LegEnd.FAULT:
            return Ended(Reason.FAULT)
        case LegEnd.LOST:
            return Ended(Reason.LOST, by=leg.party.role)
        case _:
            return Ended(Reason.COMPLETED, by=leg.party.role, detail=str(leg.cause or ""))
