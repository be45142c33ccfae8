"""A private PostgreSQL: made in a folder of its own, on a free port of the loopback, gone with who needed it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

FOLDERS = Path("/usr/lib/postgresql")
"""Where Debian puts the programs of its server: not on the path."""
UNPRIVILEGED = "nobody"
"""Who runs it for root, whom PostgreSQL refuses."""


def installed() -> bool:
    """Whether the server and the driver are there."""
    return located("initdb") is not None and find_spec("psycopg") is not None


def located(program: str) -> str | None:
    """Where a program is, on the path or among PostgreSQL's, newest version first; None when it is not there."""
    folders = sorted(FOLDERS.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    return shutil.which(
        program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, folders)])
    )


@dataclass(frozen=True)
class Postgres:
    """A server, running from `start` to `stop`."""

    folder: Path
    port: int
    settings: tuple[str, ...]

    def start(self) -> None:
        own = (f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}")
        options = " ".join(f"-c {setting}" for setting in (*own, *self.settings))
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is a crash, `fast` ends connections first."""
        self._run("pg_ctl", "-D", "data", "-w", "-m", mode, "stop")

    def initialise(self) -> None:
        self._run("initdb", "-D", "data", "-U", "cordboard", "-A", "trust", "-E", "UTF8", "--no-sync")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://cordboard@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *words: str) -> None:
        path = located(program)
        assert path is not None, f"{program} is not installed"
        with tempfile.TemporaryFile() as said:  # not a pipe: the server would keep it open
            done = subprocess.run(
                [path, *words],
                cwd=self.folder,
                user=UNPRIVILEGED if os.getuid() == 0 else None,
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                check=False,
            )
            said.seek(0)
            assert done.returncode == 0, f"{program} ended with {done.returncode}:\n{said.read().decode()}"


@contextmanager
def postgres(*settings: str) -> Iterator[Postgres]:
    """A server that runs until the block is left; `settings` are its own, such as fsync=off."""
    folder = Path(tempfile.mkdtemp(prefix="cordboard-postgres-"))
    try:
        if os.getuid() == 0:
            shutil.chown(folder, UNPRIVILEGED)
        server = Postgres(folder, _free_port(), settings)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
