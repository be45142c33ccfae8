"""From the name in a URI to the targets that serve it, in order (RFC 3263 section 4), the dead ones last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol

from engine.sip.flow import Flow
from engine.sip.targets import default_port
from engine.transports.names import Kind, Record, Unanswered
from engine.transports.records import PREFIXES, Naptr, Srv, services, srv_order

WITHIN = 7.0
"""Seconds for all questions about one name."""
REST = 30.0
"""Seconds that a target which did not serve a request is tried after all others."""
MOST_TARGETS: Final = 16
MOST_DEAD: Final = 4096


class NotLocated(Exception):
    """A name leads nowhere; the text says why."""


class Asks(Protocol):
    """DNS."""

    async def ask(self, name: str, kind: Kind) -> tuple[Record, ...]:
        """The records of a name. Raises Unanswered."""
        ...


class Locator:
    """Knows what we speak, draws lots where DNS wishes it, and remembers who did not answer."""

    def __init__(
        self,
        names: Asks,
        *,
        speaks: Collection[str],
        families: Sequence[Kind] = ("A",),
        chance: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """`speaks`: transports we listen on; `families`: of our addresses, the preferred one first;
        `chance` gives 0 <= x < 1."""
        self._names, self._speaks, self._families = names, speaks, families
        self._chance, self._monotonic = chance, monotonic
        self._dead: dict[tuple[str, str, int], float] = {}

    async def locate(self, name: Flow) -> list[Flow]:
        """The targets of a name: its transport "" and its port 0 are DNS's to tell. Raises NotLocated."""
        try:
            async with asyncio.timeout(WITHIN):
                found = await self._found(name)
        except TimeoutError:
            raise NotLocated(f"DNS did not tell within {WITHIN:g} s where {name.host} is") from None
        if not found:
            raise NotLocated(f"{name.host} has no address that we can send to")
        unique = list(dict.fromkeys(found))[:MOST_TARGETS]
        return sorted(unique, key=self.is_dead)  # stable: the living keep their order, and so do the dead

    def failed(self, target: Flow, rest: float | None = None) -> None:
        """A target did not serve a request: others go first for `rest` seconds."""
        if len(self._dead) >= MOST_DEAD:
            now = self._monotonic()
            self._dead = {key: until for key, until in self._dead.items() if until > now}
        if len(self._dead) < MOST_DEAD:
            self._dead[_key(target)] = self._monotonic() + (REST if rest is None else rest)

    def is_dead(self, target: Flow) -> bool:
        """True for a target that failed lately."""
        return self._dead.get(_key(target), 0.0) > self._monotonic()

    async def _found(self, name: Flow) -> list[Flow]:
        search = _Search(self._names, self._speaks, self._families, self._chance)
        found = await search.targets(name)
        if not found and search.faults:
            raise NotLocated(search.faults[0])
        return found


class _Search:
    """The questions about one name. What DNS does not answer is noted, and costs only what it was asked for."""

    def __init__(
        self, names: Asks, speaks: Collection[str], families: Sequence[Kind], chance: Callable[[], float]
    ) -> None:
        self._names, self._speaks, self._families, self._chance = names, speaks, families, chance
        self.faults: list[str] = []

    async def targets(self, name: Flow) -> list[Flow]:
        """As name, port and transport ask for (RFC 3263 sections 4.1 and 4.2)."""
        if name.port:
            return await self._addresses(name.transport or "udp", name.host, name.port, name.host)
        if name.transport:
            pairs = [(name.transport, f"{PREFIXES.get(name.transport, '_sip._tcp')}.{name.host}")]
        else:
            pairs = await self._transports(name.host)
        found = await self._servers(pairs, name.host)
        if found is not None:
            return found
        transport = name.transport or self._usual()
        return await self._addresses(transport, name.host, default_port(transport), name.host)

    def _usual(self) -> str:
        return next((transport for transport in PREFIXES if transport in self._speaks), "udp")

    async def _transports(self, host: str) -> list[tuple[str, str]]:
        """Transports and where their servers are listed, as NAPTR says; else every transport that we speak.

        Both are asked for at once: there are name servers that never answer for NAPTR.
        """
        usual = [(name, f"{prefix}.{host}") for name, prefix in PREFIXES.items() if name in self._speaks]
        naptr, *_ = await asyncio.gather(
            self._ask(host, "NAPTR"), *(self._ask(place, "SRV") for _, place in usual)
        )
        records = [record for record in naptr if isinstance(record, Naptr)]
        return services(records, self._speaks) or usual

    async def _servers(self, pairs: Sequence[tuple[str, str]], domain: str) -> list[Flow] | None:
        """The targets of all SRV records, None when there are none."""
        answers = await asyncio.gather(*(self._ask(place, "SRV") for _, place in pairs))
        if not any(answers):
            return None
        ordered: list[tuple[str, Srv]] = []
        for (transport, _), records in zip(pairs, answers, strict=True):
            listed = [record for record in records if isinstance(record, Srv)]
            ordered += [(transport, record) for record in srv_order(listed, self._chance)]
        lists = await asyncio.gather(
            *(
                self._addresses(transport, server.host, server.port, domain)
                for transport, server in ordered[:MOST_TARGETS]
            )
        )
        return [flow for flows in lists for flow in flows]

    async def _addresses(self, transport: str, host: str, port: int, domain: str) -> list[Flow]:
        owner = domain if transport == "tls" else ""
        answers = await asyncio.gather(*(self._ask(host, family) for family in self._families))
        return [
            Flow(transport, address, port, domain=owner)
            for answer in answers
            for address in answer
            if isinstance(address, str)
        ]

    async def _ask(self, name: str, kind: Kind) -> tuple[Record, ...]:
        try:
            return await self._names.ask(name, kind)
        except Unanswered as error:
            self.faults.append(str(error))
            return ()


def _key(target: Flow) -> tuple[str, str, int]:
    return target.transport, target.host, target.port
