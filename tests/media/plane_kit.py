"""Planes without processes, sockets or clocks: a fake network that delivers when told, and phones that say
who they are."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from media.arena import Arena
from media.control import Aim, Close, Digit, Hear, Open, Play, PromptEnded, RowRef, Stream
from media.g711 import ALAW, FRAME, SILENCE, ULAW
from media.ledger import EPOCH, PHASES, STEP, Ledger
from media.plane import Plane, offset
from media.wire import Address

EPOCH_NS = 1_000_000_000


@dataclass
class FakeSocket:
    """A bound UDP socket of the engine."""

    port: int
    inbox: deque[tuple[bytes, Address, int]] = field(default_factory=deque)
    peer: Address | None = None
    last: int = 0
    closed: bool = False

    def receive(self, buffer: memoryview) -> int:
        if not self.inbox:
            raise BlockingIOError
        data, _, self.last = self.inbox.popleft()
        buffer[: len(data)] = data
        return len(data)


class FakeWire:
    """Satisfies media.wire.Wire. `deliver` gets what the plane sends: (from port, to, packet)."""

    def __init__(self, deliver: Callable[[int, Address, bytes], None]) -> None:
        self.deliver = deliver
        self.watched: dict[int, tuple[FakeSocket, int]] = {}
        self.receive: Callable[[Any, memoryview], int] = FakeSocket.receive
        self.send: Callable[[Any, memoryview], int] = self._send

    def _send(self, sock: FakeSocket, packet: memoryview) -> int:
        assert sock.peer is not None
        self.deliver(sock.port, sock.peer, bytes(packet))
        return len(packet)

    def receive_from(self, sock: FakeSocket, buffer: memoryview) -> tuple[int, Address] | None:
        if not sock.inbox:
            return None
        source = sock.inbox[0][1]
        return sock.receive(buffer), source

    def send_to(self, sock: FakeSocket, packet: bytes | memoryview, address: Address) -> bool:
        self.deliver(sock.port, address, bytes(packet))
        return True

    def connect(self, sock: FakeSocket, address: Address) -> None:
        sock.peer = address

    def loosen(self, sock: FakeSocket) -> None:
        sock.peer = None

    def watch(self, sock: FakeSocket, tag: int) -> None:
        self.watched[sock.port] = sock, tag

    def unwatch(self, sock: FakeSocket) -> None:
        self.watched.pop(sock.port, None)

    def ready(self) -> list[int]:
        return [tag for sock, tag in self.watched.values() if sock.inbox]

    def arrivals(self, socks: Sequence[FakeSocket]) -> list[int]:
        return [sock.last for sock in socks]

    def close(self, sock: FakeSocket) -> None:
        self.unwatch(sock)
        sock.closed = True


@dataclass
class Phone:
    """A far end. Its frames carry its name and their number, so that whoever hears them can tell."""

    name: int
    address: Address
    ref: RowRef
    sock: FakeSocket
    rtcp: FakeSocket
    payload: int = 0
    ssrc: int = 0
    seq: int = 1000
    stamp: int = 5000
    heard: list[tuple[int, bytes]] = field(default_factory=list)
    """(phase, packet)"""
    reports: list[bytes] = field(default_factory=list)

    def frame(self, number: int) -> bytes:
        """160 octets that only this phone says: name, number, and a filler that is neither silence nor a
        key."""
        body = np.full(FRAME, 0x90 + self.name % 16, np.uint8)
        body[::2] ^= 0x80
        body[:4] = [self.name, number >> 7 & 0x7F, number & 0x7F, 0x33]
        return body.tobytes()

    def packet(self, number: int, payload: bytes | None = None) -> bytes:
        head = struct.pack(
            "!BBHII",
            0x80,
            self.payload,
            (self.seq + number) & 0xFFFF,
            (self.stamp + FRAME * number) & 0xFFFFFFFF,
            self.ssrc,
        )
        return head + (self.frame(number) if payload is None else payload)

    def voices(self) -> list[tuple[int, int]]:
        """(name, number) of each frame heard that is a phone's voice."""
        frames = [packet[12:] for _, packet in self.heard]
        return [(f[0], f[1] << 7 | f[2]) for f in frames if f[3] == 0x33]

    def numbers(self, name: int) -> list[int]:
        """Frames heard of that phone, guesses for lost ones left out; fails when anybody else's was."""
        voices = self.voices()
        assert {voice[0] for voice in voices} <= {name}
        return [number for number, _ in groupby(number for _, number in voices)]


