"""The studio process: `python -m media.studio FD`, FD a stream socket on which it is asked for decoded sound.

Decoding runs third-party code on files that anybody may have uploaded, and takes as long as it takes: so it
has a process of its own, at low priority, whose end costs nothing but the file in hand.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from media import music
from media.decode import Undecodable, as_pcm, decode
from media.g711 import RATE, Pcm
from media.prompts import BUILTIN, LENGTH, Answer, Wanted


def sound_of(path: str) -> Pcm:
    """Decode a file or render a piece. Raises Undecodable."""
    if not path.startswith(BUILTIN):
        return decode(Path(path))
    name = path.removeprefix(BUILTIN)
    if name not in music.PIECES:
        allowed = ", ".join(BUILTIN + piece for piece in music.PIECES)
        raise Undecodable(f"there is no such built-in music; allowed are {allowed}")
    return as_pcm(music.render(name, RATE))


def answer(wanted: Wanted) -> Answer:
    try:
        return Answer(sound_of(wanted.path).tobytes())
    except Undecodable as error:
        return Answer(fault=str(error))
    except MemoryError:
        return Answer(fault="too large to decode")


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Until the other side closes."""
    while len(prefix := questions.read(LENGTH.size)) == LENGTH.size:
        wanted = msgspec.msgpack.decode(questions.read(LENGTH.unpack(prefix)[0]), type=Wanted)
        message = msgspec.msgpack.encode(answer(wanted))
        answers.write(LENGTH.pack(len(message)) + message)
        answers.flush()


def main(fd: int) -> None:
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal's Ctrl-C is for the engine, which then closes us
    os.nice(10)
    with socket.socket(fileno=fd) as sock, sock.makefile("rb") as questions, sock.makefile("wb") as answers:
        serve(questions, answers)


if __name__ == "__main__":
    main(int(sys.argv[1]))
