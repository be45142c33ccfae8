"""media: RTP, codecs, speech and detection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from config.addresses import Address, PortRange, Ports
from config.faults import Broken, Wrong
from config.scalars import Language, Text, number, seconds, whole
from config.section import Filled, Reads, Section, Unique, shown

if TYPE_CHECKING:
    from config.settings import Settings

Codec = Literal["PCMU", "PCMA", "G722", "opus"]
AudioFormat = Literal["wav", "mp3", "mp2", "ogg"]
MOST_WORKERS = 64


def _workers(value: Any, folder: Path) -> int | None:
    if value == "auto" or value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_WORKERS:
        return value
    raise Wrong(f"{shown(value)} is not a number of processes", f"auto, or 1 to {MOST_WORKERS}")


_WORKERS = {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": MOST_WORKERS}]}


def _ptime(value: Any, folder: Path) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in range(10, 61, 10):
        return value
    raise Wrong(f"{shown(value)} is no packet time", "10, 20, 30, 40, 50 or 60 (milliseconds)")


class TextToSpeech(Section):
    """How `say:` prompts become sound."""

    engine: Text = Field("espeak", description="The speech engine.")
    language: Language | None = Field(
        None, description="Language of prompts that name none; the organisation's."
    )
    voice: Text = Field("default", description="A voice of the engine.")
    rate: Annotated[float, number(0.5, 2.0)] = Field(1.0, description="Speed of speech, 1.0 is normal.")


class Uploads(Section):
    """Audio files that people upload."""

    max_bytes: Annotated[int, whole(1000, 100_000_000)] = Field(4_000_000, description="Largest file.")
    formats: Annotated[tuple[AudioFormat, ...], Filled, Unique] = Field(
        ("wav", "mp3", "mp2", "ogg"), description="Formats that are taken."
    )


class AnsweringMachine(Section):
    """Detection of who answered (feature B6)."""

    decide_within: Annotated[float, seconds(1, 30)] = Field(4.0, description="Longest wait for a verdict.")


class Media(Section):
    """The media plane."""

    address: Address | None = Field(
        None,
        description="Where RTP is received, and what SDP names; that of the first sip.listen when left out.",
    )
    rtp_ports: Ports = Field(PortRange(20000, 29999), description="UDP ports for RTP and RTCP, FIRST-LAST.")
    workers: Annotated[int | None, Reads(_workers, _WORKERS)] = Field(
        None, description="Media processes; auto = cores - 1, at least 1."
    )
    codecs: Annotated[tuple[Codec, ...], Filled, Unique] = Field(
        ("PCMU", "PCMA"), description="Codecs in order of preference."
    )
    ptime: Annotated[int, Reads(_ptime, {"enum": [10, 20, 30, 40, 50, 60]})] = Field(
        20, description="Milliseconds of audio in a packet that we send, unless the far end asks otherwise."
    )
    srtp: Literal["never", "optional", "required"] = Field(
        "never", description="Encryption of RTP (SDES, DTLS-SRTP)."
    )
    text_to_speech: TextToSpeech = Field(TextToSpeech(), description="How say: prompts become sound.")
    uploads: Uploads = Field(Uploads(), description="Limits of uploaded audio.")
    answering_machine: AnsweringMachine = Field(
        AnsweringMachine(), description="Who answered: person or machine."
    )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """SDP must name an address that packets can be sent to (RFC 4566 section 5.7)."""
        anywhere = self.bound(deployment) in ("0.0.0.0", "::")
        if anywhere and deployment.sip.external_address is None:
            message = "SDP cannot name 0.0.0.0 or ::"
            yield Broken(("address",), message, "one address of this machine, or a sip.external_address")

    def bound(self, deployment: Settings) -> str:
        """The address that RTP sockets are bound to."""
        return self.address or deployment.sip.listen[0].host
