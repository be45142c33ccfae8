"""A 2xx to an INVITE, repeated until its ACK comes (RFC 3261 section 13.3.1.4), over any transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.sip.flow import Flow
from engine.sip.message import Request
from engine.sip.transaction import LIFE, T1, T2

if TYPE_CHECKING:
    from engine.sip.endpoint import Endpoint


class Unacked:
    """Waits for one ACK."""

    __slots__ = ("_data", "_deadline", "_endpoint", "_flow", "_gap", "_on_silence", "_timer", "on_ack")

    def __init__(
        self,
        endpoint: Endpoint,
        data: bytes,
        flow: Flow,
        on_ack: Callable[[Request], None],
        on_silence: Callable[[], None],
    ) -> None:
        self._endpoint, self._data, self._flow = endpoint, data, flow
        self.on_ack = on_ack
        """Called by the dialog with the ACK, after `stop`."""
        self._on_silence = on_silence
        self._gap = T1
        self._deadline = endpoint.now + LIFE
        self._timer = endpoint.after(T1, self._tick)

    def stop(self) -> None:
        """The ACK came, or the dialog is over."""
        self._endpoint.timers.cancel(self._timer)

    def _tick(self) -> None:
        endpoint = self._endpoint
        left = self._deadline - endpoint.now
        if left <= 0.001:
            self._on_silence()
            return
        endpoint.send(self._data, self._flow)
        self._gap = min(2 * self._gap, T2)
        self._timer = endpoint.after(min(self._gap, left), self._tick)
