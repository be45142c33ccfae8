"""One worker as the client sees it: its rows and who sits there, the commands it has not acknowledged, its
life."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

import msgspec

from media.arena import Arena
from media.child import Child
from media.control import (
    BATCH,
    Adopt,
    Adopted,
    Applied,
    Begin,
    Close,
    Command,
    Commands,
    Digit,
    Hear,
    Open,
    PromptEnded,
    Ready,
    RowRef,
    WorkerReport,
    WorkerWord,
)
from media.ledger import APPLIED, Ledger
from media.ports import Pair

_decode = msgspec.msgpack.Decoder(WorkerWord).decode

RESTARTS: Final = 5
"""Restarts within `SPAN` seconds after which a worker is given up."""
SPAN: Final = 10.0


class Seated(Protocol):
    """Who sits in a row."""

    ref: RowRef
    pair: Pair

    def told(self, event: Digit | PromptEnded) -> None: ...

    def resumed(self, playing: int) -> None:
        """The worker was replaced; `playing` is the number of the Play that goes on, 0 for none."""
        ...

    def lost(self) -> None:
        """The worker could not be brought back."""
        ...

    def freed(self) -> None:
        """The row is closed: nobody uses its sockets any more."""
        ...


class Host:
    """A worker's rows. `now` is CLOCK_MONOTONIC in seconds."""

    def __init__(
        self,
        number: int,
        ledgers: list[Ledger],
        arena: Arena,
        now: Callable[[], float],
        chance: random.Random,
        on_report: Callable[[WorkerReport | Ready], None],
    ) -> None:
        self.number = number
        self.ledgers = ledgers
        self.ledger = ledgers[number]
        self.arena = arena
        self.now = now
        self.on_report = on_report
        self.lost = False
        self.began = asyncio.Event()
        """Set while a process runs that has said Ready."""
        self.child: Child | None = None
        self.seats: dict[int, Seated] = {}
        self._free = deque(range(self.ledger.rows))
        self._generation = chance.randrange(1, 1 << 31)
        self._issued = 0
        self._unsent: list[Command] = []
        self._unacknowledged: deque[tuple[int, Command]] = deque()
        self._restarts: deque[float] = deque()

    # ------------------------------------------------------------------------------------------ rows

    @property
    def room(self) -> int:
        """Rows nobody sits in; none when the worker is lost."""
        return 0 if self.lost else len(self._free)

    def reserve(self) -> RowRef:
        """A free row under a fresh generation. The longest unused one, for the sake of those who read after
        its end."""
        self._generation = self._generation % 0xFFFFFFFF + 1
        return RowRef(self.number, self._free.popleft(), self._generation)

    def _release(self, row: int) -> None:
        seat = self.seats.pop(row, None)
        if seat is not None:
            self._free.append(row)
            seat.freed()

    # ------------------------------------------------------------------------------------------ commands

    def command(self, command: Command) -> None:
        """Have it done in the next phase. Kept until acknowledged, so that a worker that takes over does it
        too."""
        self._unsent.append(command)

    def flush(self) -> None:
        """Send what was asked for since the last time."""
        commands, self._unsent = self._unsent, []
        for command in commands:
            self._issued += 1
            self._unacknowledged.append((self._issued, command))
        self._transmit(self._issued - len(commands), commands)

    def _transmit(self, after: int, commands: list[Command]) -> None:
        if self.child is None:
            return
        for part in batches(commands):
            after += len(part)
            self.child.send(Commands(after, part), self._riding(part))

    def _riding(self, commands: Iterable[Command]) -> list[int]:
        """Descriptors of the rows that begin. A row closed before its Open was sent still has its sockets."""
        opened = [self.seats[command.ref.row].pair for command in commands if isinstance(command, Open)]
        return [sock.fileno() for pair in opened for sock in (pair.rtp, pair.rtcp)]

    def _acknowledge(self, last: int) -> None:
        while self._unacknowledged and self._unacknowledged[0][0] <= last:
            _, command = self._unacknowledged.popleft()
            if isinstance(command, Close):
                self._release(command.ref.row)

    # ------------------------------------------------------------------------------------------ the process

    def start(self) -> None:
        """Start the process; rows that a former one left go on in it."""
        self.began.clear()
        self.child = Child("media.worker", self._word, self._ended)
        memory = [ledger.fd for ledger in self.ledgers] + [self.arena.fd]
        rows = [ledger.rows for ledger in self.ledgers]
        self.child.send(Begin(self.number, rows, self.arena.capacity), memory)

    def _word(self, data: bytes) -> None:
        word = _decode(data)
        match word:
            case Applied():
                self._acknowledge(word.last)
            case Digit() | PromptEnded():
                seat = self.seats.get(word.ref.row)
                if seat is not None and seat.ref == word.ref:
                    seat.told(word)
            case Ready() | WorkerReport():
                self.began.set()
                self.on_report(word)

    def _ended(self) -> None:
        now = self.now()
        self._restarts.append(now)
        while self._restarts[0] < now - SPAN:
            self._restarts.popleft()
        if len(self._restarts) > RESTARTS:
            self._give_up()
        else:
            self._restart()

    def _give_up(self) -> None:
        self.lost = True
        self.child = None
        for seat in list(self.seats.values()):
            seat.lost()

    def _restart(self) -> None:
        self._acknowledge(int(self.ledger.head[APPLIED]))
        self.start()
        adopted = [seat for row, seat in self.seats.items() if self.ledger.owner[row] == seat.ref.generation]
        for start in range(0, len(adopted), BATCH):
            part = adopted[start : start + BATCH]
            fds = [sock.fileno() for seat in part for sock in (seat.pair.rtp, seat.pair.rtcp)]
            rows = [Adopted(seat.ref.row, seat.ref.generation) for seat in part]
            if self.child is not None:
                self.child.send(Adopt(rows), fds)
        again = [command for _, command in self._unacknowledged]
        self._transmit(self._issued - len(again), again)
        plays = {command.ref.row for command in again}
        for seat in adopted:
            if seat.ref.row not in plays:
                seat.resumed(int(self.ledger.play[seat.ref.row]))

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop(patience=2.0)
            self.child = None


def batches(commands: Iterable[Command]) -> Iterator[list[Command]]:
    """The commands in order, as many to a message as fit."""
    part: list[Command] = []
    weight = 0
    for command in commands:
        part.append(command)
        weight += _weight(command)
        if weight >= BATCH:
            yield part
            part, weight = [], 0
    if part:
        yield part


def _weight(command: Command) -> int:
    return 1 + len(command.sources) // 16 if isinstance(command, Hear) else 1
