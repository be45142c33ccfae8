"""Queues: who waits, who could take them, and what came of those before."""

from __future__ import annotations

import msgspec

from engine.agents.agent import Status
from engine.queues.queue import Queue
from engine.web.api.office import Office
from engine.web.api.paging import Page, Paging, page_by_name
from engine.web.api.problem import Problem
from engine.web.api.route import Call, Link, Route
from engine.web.api.tokens import EVERYBODY


class QueueView(msgspec.Struct, kw_only=True):
    """One queue, now and since the engine began."""

    name: str
    priority: int
    waiting: int
    longest_wait: float
    """Seconds that the first in line has waited; 0 when nobody does."""
    agents: list[str]
    """Ids of everybody who serves it."""
    agents_free: int
    agents_logged_in: int
    answer_within: float
    """Seconds of the service level."""
    offered: int
    answered: int
    abandoned: int
    gave_up: int
    """Callers whose maximum wait was over."""
    dropped: int
    """Callers taken out by the engine or the API."""


async def list_queues(call: Call) -> Page[QueueView]:
    office = call.office
    return page_by_name(
        [seen(office, queue) for queue in office.dispatcher.queues.values()],
        lambda queue: queue.name,
        call.query,
    )


async def show_queue(call: Call) -> QueueView:
    queue = call.office.dispatcher.queues.get(call.named("name"))
    if queue is None:
        raise Problem(404, f"no queue {call.named('name')}", allowed="a name of GET /api/v1/queues")
    return seen(call.office, queue)


def seen(office: Office, queue: Queue) -> QueueView:
    """A queue at this moment."""
    first, people = queue.first_entered(), office.floor.agents
    here = (people[agent].status for agent in queue.agents if agent in people)
    counts = queue.counts
    return QueueView(
        name=queue.name,
        priority=queue.priority,
        waiting=len(queue),
        longest_wait=office.monotonic() - first if first is not None else 0.0,
        agents=sorted(queue.agents),
        agents_free=queue.free_agents,
        agents_logged_in=sum(status is not Status.OFFLINE for status in here),
        answer_within=queue.answer_within,
        offered=counts.offered,
        answered=counts.answered,
        abandoned=counts.abandoned,
        gave_up=counts.gave_up,
        dropped=counts.dropped,
    )


ROUTES = (
    Route(
        "GET",
        "/queues",
        "listQueues",
        "Queues by name",
        EVERYBODY,
        list_queues,
        Page[QueueView],
        query=Paging,
        links=(
            Link("showQueue", "name", "/items/0/name"),
            Link("listAgents", "queue", "/items/0/name"),
            Link("listConversations", "queue", "/items/0/name"),
        ),
    ),
    Route("GET", "/queues/{name}", "showQueue", "One queue", EVERYBODY, show_queue, QueueView, faults=(404,)),
)
