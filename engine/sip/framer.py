"""Cutting a stream into messages (RFC 3261 section 18.3) and keep-alives (RFC 5626 section 3.5.1)."""

from __future__ import annotations

import re

from engine.sip.errors import BadMessage
from engine.sip.message import MAX_BODY, MAX_HEAD

PING = b"\r\n\r\n"
"""A stream's keep-alive; `Stack.receive` answers it with a single CR LF."""
_LENGTH = re.compile(
    rb"\r\n(?:content-length|l)[ \t]*:[ \t]*(?:\r\n[ \t]+)?([0-9]{1,10})[ \t]*\r\n", re.IGNORECASE
)


class Framer:
    """Splits what one TCP connection brings into whole messages, wherever the stream was cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._needed = 0

    @property
    def pending(self) -> bool:
        """A message was begun and is not whole."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages (and `PING`s) that are complete now.

        Raises BadMessage when the stream cannot be followed any further: the connection is then to be closed.
        A message without Content-Length is taken to have no body.
        """
        self._buffer += data
        messages: list[bytes] = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> bytes | None:
        buffer = self._buffer
        if not self._needed:
            if not self._searched:
                if buffer.startswith(PING):
                    del buffer[:4]
                    return PING
                self._skip_line_end()
            if not self._find_head():
                return None
        if len(buffer) < self._needed:
            return None
        message = bytes(buffer[: self._needed])
        del buffer[: self._needed]
        self._needed = self._searched = 0
        return message

    def _skip_line_end(self) -> None:
        """A single CR LF in front of a message is nobody's; one that may become a ping waits."""
        buffer = self._buffer
        if buffer.startswith(b"\r\n") and bytes(buffer[2:4]) not in (b"", b"\r"):
            del buffer[:2]

    def _find_head(self) -> bool:
        """Look for the end of the headers; sets how many bytes the message has in all."""
        buffer = self._buffer
        if len(buffer) < 4:
            return False
        end = buffer.find(b"\r\n\r\n", max(0, self._searched - 3))
        self._searched = len(buffer)
        if end < 0 or end > MAX_HEAD:
            if len(buffer) > MAX_HEAD:
                raise BadMessage(f"no end of the headers within {MAX_HEAD} bytes of a stream")
            return False
        match = _LENGTH.search(buffer, 0, end + 2)
        size = int(match[1]) if match else 0
        if size > MAX_BODY:
            raise BadMessage(f"a body of {size} bytes; allowed are {MAX_BODY}", 413)
        self._needed = end + 4 + size
        return True
