"""What a demo came to: its calls, and whether every recording plays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import soundfile


@dataclass(frozen=True, slots=True)
class Summary:
    offered: int
    answered: int
    abandoned: int
    folder: Path
    recordings: tuple[Path, ...]
    faulty: tuple[tuple[Path, str], ...]
    """Recordings that do not play, and why."""
    exit_code: int
    """Of the engine."""

    @property
    def good(self) -> bool:
        return self.answered > 0 and bool(self.recordings) and not self.faulty and self.exit_code == 0


def check(paths: list[Path]) -> tuple[tuple[Path, str], ...]:
    """Decode every file to its end."""
    return tuple((path, why) for path in paths if (why := _fault(path)))


def _fault(path: Path) -> str | None:
    try:
        samples, _ = soundfile.read(path)
    except (OSError, soundfile.LibsndfileError) as error:
        return str(error)
    return None if len(samples) else "there is no sound in it"
