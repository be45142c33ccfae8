"""A network in memory for flows in virtual time: drivers joined by their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.sip.flow import Flow, Packet
from engine.transports.driver import Driver

Address = tuple[str, int]


class Network:
    """Carries packets between the drivers that joined it; `lose` says which never arrive."""

    def __init__(self, latency: float = 0.002) -> None:
        self.latency = latency
        self.lose: Callable[[Address, Packet], bool] = lambda source, packet: False
        self.refuses_quietly: set[Address] = set()
        """Addresses where nobody lives and nothing says so (a dropped phone); others answer with an ICMP error."""
        self._drivers: dict[Address, Driver] = {}
        self._listeners: dict[Address, Callable[[bytes], None]] = {}
        self._latest = 0.0

    def join(self, driver: Driver, address: Address) -> None:
        self._drivers[address] = driver
        self.refuses_quietly.discard(address)
        driver.attach("udp", Wire(self, address))

    def listen(self, address: Address, hear: Callable[[bytes], None]) -> None:
        """Somebody without a SIP stack lives here."""
        self._listeners[address] = hear

    def leave(self, address: Address, *, quietly: bool = True) -> None:
        """The program at this address is gone."""
        self._drivers.pop(address, None)
        if quietly:
            self.refuses_quietly.add(address)

    def carry(self, source: Address, packet: Packet) -> None:
        if self.lose(source, packet):
            return
        loop = asyncio.get_running_loop()
        self._latest = max(
            loop.time() + self.latency, self._latest + 1e-7
        )  # timers of one instant have no order
        loop.call_at(self._latest, self._arrive, source, packet)

    def _arrive(self, source: Address, packet: Packet) -> None:
        target = (packet.flow.host, packet.flow.port)
        driver = self._drivers.get(target)
        if target in self._listeners:
            self._listeners[target](packet.data)
        elif driver is not None:
            driver.received([(packet.data, Flow("udp", *source))])
        elif target not in self.refuses_quietly and source in self._drivers:
            self._drivers[source].unreachable(packet.flow)


class Wire:
    """One address of the network, as a transport."""

    def __init__(self, network: Network, address: Address) -> None:
        self._network = network
        self._address = address

    def send(self, packet: Packet) -> None:
        self._network.carry(self._address, packet)

    def close(self) -> None:
        self._network.leave(self._address)
