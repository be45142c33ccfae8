"""Offer and answer (RFC 3264) as pure functions, for G.711 audio with telephone-event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from engine.sip.errors import BadMessage, BadSdp, NotAcceptable
from engine.sip.flow import is_address
from engine.sip.header import number
from engine.sip.sdp import Media, parse_sdp

STATIC: Final = {"PCMU": 0, "PCMA": 8}
"""Payload types that RFC 3551 gives to the codecs we speak."""
EVENTS: Final = 101
"""The payload type that we give to telephone-event in our own offers."""
_EVENT_NAMES = ("TELEPHONE-EVENT/8000", "TELEPHONE-EVENT/8000/1")
_REVERSED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_UNHEARD = ("0.0.0.0", "::")  # RFC 2543's hold: "send me nothing"


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """What we bring to an offer or answer."""

    host: str
    """Our RTP address, as the far end can reach it."""
    port: int
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    """What we take, the preferred one first."""
    direction: str = "sendrecv"
    """sendrecv, sendonly (they are on hold), recvonly or inactive."""
    ptime: int = 20
    """Milliseconds of sound in a packet that we ask for."""
    prefer_ours: bool = False
    """True: answers list codecs in our order, not in the offerer's."""
    rtcp_mux: bool = False
    """True: RTCP may share the RTP port (RFC 5761)."""
    session: int = 1
    """The o= number, the same for the whole dialog."""
    version: int = 1
    """The o= version: one higher with every new description in the dialog."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What an offer and its answer settle for the audio, as seen from us."""

    host: str
    """Where their RTP is received."""
    port: int
    codec: str
    """"PCMU" or "PCMA"."""
    payload: int
    """Its payload type."""
    events: int | None
    """The payload type of telephone-event, None when not agreed."""
    ptime: int
    """Milliseconds of sound in each packet that we send: 10..60."""
    sends: bool
    """True when we may send: false while they hold us."""
    hears: bool
    """True when they may send."""
    rtcp_mux: bool

    @property
    def held(self) -> bool:
        """True while the far end has us on hold."""
        return not self.sends


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of ours and what it settles."""

    sdp: bytes
    agreed: Agreed


def make_offer(local: LocalMedia) -> bytes:
    """Our offer: every codec we take, telephone-event, one audio stream.

    Comfort noise (payload type 13) is neither offered nor accepted: a phone that may not send it sends all that is
    said, which a recording wants. One that sends it nevertheless is heard as it means it.
    """
    payloads = [(str(STATIC[name]), name) for name in local.codecs]
    return _description(
        local, [_audio(local, payloads, str(EVENTS), local.direction, local.ptime, local.rtcp_mux)]
    )


def answer(offer: bytes, local: LocalMedia) -> Answer:
    """Answer an offer: the first audio stream that we can take; every other one is refused with port 0.

    Raises BadSdp for what cannot be read, NotAcceptable (488) when no stream is left.
    """
    sections: list[str] = []
    agreed: Agreed | None = None
    for media in parse_sdp(offer).media:
        taken = None if agreed else _take(media, local)
        if taken is None:
            sections.append(_refused(media))
        else:
            agreed, text = taken
            sections.append(text)
    if agreed is None:
        family = "IP6" if ":" in local.host else "IP4"
        wanted = f"with one of {', '.join(local.codecs)} at an {family} address"
        raise NotAcceptable(f"no audio over RTP/AVP {wanted} is offered")
    return Answer(_description(local, sections), agreed)


def settle(offered: LocalMedia, their_answer: bytes) -> Agreed:
    """What their answer makes of our offer. Raises BadSdp or NotAcceptable."""
    for media in parse_sdp(their_answer).media[:1]:
        chosen = _codecs(media, offered.codecs)
        if media.kind == "audio" and media.port and chosen and _same_family(media.host, local=offered.host):
            mux = offered.rtcp_mux and media.attribute("rtcp-mux") is not None
            return _agreed(media, offered, chosen[0], _ptime(media, offered.ptime), mux)
    raise NotAcceptable("the answer takes none of the audio that was offered")


def _take(media: Media, local: LocalMedia) -> tuple[Agreed, str] | None:
    if media.kind != "audio" or not media.port or media.protocol != "RTP/AVP":
        return None
    if not _same_family(media.host, local.host):
        return None
    chosen = _codecs(media, local.codecs)
    if not chosen:
        return None
    if local.prefer_ours:
        chosen.sort(key=lambda pair: local.codecs.index(pair[1]))
    ptime = _ptime(media, local.ptime)
    mux = local.rtcp_mux and media.attribute("rtcp-mux") is not None
    agreed = _agreed(media, local, chosen[0], ptime, mux)
    events = None if agreed.events is None else str(agreed.events)
    return agreed, _audio(local, chosen, events, _direction(agreed), ptime, mux)


def _same_family(theirs: str, local: str) -> bool:
    """Our socket is of one family and reaches no address of the other; for a hold either will do."""
    return theirs in _UNHEARD or not is_address(theirs) or (":" in theirs) == (":" in local)


def _agreed(media: Media, local: LocalMedia, codec: tuple[str, str], ptime: int, mux: bool) -> Agreed:
    theirs = media.direction
    payload, name = codec
    return Agreed(
        host=media.host,
        port=media.port,
        codec=name,
        payload=int(payload),
        events=_events(media),
        ptime=ptime,
        sends=theirs in ("sendrecv", "recvonly")
        and local.direction in ("sendrecv", "sendonly")
        and media.host not in _UNHEARD,
        hears=theirs in ("sendrecv", "sendonly") and local.direction in ("sendrecv", "recvonly"),
        rtcp_mux=mux,
    )


def _direction(agreed: Agreed) -> str:
    return {
        (True, True): "sendrecv",
        (True, False): "sendonly",
        (False, True): "recvonly",
        (False, False): "inactive",
    }[agreed.sends, agreed.hears]


def _codecs(media: Media, allowed: tuple[str, ...]) -> list[tuple[str, str]]:
    """(payload type, codec) of what both sides speak, in their order."""
    names = media.codec_names()
    found: list[tuple[str, str]] = []
    for payload in media.formats:
        name = names.get(payload) or _static_name(payload)
        name = name.removesuffix("/1").removesuffix("/8000")
        if (
            name in allowed
            and payload.isascii()
            and payload.isdigit()
            and len(payload) < 4
            and int(payload) < 128
        ):
            found.append((payload, name))
    return found


def _static_name(payload: str) -> str:
    return {"0": "PCMU/8000", "8": "PCMA/8000"}.get(payload, "")


def _events(media: Media) -> int | None:
    names = media.codec_names()
    for payload in media.formats:
        if (
            names.get(payload) in _EVENT_NAMES
            and payload.isascii()
            and payload.isdigit()
            and len(payload) < 4
            and int(payload) < 128
        ):
            return int(payload)
    return None


def _ptime(media: Media, ours: int) -> int:
    """What they ask for, in steps of 10 ms within 10..60; what we ask for when they do not say."""
    wanted = _milliseconds(media.attribute("ptime")) or ours
    most = _milliseconds(media.attribute("maxptime")) or 60
    return min(max(10, min(wanted, most, 60) // 10 * 10), 60)


def _milliseconds(text: str | None) -> int | None:
    try:
        return number(text.strip().partition(".")[0], 1000) if text else None
    except BadMessage:
        return None


def _audio(
    local: LocalMedia,
    codecs: list[tuple[str, str]],
    events: str | None,
    direction: str,
    ptime: int,
    mux: bool,
) -> str:
    payloads = " ".join([payload for payload, _ in codecs] + ([events] if events else []))
    lines = [f"m=audio {local.port} RTP/AVP {payloads}"]
    lines += [f"a=rtpmap:{payload} {name}/8000" for payload, name in codecs]
    if events:
        lines += [f"a=rtpmap:{events} telephone-event/8000", f"a=fmtp:{events} 0-15"]
    lines += [f"a=ptime:{ptime}", f"a={direction}"]
    if mux:
        lines.append("a=rtcp-mux")
    return "\r\n".join(lines) + "\r\n"


def _refused(media: Media) -> str:
    """A stream that we do not take: the same line with port 0 (RFC 3264 section 6)."""
    return f"m={media.kind} 0 {media.protocol} {' '.join(media.formats)}\r\n"


def _description(local: LocalMedia, sections: list[str]) -> bytes:
    family = "IP6" if ":" in local.host else "IP4"
    text = (
        f"v=0\r\no=- {local.session} {local.version} IN {family} {local.host}\r\ns=-\r\n"
        f"c=IN {family} {local.host}\r\nt=0 0\r\n"
    )
    return (text + "".join(sections)).encode("utf-8", "replace")


def held(local: LocalMedia) -> LocalMedia:
    """The next description, in which the far end is on hold."""
    return replace(local, direction="sendonly", version=local.version + 1)


def resumed(local: LocalMedia) -> LocalMedia:
    """The next description, in which the far end is talked to again."""
    return replace(local, direction="sendrecv", version=local.version + 1)


__all__ = [
    "Agreed",
    "Answer",
    "BadSdp",
    "LocalMedia",
    "NotAcceptable",
    "answer",
    "held",
    "make_offer",
    "resumed",
    "settle",
]
