"""Everybody who takes calls, who of them is free, and the only way to hold one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from engine.agents.agent import Agent, Doing, Status
from engine.facts import Answer, Clock

PAUSE_AFTER_MISS = 1.0
PAUSE_AFTER_REJECT = 5.0
"""Seconds before an agent is presented another call after one that rang out, or that the phone turned away."""

Later = Callable[[float, Callable[[], None]], object]
"""Call a function after so many seconds (the event loop's call_later)."""


class Hold:
    """One agent kept for one conversation, from reservation to wrap-up. Leaving it gives the agent back, once."""

    def __init__(self, floor: Floor, agent: Agent) -> None:
        self._floor = floor
        self._pause = 0.0
        self._answered = False
        self._elsewhere = False
        self._released = False
        self._idle_since = agent.since
        self.agent = agent

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def answered(self, talking_to: str) -> None:
        self._answered = True
        self.agent.calls += 1
        self.agent.misses = 0
        self.agent.talking_to = talking_to
        self._floor.change(self.agent, Doing.TALKING)

    def not_taken(self, answer: Answer) -> None:
        """The agent was rung and did not take the call."""
        self.agent.misses += 1
        self._pause = PAUSE_AFTER_MISS if answer is Answer.NO_ANSWER else PAUSE_AFTER_REJECT

    def not_rung(self) -> None:
        """The agent was not rung, for want of something of ours; not at once again."""
        self._pause = PAUSE_AFTER_MISS

    def elsewhere(self) -> None:
        """Another node has this agent."""
        self._elsewhere = True

    def release(self) -> None:
        """To wrap-up if they spoke, to a short pause if they did not take it, else straight back to idle.

        One who was rung for a caller who left meanwhile has been idle for as long as before.
        """
        if self._released:
            return
        self._released = True
        self.agent.held_by = None
        self.agent.talking_to = ""
        if self._answered and self.agent.wrap_up > 0:
            self._floor.rest(self.agent, Doing.WRAP_UP, self.agent.wrap_up)
        elif self._pause > 0:
            self._floor.rest(self.agent, Doing.PAUSED, self._pause)
        elif self._elsewhere:
            self._floor.change(self.agent, Doing.ELSEWHERE)
        else:
            self._floor.change(self.agent, Doing.IDLE, None if self._answered else self._idle_since)


class Floor:
    """The agents of this node."""

    def __init__(self, agents: Iterable[Agent], clock: Clock, later: Later) -> None:
        self._clock = clock
        self._later = later
        self.agents = {agent.id: agent for agent in agents}
        self._former: dict[str, Agent] = {}
        """Who another deployment left out; a call of theirs may go on, and they may come back."""
        self._remembered: dict[str, Status] = {}
        for agent in self.agents.values():
            agent.since = clock.monotonic()
        self.on_change: list[Callable[[Agent], None]] = []
        """Called after every change of an agent's status or doing: the queues' indices, the wallboard."""

    def registered(self, agent_id: str, phones: int) -> None:
        """The registrar says how many contacts an agent has now."""
        agent = self.agents.get(agent_id)
        if agent is None:
            return
        agent.phones = phones
        self._settle(agent)

    def replace(self, agents: Iterable[Agent]) -> None:
        """Another deployment's agents. Who is in both stays as they are, with their new name, queues and wrap-up."""
        every = self._former | self.agents
        self.agents = {agent.id: self._same(every.pop(agent.id, None), agent) for agent in agents}
        self._former = every

    def remember(self, choices: Mapping[str, Status]) -> None:
        """What people chose before the engine started, by agent: those there are, and those who come later."""
        for agent, status in choices.items():
            self.learn(agent, status)

    def learn(self, agent_id: str, status: Status) -> None:
        """What somebody chose elsewhere; it is kept for one who may join later."""
        self._remembered[agent_id] = status
        if agent_id in self.agents:
            self.choose(agent_id, status)

    def _same(self, known: Agent | None, agent: Agent) -> Agent:
        if known is None:
            agent.since = self._clock.monotonic()
            agent.chosen = self._remembered.get(agent.id, agent.chosen)
            return agent
        known.name, known.queues, known.wrap_up = agent.name, agent.queues, agent.wrap_up
        return known

    def choose(self, agent_id: str, status: Status) -> None:
        """The agent wants to be available, or away, from now on; it shows once a phone is registered."""
        agent = self.agents[agent_id]
        agent.chosen = status
        self._settle(agent)

    def reserve(self, agent_id: str, conversation: str) -> Hold | None:
        """Take a free agent for a conversation; None when somebody else was quicker."""
        agent = self.agents[agent_id]
        if not agent.free or agent.held_by is not None:
            return None
        agent.held_by = conversation
        hold = Hold(self, agent)
        self.change(agent, Doing.PRESENTED)
        return hold

    def change(self, agent: Agent, doing: Doing, since: float | None = None) -> None:
        """What an agent is doing, since now or since an earlier moment (monotonic)."""
        agent.doing = doing
        self._changed(agent, since)

    def rest(self, agent: Agent, doing: Doing, seconds: float) -> None:
        """Wrap-up or a pause: idle again by itself."""
        self.change(agent, doing)
        self._later(seconds, lambda: self.change(agent, Doing.IDLE))

    def _settle(self, agent: Agent) -> None:
        """Make the status what phone and choice say."""
        status = agent.chosen if agent.phones else Status.OFFLINE
        if agent.status is not status:
            agent.status = status
            self._changed(agent)

    def _changed(self, agent: Agent, since: float | None = None) -> None:
        agent.since = self._clock.monotonic() if since is None else since
        for tell in self.on_change:
            tell(agent)
