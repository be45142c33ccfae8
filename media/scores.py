"""Three calm pieces, written for this product: for a caller on hold, in a queue, and being transferred.

A bar is a chord, `bass | voices`, low to high; the harp breaks it up by the score's pattern, the pad holds
it. A tune is notes with their length in beats, `-` a rest; its bars are divided by `/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True, slots=True)
class Note:
    hertz: float
    start: float
    """Seconds from the start of the piece."""
    seconds: float
    force: float
    """1 is ordinary."""


def hertz(name: str) -> float:
    """C#4 and the like in equal temperament, A4 = 440 Hz. Raises ValueError."""
    found = re.fullmatch(r"([A-G])([#b]?)([0-8])", name)
    if found is None:
        raise ValueError(f"{name!r} is not a note; allowed are A to G, # or b, and an octave 0 to 8")
    step = _STEPS[found[1]] + {"#": 1, "b": -1, "": 0}[found[2]] + 12 * int(found[3])
    return float(440 * 2 ** ((step - 57) / 12))


@dataclass(frozen=True, slots=True)
class Score:
    beat: float
    """Seconds."""
    beats: int
    """In a bar."""
    chords: tuple[str, ...]
    """One per bar."""
    pattern: tuple[int, ...]
    """What the harp plays in a bar, at even distances: voices of the chord from below, -1 a rest."""
    melody: str

    @property
    def bar(self) -> float:
        return self.beat * self.beats

    @property
    def seconds(self) -> float:
        return self.bar * len(self.chords)

    def pad(self) -> list[Note]:
        """The chords, held."""
        return [
            Note(hertz(voice), n * self.bar, self.bar, 1 / len(voices))
            for n, (_, voices) in enumerate(self._bars())
            for voice in voices
        ]

    def bass(self) -> list[Note]:
        """The root on the first beat, softly again in the middle of the bar."""
        notes = []
        for n, (root, _) in enumerate(self._bars()):
            middle = (self.beats + 1) // 2
            notes.append(Note(hertz(root), n * self.bar, middle * self.beat, 0.8))
            rest = self.beats - middle
            notes.append(Note(hertz(root), n * self.bar + middle * self.beat, rest * self.beat, 0.45))
        return notes

    def harp(self) -> list[Note]:
        step = self.bar / len(self.pattern)
        return [
            Note(hertz(voices[i % len(voices)]), n * self.bar + k * step, step, 0.75 + 0.25 * (k == 0))
            for n, (_, voices) in enumerate(self._bars())
            for k, i in enumerate(self.pattern)
            if i >= 0
        ]

    def tune(self) -> list[Note]:
        """Raises ValueError for a bar that is not full."""
        notes = []
        for n, bar in enumerate(self.melody.split("/")):
            at = 0.0
            for name, beats in (token.split(":") for token in bar.split()):
                if name != "-":
                    start = n * self.bar + at * self.beat
                    notes.append(Note(hertz(name), start, float(beats) * self.beat, 1 - 0.1 * (at % 1 > 0)))
                at += float(beats)
            if at != self.beats:
                raise ValueError(f"bar {n + 1} has {at:g} beats; allowed are exactly {self.beats}")
        return notes

    def _bars(self) -> list[tuple[str, list[str]]]:
        split = (chord.split("|") for chord in self.chords)
        return [(root.strip(), voices.split()) for root, voices in split]


