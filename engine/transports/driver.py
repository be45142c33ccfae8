"""The asyncio face of the SIP stack: time and packets in, events and packets out. All the waiting there is, is here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import structlog

from engine.facts import Clock
from engine.sip.events import Event, Refused, TargetFailed
from engine.sip.flow import Flow, Packet, is_address
from engine.sip.stack import Stack
from engine.transports.counts import MessageCounts
from engine.transports.locator import NotLocated

log = structlog.get_logger()

SLACK = 0.01
"""Seconds a SIP timer may be late, so that many share one wake-up."""


class Transport(Protocol):
    """Where packets leave. Sending never waits; what cannot be sent is reported through `Driver.unreachable`."""

    def send(self, packet: Packet) -> None: ...

    def close(self) -> None: ...


class Locator(Protocol):
    """Finds the targets of a name."""

    async def locate(self, name: Flow) -> Sequence[Flow]:
        """At least one, in the order in which to try them. Raises NotLocated."""
        ...

    def failed(self, target: Flow, rest: float | None) -> None:
        """It did not serve a request; `rest` is for how many seconds it asked to be left alone."""
        ...


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

    def __init__(self, stack: Stack, clock: Clock, locator: Locator | None = None) -> None:
        """`locator` finds the addresses of names; without one, a name cannot be reached."""
        self.stack = stack
        self.locator = locator
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
        self._asking: set[asyncio.Task[None]] = set()

    def attach(self, name: str, transport: Transport) -> None:
        """Packets whose flow names this transport go there; with a 6 behind the name, those to IPv6 addresses."""
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

    def refused(self, flow: Flow, why: str) -> None:
        """A connection was shown out: a line for the log."""
        self.deliver(Refused(flow, 0, why))

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
        for task in self._asking:
            task.cancel()
        self.flush_packets()
        if self._timer is not None:
            self._timer.cancel()
        for transport in self._transports.values():
            transport.close()

    def flush_packets(self) -> None:
        for packet in self.stack.take_packets():
            if is_address(packet.flow.host):
                self._send(packet)
            else:  # what is no transaction, such as the ACK of a 2xx
                self._ask(packet.flow, partial(self._send_first, packet.data))
        for name in self.stack.take_unlocated():
            self._ask(name, partial(self._located, name))

    def _send(self, packet: Packet) -> None:
        flow, transports = packet.flow, self._transports
        transport = transports.get(f"{flow.transport}6") if ":" in flow.host else None
        transport = transport or transports.get(flow.transport)
        self.messages.send(packet.data, flow.host)
        if transport is not None:
            transport.send(packet)
        else:
            self._loop.call_soon(self.unreachable, flow)

    def _ask(self, name: Flow, tell: Callable[[Sequence[Flow]], None]) -> None:
        """While DNS is asked, everything else goes on."""
        task = self._loop.create_task(self._locate(name, tell))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _locate(self, name: Flow, tell: Callable[[Sequence[Flow]], None]) -> None:
        try:
            if self.locator is None:
                raise NotLocated(f"{name.host} is a name, and names are not asked for here")
            found = await self.locator.locate(name)
        except NotLocated as error:
            log.warning("not_located", name=name.host, transport=name.transport or "any", why=str(error))
            self.unreachable(name)
        else:
            tell(found)

    def _located(self, name: Flow, found: Sequence[Flow]) -> None:
        with self.turn() as now:
            self.stack.located(name, found, now)

    def _send_first(self, data: bytes, found: Sequence[Flow]) -> None:
        self._send(Packet(data, found[0]))

    def _target_failed(self, event: TargetFailed) -> None:
        """It is not the first choice for a while."""
        flow = event.flow
        log.warning("target_failed", target=f"{flow.host}:{flow.port}", transport=flow.transport)
        if self.locator is not None:
            self.locator.failed(flow, event.rest)

    def _flush(self) -> None:
        self._flushing = False
        for event in self.stack.take_events():
            if type(event) is TargetFailed:
                self._target_failed(event)
            else:
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