class Rig:
    """Workers, a network and a clock that moves when told."""

    def __init__(self, workers: int = 1, rows: int = 8) -> None:
        self.ledgers = [Ledger.create(rows) for _ in range(workers)]
        for ledger in self.ledgers:
            ledger.head[EPOCH] = EPOCH_NS
        self.arena = Arena.create(2000)
        self.wires = [FakeWire(self._deliver) for _ in range(workers)]
        self.planes = [Plane(me, self.ledgers, self.arena, wire) for me, wire in enumerate(self.wires)]
        self.events: list[Digit | PromptEnded] = []
        self.phones: dict[Address, Phone] = {}
        self.m = 100
        self._now = 0
        self._generation = 0
        self._mail: list[tuple[int, FakeSocket, bytes, Address]] = []

    # ------------------------------------------------------------------------------------------ parties

    def open(self, row: int, *, worker: int = 0, aim: bool = True, **form: Any) -> Phone:
        """A phone in that row, its stream settled."""
        self._generation += 1
        ref = RowRef(worker, row, self._generation)
        sock, rtcp = FakeSocket(20000 + 2 * self._generation), FakeSocket(20001 + 2 * self._generation)
        address = (f"10.0.0.{self._generation}", 4000 + 2 * self._generation)
        phone = Phone(self._generation, address, ref, sock, rtcp, ssrc=0x1000 + self._generation)
        self.phones[address] = phone
        self.planes[worker].apply(
            Open(ref, ssrc=7000 + self._generation, seq=65530, stamp=4294967000), (sock, rtcp)
        )
        if aim:
            self.aim(phone, **form)
        return phone

    def aim(self, phone: Phone, **form: Any) -> None:
        host, port = phone.address
        fields: dict[str, Any] = {"host": host, "port": port, "codec": "PCMU", "payload": 0, "events": 101}
        fields.update(form)
        phone.payload = fields["payload"]
        self.plane(phone).apply(Aim(phone.ref, Stream(**fields)))

    def plane(self, phone: Phone) -> Plane:
        return self.planes[phone.ref.worker]

    def hear(self, phone: Phone, source: Phone | RowRef | tuple[int, int] | None) -> None:
        if isinstance(source, Phone):
            source = source.ref
        if isinstance(source, RowRef):
            self.plane(phone).apply(Hear(phone.ref, (source,)))
        else:
            self.plane(phone).apply(Hear(phone.ref, clip=source))

    def mix(self, phone: Phone, *sources: Phone) -> None:
        """Have a phone hear those, but never itself."""
        self.plane(phone).apply(Hear(phone.ref, tuple(source.ref for source in sources)))

    def confer(self, *phones: Phone) -> None:
        """Everybody hears everybody else."""
        for phone in phones:
            self.mix(phone, *phones)

    def bridge(self, one: Phone, other: Phone) -> None:
        self.hear(one, other)
        self.hear(other, one)

    def play(self, phone: Phone, number: int, *pieces: tuple[int, int], **rounds: int) -> None:
        """Clips one after the other; `rounds`: every, times, keys as Play has them."""
        self.plane(phone).apply(Play(phone.ref, number, list(pieces), **rounds))

    def close(self, phone: Phone) -> None:
        self.plane(phone).apply(Close(phone.ref))

    # ------------------------------------------------------------------------------------------ time

    def post(self, phone: Phone, packet: bytes, ms: float = 0.0, source: Address | None = None) -> None:
        """Have a packet arrive `ms` from now."""
        at = self.m * STEP + int(ms * 1e6)
        self._mail.append((at, phone.sock, packet, source or phone.address))

    def report(self, phone: Phone, packet: bytes, ms: float = 0.0, source: Address | None = None) -> None:
        """Have RTCP arrive at the odd port."""
        host, port = phone.address
        self._mail.append((self.m * STEP + int(ms * 1e6), phone.rtcp, packet, source or (host, port + 1)))

    def talk(self, phone: Phone, first: int, count: int, ms: float = 0.0) -> None:
        """Have frames arrive, 20 ms apart."""
        for n in range(count):
            self.post(phone, phone.packet(first + n), ms + 20 * n)

    def run(self, ms: float) -> None:
        """Let time pass: each worker does its phases when they are due."""
        for _ in range(int(ms * 1_000_000) // STEP):
            for me, plane in enumerate(self.planes):
                self._arrive(self.m * STEP + offset(me, len(self.planes)))
                plane.step(self.m)
                self.events += plane.events
                plane.events.clear()
            self.m += 1

    def _arrive(self, until: int) -> None:
        due = sorted((mail for mail in self._mail if mail[0] <= until), key=lambda mail: mail[0])
        self._mail = [mail for mail in self._mail if mail[0] > until]
        for at, sock, packet, source in due:
            if not sock.closed and sock.peer in (None, source):
                sock.inbox.append((packet, source, EPOCH_NS + at))

    def _deliver(self, port: int, to: Address, packet: bytes) -> None:
        if port % 2:
            to = (to[0], to[1] - 1)
        phone = self.phones.get(to)
        if phone is None:
            return
        if port % 2:
            phone.reports.append(packet)
        else:
            phone.heard.append((self.m, packet))

    @property
    def tick(self) -> int:
        return self.m // PHASES


def silence(law: int = ULAW) -> bytes:
    return bytes([int(SILENCE[law])]) * FRAME


__all__ = ["ALAW", "ULAW", "Phone", "Rig", "silence"]
