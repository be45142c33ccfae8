"""What is in the engine's way is said in one line before any call, with exit code 3."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from engine.cli.codes import CANNOT_START
from tests.kit.daemon import SOURCE, structured
from tests.kit.deployment import ENGINE, Deployment
from tests.kit.program import running

WITHIN = 20.0


async def why_not(folder: Path, deployment: Deployment) -> str:
    """Run it; what it says is in the way, having checked that it says nothing else."""
    path = deployment.write(folder)
    words = (sys.executable, "-m", "engine.cli", "run", "-c", path.name)
    async with running(*words, cwd=folder, environment={"PYTHONPATH": str(SOURCE)}) as program:
        code = await program.ended(WITHIN)
        assert code == CANNOT_START, program.silent(f"ended with {code}")
        said = structured(program.lines[-1])
        assert said is not None, program.silent("said last what is no structured line")
        assert said["event"] == "cannot_start"
        assert not any("Traceback" in line for line in program.lines)
        return str(said["why"])


def taken(kind: socket.SocketKind) -> socket.socket:
    """A port that somebody else has."""
    sock = socket.socket(socket.AF_INET, kind)
    sock.bind((ENGINE, 0))
    if kind is socket.SOCK_STREAM:
        sock.listen()
    return sock


async def test_a_web_address_in_use(tmp_path: Path) -> None:
    with taken(socket.SOCK_STREAM) as sock:
        port = sock.getsockname()[1]
        why = await why_not(tmp_path, Deployment(web=port))
    assert why == f"web.listen: cannot listen on {ENGINE}:{port}: Address already in use"


async def test_a_sip_address_in_use(tmp_path: Path) -> None:
    with taken(socket.SOCK_DGRAM) as sock:
        port = sock.getsockname()[1]
        why = await why_not(tmp_path, Deployment(sip=port))
    assert why == f"sip.listen: cannot listen on udp://{ENGINE}:{port}: Address already in use"


async def test_a_recordings_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("a file is in its place")
    why = await why_not(tmp_path, Deployment())
    assert why.startswith("deployment.yaml:")
    assert why.endswith("recordings cannot be kept in recordings: File exists")
