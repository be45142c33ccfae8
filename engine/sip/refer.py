"""Transfer: Refer-To, Replaces and the sipfrag of NOTIFY (RFC 3515, RFC 3891, RFC 3420)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from engine.sip.errors import BadMessage, RemoteFault
from engine.sip.header import number, params
from engine.sip.uri import parse_name_addr, parse_uri


@dataclass(frozen=True, slots=True)
class Replaces:
    """Which dialog a call is to take the place of, as seen by whoever receives it."""

    call_id: str
    to_tag: str
    """The tag of the receiving side."""
    from_tag: str
    """The tag of its peer."""
    early_only: bool = False
    """True: only while the dialog is not answered yet."""

    def __str__(self) -> str:
        suffix = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{suffix}"


@dataclass(frozen=True, slots=True)
class ReferTarget:
    """A Refer-To value, taken apart."""

    uri: str
    """Whom to call, without the headers."""
    replaces: Replaces | None
    """The dialog that the call is to replace: an attended transfer."""


def parse_replaces(text: str) -> Replaces:
    """Parse a Replaces value. Raises RemoteFault (400)."""
    call_id, _, rest = text.partition(";")
    given = params(";" + rest)
    if not call_id.strip() or "to-tag" not in given or "from-tag" not in given:
        raise RemoteFault("Replaces needs a Call-ID, a to-tag and a from-tag")
    return Replaces(call_id.strip(), given["to-tag"], given["from-tag"], "early-only" in given)


def parse_refer_to(value: str) -> ReferTarget:
    """Parse a Refer-To value. Raises RemoteFault (400, or 416 for a scheme we cannot call)."""
    uri = parse_name_addr(value).uri
    parse_uri(uri)
    plain, _, headers = uri.partition("?")
    for pair in headers.split("&"):
        name, _, text = pair.partition("=")
        if name.lower() == "replaces":
            return ReferTarget(plain, parse_replaces(unquote(text)))
    return ReferTarget(plain, None)


def refer_to(uri: str, replaces: Replaces | None = None) -> str:
    """A Refer-To value; with `replaces`, one that asks for an attended transfer."""
    if replaces is None:
        return f"<{uri}>"
    return f"<{uri}?Replaces={quote(str(replaces), safe='')}>"


def fragment_code(fragment: str) -> int | None:
    """The status code of a sipfrag; None when it does not begin with a status line."""
    version, _, rest = fragment.strip().partition(" ")
    try:
        return number(rest[:3], 699) if version == "SIP/2.0" else None
    except BadMessage:
        return None
