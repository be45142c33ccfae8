"""The demo as a new user starts it, on the addresses of config/demo, for a few seconds."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from config.load import load
from tests.kit.daemon import SOURCE
from tests.kit.ports import is_open
from tests.kit.program import running
from tests.kit.tone import read_wav, seconds_of_sound
from tools.demo.command import DEPLOYMENT

SECONDS = 8


def addresses_are_free() -> None:
    """Fails the test with what is in the way of the demo."""
    settings = load(DEPLOYMENT, {})
    web = settings.web.listen
    wanted = [(url.transport, url.host, url.port) for url in settings.sip.listen] + [
        ("tcp", web.host, web.port)
    ]
    for kind, host, port in wanted:
        if is_open("udp" if kind == "udp" else "tcp", host, port):
            pytest.fail(f"the demo needs {kind} {host}:{port}, which another program has", pytrace=False)


async def test_the_demo_takes_calls_and_says_what_came_of_them(tmp_path: Path) -> None:
    addresses_are_free()
    words = (sys.executable, "-m", "tools.demo", "--seconds", str(SECONDS))
    async with running(*words, cwd=tmp_path, environment={"PYTHONPATH": str(SOURCE)}) as demo:
        assert await demo.ended(within=90) == 0, demo.silent("failed")
    said = "\n".join(demo.lines)
    for promised in ("http://127.0.0.1:8080", "127.0.0.1:5060", "user guest"):
        assert promised in said
    counts = re.search(r"^calls offered ([0-9]+), answered ([0-9]+), abandoned ([0-9]+)$", said, re.MULTILINE)
    assert counts is not None, said
    offered, answered, abandoned = map(int, counts.groups())
    assert offered >= answered + abandoned
    assert answered >= 1
    recordings = sorted((tmp_path / "recordings").glob("*.wav"))
    assert f"recordings {len(recordings)}, in {tmp_path / 'recordings'}" in said
    assert len(recordings) >= 2 * answered
    assert any(seconds_of_sound(read_wav(path)) > 1 for path in recordings)
