"""SIP over WebSocket (RFC 7118): one message a WebSocket message, subprotocol `sip`, served to browsers."""

from __future__ import annotations

import logging
from typing import Final

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from engine.sip.errors import BadMessage
from engine.sip.message import MAX_BODY, MAX_HEAD

_SILENT: Final = logging.getLogger("websockets.none")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class WebSocket:
    """The serving side of one WebSocket: opening handshake, frames, pings and the farewell."""

    must_pong = True

    def __init__(self) -> None:
        most = MAX_HEAD + MAX_BODY
        self._protocol = ServerProtocol(
            subprotocols=[Subprotocol("sip")], max_size=(most, most), logger=_SILENT
        )
        self._pieces: list[bytes] = []
        self._owed = b""
        self._ended = False

    def feed(self, data: bytes) -> list[bytes]:
        """Raises BadMessage for what is no WebSocket of the subprotocol sip; `owed` tells the peer why."""
        protocol = self._protocol
        protocol.receive_data(data)
        messages = [
            message for event in protocol.events_received() if (message := self._on_event(event)) is not None
        ]
        self._collect()
        fault = protocol.parser_exc or protocol.handshake_exc
        if fault is not None and not messages and protocol.close_rcvd is None:
            raise BadMessage(f"no WebSocket of the subprotocol sip: {fault}"[:200])
        return messages

    def _on_event(self, event: object) -> bytes | None:
        if isinstance(event, Request):
            self._protocol.send_response(self._protocol.accept(event))
        elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._pieces.append(bytes(event.data))
            if event.fin:
                message = b"".join(self._pieces)
                self._pieces.clear()
                return message
        return None

    def _collect(self) -> None:
        for piece in self._protocol.data_to_send():
            self._owed += piece
            self._ended = self._ended or not piece

    def wrap(self, message: bytes) -> bytes:
        """A text frame, or a binary one for a message that is no UTF-8 (RFC 7118 section 4.2)."""
        protocol = self._protocol
        if protocol.state is not State.OPEN:
            return b""
        if message.isascii() or _is_text(message):
            protocol.send_text(message)
        else:
            protocol.send_binary(message)
        self._collect()
        return self.owed()

    def ping(self) -> bytes:
        if self._protocol.state is State.OPEN:
            self._protocol.send_ping(b"")
            self._collect()
        return self.owed()

    def owed(self) -> bytes:
        owed, self._owed = self._owed, b""
        return owed

    @property
    def pending(self) -> bool:
        opening = self._protocol.state is State.CONNECTING
        return opening or bool(self._pieces) or bool(self._protocol.reader.buffer)

    @property
    def over(self) -> bool:
        return self._ended


def _is_text(message: bytes) -> bool:
    try:
        message.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
