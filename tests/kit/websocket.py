"""A SIP peer behind a WebSocket, as a browser is: hosts that do not exist, one message a frame (RFC 7118)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.kit.peers import Address
from tests.kit.stream import WITHIN, Stream, header


class Browser(Stream):
    """One WebSocket. Its Via and Contact name a host that nobody can resolve."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, to: Address, transport: str) -> None:
        self._socket = socket
        self._to = to
        self.transport = transport
        self.address = socket.get_extra_info("sockname")[:2]

    @property
    def called(self) -> str:
        return "df7jal23ls0d.invalid"

    async def say(self, *pieces: bytes) -> None:
        """Each piece is a message of its own."""
        for piece in pieces:
            await self._socket.send_str(piece.decode())

    async def message(self) -> str:
        async with asyncio.timeout(WITHIN):
            return await self._socket.receive_str()

    async def request_with(self, method: str) -> str:
        """The next request of this method; anything before it is passed over."""
        while not (message := await self.message()).startswith(f"{method} "):
            pass
        return message

    async def answer(self, request: str, code: int, body: bytes = b"") -> None:
        """A response to a request that we read."""
        copied = [
            line for line in request.splitlines() if line.split(":")[0] in ("Via", "From", "Call-ID", "CSeq")
        ]
        to = header(request, "to")
        tagged = to if ";tag=" in to else f"{to};tag=browser"
        kind = ["Content-Type: application/sdp"] if body else []
        head = (
            *(f"SIP/2.0 {code} So", *copied, f"To: {tagged}", f"Contact: <sip:x@{self.called};transport=ws>"),
            *kind,
            f"Content-Length: {len(body)}",
        )
        await self.say("\r\n".join((*head, "", "")).encode() + body)


@asynccontextmanager
async def browser(host: str, to: Address, tls: ssl.SSLContext | None = None) -> AsyncIterator[Browser]:
    """Connect from an address of our own, by WS, or by WSS with the settings given."""
    scheme = "wss" if tls else "ws"
    connector = aiohttp.TCPConnector(local_addr=(host, 0), ssl=tls or True)
    place = f"[{to[0]}]:{to[1]}" if ":" in to[0] else f"{to[0]}:{to[1]}"
    async with aiohttp.ClientSession(connector=connector) as web:
        async with web.ws_connect(f"{scheme}://{place}/", protocols=("sip",)) as socket:
            assert socket.protocol == "sip"
            yield Browser(socket, to, scheme)
