"""What a recording is called (feature H2).

`<conversationid>_<agentname>_<end-user>_<utcstarttime>_<segment>_<leg>`, each of letters, digits and - . + ~.
Conversation and leg are written so that they can be read back exactly, and conversation, segment and leg name
one recording, so two never share a name. Agent and end user are for the eye: the sidecar has them in full.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

NOBODY = "nobody"
"""The agent's name while nobody has answered, and for good when nobody did."""
_STAMP = "%Y%m%d%H%M%S"
_EXACT, _READABLE = 96, 32
"""Longest conversation or leg, and longest agent or end user, in a name; all six keep below 255 bytes."""
_SPARE = 16
"""Hexadecimal digits that stand for the rest of a conversation id that is too long."""


@dataclass(frozen=True, slots=True)
class Name:
    """The six parts of a recording's name."""

    conversation: str
    agent: str
    customer: str
    """The end user: name, or number when the name is unknown."""
    start: float
    """Seconds since 1970 UTC; the name keeps whole seconds."""
    segment: int
    """1 for the first; each transfer begins another."""
    leg: str
    """customer, agent, consulted ...: which party of the conversation is heard."""

    def __str__(self) -> str:
        """The file's name without its suffix."""
        return "_".join(
            (
                _exact(self.conversation, _EXACT),
                _readable(self.agent),
                _readable(self.customer),
                datetime.fromtimestamp(self.start, UTC).strftime(_STAMP),
                str(self.segment),
                _exact(self.leg, _READABLE),
            )
        )


def parse(stem: str) -> Name | None:
    """Read a name back: conversation, start, segment and leg exactly, the two names as `_readable` left them.

    None for a file not named like a recording. A conversation id over 96 characters comes back shortened.
    """
    parts = stem.split("_")
    if len(parts) != 6 or not all(parts):
        return None
    conversation, agent, customer, start, segment, leg = parts
    if not re.fullmatch(r"[0-9]{14}", start) or not re.fullmatch(r"[0-9]{1,9}", segment):
        return None
    try:
        moment = datetime.strptime(start, _STAMP).replace(tzinfo=UTC)
        return Name(_read(conversation), agent, customer, moment.timestamp(), int(segment), _read(leg))
    except ValueError:
        return None


def _exact(text: str, limit: int) -> str:
    """Every character but letters, digits, - . + as ~ and two hexadecimal digits per UTF-8 byte."""
    safe = re.sub(r"[^A-Za-z0-9.+-]|^\.|^$", _escape, text)
    if len(safe) <= limit:
        return safe
    return f"{safe[: limit - _SPARE - 2]}~~{sha256(text.encode(errors='surrogatepass')).hexdigest()[:_SPARE]}"


def _escape(found: re.Match[str]) -> str:
    return "".join(f"~{byte:02X}" for byte in found[0].encode(errors="surrogatepass")) or "~"


def _read(safe: str) -> str:
    if "~~" in safe or safe == "~":
        return "" if safe == "~" else safe
    raw = re.sub(rb"~([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), safe.encode("ascii"))
    return raw.decode(errors="surrogatepass")


def _readable(text: str) -> str:
    """Anna Smith -> Anna-Smith, Jörg -> Jorg; what has no Latin letters is written as `_exact` does."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9.+]+", "-", plain).strip("-.")
    return words[:_READABLE].rstrip("-.") or _exact(text, _READABLE)
