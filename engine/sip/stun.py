"""STUN binding requests on the SIP port, which keep a way through a NAT open (RFC 5389, RFC 5626 section 4.4.2)."""

from __future__ import annotations

import ipaddress
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from engine.sip.errors import BadMessage

COOKIE: Final = 0x2112A442
HEADER: Final = struct.Struct("!HHI12s")
_FIELD: Final = struct.Struct("!HH")
BINDING_REQUEST, BINDING_SUCCESS, BINDING_ERROR = 0x0001, 0x0101, 0x0111
ERROR_CODE, UNKNOWN_ATTRIBUTES, XOR_MAPPED_ADDRESS, FINGERPRINT = 0x0009, 0x000A, 0x0020, 0x8028
_FINGERPRINT_MARK: Final = 0x5354554E
LONGEST: Final = 548
"""Bytes of a request that is looked at: more would not be one of a keep-alive (RFC 5389 section 7.1)."""
KNOWN: Final = frozenset({0x0006, 0x0008, 0x0014, 0x0015})
"""USERNAME, MESSAGE-INTEGRITY, REALM and NONCE: read past, for a keep-alive needs no credentials."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A binding request."""

    transaction: bytes
    """Twelve bytes, given back in the response."""
    unknown: tuple[int, ...]
    """Attributes that we would have to understand and do not."""
    fingerprint: bool
    """It carries a FINGERPRINT, so the response is to carry one too."""


def looks_like(data: bytes) -> bool:
    """True for bytes that may be STUN and cannot be SIP."""
    return len(data) >= HEADER.size and data[0] < 0x40 and data[4:8] == COOKIE.to_bytes(4, "big")


def parse_binding(data: bytes) -> Binding | None:
    """A binding request; None for another STUN message, which is not answered. Raises BadMessage and nothing else."""
    if not looks_like(data) or len(data) > LONGEST:
        raise BadMessage(f"no STUN message of {HEADER.size} to {LONGEST} bytes")
    kind, length, _, transaction = HEADER.unpack_from(data)
    if length % 4 or HEADER.size + length != len(data):
        raise BadMessage(f"STUN: {length} bytes of attributes are announced, {len(data) - HEADER.size} came")
    attributes = dict(_attributes(data))
    if kind != BINDING_REQUEST:
        return None
    mark = attributes.pop(FINGERPRINT, None)
    if mark is not None and mark != _fingerprint(data[:-8]):
        raise BadMessage("STUN: the fingerprint is not of this message, or not its last attribute")
    unknown = tuple(sorted(kind for kind in attributes if kind < 0x8000 and kind not in KNOWN))
    return Binding(transaction, unknown, mark is not None)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = HEADER.size
    while at < len(data):
        kind, length = _FIELD.unpack_from(data, at)
        begin = at + _FIELD.size
        at = begin + (length + 3 & ~3)
        if at > len(data):
            raise BadMessage(f"STUN: the attribute {kind:#06x} of {length} bytes does not fit its message")
        yield kind, data[begin : begin + length]


def answer(request: Binding, host: str, port: int) -> bytes:
    """The response: the address that the request came from, or 420 for what we would have to understand."""
    if request.unknown:
        names = b"".join(kind.to_bytes(2, "big") for kind in request.unknown)
        error = _attribute(ERROR_CODE, b"\0\0\x04\x14Unknown Attribute")
        return _message(BINDING_ERROR, request, error + _attribute(UNKNOWN_ATTRIBUTES, names))
    return _message(BINDING_SUCCESS, request, _attribute(XOR_MAPPED_ADDRESS, _mapped(request, host, port)))


def _mapped(request: Binding, host: str, port: int) -> bytes:
    """The address, hidden by exclusive-or from NATs that would rewrite it (RFC 5389 section 15.2)."""
    address = ipaddress.ip_address(host.partition("%")[0]).packed
    mask = COOKIE.to_bytes(4, "big") + request.transaction
    hidden = bytes(one ^ other for one, other in zip(address, mask, strict=False))
    return struct.pack("!BBH", 0, 1 if len(address) == 4 else 2, port ^ COOKIE >> 16) + hidden


def _message(kind: int, request: Binding, attributes: bytes) -> bytes:
    length = len(attributes) + (8 if request.fingerprint else 0)
    data = HEADER.pack(kind, length, COOKIE, request.transaction) + attributes
    return data + _attribute(FINGERPRINT, _fingerprint(data)) if request.fingerprint else data


def _attribute(kind: int, value: bytes) -> bytes:
    return _FIELD.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _fingerprint(data: bytes) -> bytes:
    return (zlib.crc32(data) ^ _FINGERPRINT_MARK).to_bytes(4, "big")
