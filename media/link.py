"""The control channel between the client and a child process: whole msgpack messages, with descriptors
riding along."""

from __future__ import annotations

import array
import socket
from collections import deque
from collections.abc import Sequence

import msgspec

from media.control import FDS, MESSAGE


class LinkClosed(Exception):
    """The other process is gone."""


class Link:
    """One end of a SOCK_SEQPACKET pair, non-blocking. What cannot be sent at once waits, in order."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._waiting: deque[tuple[bytes, Sequence[int]]] = deque()
        self._encode = msgspec.msgpack.Encoder().encode

    @classmethod
    def pair(cls) -> tuple[Link, socket.socket]:
        """Our end, and the one for the child."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours), theirs

    def fileno(self) -> int:
        return self.sock.fileno()

    def send(self, message: object, fds: Sequence[int] = ()) -> None:
        """Send now or, when the channel is full, at a later `flush`. Never loses a message while the other
        end lives."""
        self._waiting.append((self._encode(message), fds))
        self.flush()

    def flush(self) -> bool:
        """Send what waits; True when nothing does any more."""
        while self._waiting:
            data, fds = self._waiting[0]
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
            try:
                self.sock.sendmsg([data], rights)
            except BlockingIOError:
                return False
            except OSError:
                return True  # gone: `receive` says so
            self._waiting.popleft()
        return True

    def receive(self) -> tuple[bytes, list[int]] | None:
        """The next message and its descriptors, None when there is none yet. Raises LinkClosed."""
        try:
            data, rights, _, _ = self.sock.recvmsg(MESSAGE, socket.CMSG_SPACE(FDS * 4))
        except BlockingIOError:
            return None
        except OSError as fault:
            raise LinkClosed from fault
        if not data:
            raise LinkClosed
        fds = array.array("i")
        for _, _, payload in rights:
            fds.frombytes(payload[: len(payload) // 4 * 4])
        return data, list(fds)

    def close(self) -> None:
        self.sock.close()
