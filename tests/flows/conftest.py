"""Flows are plain functions: each runs its story in virtual time, in a contact centre of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine.simulation.virtual import run_virtually
from tests.kit.centre import YAML, Centre, contact_centre

Story = Callable[[Centre], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Play a story to its end, then check that nothing is left of it and nothing was raised in passing."""
    (tmp_path / "greeting.wav").write_bytes(b"RIFF")

    def run(story: Story, *, rows: int = 1000, yaml: str = YAML) -> None:
        faults: list[object] = []

        async def main() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda loop, fault: faults.append(fault))
            async with contact_centre(tmp_path, yaml, rows=rows) as centre:
                await story(centre)
                await centre.nothing_is_left()

        run_virtually(main())
        assert faults == []

    return run
