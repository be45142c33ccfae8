"""Keys in INFO: application/dtmf-relay ("Signal=5", "Duration=160") and application/dtmf ("5")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.sip.errors import BadMessage, RemoteFault
from engine.sip.header import number

RELAY: Final = "application/dtmf-relay"
PLAIN: Final = "application/dtmf"
TYPES: Final = (RELAY, PLAIN)
KEYS: Final = frozenset("0123456789*#ABCD")
_NUMBERED: Final = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
"""Event codes of RFC 4733, as some phones write them in place of the key."""
_USUAL: Final = 160


@dataclass(frozen=True, slots=True)
class Key:
    """One press of a key."""

    key: str
    """One of 0-9 * # A-D."""
    milliseconds: int
    """How long it was held: 40..6000; 160 where the far end does not say."""


def read_key(content_type: str, body: bytes) -> Key:
    """The key that an INFO of one of `TYPES` brings. Raises RemoteFault (400)."""
    text = body[:200].decode("utf-8", "replace").strip()
    if content_type == PLAIN and "=" not in text:
        return Key(_key(text), _USUAL)
    fields = dict(_fields(text))
    return Key(_key(fields.get("signal", "")), _duration(fields.get("duration", "")))


def relay_body(key: str, milliseconds: int) -> bytes:
    """The body of an INFO of type `RELAY`."""
    return f"Signal={key}\r\nDuration={milliseconds}\r\n".encode()


def _fields(text: str) -> list[tuple[str, str]]:
    pairs = (line.partition("=") for line in text.splitlines())
    return [(name.strip().lower(), value.strip()) for name, _, value in pairs]


def _key(text: str) -> str:
    key = _NUMBERED.get(text, text).upper()
    if key not in KEYS:
        raise RemoteFault(f"the key {text[:10]!r} is none of 0-9 * # A-D")
    return key


def _duration(text: str) -> int:
    try:
        return min(max(40, number(text, 60000)), 6000)
    except BadMessage:
        return _USUAL
