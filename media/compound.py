"""RTCP as it comes from the wire: compound packets taken apart (RFC 3550 section 6, validity as in A.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SENDER, RECEIVER, SOURCES, GOODBYE = 200, 201, 202, 203
"""Packet types (RFC 3550 12.1)."""
_CNAME: Final = 1
_BLOCK: Final = struct.Struct("!II4I")
_SENDER: Final = struct.Struct("!IQIII")


class BadRtcp(ValueError):
    """Not a compound packet as RFC 3550 has it; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Block:
    """What the sender of a report heard of one source (6.4.1)."""

    source: int
    """SSRC of who was heard."""
    fraction: int
    """Lost since the report before, in 256ths."""
    lost: int
    """Lost since the beginning; below 0 when more came than was sent."""
    high: int
    """Highest sequence number that came, its wraps counted in the high half."""
    jitter: int
    """In timestamp units."""
    last: int
    """Middle 32 bits of the NTP time of the last sender report that came; 0 = none did."""
    delay: int
    """From that report to this one, in 65,536ths of a second."""


@dataclass(frozen=True, slots=True)
class Report:
    """A sender or receiver report."""

    source: int
    ntp: int | None
    """64-bit NTP time of a sender report; None for a receiver report."""
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """Canonical names (6.5). Other items are not kept."""

    names: dict[int, bytes]
    """SSRC -> CNAME."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """These sources are gone (6.6)."""

    sources: tuple[int, ...]


Part = Report | Sources | Goodbye


def parse(data: bytes) -> list[Part]:
    """The parts of a compound packet, those of unknown types left out. Raises BadRtcp."""
    return [part for kind, count, body in _packets(data) if (part := _part(kind, count, body)) is not None]


def _packets(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(type, count, body) of each packet in it."""
    if not data:
        raise BadRtcp("empty")
    at = 0
    while at < len(data):
        if len(data) - at < 4:
            raise BadRtcp(f"{len(data) - at} octets where a header of 4 was expected")
        first, kind, length = struct.unpack_from("!BBH", data, at)
        end = at + 4 + 4 * length
        if first >> 6 != 2:
            raise BadRtcp(f"version {first >> 6}: 2 expected")
        if at == 0 and kind not in (SENDER, RECEIVER):
            raise BadRtcp(f"a packet of type {kind} comes first: 200 or 201 expected")
        if end > len(data):
            raise BadRtcp(f"a packet of {end - at} octets in {len(data) - at}")
        yield kind, first & 0x1F, data[at + 4 : end - _padding(first, data, at, end)]
        at = end


def _padding(first: int, data: bytes, at: int, end: int) -> int:
    """Octets of padding, which only the last packet may have."""
    if not first & 0x20:
        return 0
    if end != len(data):
        raise BadRtcp("padding before the last packet")
    octets = data[end - 1]
    if octets == 0 or octets % 4 or octets > end - at - 4:
        raise BadRtcp(f"{octets} octets of padding: a multiple of 4 within the packet expected")
    return octets


def _part(kind: int, count: int, body: bytes) -> Part | None:
    match kind:
        case 200:
            return _report(body, count, sender=True)
        case 201:
            return _report(body, count, sender=False)
        case 202:
            return Sources(dict(_chunks(body, count)))
        case 203:
            return Goodbye(_words(body, count))
        case _:
            return None


def _report(body: bytes, count: int, *, sender: bool) -> Report:
    """What follows the blocks is a profile's and is left out."""
    head = _SENDER.size if sender else 4
    if len(body) < head + _BLOCK.size * count:
        raise BadRtcp(f"a report of {len(body)} octets with {count} blocks")
    source, ntp = _SENDER.unpack_from(body)[:2] if sender else (_words(body, 1)[0], None)
    return Report(source, ntp, tuple(_block(body, head + _BLOCK.size * i) for i in range(count)))


def _block(body: bytes, at: int) -> Block:
    source, lost, high, jitter, last, delay = _BLOCK.unpack_from(body, at)
    total = lost & 0xFFFFFF
    return Block(source, lost >> 24, total - (total >> 23 << 24), high, jitter, last, delay)


def _words(body: bytes, count: int) -> tuple[int, ...]:
    if len(body) < 4 * count:
        raise BadRtcp(f"{len(body)} octets where {count} sources were expected")
    return struct.unpack_from(f"!{count}I", body)


def _chunks(body: bytes, count: int) -> Iterator[tuple[int, bytes]]:
    """SSRC and CNAME of each chunk that has one; items run to a zero, chunks to a word's end."""
    at = 0
    for _ in range(count):
        if len(body) - at < 8:
            raise BadRtcp(f"a chunk of {len(body) - at} octets: 8 or more expected")
        (source,) = struct.unpack_from("!I", body, at)
        at += 4
        while at < len(body) and body[at]:
            if at + 2 > len(body) or (end := at + 2 + body[at + 1]) >= len(body):
                raise BadRtcp("an item runs over its packet")
            if body[at] == _CNAME:
                yield source, body[at + 2 : end]
            at = end
        at = (at // 4 + 1) * 4
