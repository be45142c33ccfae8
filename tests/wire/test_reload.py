"""A running engine reads its deployment again: by signal, and when its file changes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.kit.daemon import daemon


async def test_a_signal_and_a_changed_file_reload(tmp_path: Path) -> None:
    async with daemon(tmp_path) as engine:
        path = engine.folder / "deployment.yaml"
        text = path.read_text()
        os.kill(engine.program.pid, signal.SIGHUP)
        assert (await engine.logged("reloaded"))["changes"] == []
        path.write_text(text.replace('"Anna"', '"Anna Smith"'))
        line = await engine.program.line(lambda line: "Anna Smith" in line, 10)
        assert '"why": "file"' in line or '"why":"file"' in line
        path.write_text("queues: [")
        assert (await engine.logged("reload_refused"))["faults"]
