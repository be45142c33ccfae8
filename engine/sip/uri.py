"""SIP and tel URIs, and the name-addr around them (RFC 3261 sections 19.1, 20.10 and 25)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from engine.sip.errors import BadUri
from engine.sip.header import masked, quoted, unquoted

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*)|\[[0-9A-Fa-f:.]+\]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_BLANK = re.compile(r"[\x00-\x20<>\"\x7f]")
_DISPLAY = re.compile(
    r"[\w\-.!%*+`'~ \t]*"
)  # tokens; other scripts' letters are taken too, as the field sends them
LONGEST_CACHED = 256


@dataclass(frozen=True, slots=True)
class Uri:
    """A parsed sip:, sips: or tel: URI."""

    scheme: str
    user: str
    """Unescaped, without password; the number of a tel: URI; "" when there is none."""
    host: str
    """In lower case, IPv6 without brackets; "" for tel:."""
    port: int | None
    params: tuple[tuple[str, str], ...]
    """Names in lower case."""
    headers: str
    """What follows the question mark, as it came."""

    def param(self, name: str) -> str | None:
        """The value of a URI parameter, "" when it has none, None when absent."""
        for key, value in self.params:
            if key == name:
                return value
        return None

    @property
    def transport(self) -> str | None:
        """The transport the URI asks for, in lower case."""
        value = self.param("transport")
        return value.lower() if value else None


def parse_uri(text: str) -> Uri:
    """Parse a URI. Raises BadUri: 416 for a scheme we do not serve, 400 for one that cannot be read."""
    return _cached(text) if len(text) <= LONGEST_CACHED else _parse(text)


def _parse(text: str) -> Uri:
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or not _SCHEME.fullmatch(scheme):
        raise BadUri(f"{text[:40]!r} is not a URI")
    if _BLANK.search(rest):
        raise BadUri(f"a blank or control character in the URI {text[:40]!r}")
    if scheme == "tel":
        subscriber, *pieces = rest.split(";")
        return Uri(scheme, unquote(subscriber), "", None, _params(pieces), "")
    if scheme not in ("sip", "sips"):
        raise BadUri(f"URI scheme {scheme[:20]!r} is not served; allowed are sip, sips and tel", 416)
    return _parse_sip(scheme, rest, text)


_cached = lru_cache(4096)(_parse)


def _parse_sip(scheme: str, rest: str, text: str) -> Uri:
    userinfo, _, where = rest.rpartition("@")
    where, _, headers = where.partition("?")
    where, *pieces = where.split(";")
    host, port = split_host(where)
    if not host:
        raise BadUri(f"no valid host in the URI {text[:60]!r}")
    user = unquote(userinfo.partition(":")[0], errors="surrogateescape")
    return Uri(scheme, user, host, port, _params(pieces), headers)


def _params(pieces: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = (piece.partition("=") for piece in pieces if piece)
    return tuple((name.lower(), unquote(value)) for name, _, value in pairs)


def split_host(text: str) -> tuple[str, int | None]:
    """Host and port of `host[:port]`; the host is "" when either is not valid."""
    match = _HOST.match(text)
    if match is None:
        return "", None
    host, rest = match[0].lower(), text[match.end() :]
    if host[0] == "[":
        host = host[1:-1]
    if not rest:
        return host, None
    digits = rest[1:]
    if rest[0] != ":" or not (digits.isascii() and digits.isdigit() and len(digits) < 6):
        return "", None
    port = int(digits)
    return (host, port) if 0 < port < 65536 else ("", None)


@dataclass(frozen=True, slots=True)
class NameAddr:
    """A From, To, Contact, Route or Refer-To value: who, and where."""

    display: str
    """The display name without its quotes; "" when there is none."""
    uri: str
    """The URI as it came."""
    params: str
    """The header parameters, from the first semicolon, as they came."""

    @property
    def user(self) -> str:
        """The user of the URI, unescaped."""
        return parse_uri(self.uri).user

    @property
    def host(self) -> str:
        """The host of the URI in lower case."""
        return parse_uri(self.uri).host

    def __str__(self) -> str:
        return f"{quoted(self.display)} <{self.uri}>" if self.display else f"<{self.uri}>"


def parse_name_addr(value: str) -> NameAddr:
    """Parse one value of From, To, Contact and the like. Raises BadUri; the URI inside is not yet parsed."""
    value = value.strip()
    if value[:1] == "<" and '"' not in value:
        uri, closed_by, after = value[1:].partition(">")
        if closed_by and "<" not in uri and (not after or after[0] == ";"):
            return NameAddr("", uri.strip(), after)
    clean = masked(value)
    opened = clean.find("<")
    if opened < 0:
        return _addr_spec(value, clean)
    closed = clean.find(">", opened)
    if closed < 0:
        raise BadUri(f"'<' without '>' in {value[:60]!r}")
    after = value[closed + 1 :].strip()
    if after and after[0] != ";":
        raise BadUri(f"text behind '>' in {value[:60]!r}")
    return NameAddr(_display(value[:opened].strip()), value[opened + 1 : closed].strip(), after)


def _display(text: str) -> str:
    if text.startswith('"'):
        if len(text) < 2 or masked(text).find('"', 1) != len(text) - 1 or masked(text + "x")[-1] != "x":
            raise BadUri(f"the quotes of the display name {text[:40]!r} do not match")
        return unquoted(text)
    if not _DISPLAY.fullmatch(text):
        raise BadUri(f"the display name {text[:40]!r} needs quotes")
    return text


def _addr_spec(value: str, clean: str) -> NameAddr:
    """Without angle brackets everything from the first semicolon is of the header (RFC 3261 section
    20.10).
    """
    if "," in clean or "?" in clean or '"' in clean:
        raise BadUri(f"{value[:60]!r} needs angle brackets around its URI")
    uri, semicolon, rest = value.partition(";")
    return NameAddr("", uri.strip(), semicolon + rest)
