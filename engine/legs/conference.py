"""Legs that hear each other, each in its own way: as a party, muted, on hold, listening in or whispering."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import TracebackType

from engine.legs.leg import Leg
from engine.legs.sound import Clip
from media.control import MOST
from media.seating import Coach, Listener, Party, Role, Seat, seating


class ConferenceFull(Exception):
    """More members than one leg can hear; the text says how many there may be."""


class Conference:
    """`async with conference(a, b, c) as room:` they speak with each other until the block ends.

    A leg that ends leaves by itself; the others stay together, two of them as an ordinary bridge. A leg sits in
    one conference at a time. All verbs hold from the next 5 ms phase on, those of one turn of the loop together.
    """

    def __init__(self, *legs: Leg) -> None:
        self._begin = tuple(dict.fromkeys(legs))
        self._seats: dict[Leg, Seat[Leg]] = {}
        self._music: dict[Leg, Clip | None] = {}
        """Hold music of those who are held."""
        self._told: dict[Leg, Clip | frozenset[Leg] | None] = {}
        self._ends: dict[Leg, Callable[[], None]] = {}
        self._fewer = asyncio.Event()

    async def __aenter__(self) -> Conference:
        """Raises ConferenceFull."""
        _check(len(self._begin))
        for leg in self._begin:
            self._take(leg, Party())
        self._tune()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for leg in list(self._seats):
            self._give_back(leg)

    # -- who is there

    @property
    def members(self) -> tuple[Leg, ...]:
        """In the order in which they came."""
        return tuple(self._seats)

    @property
    def parties(self) -> tuple[Leg, ...]:
        """Members that speak with everybody, the muted and the held among them."""
        return tuple(leg for leg, seat in self._seats.items() if isinstance(seat.role, Party))

    def seat(self, leg: Leg) -> Seat[Leg]:
        """How a member takes part. Raises ValueError for a leg that is none."""
        if leg not in self._seats:
            raise ValueError(f"{leg.id} is not in this conference")
        return self._seats[leg]

    async def dwindled(self, most: int = 1) -> None:
        """Returns once at most so many parties are left."""
        while len(self.parties) > most:
            self._fewer.clear()
            await self._fewer.wait()

    # -- coming and going

    def join(self, leg: Leg) -> None:
        """Speak with everybody: a newcomer, or a member that listened or whispered so far. Raises ConferenceFull."""
        self._play(leg, Party())

    barge = join
    """A supervisor takes part like everybody else."""

    def listen(self, leg: Leg) -> None:
        """Hear everybody and be heard by nobody. Raises ConferenceFull."""
        self._play(leg, Listener())

    def whisper(self, leg: Leg, to: Leg) -> None:
        """Hear everybody and be heard by one party only. Raises ConferenceFull; ValueError when `to` is none."""
        if to is leg or not isinstance(self.seat(to).role, Party):
            raise ValueError(f"{leg.id} cannot whisper to {to.id}: another leg that is a party expected")
        self._play(leg, Coach(to))

    def leave(self, leg: Leg) -> None:
        """Go; silence is heard from now on. Nothing when it is not there (any more)."""
        if leg in self._seats:
            self._give_back(leg)
            self._tune()

    # -- one at a time

    def mute(self, leg: Leg) -> None:
        """Go on hearing, and be heard by nobody."""
        self._change(leg, replace(self.seat(leg), muted=True))

    def unmute(self, leg: Leg) -> None:
        self._change(leg, replace(self.seat(leg), muted=False))

    def hold(self, leg: Leg, music: Clip | None = None) -> None:
        """Hear that music, or silence, and nobody; be heard by nobody."""
        held = replace(self.seat(leg), held=True)
        self._music[leg] = music
        self._change(leg, held)

    def resume(self, leg: Leg) -> None:
        """End the hold."""
        self._change(leg, replace(self.seat(leg), held=False))

    # -- inside

    def _play(self, leg: Leg, role: Role[Leg]) -> None:
        """Who takes another part is to be heard in it, unless on hold."""
        if leg in self._seats:
            self._change(leg, replace(self._seats[leg], role=role, muted=False))
        else:
            _check(len(self._seats) + 1)
            self._take(leg, role)
            self._tune()

    def _change(self, leg: Leg, seat: Seat[Leg]) -> None:
        self._seats[leg] = seat
        self._tune()

    def _take(self, leg: Leg, role: Role[Leg]) -> None:
        self._seats[leg] = Seat(role)
        self._ends[leg] = partial(self.leave, leg)
        leg.on_end(self._ends[leg])

    def _give_back(self, leg: Leg) -> None:
        del self._seats[leg]
        self._music.pop(leg, None)
        self._told.pop(leg, None)
        leg.forget(self._ends.pop(leg))
        leg.hear(None)
        self._fewer.set()

    def _tune(self) -> None:
        """Tell those who are to hear something else than before."""
        for leg, hears in seating(self._seats).items():
            source = self._music.get(leg) if hears is None else hears.mix
            if leg not in self._told or self._told[leg] != source:
                self._told[leg] = source
                leg.hear(tuple(source) if isinstance(source, frozenset) else source)
        self._fewer.set()


def _check(members: int) -> None:
    if members > MOST:
        raise ConferenceFull(f"{members} members of a conference: at most {MOST} expected")


def conference(*legs: Leg) -> Conference:
    """`async with conference(customer, agent, expert) as room: ...`"""
    return Conference(*legs)
