"""The machine's own microphone and loudspeaker as the voice of a phone (feature L6).

PortAudio calls back in a thread of its own; two short queues of blocks are all that it shares with the event loop.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

import numpy as np

from media.g711 import FRAME, RATE, Pcm
from tools.softphone.voice import Voice

LONGEST = 5
"""Blocks of 20 ms that may wait: a clock that runs faster than the network's loses sound, and never adds delay."""
HOW = "install it with: pip install 'cordboard[sound]', and PortAudio (Debian's package libportaudio2)"


class NoSoundCard(Exception):
    """There is none to be used; the text says what is missing."""


class Stream(Protocol):
    """What is used of sounddevice.RawStream."""

    def start(self) -> None: ...

    def close(self) -> None: ...


class SoundCard:
    """Open while the block lasts. One call at a time is on it: the last that joined."""

    def __init__(self) -> None:
        self._said: deque[Pcm] = deque(maxlen=LONGEST)
        self._heard: deque[bytes] = deque(maxlen=LONGEST)
        self._voice: Voice | None = None
        self._stream = self._open()

    def __enter__(self) -> SoundCard:
        return self

    def __exit__(self, *fault: object) -> None:
        self.leave()
        self._stream.close()

    def join(self, voice: Voice) -> None:
        """Speak and hear by this call from now on."""
        self.leave()
        self._voice = voice
        voice.microphone, voice.loudspeaker = self._speak, self._play

    def leave(self) -> None:
        """Nobody is on it any more."""
        if self._voice is not None:
            self._voice.microphone = self._voice.loudspeaker = None
        self._voice = None
        self._said.clear()
        self._heard.clear()

    def _open(self) -> Stream:
        """Raises NoSoundCard."""
        try:
            import sounddevice  # an extra, and it looks for PortAudio as it is imported
        except ImportError as error:
            raise NoSoundCard(f"sounddevice is missing; {HOW}") from error
        except OSError as error:
            raise NoSoundCard(f"{error}; {HOW}") from error
        try:
            stream: Stream = sounddevice.RawStream(
                samplerate=RATE, blocksize=FRAME, channels=1, dtype="int16", callback=self._called_back
            )
            stream.start()
        except sounddevice.PortAudioError as error:
            raise NoSoundCard(f"the sound card cannot be used: {error}") from error
        return stream

    def _called_back(self, said: Any, heard: Any, frames: int, time: Any, status: Any) -> None:
        """A block from the microphone, and one for the loudspeaker: silence where there is none."""
        self._said.append(np.frombuffer(bytes(said), np.int16))
        block = self._heard.popleft() if self._heard else b""
        heard[:] = block.ljust(2 * frames, b"\0")[: 2 * frames]

    def _speak(self) -> Pcm | None:
        return self._said.popleft() if self._said else None

    def _play(self, samples: Pcm) -> None:
        for at in range(0, len(samples), FRAME):
            self._heard.append(samples[at : at + FRAME].tobytes())
