"""Agents: what each is and does, and setting their presence."""

from __future__ import annotations

from typing import Literal

import msgspec

from engine.agents.agent import Agent, Status
from engine.web.api.office import Office
from engine.web.api.paging import Page, Paging, Word, page_by_name
from engine.web.api.problem import Problem
from engine.web.api.route import Call, Link, Route
from engine.web.api.tokens import EVERYBODY, Role


class AgentView(msgspec.Struct, kw_only=True):
    """One agent of the deployment."""

    id: str
    name: str
    status: Literal["available", "away", "offline"]
    """What they are: their choice while a phone of theirs is registered, else offline."""
    chosen: Literal["available", "away"]
    """What they want to be."""
    doing: Literal["idle", "presented", "talking", "wrap_up", "paused", "elsewhere"]
    seconds: float
    """Since when status and doing are as they are."""
    talking_to: str
    conversation: str | None
    """The one that holds them."""
    queues: list[str]
    phones: int
    """Phones registered now."""
    calls: int
    """Answered since the engine began."""


class ListAgents(Paging, kw_only=True, forbid_unknown_fields=True):
    """Which ones; all that is given must hold."""

    status: Literal["available", "away", "offline"] | None = None
    queue: Word | None = None


class SetPresence(msgspec.Struct, forbid_unknown_fields=True):
    """What the agent wants to be from now on."""

    status: Literal["available", "away"]


async def list_agents(call: Call) -> Page[AgentView]:
    asked: ListAgents = call.query
    chosen = [
        seen(call.office, agent)
        for agent in call.office.floor.agents.values()
        if asked.status in (None, agent.status) and (asked.queue is None or asked.queue in agent.queues)
    ]
    return page_by_name(chosen, lambda agent: agent.id, asked)


async def show_agent(call: Call) -> AgentView:
    return seen(call.office, _agent(call))


async def set_presence(call: Call) -> AgentView:
    """A call that rings or runs goes on; only new ones stay away."""
    agent, asked = _agent(call), call.body
    if call.who.role is Role.AGENT and call.who.name != agent.id:
        raise Problem(
            403,
            f"a token of role agent named {call.who.name} may set their own presence",
            allowed=call.who.name,
        )
    await call.office.choices.choose(agent.id, Status(asked.status))
    call.audit("agent.presence", agent.id, status=asked.status)
    return seen(call.office, agent)


def _agent(call: Call) -> Agent:
    agent = call.office.floor.agents.get(call.named("id"))
    if agent is None:
        raise Problem(404, f"no agent {call.named('id')}", allowed="an id of GET /api/v1/agents")
    return agent


def seen(office: Office, agent: Agent) -> AgentView:
    """An agent at this moment."""
    return AgentView(
        id=agent.id,
        name=agent.name,
        status=agent.status.value,
        chosen="away" if agent.chosen is Status.AWAY else "available",
        doing=agent.doing.value,
        seconds=max(0.0, office.monotonic() - agent.since),
        talking_to=agent.talking_to,
        conversation=agent.held_by,
        queues=list(agent.queues),
        phones=agent.phones,
        calls=agent.calls,
    )


ROUTES = (
    Route(
        "GET",
        "/agents",
        "listAgents",
        "Agents by id",
        EVERYBODY,
        list_agents,
        Page[AgentView],
        query=ListAgents,
        links=(
            Link("showAgent", "id", "/items/0/id"),
            Link("setPresence", "id", "/items/0/id"),
            Link("listConversations", "agent", "/items/0/id"),
        ),
    ),
    Route("GET", "/agents/{id}", "showAgent", "One agent", EVERYBODY, show_agent, AgentView, faults=(404,)),
    Route(
        "PUT",
        "/agents/{id}/presence",
        "setPresence",
        "Make an agent available or away",
        EVERYBODY,
        set_presence,
        AgentView,
        body=SetPresence,
        faults=(404,),
    ),
)
