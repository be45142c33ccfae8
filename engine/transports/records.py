"""What DNS says about a domain's SIP servers, put in order (RFC 3263 section 4, RFC 2782). No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

SERVICES: Final = {"sip+d2u": "udp", "sip+d2t": "tcp", "sips+d2t": "tls"}
"""NAPTR services by which requests can be sent; browsers' (D2W) are for servers to serve only."""
PREFIXES: Final = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}
"""Where a domain's SRV records of a transport are."""


@dataclass(frozen=True, slots=True)
class Srv:
    """A server of a domain (RFC 2782)."""

    priority: int
    weight: int
    port: int
    host: str


@dataclass(frozen=True, slots=True)
class Naptr:
    """A transport that a domain wishes to be reached by (RFC 3403)."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


def srv_order(records: Sequence[Srv], chance: Callable[[], float]) -> list[Srv]:
    """By priority; among equals by lot, as their weights say. `chance` gives 0 <= x < 1. "." stands for no server."""
    wanted = sorted((record for record in records if record.host), key=lambda record: record.priority)
    return [
        record
        for _, group in groupby(wanted, key=lambda record: record.priority)
        for record in _drawn(list(group), chance)
    ]


def _drawn(group: list[Srv], chance: Callable[[], float]) -> list[Srv]:
    """Each next one is drawn by weight; those of weight 0 come first in the row, for a small chance only."""
    left, drawn = sorted(group, key=lambda record: record.weight), list[Srv]()
    while left:
        ticket = int(chance() * (sum(record.weight for record in left) + 1))
        for record in left:
            ticket -= record.weight
            if ticket <= 0:
                break
        left.remove(record)
        drawn.append(record)
    return drawn


def services(records: Sequence[Naptr], speaks: Collection[str]) -> list[tuple[str, str]]:
    """Transport and name of its SRV records, the one that the domain likes best first, of those that we speak."""
    ranked = sorted(records, key=lambda record: (record.order, record.preference))
    found = [
        (SERVICES[record.service.lower()], record.replacement)
        for record in ranked
        if record.flags.lower() == "s" and record.service.lower() in SERVICES and record.replacement
    ]
    return [(transport, name) for transport, name in found if transport in speaks]
