"""RTP of scripted phones: G.711 and telephone-event, all calls of the process on one 20 ms timer."""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
from collections import deque
from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np

from engine.sip.offer import Agreed
from media.g711 import FRAME, LAWS, SILENCE, ULAW, Pcm, decode, encode

TICK = 0.02
"""Seconds of sound in a packet."""
KEYS = "0123456789*#ABCD"
"""In the order of their RFC 4733 event codes."""
PRESS, REST, END_PACKETS = 5, 3, 3
"""Ticks that a key is down, ticks between two keys, and how often the end of an event is said."""
_LARGEST = 2048


class Pump:
    """One timer of an event loop that lets every voice speak each 20 ms; it runs while there are any."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._voices: set[Voice] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def add(self, voice: Voice) -> None:
        self._voices.add(voice)
        if self._timer is None:
            self._due = self._loop.time() + TICK
            self._timer = self._loop.call_at(self._due, self._tick)

    def remove(self, voice: Voice) -> None:
        self._voices.discard(voice)
        if not self._voices and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        late = int(max(0.0, self._loop.time() - self._due) / TICK)
        for voice in tuple(self._voices):
            voice.tick(1 + late)
        self._due += TICK * (1 + late)  # a late loop skips, it never bursts
        self._timer = self._loop.call_at(self._due, self._tick)


_pumps: WeakKeyDictionary[asyncio.AbstractEventLoop, Pump] = WeakKeyDictionary()


def pump() -> Pump:
    """The running loop's one pump."""
    return _pumps.setdefault(asyncio.get_running_loop(), Pump())


class Voice:
    """One call's RTP socket. It sends silence while it has nothing to say, and keeps all that it hears."""

    def __init__(self, host: str) -> None:
        """Binds any free port of that address at once. Raises OSError."""
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self.microphone: Callable[[], Pcm | None] | None = None
        """Gives the next 160 samples to send where nothing else is being said; None for silence."""
        self.loudspeaker: Callable[[Pcm], None] | None = None
        """Takes what comes in."""
        self.keys = ""
        """What the far end pressed (RFC 4733), oldest first."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)
        self._agreed: Agreed | None = None
        self._said: deque[tuple[Pcm, asyncio.Future[None]]] = deque()
        self._position = 0
        self._events: deque[bytes] = deque()
        self._pressed: asyncio.Future[None] | None = None
        self._sequence, self._timestamp = secrets.randbits(16), secrets.randbits(32)
        self._event_start = 0
        self._source = secrets.token_bytes(4)
        self._heard: list[bytes] = []
        self._law = ULAW
        self._last_event: int | None = None

    def aim(self, agreed: Agreed) -> None:
        """Send and hear as offer and answer settled; from now on a packet goes out each tick."""
        self._agreed = agreed
        self._law = LAWS[agreed.codec]
        pump().add(self)

    def close(self) -> None:
        """Give the socket back. What was heard stays."""
        if self._socket.fileno() < 0:
            return
        pump().remove(self)
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for _, done in self._said:
            done.cancel()
        if self._pressed is not None:
            self._pressed.cancel()

    @property
    def heard(self) -> Pcm:
        """All samples received so far, in the order they came; what was lost is missing, not silence."""
        return decode(np.frombuffer(b"".join(self._heard), np.uint8), self._law)

    # -- speaking

    def say(self, samples: Pcm) -> asyncio.Future[None]:
        """Say this after whatever is being said; the future is done with its last packet."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._said.append((samples, done))
        return done

    def press(self, keys: str) -> asyncio.Future[None]:
        """Press keys one after another (RFC 4733). Raises ValueError for what no key is."""
        for key in keys:
            if key not in KEYS:
                raise ValueError(f"{key!r} is no key; allowed are {KEYS}")
            self._events.extend(_event(KEYS.index(key)))
        if self._pressed is None or self._pressed.done():
            self._pressed = self._loop.create_future()
        return self._pressed

    def tick(self, ticks: int) -> None:
        """Send what is due; more than one tick when the loop was late, whose sound is left out."""
        self._timestamp += FRAME * ticks
        agreed = self._agreed
        if agreed is None or not agreed.sends:
            return
        if self._events and agreed.events is not None:
            self._send_event(self._events.popleft(), agreed)
        else:
            self._send(agreed.payload, encode(self._next_frame(), self._law).tobytes(), agreed)
        if not self._events and self._pressed is not None and not self._pressed.done():
            self._pressed.set_result(None)

    def _next_frame(self) -> Pcm:
        frame = np.zeros(FRAME, np.int16)
        if self._said:
            samples, done = self._said[0]
            part = samples[self._position : self._position + FRAME]
            frame[: len(part)] = part
            self._position += FRAME
            if self._position >= len(samples):
                self._said.popleft()
                self._position = 0
                if not done.done():
                    done.set_result(None)
        elif self.microphone is not None and (spoken := self.microphone()) is not None:
            frame[: len(spoken)] = spoken[:FRAME]
        return frame

    def _send_event(self, event: bytes, agreed: Agreed) -> None:
        if not event:  # the rest between two keys
            self._send(agreed.payload, bytes([int(SILENCE[self._law])]) * FRAME, agreed)
            return
        first = event[2:] == FRAME.to_bytes(2, "big")
        if first:
            self._event_start = self._timestamp
        assert agreed.events is not None
        self._send(agreed.events | (0x80 if first else 0), event, agreed, self._event_start)

    def _send(self, kind: int, payload: bytes, agreed: Agreed, timestamp: int | None = None) -> None:
        moment = self._timestamp if timestamp is None else timestamp
        head = struct.pack("!BBHI", 0x80, kind, self._sequence & 0xFFFF, moment & 0xFFFFFFFF)
        self._sequence += 1
        try:
            self._socket.sendto(head + self._source + payload, (agreed.host, agreed.port))
        except OSError:
            return  # nobody there, or the kernel's queue is full: to a phone both are silence

    # -- hearing

    def _readable(self) -> None:
        while True:
            try:
                packet = self._socket.recv(_LARGEST)
            except BlockingIOError:
                return
            except OSError:
                continue  # the ICMP error of a packet we sent
            if len(packet) > 12 and packet[0] & 0xF0 == 0x80:
                self._hear(packet)

    def _hear(self, packet: bytes) -> None:
        agreed = self._agreed
        kind, payload = packet[1] & 0x7F, packet[12 + 4 * (packet[0] & 0x0F) :]
        if agreed is None:
            return
        if kind == agreed.payload:
            self._heard.append(payload)
            if self.loudspeaker is not None:
                self.loudspeaker(decode(np.frombuffer(payload, np.uint8), self._law))
        elif kind == agreed.events and len(payload) >= 4:
            start = int.from_bytes(packet[4:8], "big")
            if start != self._last_event and payload[0] < len(KEYS):
                self.keys += KEYS[payload[0]]
            self._last_event = start


def _event(code: int) -> list[bytes]:
    """The packets of one key press, and the rest after it as empty ones."""
    down = [struct.pack("!BBH", code, 10, FRAME * tick) for tick in range(1, PRESS + 1)]
    up = [struct.pack("!BBH", code, 0x80 | 10, FRAME * PRESS)] * END_PACKETS
    return [*down, *up, *[b""] * REST]
