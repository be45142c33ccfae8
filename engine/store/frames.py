"""Records as bytes for the spool: a frame each, with its length and its checksum before it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import fields
from typing import get_args

import msgspec

from engine.store.records import Record

_HEAD = struct.Struct(">II")
_KINDS: dict[str, type[Record]] = {kind.__name__: kind for kind in get_args(Record)}
_FIELDS = {name: tuple(field.name for field in fields(kind)) for name, kind in _KINDS.items()}


class NoFrame(ValueError):
    """A record that cannot be spooled, or bytes that are no record of this version."""


def frame(record: Record) -> bytes:
    """One record's frame: length and CRC-32 (4 bytes each, big-endian), then msgpack [kind, fields].

    Raises NoFrame for a value that msgpack cannot hold: text that is no Unicode, an integer over 64 bits.
    """
    kind = type(record).__name__
    try:
        body = msgspec.msgpack.encode((kind, {name: getattr(record, name) for name in _FIELDS[kind]}))
    except (TypeError, ValueError, OverflowError) as error:  # UnicodeEncodeError is a ValueError
        raise NoFrame(str(error)) from error
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def record_of(body: bytes) -> Record:
    """A frame's record. Raises NoFrame."""
    try:
        kind, values = msgspec.msgpack.decode(body, type=tuple[str, dict[str, object]])
        return _KINDS[kind](**values)  # type: ignore[arg-type]
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise NoFrame(f"not a record of this version: {error}") from error


def bodies(data: bytes) -> Iterator[bytes]:
    """The whole frames of a file; one that was cut off or damaged, and what is behind it, is left out."""
    at = 0
    while at + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, at)
        body = data[at + _HEAD.size : at + _HEAD.size + length]
        if len(body) < length or zlib.crc32(body) != checksum:
            return
        yield body
        at += _HEAD.size + length
