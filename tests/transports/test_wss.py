"""What is said at the very end of a TLS handshake: a peer may send its first words along with its last of TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

from engine.transports.streams import Streams, bind_stream
from engine.transports.tls import Tls
from tests.kit.certificates import certificate
from tests.transports.listening import HOST, listening
from tests.transports.test_websocket import OPENING


class Peer:
    """A TLS client that decides what leaves in which segment."""

    def __init__(self, port: int, settings: ssl.SSLContext) -> None:
        self._sock = socket.create_connection((HOST, port))
        self._sock.setblocking(False)
        self._heard, self._said = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = settings.wrap_bio(self._heard, self._said)
        self._loop = asyncio.get_running_loop()

    async def shake(self) -> None:
        """All of the handshake but its last words, which wait for `say`."""
        while True:
            try:
                return self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                self._heard.write(await self._loop.sock_recv(self._sock, 65536))

    async def say(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def hear(self) -> bytes:
        """Raises ssl.SSLError when what comes is not TLS."""
        async with asyncio.timeout(5):
            while True:
                try:
                    return self._tls.read()
                except ssl.SSLWantReadError:
                    self._heard.write(await self._loop.sock_recv(self._sock, 65536))

    async def _flush(self) -> None:
        await self._loop.sock_sendall(self._sock, self._said.read())

    def close(self) -> None:
        self._sock.close()


async def test_first_words_in_the_segment_of_the_last_of_the_handshake(tmp_path: Path) -> None:
    files = certificate(tmp_path, HOST)
    async with listening() as here:
        wss = Streams("wss", here.driver, tls=Tls(files.certificate, files.key))
        here.driver.attach("wss", wss)
        sock = bind_stream(HOST, 0)
        await wss.listen(sock)
        peer = Peer(sock.getsockname()[1], files.trusting())
        await peer.shake()
        await peer.say(OPENING)
        assert (await peer.hear()).startswith(b"HTTP/1.1 101")
        peer.close()
