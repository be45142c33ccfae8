"""The engine's face of the media processes. Lives in the engine's event loop; nothing here waits for a
worker."""

from __future__ import annotations

import asyncio
import logging
import random
import resource
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from media.arena import Arena, ClipRef
from media.control import (
    MOST,
    Aim,
    BadClip,
    Close,
    Command,
    Digit,
    Hear,
    MediaLost,
    NoRow,
    Open,
    PromptEnded,
    Ready,
    RecordingEnded,
    RowRef,
    Stream,
    WorkerReport,
)
from media.g711 import LAWS
from media.ledger import EPOCH, NOW, STEP, Ledger
from media.plays import Plays, order
from media.ports import Pair, Ports
from media.quality import NOTHING, Quality, of_row
from media.seats import Host
from media.tapes import Tapes

log = logging.getLogger(__name__)

RowEvent = Digit | MediaLost | RecordingEnded
HANG: Final = 2.0
"""Seconds without a phase after which a worker is killed and replaced."""
START: Final = 15.0
"""Seconds a process may take to begin."""


class Clip(Protocol):
    """Sound in the arena."""

    @property
    def seconds(self) -> float: ...


class MediaFault(Exception):
    """The media plane cannot run; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class PlaneSettings:
    """What the deployment says of RTP."""

    address: str
    """IP address that RTP sockets are bound to and SDP names."""
    first_port: int
    last_port: int
    workers: int = 1
    """Media processes; one per core that media may have."""
    rows_per_worker: int = 1000
    recorder: bool = True
    """Start the recorder process. Without it, recording is refused."""


class PlaneRow:
    """One party's place. See engine.legs.sound.Row for what each verb promises."""

    def __init__(
        self, plane: MediaPlane, host: Host, ref: RowRef, pair: Pair, label: str, on_event: OnEvent
    ) -> None:
        self.ref = ref
        self.pair = pair
        self.label = label
        self.stream: Stream | None = None
        self._plane = plane
        self._host = host
        self._on_event = on_event
        self._plays = Plays(ref, self._tell, self._spare)
        self._closed = False
        self._quality = NOTHING
        """As it was when the row was closed."""

    @property
    def address(self) -> tuple[str, int]:
        return self._plane.settings.address, self.pair.port

    def aim(self, stream: Stream) -> None:
        """Raises ValueError for a codec, payload type, port or ptime that cannot be."""
        _check(stream)
        self.stream = stream
        self._tell(Aim(self.ref, stream))

    def hear(self, source: RowRef | tuple[RowRef, ...] | Clip | None) -> None:
        """Raises TypeError for a clip that is not of this plane's arena, ValueError for more than MOST rows."""
        if source is None or isinstance(source, (RowRef, tuple)):
            self._tell(Hear(self.ref, _sources(source)))
        else:
            clip = _known(source)
            self._tell(Hear(self.ref, clip=(clip.at, clip.frames)))

    async def play(
        self,
        clips: Clip | Sequence[Clip],
        *,
        every: float = 0.0,
        times: int | None = 1,
        interrupt: str = "",
    ) -> str | None:
        """Returns None at once on a row that is closed or lost. A second play ends the first, which then
        returns None.

        Raises TypeError for a clip that is not of this plane's arena, ValueError for no clips or more than 32, a
        negative interval, less than one time, and keys there are not.
        """
        listed = clips if isinstance(clips, Sequence) else (clips,)
        asked = order(self.ref, map(_known, listed), every, times, interrupt)
        if self._closed or self._host.lost:
            return None
        return await self._plays.play(asked)

    def record(self, path: Path) -> None:
        """Raises ValueError before the row is aimed: the codec of the file is not known."""
        if self.stream is None:
            raise ValueError(f"{self.label}: recording asked for before the stream was settled")
        self._plane.tapes.record(self.ref, path, self.stream.codec, self._on_event)

    def stop_recording(self) -> None:
        self._plane.tapes.stop(self.ref)

    def quality(self) -> Quality:
        """Read from shared memory: it needs no worker."""
        ledger, row = self._host.ledger, self.ref.row
        if self._closed or ledger.owner[row] != self.ref.generation:
            return self._quality
        return of_row(ledger, row)

    def close(self) -> None:
        if self._closed:
            return
        self._quality = self.quality()
        self._closed = True
        self._plane.tapes.stop(self.ref)
        self._plays.finish()
        self._host.command(Close(self.ref))
        self._plane.soon()
        if self._host.lost:
            self._plane.forget(self)

    def _tell(self, command: Command) -> None:
        if not self._closed:
            self._host.command(command)
            self._plane.soon()

    # ------------------------------------------------------------------------------------------ from the
    # worker

    def told(self, event: Digit | PromptEnded) -> None:
        if isinstance(event, Digit):
            self._spare(event)
        else:
            self._plays.ended(event)

    def _spare(self, digit: Digit) -> None:
        if not self._closed:
            self._on_event(digit)

    def resumed(self, playing: int) -> None:
        self._plays.resumed(playing)

    def lost(self) -> None:
        self._plays.finish()
        if self._closed:
            self._plane.forget(self)
        else:
            self._on_event(MediaLost(self.ref))

    def freed(self) -> None:
        self._plane.forget(self)


