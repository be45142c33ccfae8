"""A DNS server on the loopback that says what a test tells it, or nothing at all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Records = Mapping[tuple[str, str], Sequence[str]]
"""Lines of a zone file by name and type: {("acme.test", "SRV"): ["10 5 5060 a.acme.test."]}."""
TTL = 60


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Names that it does not know do not exist."""

    records: dict[tuple[str, str], Sequence[str]]
    ttl: int = TTL
    silent: bool = False
    """Hears everything and says nothing."""
    silent_about: set[str] = field(default_factory=set)
    """Types of records that it never answers for."""
    broken: bool = False
    """Answers SERVFAIL."""
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    address: tuple[str, int] = ("", 0)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        [question] = query.question
        name, kind = question.name.to_text().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind] += 1
        self.heard.set()
        if not self.silent and kind not in self.silent_about:
            self._transport.sendto(self._answer(query, name, kind).to_wire(), addr)

    def _answer(self, query: dns.message.Message, name: str, kind: str) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        lines = self.records.get((name, kind), ())
        if self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif lines:
            response.answer.append(dns.rrset.from_text(query.question[0].name, self.ttl, "IN", kind, *lines))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response


@asynccontextmanager
async def name_server(records: Records | None = None) -> AsyncIterator[NameServer]:
    """Answers by UDP until the block is left."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: NameServer(dict(records or {})), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()
        await asyncio.sleep(0)
