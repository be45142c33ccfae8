"""One work item's turn in a queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.agents.floor import Hold
from engine.policy.waiting import WaitingFacts
from engine.queues.queue import Queue, Turn
from engine.queues.waits import How


class Place:
    """Kept from entering a queue to leaving it, through any number of agents who did not answer."""

    def __init__(self, turn: Turn, queue: Queue, on_leave: Callable[[Place], None]) -> None:
        self._turn = turn
        self._on_leave = on_leave
        self._greeted = False
        self._ready = asyncio.Event()
        self._left = False
        self.queue = queue
        self.rules = queue.rules
        """As they were when the item came: another deployment applies to those who come after it."""
        self.how: How = "dropped"
        """The way in which it left."""
        self.was_answered = False
        """Left because an agent took it."""
        self.hold: Hold | None = None
        """The agent reserved for this item, until `take` hands them to the one who rings them."""

    @property
    def conversation(self) -> str:
        return self._turn.id

    def facts(self, now: float) -> WaitingFacts:
        agent = self.hold.agent.id if self.hold is not None else None
        return WaitingFacts(waited=now - self._turn.entered, greeted=self._greeted, agent=agent)

    def greeted(self) -> None:
        """The caller has heard the greeting: from now on agents may be presented."""
        self._greeted = True
        self.queue.want_agent(self._turn)

    def assigned(self, hold: Hold, *, new_round: bool) -> None:
        """The dispatcher reserved somebody."""
        if new_round:
            self._turn.tried.clear()
        self._turn.tried.add(hold.agent.id)
        self.queue.have_agent(self._turn)
        self.hold = hold
        self._ready.set()

    async def agent_ready(self) -> None:
        """Returns once an agent is reserved for this item."""
        await self._ready.wait()

    def take(self) -> Hold:
        """The reserved agent, who is the caller's to give back from now on."""
        hold = self.hold
        assert hold is not None, "no agent is reserved"
        self.hold = None
        self._ready = asyncio.Event()
        return hold

    def missed(self) -> None:
        """The agent did not take it: the item keeps its place and wants another."""
        self.queue.want_agent(self._turn)

    def answered(self) -> None:
        """An agent took it: the turn is over."""
        self.queue.counts.answered += not self._left
        self.was_answered = not self._left
        self._leave("answered")

    def abandoned(self) -> None:
        """The caller hung up while waiting."""
        self.queue.counts.abandoned += not self._left
        self._leave("abandoned")

    def gave_up(self) -> None:
        """The maximum wait was over."""
        self.queue.counts.gave_up += not self._left
        self._leave("gave_up")

    def give_back(self) -> None:
        """Leave the queue if none of the above has: the engine stopped, or failed. Safe to call twice."""
        self.queue.counts.dropped += not self._left
        self._leave("dropped")

    def _leave(self, how: How) -> None:
        if self._left:
            return
        self._left, self.how = True, how
        self.queue.leave(self._turn)
        self._on_leave(self)
        if self.hold is not None:
            self.hold.release()
            self.hold = None
