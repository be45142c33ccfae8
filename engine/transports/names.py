"""Questions to DNS: never blocking, bounded, remembered as long as the answers say; and the hosts file before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdata
import dns.resolver
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV

from engine.sip.flow import is_address
from engine.transports.records import Naptr, Srv

Kind: TypeAlias = Literal["A", "AAAA", "SRV", "NAPTR"]
Record: TypeAlias = str | Srv | Naptr
"""An address, or what its type says."""

ONE_TRY, ALL_TRIES = 1.0, 3.0
"""Seconds that a server may take, and all of them together."""
LEAST_KEPT, MOST_KEPT, NONE_KEPT = 1.0, 3600.0, 30.0
"""Seconds that an answer is believed, whatever its TTL; and that there is none."""
STALE = 86400.0
"""Seconds that an answer is used beyond that when DNS is silent: an address of yesterday beats none."""
SILENT = 5.0
"""Seconds for which a question that DNS was silent about is not asked again."""
MOST_NAMES: Final = 2048
MOST_ASKED: Final = 128
"""Questions under way at a time."""


class Unanswered(Exception):
    """DNS did not say whether there is such a record; the text tells why."""


@dataclass(slots=True)
class _Known:
    until: float
    records: tuple[Record, ...]
    asked: float
    """When it was true."""


class Names:
    """The names of this machine's DNS, or of other servers."""

    def __init__(
        self,
        servers: Sequence[tuple[str, int]] = (),
        *,
        monotonic: Callable[[], float],
        hosts: Path = Path("/etc/hosts"),
    ) -> None:
        """`servers`: address and port of name servers; without any, those of the machine."""
        self._monotonic = monotonic
        self._resolver = _resolver(servers)
        self._hosts_file, self._hosts = hosts, read_hosts(hosts)
        self._known: dict[tuple[str, Kind], _Known] = {}
        self._silent: dict[tuple[str, Kind], float] = {}
        self._asked: dict[tuple[str, Kind], asyncio.Task[tuple[Record, ...]]] = {}

    async def ask(self, name: str, kind: Kind) -> tuple[Record, ...]:
        """The records of a name, () when it has none. Raises Unanswered."""
        key = (name.lower().rstrip("."), kind)
        local = self._local(*key)
        known = self._known.get(key)
        if local is not None:
            return local
        if known is not None and known.until > self._monotonic():
            return known.records
        try:
            return await self._question(key)
        except Unanswered:
            if known is not None and known.asked + STALE > self._monotonic():
                return known.records
            raise

    def _local(self, name: str, kind: Kind) -> tuple[Record, ...] | None:
        """What needs no question: hosts of this machine, and names that can never exist (RFC 6761)."""
        if name == "invalid" or name.endswith(".invalid"):
            return ()
        addresses = self._hosts.get(name)
        if addresses is None or kind not in ("A", "AAAA"):
            return None
        return tuple(address for address in addresses if (":" in address) == (kind == "AAAA"))

    async def _question(self, key: tuple[str, Kind]) -> tuple[Record, ...]:
        """One question, however many want to know."""
        if self._silent.get(key, 0.0) > self._monotonic():
            raise Unanswered(f"DNS did not answer for {key[0]} {key[1]} a moment ago")
        task = self._asked.get(key)
        if task is None:
            if len(self._asked) >= MOST_ASKED:
                raise Unanswered(f"{MOST_ASKED} questions to DNS are under way already")
            task = asyncio.get_running_loop().create_task(self._look_up(key))
            self._asked[key] = task
            task.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(task)

    def _answered(self, key: tuple[str, Kind], done: asyncio.Task[tuple[Record, ...]]) -> None:
        self._asked.pop(key, None)
        if not done.cancelled():
            done.exception()  # whoever asked has been told; there may be nobody left

    async def _look_up(self, key: tuple[str, Kind]) -> tuple[Record, ...]:
        name, kind = key
        try:
            records, seconds = await self._resolve(name, kind)
        except dns.exception.Timeout as error:
            self._remember_silence(key)
            raise Unanswered(f"no answer from DNS for {name} {kind} within {ALL_TRIES:g} s") from error
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            self._remember_silence(key)
            raise Unanswered(f"DNS has no answer for {name} {kind}: {error}"[:300]) from error
        now = self._monotonic()
        _forget_some(self._known)
        self._known[key] = _Known(now + seconds, records, now)
        return records

    async def _resolve(self, name: str, kind: Kind) -> tuple[tuple[Record, ...], float]:
        if self._resolver is None:
            raise Unanswered("this machine has no name servers")
        try:
            answer = await self._resolver.resolve(
                name, kind, search="." not in name, raise_on_no_answer=False, lifetime=ALL_TRIES
            )
        except (dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong):
            return (), NONE_KEPT
        if answer.rrset is None:
            return (), NONE_KEPT
        found = (_record(data) for data in answer.rrset)
        return tuple(record for record in found if record is not None), _kept(answer.rrset.ttl)

    def _remember_silence(self, key: tuple[str, Kind]) -> None:
        _forget_some(self._silent)
        self._silent[key] = self._monotonic() + SILENT

    def close(self) -> None:
        """Nobody is told any more."""
        for task in self._asked.values():
            task.cancel()


def _forget_some(kept: dict[tuple[str, Kind], _Known] | dict[tuple[str, Kind], float]) -> None:
    """Room for one more, at the cost of the oldest."""
    while len(kept) >= MOST_NAMES:
        del kept[next(iter(kept))]


def _kept(ttl: int) -> float:
    return min(max(float(ttl), LEAST_KEPT), MOST_KEPT)


def _resolver(servers: Sequence[tuple[str, int]]) -> dns.asyncresolver.Resolver | None:
    try:
        resolver = dns.asyncresolver.Resolver(configure=not servers)
    except dns.resolver.NoResolverConfiguration:
        return None
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in servers]
    resolver.timeout = ONE_TRY
    return resolver


def _record(data: dns.rdata.Rdata) -> Record | None:
    match data:
        case A() | AAAA():
            return str(data.address)
        case SRV():
            return Srv(data.priority, data.weight, data.port, _text(data.target))
        case NAPTR():
            flags, service = data.flags.decode("ascii", "replace"), data.service.decode("ascii", "replace")
            return Naptr(data.order, data.preference, flags, service, _text(data.replacement))
        case _:
            return None


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).strip(".").lower()


def read_hosts(file: Path) -> dict[str, list[str]]:
    """Addresses by name, as the machine's own file has them; nothing where there is none."""
    found: dict[str, list[str]] = {"localhost": ["127.0.0.1", "::1"]}
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return found
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        if is_address(address):
            for name in names:
                known = found.setdefault(name.lower(), [])
                if address not in known:
                    known.append(address)
    return found
