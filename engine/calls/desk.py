"""What the stories of calls work with: the people, the queues, the phones, the sound."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from config.settings import Settings
from config.workstreams import InboundWorkstream
from engine.agents.agent import Agent
from engine.agents.claims import Claims
from engine.agents.floor import Floor
from engine.conversations.conversation import Conversation
from engine.conversations.journal import Journal
from engine.facts import Clock, Party
from engine.legs.attempt import Attempt, Plant, Target
from engine.legs.leg import Leg
from engine.legs.sound import Clip
from engine.queues.dispatcher import Dispatcher
from engine.recordings.catalogue import LegFacts, Recorded, Recordings
from engine.recordings.filing import Filing
from engine.recordings.wanted import wanted
from media.control import RecordingEnded


@dataclass(frozen=True, slots=True)
class QueueSound:
    """What callers of one queue hear, loaded before the first call."""

    greeting: Clip | None
    music: Clip | None


@dataclass(slots=True)
class Desk:
    """Everything a story needs, wired once by the app. A reload puts other settings, workstreams and sounds in."""

    settings: Settings
    workstreams: dict[str, InboundWorkstream]
    """The inbound ones."""
    clock: Clock
    plant: Plant
    floor: Floor
    claims: Claims
    dispatcher: Dispatcher
    sounds: dict[str, QueueSound]
    """By queue."""
    recordings: Recordings
    filing: Filing
    journal: Journal

    @property
    def ring_agent(self) -> float:
        """Seconds an agent's phones ring."""
        return self.settings.calls.ring.agent

    def phones(self, conversation: Conversation, leg: Leg, caller: Leg, agent: str) -> list[Attempt]:
        """An attempt for each phone of an agent, beside the caller's row where the plane has room. Raises NoRow."""
        domain = self.settings.sip.domain
        from_ = name_addr(conversation.customer, domain)
        with ExitStack() as undo:
            attempts = []
            for binding in self.plant.driver.stack.registrar.contacts(agent, self.clock.monotonic()):
                target = Target(binding.uri, binding.flow, from_, f"<sip:{agent}@{domain}>", binding.path)
                attempts.append(Attempt.outgoing(self.plant, leg, leg.id, target, caller.row.ref))
                undo.callback(attempts[-1].close)
            undo.pop_all()
            return attempts

    def record(
        self, conversation: Conversation, leg: Leg, agent: Agent | None = None, segment: int = 1
    ) -> None:
        """Record a party from now on, where the deployment and the agent want it.

        When another dialog takes the seat, a new segment begins.
        """
        rules = self.settings.recordings
        person = self.settings.agents.get(agent.id) if agent is not None else None
        own = person.record if person is not None else None
        if not leg.up or not wanted("inbound", enabled=rules.enabled, directions=rules.direction, agent=own):
            return
        customer, dialog = conversation.customer, leg.seat.dialog
        facts = LegFacts(
            conversation=conversation.id,
            call_id=dialog.call_id if dialog is not None else "",
            leg=leg.party.role,
            segment=segment,
            customer_name=customer.name,
            customer_number=customer.number,
            agent_name=agent.name if agent is not None else "",
        )
        leg.on_recorded = partial(self._whole, conversation, leg.id)
        recording = self.recordings.start(leg.row, facts)
        leg.on_replaced = partial(self.record, conversation, leg, agent, segment + 1)
        conversation.recordings.append(recording)

    def answered_by(self, conversation: Conversation, agent: Agent) -> None:
        """The recordings that began before it was known who would answer carry the agent's name too."""
        for recording in conversation.recordings:
            recording.answered_by(agent.name)

    def _whole(self, conversation: Conversation, leg: str, event: RecordingEnded) -> None:
        """A file is whole: name it and keep its facts, where a slow disk holds up no call."""
        self.filing.then(partial(self.recordings.ended, event), partial(self._kept, conversation, leg))

    def _kept(self, conversation: Conversation, leg: str, recorded: Recorded | None) -> None:
        if recorded is not None:
            self.journal.recorded(conversation, leg, recorded)


def name_addr(party: Party, domain: str) -> str:
    """A party as From: their number at our domain, with their display name where there is one."""
    name = party.name.replace("\\", "").replace('"', "")
    user = quote(party.number, safe="+*#!$&'()-._~") or "anonymous"
    uri = f"<sip:{user}@{domain}>"
    return f'"{name}" {uri}' if name else uri
