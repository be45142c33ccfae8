"""A SIP peer on a TCP or TLS connection that says bytes just as it is told, and reads whole messages back."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from engine.sip.flow import bracketed
from tests.kit.peers import Address

WITHIN = 5.0
"""Seconds for an answer."""


class Stream:
    """One connection. Requests made here name it in Via and Contact."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Address, transport: str = "tcp"
    ) -> None:
        self._reader = reader
        self.transport = transport
        self._writer = writer
        self._to = to
        host, port = writer.get_extra_info("sockname")[:2]
        self.address: Address = (host, port)

    def request(
        self, method: str, number: str, call: str, cseq: int = 1, to_tag: str = "", body: bytes = b""
    ) -> bytes:
        """A request's bytes; `call` names the call, and with `to_tag` it is within its dialog."""
        at = self.called
        uri = f"sip:{number}@{bracketed(self._to[0])}:{self._to[1]};transport={self.transport}"
        head = (
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {at};branch=z9hG4bK-{call}-{cseq}-{method}",
            f"From: <sip:+447900000004@{at}>;tag={call}",
            f"To: <{uri}>{f';tag={to_tag}' if to_tag else ''}",
            f"Call-ID: {call}@{self.address[0]}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:+447900000004@{at};transport={self.transport}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join((*head, "", "")).encode() + body

    @property
    def called(self) -> str:
        """What we call ourselves in Via and Contact."""
        return f"{bracketed(self.address[0])}:{self.address[1]}"

    def offer(self) -> bytes:
        """An SDP offer of G.711 to a port of ours where nobody listens."""
        host, port = self.address
        family = "IP6" if ":" in host else "IP4"
        lines = ("v=0", f"o=- 1 1 IN {family} {host}", "s=-", f"c=IN {family} {host}", "t=0 0")
        return "\r\n".join((*lines, f"m=audio {port & ~1} RTP/AVP 0", "")).encode()

    async def say(self, *pieces: bytes) -> None:
        """Each piece is a segment of its own, as far as a sender can tell."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0)

    async def exactly(self, count: int) -> bytes:
        """The next bytes, as they come."""
        async with asyncio.timeout(WITHIN):
            return await self._reader.readexactly(count)

    async def message(self) -> str:
        """The next whole message."""
        async with asyncio.timeout(WITHIN):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            length = next(line for line in head.splitlines() if line.lower().startswith("content-length:"))
            return head + (await self._reader.readexactly(int(length.partition(":")[2]))).decode()

    async def final(self, cseq: str) -> str:
        """The next final response to the request with this CSeq; provisional ones are passed over."""
        while True:
            message = await self.message()
            if header(message, "cseq") == cseq and not message.startswith("SIP/2.0 1"):
                return message

    async def closed(self) -> bool:
        """Whether the other side closes the connection without another word."""
        async with asyncio.timeout(WITHIN):
            try:
                return await self._reader.read() == b""
            except ConnectionResetError:
                return True


def header(message: str, name: str) -> str:
    """The value of a message's first header of that name, empty when it has none."""
    found = (line for line in message.splitlines() if line.lower().startswith(f"{name.lower()}:"))
    return next(found, ":").partition(":")[2].strip()


@asynccontextmanager
async def stream(host: str, to: Address, tls: ssl.SSLContext | None = None) -> AsyncIterator[Stream]:
    """Connect from an address of our own, by TCP, or by TLS with the settings given."""
    reader, writer = await asyncio.open_connection(*to, local_addr=(host, 0), ssl=tls)
    try:
        yield Stream(reader, writer, to, "tls" if tls else "tcp")
    finally:
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
