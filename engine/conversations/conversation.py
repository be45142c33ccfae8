"""One customer's interaction, from first ring to wrap-up: its legs, its phase, its facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from engine.facts import Ended, Party, Phase
from engine.legs.leg import Leg
from engine.recordings.catalogue import Recording
from media.quality import Quality


@dataclass(slots=True, eq=False)
class Conversation:
    """Owns the legs: they end with it, whatever its stories did."""

    id: str
    number: str
    """The called number."""
    customer: Party
    started: float
    """Wall time, seconds since 1970."""
    arrived: float
    """The same on the monotonic clock."""
    since: float
    """Monotonic time of the last change of phase."""
    note: Callable[[Conversation, Phase], None]
    """Writes a change of phase to the journal, and tells who watches."""
    measured: Callable[[Conversation, Leg, Quality], None]
    """Writes to the journal how well a party was heard and heard."""
    phase: Phase = Phase.ARRIVING
    queue: str = ""
    agent: str = ""
    answered: float | None = None
    """Wall time at which an agent first spoke to the customer."""
    end: Ended | None = None
    legs: list[Leg] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    """Of its legs, in the order they began."""
    entries: int = 0
    """Lines of its journal so far."""
    seats: int = 0
    """Seats made so far, so that a leg's id is never used twice."""

    @property
    def caller(self) -> Leg:
        """The leg of the customer who called."""
        return self.legs[0]

    def enter(self, phase: Phase) -> None:
        """Say where the conversation is now."""
        self.phase = phase
        self.note(self, phase)

    @property
    def seated(self) -> list[str]:
        """Ids of the parties who are in it."""
        return [leg.id for leg in self.legs]

    def seat(self, party: Party) -> Leg:
        """A new, empty seat for somebody."""
        self.seats += 1
        leg = Leg(f"{self.id}-{self.seats}", party, self.id)
        leg.on_measured = partial(self.measured, self, leg)
        self.legs.append(leg)
        return leg

    def next_entry(self) -> int:
        """The number of its next line in the journal."""
        self.entries += 1
        return self.entries

    def vacate(self, leg: Leg) -> None:
        """Hang up on a party who did not come to stay, and take the seat away."""
        leg.hang_up()
        self.legs.remove(leg)

    def adopt(self, leg: Leg, from_: Conversation) -> None:
        """Take over another conversation's leg: the only way a party changes conversations."""
        from_.legs.remove(leg)
        leg.on_measured = partial(self.measured, self, leg)
        self.legs.append(leg)
        leg.conversation = self.id

    def clear(self) -> None:
        """Hang up on everybody and give everything back."""
        for leg in self.legs:
            leg.hang_up()
