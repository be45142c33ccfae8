"""The wallboard's read model, taken from the engine as it is."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from zoneinfo import ZoneInfo

from engine.agents.agent import Agent, Status
from engine.agents.floor import Floor
from engine.conversations.book import Book
from engine.conversations.conversation import Conversation
from engine.facts import Clock, Phase, Reason
from engine.queues.dispatcher import Dispatcher
from engine.queues.queue import Queue
from engine.web.board import AgentLine, Board, CallLine, QueueLine, Totals

UNANSWERED = frozenset({Phase.ARRIVING, Phase.GREETING, Phase.WAITING, Phase.PRESENTED})


class EngineBoard:
    """Reads the book, the floor and the queues; wakes whoever waits for a change."""

    def __init__(
        self, name: str, zone: ZoneInfo, clock: Clock, book: Book, floor: Floor, dispatcher: Dispatcher
    ) -> None:
        """`zone` says when a day begins, and with it the counts."""
        self._name = name
        self._zone = zone
        self._day = self._date(clock)
        self._before: dict[str, int] = {}
        """What had been counted when the day began."""
        self._clock = clock
        self._book = book
        self._floor = floor
        self._dispatcher = dispatcher
        self._news = asyncio.Event()
        book.on_change.append(self._mark)
        floor.on_change.append(self._mark)

    async def changed(self) -> None:
        await self._news.wait()
        self._news = asyncio.Event()

    def board(self) -> Board:
        self._turn_the_day()
        now = self._clock.monotonic()
        calls = list(self._book.live.values())
        waiting = sum(call.phase in UNANSWERED for call in calls)
        return Board(
            name=self._name,
            taken_at=now,
            totals=Totals(
                offered=self._today("offered", self._book.offered),
                answered=self._today("answered", self._book.answered),
                abandoned=self._today("abandoned", self._book.ends[Reason.ABANDONED]),
                waiting=waiting,
                in_call=sum(call.phase is Phase.TALKING for call in calls),
            ),
            calls=tuple(self._call(call) for call in calls),
            queues=tuple(self._queue(queue, now) for queue in self._dispatcher.queues.values()),
            agents=tuple(self._agent(agent) for agent in self._floor.agents.values()),
        )

    def _date(self, clock: Clock) -> date:
        return datetime.fromtimestamp(clock.wall(), self._zone).date()

    def _today(self, what: str, counted: int) -> int:
        return counted - self._before.get(what, 0)

    def _turn_the_day(self) -> None:
        day = self._date(self._clock)
        if day == self._day:
            return
        self._day = day
        queues, agents = self._dispatcher.queues.values(), self._floor.agents.values()
        self._before = {
            "offered": self._book.offered,
            "answered": self._book.answered,
            "abandoned": self._book.ends[Reason.ABANDONED],
            **{f"answered {queue.name}": queue.counts.answered for queue in queues},
            **{f"abandoned {queue.name}": queue.counts.abandoned for queue in queues},
            **{f"calls {agent.id}": agent.calls for agent in agents},
        }

    def _mark(self, *_: object) -> None:
        self._news.set()

    def _call(self, call: Conversation) -> CallLine:
        agent = self._floor.agents.get(call.agent)
        return CallLine(
            id=call.id,
            phase=call.phase,
            caller=call.customer.label,
            number=call.number,
            queue=call.queue,
            agent=agent.name if agent is not None else "",
            since=call.since,
            started=call.arrived,
        )

    def _queue(self, queue: Queue, now: float) -> QueueLine:
        first, people = queue.first_entered(), self._floor.agents
        return QueueLine(
            name=queue.name,
            waiting=len(queue),
            longest_wait=now - first if first is not None else 0.0,
            agents_free=queue.free_agents,
            agents_logged_in=sum(
                people[agent].status is not Status.OFFLINE for agent in queue.agents if agent in people
            ),
            answered=self._today(f"answered {queue.name}", queue.counts.answered),
            abandoned=self._today(f"abandoned {queue.name}", queue.counts.abandoned),
            answer_within=queue.answer_within,
        )

    def _agent(self, agent: Agent) -> AgentLine:
        return AgentLine(
            id=agent.id,
            name=agent.name,
            status=agent.status,
            phase=agent.doing,
            since=agent.since,
            talking_to=agent.talking_to,
            phones=agent.phones,
            calls=self._today(f"calls {agent.id}", agent.calls),
        )
