"""Session descriptions (RFC 4566), as far as offer/answer looks at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.sip.errors import BadMessage, BadSdp
from engine.sip.header import number

MAX_LINES: Final = 500
DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True, slots=True)
class Media:
    """One m= section."""

    kind: str
    """"audio", "video" ... as it came."""
    port: int
    protocol: str
    """"RTP/AVP" and the like."""
    formats: tuple[str, ...]
    """Payload types, in the order of preference."""
    host: str
    """The connection address that holds for this section; "" when none is given."""
    attributes: tuple[tuple[str, str], ...]
    """a= lines in order, session level ones first: name and value."""
    title: str
    """The m= value as it came."""

    def attribute(self, name: str) -> str | None:
        """The value of the last such attribute (media level wins); None when absent."""
        for key, value in reversed(self.attributes):
            if key == name:
                return value
        return None

    @property
    def direction(self) -> str:
        """sendrecv unless it says otherwise, at either level."""
        for key, _ in reversed(self.attributes):
            if key in DIRECTIONS:
                return key
        return "sendrecv"

    def codec_names(self) -> dict[str, str]:
        """rtpmap values in upper case by payload type."""
        pairs = (value.partition(" ") for key, value in self.attributes if key == "rtpmap")
        return {payload.strip(): name.strip().upper() for payload, _, name in pairs}


@dataclass(frozen=True, slots=True)
class Description:
    """A whole session description."""

    origin: str
    """The o= value."""
    media: tuple[Media, ...]


class _Section:
    """An m= section while it is read."""

    __slots__ = ("attributes", "host", "title")

    def __init__(self, title: str, host: str, attributes: list[tuple[str, str]]) -> None:
        self.title, self.host, self.attributes = title, host, attributes

    def media(self) -> Media:
        fields = self.title.split()
        if len(fields) < 4:
            raise BadSdp(f"m={self.title[:40]!r} needs media, port, protocol and at least one format")
        port = _port(fields[1].partition("/")[0])
        return Media(
            fields[0], port, fields[2], tuple(fields[3:]), self.host, tuple(self.attributes), self.title
        )


def parse_sdp(body: bytes) -> Description:
    """Parse a description; line ends may be CR LF or LF. Raises BadSdp."""
    lines = body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    if not lines[0].startswith("v=0") or len(lines) > MAX_LINES:
        raise BadSdp(f"not a session description of at most {MAX_LINES} lines that begins with v=0")
    sections: list[_Section] = []
    top = _Section("", "", [])
    origin = ""
    for line in lines[1:]:
        kind, value = line[:2], line[2:].strip()
        where = sections[-1] if sections else top
        if kind == "m=":
            sections.append(_Section(value, top.host, list(top.attributes)))
        elif kind == "c=":
            where.host = _address(value)
        elif kind == "a=":
            name, _, text = value.partition(":")
            where.attributes.append((name.strip().lower(), text))
        elif kind == "o=":
            origin = value
        elif line.strip() and (len(line) < 2 or line[1] != "="):
            raise BadSdp(f"the line {line[:40]!r} is not type=value")
    if not sections:
        raise BadSdp("no m= line")
    return Description(origin, tuple(section.media() for section in sections))


def _address(value: str) -> str:
    fields = value.split()
    if len(fields) != 3 or fields[0] != "IN" or fields[1] not in ("IP4", "IP6"):
        raise BadSdp(f"c={value[:40]!r}; allowed is IN IP4 or IN IP6 and an address")
    return fields[2].partition("/")[0]


def _port(text: str) -> int:
    try:
        return number(text, 65535, "port")
    except BadMessage as error:
        raise BadSdp(error.why) from None
