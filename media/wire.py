"""What the plane asks of the kernel. Tests put a fake network in its place."""

from __future__ import annotations

import ctypes
import fcntl
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

Address = tuple[str, int]

_SIOCGSTAMPNS: Final = 0x8907
_TIMESPEC: Final = struct.Struct("qq").unpack
_AF_UNSPEC: Final = struct.pack("H14x", socket.AF_UNSPEC)


class Wire(Protocol):
    """Sockets are opaque to the plane: it passes them back here. `receive` and `send` are called once per
    packet."""

    receive: Callable[[Any, memoryview], int]
    """(socket, buffer) -> octets. OSError when nothing is there."""
    send: Callable[[Any, memoryview], int]
    """(connected socket, packet) -> octets. OSError when it was refused."""

    def receive_from(self, sock: Any, buffer: memoryview) -> tuple[int, Address] | None:
        """One packet with its source; None when there is none."""
        ...

    def send_to(self, sock: Any, packet: bytes | memoryview, address: Address) -> bool: ...

    def connect(self, sock: Any, address: Address) -> None:
        """From now on only this address is heard."""
        ...

    def loosen(self, sock: Any) -> None:
        """Hear everybody again."""
        ...

    def watch(self, sock: Any, tag: int) -> None:
        """Have `ready` name `tag` while the socket has something to read."""
        ...

    def unwatch(self, sock: Any) -> None: ...

    def ready(self) -> list[int]:
        """Tags of the watched sockets that can be read now."""
        ...

    def arrivals(self, socks: Sequence[Any]) -> list[int]:
        """CLOCK_MONOTONIC nanoseconds at which the last packet read from each arrived; 0 = not known.

        To ask once before anything is read has the kernel note such times.
        """
        ...

    def close(self, sock: Any) -> None: ...


class UdpWire:
    """The real network: non-blocking UDP sockets and one epoll for those that are rarely spoken to."""

    def __init__(self) -> None:
        self.receive: Callable[[Any, memoryview], int] = socket.socket.recv_into
        self.send: Callable[[Any, memoryview], int] = socket.socket.send
        self._epoll = select.epoll()
        self._tags: dict[int, int] = {}
        self._timespec = bytearray(16)
        self._libc = ctypes.CDLL(None, use_errno=True)

    def receive_from(self, sock: socket.socket, buffer: memoryview) -> tuple[int, Address] | None:
        for _ in range(2):  # a refused packet of ours is reported here once; what was received lies behind it
            try:
                size, source = sock.recvfrom_into(buffer)
            except BlockingIOError:
                return None
            except OSError:
                continue
            return size, (source[0], source[1])
        return None

    def send_to(self, sock: socket.socket, packet: bytes | memoryview, address: Address) -> bool:
        try:
            sock.sendto(packet, address)
        except OSError:
            return False
        return True

    def connect(self, sock: socket.socket, address: Address) -> None:
        sock.connect(address)

    def loosen(self, sock: socket.socket) -> None:
        if self._libc.connect(sock.fileno(), _AF_UNSPEC, len(_AF_UNSPEC)) != 0:
            raise OSError(ctypes.get_errno(), "cannot dissolve the association of a UDP socket")

    def watch(self, sock: socket.socket, tag: int) -> None:
        if sock.fileno() not in self._tags:
            self._epoll.register(sock.fileno(), select.EPOLLIN)
        self._tags[sock.fileno()] = tag

    def unwatch(self, sock: socket.socket) -> None:
        if self._tags.pop(sock.fileno(), None) is not None:
            self._epoll.unregister(sock.fileno())

    def ready(self) -> list[int]:
        return [self._tags[fd] for fd, _ in self._epoll.poll(0, 64)]

    def arrivals(self, socks: Sequence[socket.socket]) -> list[int]:
        ahead = time.time_ns() - time.monotonic_ns()
        return [stamp - ahead if stamp else 0 for stamp in map(self._stamp, socks)]

    def _stamp(self, sock: socket.socket) -> int:
        """Wall clock nanoseconds of the last packet read."""
        try:
            fcntl.ioctl(sock, _SIOCGSTAMPNS, self._timespec)
        except OSError:
            return 0  # nothing was read yet
        seconds, nanoseconds = _TIMESPEC(self._timespec)
        return int(seconds * 1_000_000_000 + nanoseconds)

    def close(self, sock: socket.socket) -> None:
        self.unwatch(sock)
        sock.close()
