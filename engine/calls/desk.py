"""What the stories of calls work with: the people, the queues, the phones, the sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from engine.agents.floor import Floor
from engine.conversations.conversation import Conversation
from engine.facts import Clock
from engine.legs.attempt import Attempt, Plant, Target
from engine.legs.leg import Leg
from engine.legs.sound import Clip
from engine.queues.dispatcher import Dispatcher
from engine.recordings.recordings import Recordings


@dataclass(frozen=True, slots=True)
class QueueSound:
    """What callers of one queue hear, loaded before the first call."""

    greeting: Clip | None
    music: Clip | None


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a story needs, wired once by the app."""

    settings: Settings
    clock: Clock
    plant: Plant
    floor: Floor
    dispatcher: Dispatcher
    sounds: dict[str, QueueSound]
    """By queue."""
    recordings: Recordings | None
    """None where recording is switched off."""

    @property
    def ring_agent(self) -> float:
        """Seconds an agent's phones ring."""
        return self.settings.calls.ring.agent

    def phones(self, conversation: Conversation, leg: Leg, caller: Leg, agent: str) -> list[Attempt]:
        """An attempt for each phone of an agent, beside the caller's row where the plane has room."""
        registrar = self.plant.driver.stack.registrar
        domain = self.settings.sip.domain
        customer = conversation.customer
        name = customer.name.replace("\\", "").replace('"', "")
        from_ = f'"{name}" <sip:{customer.number}@{domain}>' if name else f"<sip:{customer.number}@{domain}>"
        return [
            Attempt.outgoing(
                self.plant,
                leg,
                leg.id,
                Target(binding.uri, binding.flow, from_, f"<sip:{agent}@{domain}>"),
                caller.row.ref,
            )
            for binding in registrar.contacts(agent, self.clock.monotonic())
        ]
