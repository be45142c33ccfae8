"""From sip.listen to bound sockets and the transports on them; what a peer is told that we are called."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog

from config.addresses import Listen, is_address
from config.sip import Sip
from engine.sip.flow import bracketed
from engine.transports.driver import Driver
from engine.transports.limits import Crowd
from engine.transports.locator import Locator
from engine.transports.names import Kind, Names
from engine.transports.streams import Streams, bind_stream
from engine.transports.tls import Tls
from engine.transports.udp import Udp, bind_udp

log = structlog.get_logger()


class CannotBind(Exception):
    """An address cannot be listened on; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One address of sip.listen."""

    url: Listen
    sock: socket.socket

    @property
    def name(self) -> str:
        """The transport, with a 6 behind it for IPv6: what the stack knows the address by."""
        return f"{self.url.transport}6" if ":" in self.url.host else self.url.transport

    @property
    def port(self) -> int:
        return int(self.sock.getsockname()[1])

    def __str__(self) -> str:
        return f"{self.url.transport}://{bracketed(self.url.host)}:{self.port}"


class Listeners:
    """Every address that SIP is received on."""

    def __init__(self, sip: Sip) -> None:
        """Binds them all. Raises CannotBind, with nothing left open."""
        self._sip = sip
        self._streams: dict[str, Streams] = {}
        self.tls = self._secured()
        self.bound: list[Bound] = []
        try:
            for url in sip.listen:
                self.bound.append(Bound(url, _bind(url)))
        except CannotBind:
            for one in self.bound:
                one.sock.close()
            raise

    def _secured(self) -> Tls | None:
        files = self._sip.tls
        if files is None:
            return None
        try:
            return Tls(files.certificate, files.key, files.authorities)
        except OSError as error:
            raise CannotBind(f"sip.tls: {error}") from error

    def local(self) -> dict[str, tuple[str, int]]:
        """What Via and Contact name, by transport (see `Bound.name`); external_address where it is of that family."""
        external = self._sip.external_address
        return {one.name: (_called(one.url.host, external), one.port) for one in self.bound}

    def locator(self) -> Locator:
        """Asks DNS for targets that we can speak to from these addresses."""
        servers = [(server.host, server.port) for server in self._sip.name_servers]
        six = [":" in one.url.host for one in self.bound]
        families: list[Kind] = ["AAAA" if v6 else "A" for v6 in dict.fromkeys(six)]
        return machine_locator({one.url.transport for one in self.bound}, families, servers)

    async def open(self, driver: Driver) -> None:
        """Packets come and go from now on; `driver.close` ends it."""
        crowd = Crowd()
        for one in self.bound:
            if one.url.transport == "udp":
                driver.attach(one.name, Udp(one.sock, driver))
            else:
                await self._stream(one.url.transport, driver, crowd).listen(one.sock)

    def _stream(self, transport: str, driver: Driver, crowd: Crowd) -> Streams:
        streams = self._streams.get(transport)
        if streams is None:
            tls = self.tls if transport in ("tls", "wss") else None
            streams = self._streams[transport] = Streams(transport, driver, tls=tls, crowd=crowd)
            driver.attach(transport, streams)
        return streams

    def renew(self) -> None:
        """Read the certificate again, for connections from now on; a faulty one is not taken."""
        if self.tls is None:
            return
        try:
            self.tls.renew()
        except OSError as error:
            log.error("certificate_not_renewed", why=str(error))
        else:
            log.info("certificate_read")

    def texts(self) -> Sequence[str]:
        """The addresses with their real ports."""
        return [str(one) for one in self.bound]


def machine_locator(
    speaks: Collection[str], families: Sequence[Kind] = ("A",), servers: Sequence[tuple[str, int]] = ()
) -> Locator:
    """A locator with this machine's clock and chance, and its name servers unless others are given."""
    names = Names(servers, monotonic=time.monotonic)
    chance = random.Random().random
    return Locator(names, speaks=speaks, families=families, chance=chance, monotonic=time.monotonic)


def _bind(url: Listen) -> socket.socket:
    bind = bind_udp if url.transport == "udp" else bind_stream
    try:
        return bind(url.host, url.port)
    except OSError as error:
        raise CannotBind(f"sip.listen: cannot listen on {url}: {error.strerror}") from error


def _called(host: str, external: str | None) -> str:
    if external is None or (is_address(external) and (":" in external) != (":" in host)):
        return host
    return external
