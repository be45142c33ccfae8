"""How messages lie in the bytes of a connection: one after the other (TCP, TLS) or in frames (WS, WSS)."""

from __future__ import annotations

from typing import Protocol

from engine.sip.framer import PING, Framer


class Framing(Protocol):
    """One connection's bytes, as messages. It does no I/O."""

    must_pong: bool
    """A peer that leaves `ping` unanswered is gone."""

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now. Raises BadMessage when the bytes cannot be followed any further."""
        ...

    def wrap(self, message: bytes) -> bytes:
        """The bytes that carry a message of ours."""
        ...

    def ping(self) -> bytes:
        """The bytes that keep a silent connection alive; none when it is not for us to ask."""
        ...

    def owed(self) -> bytes:
        """What the framing itself has to say after `feed`: an opening handshake, a pong."""
        ...

    @property
    def pending(self) -> bool:
        """A message was begun and is not whole."""
        ...

    @property
    def over(self) -> bool:
        """The peer took its leave: the connection is closed once what is owed was sent."""
        ...


class Plain:
    """SIP messages one after the other (RFC 3261 section 18.3)."""

    must_pong = False
    over = False

    def __init__(self, ours: bool) -> None:
        """`ours`: we opened the connection, so that it is for us to keep it alive (RFC 5626 section 3.5.1)."""
        self._framer = Framer()
        self._ours = ours

    def feed(self, data: bytes) -> list[bytes]:
        return self._framer.feed(data)

    def wrap(self, message: bytes) -> bytes:
        return message

    def ping(self) -> bytes:
        return PING if self._ours else b""

    def owed(self) -> bytes:
        return b""

    @property
    def pending(self) -> bool:
        return self._framer.pending
