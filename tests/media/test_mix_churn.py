"""People come, go, and change rooms all the time: nobody ever hears himself, nor anybody he is not with."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from media.g711 import FRAME
from tests.media.plane_kit import Phone, Rig, silence

ROWS = 6
PLACE = 4
"""Octets of a frame in which one phone alone speaks: who is in a sum can be read from it."""


def voice(name: int) -> bytes:
    frame = bytearray(silence())
    frame[name * PLACE : (name + 1) * PLACE] = bytes([0xA0]) * PLACE
    return bytes(frame)


def names(packet: bytes) -> set[int]:
    """Phones heard in a packet."""
    return {at // PLACE for at in range(0, FRAME, PLACE) if packet[12 + at] != 0xFF}


@dataclass
class Building:
    """Two workers' rows, the rooms people are in, and since when."""

    rig: Rig
    chance: random.Random
    inside: dict[int, tuple[Phone, int]] = field(default_factory=dict)
    """Phone and room, by name."""
    said: dict[int, int] = field(default_factory=dict)

    def enter(self) -> None:
        taken = {(phone.ref.worker, phone.ref.row) for phone, _ in self.inside.values()}
        free = [(w, r) for w in range(2) for r in range(ROWS) if (w, r) not in taken]
        if free:
            worker, row = self.chance.choice(free)
            phone = self.rig.open(row, worker=worker)
            self.inside[phone.name] = phone, self.chance.randrange(3)
            self.said[phone.name] = 0

    def leave(self) -> None:
        if self.inside:
            phone, _ = self.inside.pop(self.chance.choice(list(self.inside)))
            self.rig.close(phone)

    def move(self) -> None:
        if self.inside:
            name = self.chance.choice(list(self.inside))
            self.inside[name] = self.inside[name][0], self.chance.randrange(3)

    def tell(self) -> None:
        for phone, _ in self.inside.values():
            self.rig.mix(phone, *self.together(phone))

    def together(self, phone: Phone) -> list[Phone]:
        room = self.inside[phone.name][1]
        return [other for other, its in self.inside.values() if its == room]

    def speak(self) -> None:
        for name, (phone, _) in self.inside.items():
            packet = phone.packet(self.said[name], voice(name))
            self.said[name] += 1
            if self.chance.random() > 0.02:
                self.rig.post(phone, packet, self.chance.uniform(0, 4) + name % 4 * 5)


@pytest.mark.parametrize("seed", range(6))
def test_all_are_heard_where_they_are_and_nowhere_else(seed: int) -> None:
    rig = Rig(workers=2, rows=ROWS)
    building = Building(rig, random.Random(seed))
    for _ in range(8):
        building.enter()
    building.tell()
    full = 0
    for tick in range(400):
        if tick % 25 == 24 and rig._generation < 38:
            building.chance.choice([building.enter, building.leave, building.move])()
            building.tell()
        building.speak()
        before = {name: len(phone.heard) for name, (phone, _) in building.inside.items()}
        rig.run(20)
        for name, (phone, _) in building.inside.items():
            others = {other.name for other in building.together(phone)} - {name}
            for _, packet in phone.heard[before[name] :]:
                assert names(packet) <= others
                full += bool(others) and names(packet) == others
    assert full > 1500, "and they are heard, most of the time"
