"""Who hears whom in a conference. Pure: from how each member takes part to what each hears."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

M = TypeVar("M", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Party:
    """Speaks with everybody."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Hears what everybody hears and is heard by nobody."""


@dataclass(frozen=True, slots=True)
class Coach(Generic[M]):
    """Hears what everybody hears and is heard by one party alone; by nobody when that party is not there."""

    of: M


Role = Party | Listener | Coach[M]


@dataclass(frozen=True, slots=True)
class Seat(Generic[M]):
    """How a member takes part."""

    role: Role[M]
    muted: bool = False
    """Hears, and is not heard."""
    held: bool = False
    """Neither: hold music is heard instead."""

    @property
    def speaks(self) -> bool:
        return not (self.muted or self.held)


@dataclass(frozen=True, slots=True)
class Hears(Generic[M]):
    """What a member of a conference hears."""

    voices: frozenset[M]
    """Whose voices; never the member's own."""
    mix: frozenset[M]
    """The set to sum for it. It may hold the member itself, who is then to be left out: so that all who speak
    share one set, however many they are."""


def seating(seats: Mapping[M, Seat[M]]) -> dict[M, Hears[M] | None]:
    """What each member hears; None for one who is held and hears hold music."""
    parties = frozenset(member for member, seat in seats.items() if _is_party(seat) and seat.speaks)
    return {
        member: None if seat.held else _hears(member, parties, _coaches(member, seats))
        for member, seat in seats.items()
    }


def _is_party(seat: Seat[M]) -> bool:
    return isinstance(seat.role, Party)


def _coaches(member: M, seats: Mapping[M, Seat[M]]) -> frozenset[M]:
    """Who whispers to a member: only a party is whispered to."""
    if not _is_party(seats[member]):
        return frozenset()
    coaching = (other for other, seat in seats.items() if seat.speaks and seat.role == Coach(member))
    return frozenset(coaching) - {member}


def _hears(member: M, parties: frozenset[M], coaches: frozenset[M]) -> Hears[M]:
    voices = parties - {member} | coaches
    return Hears(voices, voices if coaches else parties)
