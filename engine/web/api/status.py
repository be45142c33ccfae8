"""The engine as a whole: what a person asks first."""

from __future__ import annotations

import msgspec

from engine.facts import Reason
from engine.web.api.conversations import moment
from engine.web.api.paging import Moment
from engine.web.api.route import Call, Route
from engine.web.api.tokens import EVERYBODY


class StatusView(msgspec.Struct, kw_only=True):
    """This node now, and since it began."""

    organisation: str
    node: str
    since: Moment
    draining: bool
    live: dict[str, int]
    """Live conversations by phase."""
    offered: int
    answered: int
    ends: dict[str, int]
    """How conversations finished; offered is the sum of these and of live."""
    queues_waiting: int
    agents: dict[str, int]
    """Agents by status."""


async def show_status(call: Call) -> StatusView:
    office = call.office
    live: dict[str, int] = {}
    for conversation in office.book.live.values():
        live[conversation.phase] = live.get(conversation.phase, 0) + 1
    agents: dict[str, int] = {}
    for agent in office.floor.agents.values():
        agents[agent.status] = agents.get(agent.status, 0) + 1
    return StatusView(
        organisation=office.settings.organisation.name,
        node=office.node,
        since=moment(office.ready_since),
        draining=office.book.draining,
        live=live,
        offered=office.book.offered,
        answered=office.book.answered,
        ends={reason.value: office.book.ends[reason] for reason in Reason if office.book.ends[reason]},
        queues_waiting=sum(len(queue) for queue in office.dispatcher.queues.values()),
        agents=agents,
    )


ROUTES = (
    Route(
        "GET", "/status", "showStatus", "The node: calls, queues, agents", EVERYBODY, show_status, StatusView
    ),
)
