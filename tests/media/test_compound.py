"""RTCP taken apart: what is well-formed comes out whole, what is not is refused by its name."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media.compound import BadRtcp, Block, Goodbye, Report, Sources, parse

WORD = st.integers(0, 2**32 - 1)
BLOCKS = st.builds(
    Block, WORD, st.integers(0, 255), st.integers(-(1 << 23), (1 << 23) - 1), WORD, WORD, WORD, WORD
)


def packed(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def report(source: int, ntp: int | None, blocks: list[Block]) -> bytes:
    body = struct.pack("!I", source) + (b"" if ntp is None else struct.pack("!QIII", ntp, 1, 2, 3))
    for b in blocks:
        word = b.fraction << 24 | b.lost & 0xFFFFFF
        body += struct.pack("!6I", b.source, word, b.high, b.jitter, b.last, b.delay)
    return packed(201 if ntp is None else 200, len(blocks), body)


def names(chunks: dict[int, bytes], extra: bytes = b"") -> bytes:
    body = b""
    for source, name in chunks.items():
        chunk = struct.pack("!I", source) + extra + bytes([1, len(name)]) + name
        body += chunk + bytes(4 - len(chunk) % 4)
    return packed(202, len(chunks), body)


@given(
    source=WORD,
    ntp=st.none() | st.integers(0, 2**64 - 1),
    blocks=st.lists(BLOCKS, max_size=31),
    chunks=st.dictionaries(WORD, st.binary(max_size=255), max_size=5),
    gone=st.lists(WORD, max_size=31),
    padding=st.sampled_from([0, 4, 8, 252]),
)
def test_what_was_put_in_comes_out(
    source: int,
    ntp: int | None,
    blocks: list[Block],
    chunks: dict[int, bytes],
    gone: list[int],
    padding: int,
) -> None:
    bye = packed(203, len(gone), struct.pack(f"!{len(gone)}I", *gone) + bytes(padding))
    if padding:
        bye = bytes([bye[0] | 0x20]) + bye[1:-1] + bytes([padding])
    application = packed(204, 3, b"\0\0\0\1name")
    data = report(source, ntp, blocks) + names(chunks, extra=b"\2\3abc") + application + bye
    assert parse(data) == [Report(source, ntp, tuple(blocks)), Sources(chunks), Goodbye(tuple(gone))]


@given(st.binary(max_size=120))
@example(b"\x80\xc9\x00\x01\x00\x00\x00\x01" + b"\x81\xca\x00\x02\x00\x00\x00\x01\x01\xff\x00\x00")
def test_garbage_is_refused_and_in_no_other_way(data: bytes) -> None:
    for octets in (data, b"\x81\xc8\x00\x0c" + data, b"\x80\xc9\x00\x01\0\0\0\1\x82\xca\x00\x06" + data):
        with contextlib.suppress(BadRtcp):
            assert isinstance(parse(octets), list)


GOOD = report(1, None, [])


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"", "empty"),
        (GOOD + b"\x80\xca", "2 octets where a header"),
        (b"\x40" + GOOD[1:], "version 1"),
        (names({1: b"x"}), "type 202 comes first"),
        (GOOD[:-1], "8 octets in 7"),
        (b"\xa0" + GOOD[1:] + GOOD, "padding before the last"),
        (b"\xa0" + GOOD[1:7] + b"\x03", "3 octets of padding"),
        (b"\xa0" + GOOD[1:7] + b"\x08", "8 octets of padding"),
        (b"\x81" + GOOD[1:], "4 octets with 1 blocks"),
        (GOOD + packed(203, 2, b"\0\0\0\1"), "2 sources were expected"),
        (GOOD + packed(202, 1, b"\0\0\0\1"), "chunk of 4 octets"),
        (GOOD + packed(202, 1, b"\0\0\0\1\1\2ab"), "runs over"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, wrong: str) -> None:
    with pytest.raises(BadRtcp, match=wrong):
        parse(data)
