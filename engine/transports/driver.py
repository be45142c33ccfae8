"""The asyncio face of the SIP stack: time and packets in, events and packets out. All the waiting there is, is here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from engine.facts import Clock
from engine.sip.events import Event
from engine.sip.flow import Flow, Packet
from engine.sip.stack import Stack
from engine.transports.counts import MessageCounts

log = structlog.get_logger()

SLACK = 0.01
"""Seconds a SIP timer may be late, so that many share one wake-up."""


class Transport(Protocol):
    """Where packets leave. Sending never waits; what cannot be sent is reported through `Driver.unreachable`."""

    def send(self, packet: Packet) -> None: ...

    def close(self) -> None: ...


class Turn:
    """`with driver.turn() as now`. One object for all turns: they are many, and hold nothing."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def __enter__(self) -> float:
        return self._driver.clock.monotonic()

    def __exit__(self, *fault: object) -> None:
        self._driver.flush_soon()


class Driver:
    """Drives one stack: hands it what arrives and its timers, delivers its events, sends its packets."""

    def __init__(self, stack: Stack, clock: Clock) -> None:
        self.stack = stack
        self.deliver: Callable[[Event], None] = lambda event: None
        """Who hears of the stack's events; set before the first packet."""
        self.clock = clock
        self.messages = MessageCounts()
        self._transports: dict[str, Transport] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._flushing = False
        self._turned = asyncio.Event()
        self._turn = Turn(self)
        self._loop = asyncio.get_running_loop()

    def attach(self, name: str, transport: Transport) -> None:
        """Packets whose flow names this transport go there."""
        self._transports[name] = transport

    def received(self, messages: list[tuple[bytes, Flow]]) -> None:
        """What one read of a socket brought."""
        with self.turn() as now:
            for data, flow in messages:
                try:
                    self.messages.receive(data, flow.host)
                    self.stack.receive(data, flow, now)
                except Exception:  # a defect that one packet meets: the others are somebody else's
                    log.exception("packet_fault", source=f"{flow.host}:{flow.port}", size=len(data))

    def unreachable(self, flow: Flow) -> None:
        with self.turn() as now:
            self.stack.unreachable(flow, now)

    def turn(self) -> Turn:
        """Touch the stack inside; whatever it wants to say or send leaves before the loop goes idle."""
        return self._turn

    def flush_soon(self) -> None:
        """Deliver and send once what is running now has finished."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    async def quiet(self) -> None:
        """Returns once no request of ours waits for its answer."""
        while self.stack.unanswered:
            self._turned = asyncio.Event()
            await self._turned.wait()

    def close(self) -> None:
        self.flush_packets()
        if self._timer is not None:
            self._timer.cancel()
        for transport in self._transports.values():
            transport.close()

    def flush_packets(self) -> None:
        for packet in self.stack.take_packets():
            self.messages.send(packet.data, packet.flow.host)
            transport = self._transports.get(packet.flow.transport)
            if transport is not None:
                transport.send(packet)

    def _flush(self) -> None:
        self._flushing = False
        for event in self.stack.take_events():
            self.deliver(event)
        self.flush_packets()
        self._turned.set()
        self._arm()

    def _arm(self) -> None:
        due = self.stack.due()
        if due is None or (self._timer is not None and self._timer_at <= due + SLACK):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = max(due, self.clock.monotonic()) + SLACK
        delay = self._timer_at - self.clock.monotonic()
        self._timer = self._loop.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        with self.turn() as now:
            self.stack.handle_timer(now)
