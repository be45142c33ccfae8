"""A private PostgreSQL: made in a folder of its own, on a free port of the loopback, gone with the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from tests.kit.ports import free_ports
from tests.kit.program import located

UNPRIVILEGED = "nobody"
"""Who runs it when the tests run as root, which PostgreSQL refuses to."""
FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=40")
"""Nothing here has to survive a power cut."""


@dataclass
class Postgres:
    """A server, running from `start` to `stop`."""

    folder: Path
    port: int
    _names: count[int] = field(default_factory=count)

    def start(self) -> None:
        settings = (
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.folder}",
            *FAST,
        )
        options = " ".join(f"-c {setting}" for setting in settings)
        self._run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is a crash, `fast` ends connections first."""
        self._run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test{next(self._names)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._url(name)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def initialise(self) -> None:
        self._run("initdb", "-D", self.data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync")

    def _url(self, name: str) -> str:
        return f"postgresql://test@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *words: str | Path) -> None:
        path = located(program)
        assert path is not None, f"{program} is not installed"
        user = UNPRIVILEGED if os.getuid() == 0 else None
        done = subprocess.run(
            [path, *map(str, words)],
            cwd=self.folder,
            user=user,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program} ended with {done.returncode}:\n{done.stdout}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server that runs until the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="cordboard-postgres-"))
    try:
        if os.getuid() == 0:
            shutil.chown(folder, UNPRIVILEGED)
        server = Postgres(folder, free_ports("127.0.0.1"))
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
