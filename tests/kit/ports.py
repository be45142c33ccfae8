"""Free ports, and waiting until somebody listens on one."""

from __future__ import annotations

import asyncio
import errno
import itertools
import random
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from tests.kit.program import Program

Kind = Literal["udp", "tcp"]
_TYPES = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
_starts = itertools.cycle(range(16_000, 30_000, 4))


def free_ports(host: str, count: int = 1) -> int:
    """The first of that many neighbouring ports free for UDP and TCP, below the kernel's own range."""
    for first in itertools.islice(_starts, 3_500):
        if all(_is_free(host, port) for port in range(first, first + count)):
            return first
    raise OSError(errno.EADDRINUSE, f"no {count} free ports on {host}")


def lasting_ports(host: str, count: int = 1) -> int:
    """The same for who lets go of them and wants them back: from where `free_ports` of other tests never look."""
    for _ in range(1_000):
        first = random.randrange(4_000, 15_000)
        if all(_is_free(host, port) for port in range(first, first + count)):
            return first
    raise OSError(errno.EADDRINUSE, f"no {count} free ports on {host}")


def _is_free(host: str, port: int) -> bool:
    with ExitStack() as opened:
        for kind in _TYPES.values():
            probe = opened.enter_context(socket.socket(socket.AF_INET, kind))
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def is_open(kind: Kind, host: str, port: int) -> bool:
    """Whether a socket of this machine is bound there (and listens, for tcp), as the kernel tells."""
    address = socket.inet_aton(host)[::-1].hex().upper() + f":{port:04X}"
    rows = Path(f"/proc/net/{kind}").read_text().splitlines()[1:]
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
