"""Tells the ring of what happens in the engine."""

from __future__ import annotations

from engine.agents.agent import Agent
from engine.conversations.conversation import Conversation
from engine.deployment.reload import Reloaded
from engine.facts import Phase
from engine.web.api import agents, configuration, conversations
from engine.web.api.office import Office

KINDS = {Phase.ARRIVING: "conversation.started", Phase.ENDED: "conversation.ended"}


def watch(office: Office) -> None:
    """From now on every change of a conversation and of an agent is an event."""

    def conversation(live: Conversation) -> None:
        view = conversations.seen(conversations.row_of(office, live))
        if live.end is not None:
            view.end, view.ended = live.end.reason.value, conversations.moment(office.clock.wall())
        office.ring.tell(KINDS.get(live.phase, "conversation.phase"), view)

    def agent(changed: Agent) -> None:
        office.ring.tell("agent.changed", agents.seen(office, changed))

    def reloaded(result: Reloaded) -> None:
        if result.faults:
            office.ring.tell("config.refused", {"faults": [str(fault) for fault in result.faults]})
        else:
            office.ring.tell("config.reloaded", configuration.seen(result))

    office.reloader.on_result.append(reloaded)
    office.book.watchers.append(conversation)
    office.floor.on_change.append(agent)
