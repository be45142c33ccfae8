"""Stacks joined by a wire that can lose, delay, repeat and overtake, all in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from random import Random

from engine.sip.events import Event
from engine.sip.flow import Flow, Packet
from engine.sip.stack import Stack
from tests.kit.playbook import Roster, tokens


@dataclass(frozen=True)
class Weather:
    """What the wire does to datagrams; streams pass in order and whole."""

    loss: float = 0.0
    """The share that is lost, 0..1."""
    twice: float = 0.0
    """The share that arrives twice."""
    delay: float = 0.0
    """Seconds at most; each packet has its own, so that they overtake each other."""


class Peer:
    """A stack at an address with an engine of a few lines."""

    def __init__(self, wire: FakeWire, host: str, react: Callable[[Peer, Event], None]) -> None:
        self.wire, self.host, self.react = wire, host, react
        trunks = {f"192.0.2.{n}": f"trunk-{n}" for n in range(1, 10)}
        local = {"udp": (host, 5060)}
        prefix = f"{host.rpartition('.')[2]}f"
        self.stack = Stack(
            authority=Roster(trunks=trunks),
            local=local,
            token=tokens(prefix),
            key=b"k" * 16,
            session_timer=wire.session_timer,
        )
        self.flow = Flow("udp", host, 5060)
        self.told: list[Event] = []

    def settle(self) -> None:
        """Let the engine react and put what the stack sends on the wire."""
        while events := self.stack.take_events():
            for event in events:
                self.told.append(event)
                self.react(self, event)
        for packet in self.stack.take_packets():
            self.wire.carry(self, packet)

    @property
    def now(self) -> float:
        """The wire's time."""
        return self.wire.now


class FakeWire:
    """Carries packets between peers."""

    def __init__(self, seed: int, weather: Weather, session_timer: tuple[int, int] = (1800, 90)) -> None:
        self.now = 0.0
        self.session_timer = session_timer
        self.weather = weather
        self.peers: dict[str, Peer] = {}
        self._chance = Random(seed)
        self._order = count()
        self._flying: list[tuple[float, int, str, Packet]] = []

    def peer(self, host: str, react: Callable[[Peer, Event], None]) -> Peer:
        """A new stack on the wire."""
        self.peers[host] = Peer(self, host, react)
        return self.peers[host]

    def carry(self, source: Peer, packet: Packet) -> None:
        """A datagram sets out."""
        chance, weather = self._chance, self.weather
        if packet.flow.host not in self.peers or chance.random() < weather.loss:
            return
        copies = 2 if chance.random() < weather.twice else 1
        for _ in range(copies):
            arrival = self.now + chance.random() * weather.delay
            flown = Packet(packet.data, source.flow)
            heappush(self._flying, (arrival, next(self._order), packet.flow.host, flown))

    def run(self, seconds: float) -> None:
        """Deliver and run timers, in the order of time, for so long."""
        until = self.now + seconds
        self._settle()
        while (when := self._next()) is not None and when <= until:
            self.now = max(self.now, when)
            while self._flying and self._flying[0][0] <= self.now:
                _, _, host, packet = heappop(self._flying)
                self.peers[host].stack.receive(packet.data, packet.flow, self.now)
                self._settle()
            for peer in self.peers.values():
                peer.stack.handle_timer(self.now)
            self._settle()
        self.now = until

    def _next(self) -> float | None:
        times = [due for peer in self.peers.values() if (due := peer.stack.due()) is not None]
        if self._flying:
            times.append(self._flying[0][0])
        return min(times, default=None)

    def _settle(self) -> None:
        for peer in self.peers.values():
            peer.settle()