HOLD: Final = Score(
    beat=0.75,
    beats=4,
    chords=(
        "D3 | F#4 A4 C#5 E5",
        "B2 | F#4 A4 B4 D5",
        "G2 | F#4 G4 B4 D5",
        "A2 | E4 G4 A4 D5",
        "F#2 | E4 A4 C#5 E5",
        "B2 | D4 F#4 A4 C#5",
        "E3 | D4 G4 B4 F#5",
        "A2 | D4 G4 B4 E5",
        "D3 | F#4 A4 C#5 E5",
        "B2 | F#4 A4 B4 D5",
        "G2 | F#4 G4 B4 D5",
        "F#2 | E4 A4 C#5 E5",
        "E3 | D4 G4 B4 D5",
        "C3 | E4 G4 B4 D5",
        "G2 | D4 F#4 B4 D5",
        "A2 | D4 E4 G4 B4",
    ),
    pattern=(0, 2, 1, 3, 2, 1, 3, 1),
    melody="""
        F#5:1.5 E5:0.5 D5:2 / -:1 A4:1 B4:1 D5:1 / B4:3 -:1 / -:1 E5:1 D5:1 B4:1 /
        C#5:1.5 D5:0.5 E5:2 / -:1 D5:1 C#5:1 A4:1 / B4:2 G4:2 / A4:3 -:1 /
        F#5:1.5 E5:0.5 D5:2 / -:1 A4:1 D5:1 E5:1 / D5:2 B4:2 / C#5:3 -:1 /
        -:1 B4:1 D5:1 G5:1 / F#5:2 E5:2 / D5:3 -:1 / B4:1 A4:3
    """,
)

WAIT: Final = Score(
    beat=0.9,
    beats=3,
    chords=(
        "F2 | E4 A4 C5",
        "D3 | F4 A4 C5 E5",
        "Bb2 | D4 F4 A4 C5",
        "C3 | D4 F4 G4 Bb4",
        "A2 | E4 G4 C5",
        "D3 | F4 A4 C5",
        "G2 | D4 F4 Bb4 A4",
        "C3 | D4 F4 G4 C5",
        "F2 | E4 G4 A4 C5",
        "E3 | D4 G4 Bb4",
        "D3 | F4 A4 C5 E5",
        "C3 | Eb4 G4 A4 C5",
        "Bb2 | D4 F4 A4 C5",
        "A2 | E4 G4 C5",
        "G2 | D4 F4 A4 Bb4",
        "C3 | D4 F4 G4 Bb4",
    ),
    pattern=(0, 1, 2, 3, 2, 1),
    melody="""
        A4:2 C5:1 / E5:2 D5:1 / C5:2 A4:1 / G4:3 / -:1 G4:1 C5:1 / A4:2 F4:1 / D5:2 C5:1 / G4:3 /
        A4:2 C5:1 / D5:2 G4:1 / E5:2 D5:1 / C5:3 / -:1 D5:1 F5:1 / E5:2 C5:1 / Bb4:2 A4:1 / G4:3
    """,
)

TRANSFER: Final = Score(
    beat=0.6,
    beats=4,
    chords=(
        "G2 | D4 G4 A4 B4",
        "E3 | D4 G4 B4 E5",
        "C3 | E4 G4 B4 D5",
        "D3 | D4 G4 A4 C5",
        "B2 | D4 F#4 A4 B4",
        "E3 | D4 F#4 G4 B4",
        "A2 | C4 E4 G4 B4",
        "D3 | C4 E4 G4 A4",
        "G2 | D4 G4 A4 B4",
        "F#2 | D4 A4 D5",
        "E3 | D4 G4 B4 E5",
        "D3 | D4 F#4 A4 B4",
        "C3 | E4 G4 B4 D5",
        "B2 | D4 G4 B4 D5",
        "A2 | C4 E4 G4 C5",
        "D3 | C4 E4 G4 A4",
    ),
    pattern=(0, 1, 2, 3, 1, 2, 3, 2),
    melody="""
        B4:2 A4:1 G4:1 / E5:3 -:1 / D5:2 B4:1 G4:1 / A4:3 -:1 /
        -:1 F#4:1 A4:1 D5:1 / B4:3 -:1 / C5:2 B4:1 E4:1 / A4:3 -:1 /
        B4:2 D5:1 G5:1 / F#5:2 D5:2 / E5:2 D5:1 B4:1 / A4:3 -:1 /
        -:1 G4:1 B4:1 E5:1 / D5:3 -:1 / C5:2 E5:1 C5:1 / B4:1 A4:3
    """,
)

PIECES: Final = {"hold": HOLD, "wait": WAIT, "transfer": TRANSFER}
"""By the name after `builtin:`."""
