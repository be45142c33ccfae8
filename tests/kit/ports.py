"""Free ports, and waiting until somebody listens on one."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tests.kit.program import Program

Kind = Literal["udp", "tcp", "tls"]
_TYPES = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
BLOCK = 1_300
"""Each run of the tests has so many ports, for many a program that is given a free one binds it only seconds later."""
FIRSTS = (*range(8_100, 14_600 - BLOCK + 1, BLOCK), *range(61_000, 65_536 - BLOCK, BLOCK))
"""Outside the kernel's own range, and away from where an engine takes RTP ports by itself: 20000-29999 unless its
deployment says otherwise, 16000 and up of the load stand. An engine that is down for a moment would find them taken."""


@dataclass
class _Block:
    """The ports of this process, held until it ends by the name of a socket that only one can have."""

    claim: socket.socket
    first: int
    next: int

    @classmethod
    def claimed(cls) -> _Block:
        for first in FIRSTS:
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                claim.bind(f"\0test ports {first}")
            except OSError:
                claim.close()
            else:
                return cls(claim, first, first)
        raise OSError(errno.EADDRINUSE, f"{len(FIRSTS)} other runs of the tests hold all ports")

    def take(self, host: str, count: int) -> int:
        for _ in range(2 * BLOCK):
            start = self.next if self.next + count <= self.first + BLOCK else self.first
            taken = next((port for port in range(start, start + count) if not _is_free(host, port)), None)
            self.next = (start + count if taken is None else taken + 1) + 1 & ~1
            if taken is None:
                return start
        raise OSError(errno.EADDRINUSE, f"no {count} free ports on {host}")


@cache
def _block() -> _Block:
    return _Block.claimed()


def free_ports(host: str, count: int = 1) -> int:
    """The first, an even one, of that many neighbouring ports that are free for UDP and TCP."""
    return _block().take(host, count)


def _is_free(host: str, port: int) -> bool:
    with ExitStack() as opened:
        for kind in _TYPES.values():
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            probe = opened.enter_context(socket.socket(family, kind))
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def is_open(kind: Kind, host: str, port: int) -> bool:
    """Whether a socket of this machine is bound there (and listens, for tcp), as the kernel tells."""
    if ":" in host:
        words = struct.unpack("<4I", socket.inet_pton(socket.AF_INET6, host))
        address, table = "".join(f"{word:08X}" for word in words), f"{kind}6"
    else:
        address, table = socket.inet_aton(host)[::-1].hex().upper(), kind
    address += f":{port:04X}"
    rows = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    return any(row.split()[1] == address and (kind == "udp" or row.split()[3] == "0A") for row in rows)


async def opened(kind: Kind, host: str, port: int, by: Program, within: float = 10.0) -> None:
    """Wait until a program has bound its port. Raises Silent when it ends first or takes too long."""
    for _ in range(round(within / 0.02)):
        if is_open(kind, host, port):
            return
        if by.exit_code is not None:
            raise by.silent(f"ended with {by.exit_code} before it opened {kind} {host}:{port}")
        await asyncio.sleep(0.02)  # the kernel has no event for this
    raise by.silent(f"did not open {kind} {host}:{port} within {within} s")
