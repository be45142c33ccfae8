"""Wiring: which part is given to which. Constructor calls, top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.settings import Settings
from engine.agents.agent import Agent
from engine.agents.floor import Floor, Later
from engine.calls.desk import Desk, QueueSound
from engine.calls.reception import Reception
from engine.calls.stories import stories
from engine.conversations.book import Book
from engine.conversations.journal import Journal
from engine.facts import Clock
from engine.legs.attempt import Plant
from engine.legs.sound import Sound
from engine.policy.waiting import WaitingRules
from engine.queues.dispatcher import Dispatcher, Soon
from engine.queues.queue import Queue
from engine.recordings.recordings import Recordings
from engine.sip.stack import Stack
from engine.store.store import Store
from engine.transports.driver import Driver
from engine.trunks.directory import Directory
from engine.web.engine_board import EngineBoard
