"""Our own reliable provisional responses: one at a time, repeated until its PRACK (RFC 3262 section 3)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING
from zlib import crc32

from engine.sip.errors import BadMessage, RemoteFault
from engine.sip.header import number
from engine.sip.message import Request
from engine.sip.transaction import LIFE, T1

if TYPE_CHECKING:
    from engine.sip.endpoint import Endpoint
    from engine.sip.server import ServerTransaction
    from engine.sip.timers import Timer


class Reliable:
    """The reliable provisional responses to one INVITE."""

    __slots__ = (
        "_cseq",
        "_deadline",
        "_endpoint",
        "_gap",
        "_on_silence",
        "_queue",
        "_rseq",
        "_timer",
        "_transaction",
        "_unacknowledged",
        "_waits_with_sdp",
    )

    def __init__(
        self, endpoint: Endpoint, transaction: ServerTransaction, cseq: int, on_silence: Callable[[], None]
    ) -> None:
        self._endpoint, self._transaction, self._cseq = endpoint, transaction, cseq
        self._on_silence = on_silence
        self._queue: deque[tuple[int, str, bytes]] = deque()
        self._rseq = 1 + crc32(endpoint.token().encode()) % 0x3FFFFFFF
        self._unacknowledged = self._waits_with_sdp = False
        self._gap = T1
        self._deadline = 0.0
        self._timer: Timer | None = None

    @property
    def holds_description(self) -> bool:
        """True while SDP of ours waits for its PRACK: no 2xx may be sent before."""
        return self._waits_with_sdp or any(sdp for _, _, sdp in self._queue)

    def send(self, code: int, lines: str, sdp: bytes) -> None:
        """Send it, or as soon as the one before is acknowledged."""
        self._queue.append((code, lines, sdp))
        if not self._unacknowledged:
            self._next()

    def take(self, request: Request) -> None:
        """Their PRACK. Raises RemoteFault (481) when it acknowledges nothing that waits."""
        rack = request.get("rack").split()
        try:
            named = len(rack) == 3 and (number(rack[0], 0xFFFFFFFF), number(rack[1], 0x7FFFFFFF), rack[2])
        except BadMessage:
            named = False
        if not self._unacknowledged or named != (self._rseq, self._cseq, "INVITE"):
            raise RemoteFault(f"RAck {request.get('rack')[:40]!r} acknowledges nothing that waits", 481)
        self._unacknowledged = self._waits_with_sdp = False
        self._endpoint.timers.cancel(self._timer)

    def resume(self) -> None:
        """After a PRACK: the next one that waits."""
        if self._queue and not self._unacknowledged:
            self._next()

    def stop(self) -> None:
        """A final response takes their place; a PRACK that is under way is still taken."""
        self._queue.clear()
        self._endpoint.timers.cancel(self._timer)

    def _next(self) -> None:
        code, lines, sdp = self._queue.popleft()
        self._rseq += 1
        self._unacknowledged, self._waits_with_sdp = True, bool(sdp)
        self._transaction.respond(code, f"Require: 100rel\r\nRSeq: {self._rseq}\r\n{lines}", sdp)
        self._gap, self._deadline = T1, self._endpoint.now + LIFE
        self._timer = self._endpoint.after(T1, self._tick)

    def _tick(self) -> None:
        left = self._deadline - self._endpoint.now
        if left <= 0.001:
            self._on_silence()
            return
        self._transaction.send_last(None)
        self._gap *= 2
        self._timer = self._endpoint.after(min(self._gap, left), self._tick)
