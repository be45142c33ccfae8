"""From the deployment's settings to the parts that calls meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from config.prompts import Audio
from config.settings import Settings
from config.workstreams import InboundWorkstream
from engine.agents.agent import Agent
from engine.calls.desk import QueueSound
from engine.legs.sound import Sound
from engine.policy.waiting import WaitingRules
from engine.queues.queue import Queue
from engine.trunks.directory import Directory

DEFAULT_WAIT = 1800.0
"""Seconds of a queue without a waiting strategy, as config/queues.py says."""


def directory(settings: Settings) -> Directory:
    return Directory(settings.sip.domain, secrets(settings), networks(settings))


def secrets(settings: Settings) -> dict[str, str]:
    """Password by agent."""
    return {name: agent.password.get_secret_value() for name, agent in settings.agents.items()}


def networks(settings: Settings) -> Mapping[str, tuple[IPv4Network | IPv6Network, ...]]:
    """Where each trunk calls from."""
    return {name: trunk.accept_from for name, trunk in settings.trunks.items()}


def agents(settings: Settings) -> list[Agent]:
    rules = settings.calls.wrap_up
    return [
        Agent(
            id=name,
            name=agent.name,
            queues=agent.queues,
            wrap_up=0.0 if not rules.enabled else rules.time if agent.wrap_up is None else agent.wrap_up,
        )
        for name, agent in settings.agents.items()
    ]


def queues(settings: Settings, changed: Callable[[], None]) -> list[Queue]:
    made = []
    for name, queue in settings.queues.items():
        strategy = settings.waiting_strategies.get(queue.waiting or "")
        made.append(
            Queue(
                name=name,
                priority=queue.priority,
                agents=frozenset(agent for agent, who in settings.agents.items() if name in who.queues),
                rules=WaitingRules(max_wait=strategy.max_wait if strategy is not None else DEFAULT_WAIT),
                changed=changed,
                answer_within=queue.service_level.answer_within,
            )
        )
    return made


def inbound(settings: Settings) -> dict[str, InboundWorkstream]:
    every = settings.workstreams.items()
    return {name: stream for name, stream in every if isinstance(stream, InboundWorkstream)}


async def sounds(settings: Settings, sound: Sound) -> dict[str, QueueSound]:
    """Decode what callers of each queue hear, before the first of them calls."""
    made = {}
    for name, queue in settings.queues.items():
        strategy = settings.waiting_strategies.get(queue.waiting or "")
        greeting = strategy.greeting if strategy is not None else None
        music = strategy.music if strategy is not None else "builtin:wait"
        made[name] = QueueSound(
            greeting=await sound.load(greeting.audio) if isinstance(greeting, Audio) else None,
            music=await sound.load(Path(music)),
        )
    return made