OnEvent = Callable[[RowEvent], None]


class MediaPlane:
    """The media plane of this node: workers, recorder, ports, and the memory they share.

    `load` decodes sound files into the arena; `on_report` gets what each worker tells once a second.
    """

    def __init__(
        self,
        settings: PlaneSettings,
        *,
        load: Callable[[Path], Awaitable[ClipRef]] | None = None,
        on_report: Callable[[WorkerReport | Ready], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        chance: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.arena = Arena.create()
        self.loader = load
        self._chance = chance or random.SystemRandom()
        self._monotonic = monotonic
        self.ports = Ports(settings.address, settings.first_port, settings.last_port, monotonic, self._chance)
        ledgers = [Ledger.create(settings.rows_per_worker, f"ledger{i}") for i in range(settings.workers)]
        for ledger in ledgers:
            ledger.head[EPOCH] = time.monotonic_ns()
        report = on_report or _ignore
        self.hosts = [
            Host(number, ledgers, self.arena, monotonic, self._chance, report)
            for number in range(settings.workers)
        ]
        self.tapes = Tapes(ledgers, wall)
        self._flushing = False
        self._given_back = asyncio.Event()
        self._pulse: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------------------------------ life

    async def start(self) -> None:
        """Start all processes and wait until they run. Raises MediaFault with what is missing."""
        _allow_descriptors(4 * sum(ledger.rows for ledger in self.hosts[0].ledgers) + 200)
        for host in self.hosts:
            host.start()
        if self.settings.recorder:
            self.tapes.start()
        try:
            async with asyncio.timeout(START):
                await asyncio.gather(*(host.began.wait() for host in self.hosts))
        except TimeoutError:
            await self.stop()
            raise MediaFault(f"a media process did not start within {START:.0f} s") from None
        self._pulse = asyncio.create_task(self._watch(), name="media pulse")

    async def stop(self) -> None:
        """End all processes. Recordings are whole when this returns; their RecordingEnded came before."""
        if self._pulse is not None:
            self._pulse.cancel()
            await asyncio.gather(self._pulse, return_exceptions=True)
            self._pulse = None
        self._flush()
        await self.tapes.drain()
        await asyncio.gather(*(host.stop() for host in self.hosts))
        for host in self.hosts:
            for seat in list(host.seats.values()):
                seat.pair.close()
            host.seats.clear()

    async def _watch(self) -> None:
        """Replace workers that hang: their heartbeat is the phase in their ledger."""
        while True:
            await asyncio.sleep(HANG / 4)
            for host in self.hosts:
                self._look_after(host)

    def _look_after(self, host: Host) -> None:
        child = host.child
        if child is None:
            return
        now = time.monotonic()
        patience = HANG if host.began.is_set() else START
        ran = (host.ledger.epoch + int(host.ledger.head[NOW]) * STEP) / 1e9
        if now - max(ran, child.started) > patience:
            log.error("media worker %d does not respond: replaced", host.number)
            child.kill()

    # ------------------------------------------------------------------------------------------ rows

    def open(self, label: str, on_event: OnEvent, *, beside: RowRef | None = None) -> PlaneRow:
        """A fresh row with a bound port. Raises NoRow when there is none, with what is used up."""
        host = self._place(beside)
        pair = self.ports.take()
        ref = host.reserve()
        row = PlaneRow(self, host, ref, pair, label, on_event)
        host.seats[ref.row] = row
        bits = self._chance.getrandbits
        host.command(Open(ref, ssrc=bits(32), seq=bits(16), stamp=bits(32)))
        self.soon()
        return row

    def _place(self, beside: RowRef | None) -> Host:
        """The worker of `beside` if it has room, else the one with most."""
        if beside is not None and self.hosts[beside.worker].room:
            return self.hosts[beside.worker]
        host = max(self.hosts, key=lambda host: host.room)
        if not host.room:
            total = sum(host.ledger.rows for host in self.hosts)
            raise NoRow(f"all {total} media rows of this node are in use")
        return host

    def forget(self, row: PlaneRow) -> None:
        """The worker has let go of the row: close its sockets, let its port rest."""
        row.pair.close()
        self.ports.give_back(row.pair.port)
        self._given_back.set()

    @property
    def rows(self) -> int:
        """Rows in use."""
        return sum(len(host.seats) for host in self.hosts)

    def in_use(self) -> dict[str, int]:
        """What was handed out and not given back."""
        return {"rows": self.rows, "ports": self.ports.used}

    async def all_closed(self) -> None:
        """Returns once no row is in use: a closed one counts until its worker has acknowledged it."""
        while self.rows:
            self._given_back.clear()
            await self._given_back.wait()

    async def load(self, path: Path) -> ClipRef:
        """Decode a sound file, once. Raises BadClip with what is wrong with it."""
        if self.loader is None:
            raise BadClip(f"{path}: this media plane was started without a decoder for sound files")
        return await self.loader(path)

    def soon(self) -> None:
        """Send the commands of this turn of the loop and the next together.

        An answered leg is aimed in one turn and its story, woken by that, says in the next what it hears. Sent
        apart, the row would begin with a frame of silence and, in another phase of the tick, be 30 ms late.
        """
        if not self._flushing:
            self._flushing = True
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        for host in self.hosts:
            host.flush()


def _sources(source: RowRef | tuple[RowRef, ...] | None) -> tuple[RowRef, ...]:
    sources = (source,) if isinstance(source, RowRef) else source or ()
    if len(sources) > MOST:
        raise ValueError(f"{len(sources)} rows to be heard by one: at most {MOST} expected")
    return sources


def _known(clip: Clip) -> ClipRef:
    if not isinstance(clip, ClipRef):
        raise TypeError(f"{clip!r} is not a clip of the media plane's arena; use its load()")
    return clip


def _check(stream: Stream) -> None:
    if stream.codec not in LAWS:
        raise ValueError(f"codec {stream.codec}: {' or '.join(LAWS)} expected")
    if not 0 <= stream.payload <= 127 or not (stream.events is None or 0 <= stream.events <= 127):
        raise ValueError(f"payload types {stream.payload} and {stream.events}: 0 to 127 expected")
    if not 0 < stream.port <= 65535:
        raise ValueError(f"port {stream.port}: 1 to 65535 expected")
    if not 10 <= stream.ptime <= 60 or stream.ptime % 5:
        raise ValueError(f"ptime {stream.ptime}: 10 to 60 ms in steps of 5 expected")


def _allow_descriptors(needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise MediaFault(
            f"{needed} file descriptors are needed for that many rows, {hard} are allowed: "
            "raise the limit (ulimit -n) or lower rows_per_worker"
        )
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _ignore(word: WorkerReport | Ready) -> None:
    """Nobody asked for reports."""
