"""How long the engine takes from its start to `ready` when a long journal lies behind it, and calls were cut off."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engine.store.open import open_store
from tools.bench.store import call
from tools.load.stand import SOURCE, sections

NODE = "n1"
STOP_WITHIN = 20.0
SIP, RTP = 15260, 17000


def run(conversations: int, cut_off: int) -> dict[str, Any]:
    """Fill a store with so many conversations, `cut_off` of them without an end, and start the engine on it."""
    with tempfile.TemporaryDirectory(prefix="cordboard-restart-") as folder:
        where = Path(folder)
        asyncio.run(_fill(f"sqlite:///{where / 'load.db'}", conversations, cut_off))
        deployment = sections(4, SIP, RTP, 1, recorded=False)
        (where / "deployment.yaml").write_text(json.dumps(deployment))
        after_crash, closed = _ready_after(where)
        again, none = _ready_after(where)
        return {
            "conversations": conversations,
            "database_mb": round((where / "load.db").stat().st_size / 1e6, 1),
            "cut_off": cut_off,
            "closed": closed,
            "ready_seconds_after_crash": after_crash,
            "closed_again": none,
            "ready_seconds_after_stop": again,
        }


async def _fill(url: str, conversations: int, cut_off: int) -> None:
    async with open_store(url) as store:
        for number in range(conversations):
            for record in call(number, NODE)[: 5 if number < cut_off else None]:
                store.write(record)
            if number % 50 == 49:
                await asyncio.sleep(0)
                if store.writer.waiting > 20_000:
                    await store.flush()
        await store.flush()


def _ready_after(folder: Path) -> tuple[float, int]:
    """Seconds from the start of the process to its `ready` line, and conversations closed on the way."""
    began, closed = time.perf_counter(), 0
    words = [sys.executable, "-m", "engine.cli", "run", "-c", "deployment.yaml"]
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        words,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": path},
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line) if line.startswith(b"{") else {}
            closed += said.get("count", 0) if said.get("event") == "conversations_closed" else 0
            if said.get("event") == "ready":
                seconds = round(time.perf_counter() - began, 2)
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=STOP_WITHIN)
                return seconds, closed
        raise RuntimeError(f"the engine ended with {process.wait()} before it was ready")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
