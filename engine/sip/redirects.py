"""Where a 3xx sends a call (RFC 3261 sections 8.1.3.4 and 21.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from engine.sip.errors import BadUri
from engine.sip.flow import Flow
from engine.sip.header import params
from engine.sip.message import Response
from engine.sip.uri import parse_name_addr, parse_uri

MOST: Final = 5
"""Contacts that one call tries."""

Follow: TypeAlias = Callable[[str], Flow | None]
"""Where the engine would send a call that is redirected to that URI; None: it does not follow there."""


def redirections(response: Response) -> tuple[str, ...]:
    """The URIs that a 3xx names, the most preferred (q) first; contacts that cannot be read are left out."""
    found: list[tuple[float, str]] = []
    for value in response.all("contact"):
        try:
            contact = parse_name_addr(value)
        except BadUri:
            continue
        text = params(contact.params).get("q", "")
        plain = len(text) < 8 and text.isascii() and text.replace(".", "", 1).isdigit()
        found.append((-float(text) if plain else -1.0, contact.uri))
    return tuple(uri for _, uri in sorted(found, key=lambda pair: pair[0]))


class Redirects:
    """The targets that one call has been sent to and has not tried yet."""

    __slots__ = ("_follow", "_seen", "_waiting")

    def __init__(self, follow: Follow, first: str) -> None:
        self._follow = follow
        self._seen = {first}
        self._waiting: list[tuple[str, Flow, bool]] = []

    def add(self, response: Response) -> None:
        """Put what a 3xx names in front of what waits. A 305 names the proxy to use, a 380 nothing to call."""
        if response.code == 380:
            return
        found: list[tuple[str, Flow, bool]] = []
        for named in redirections(response):
            uri = named.partition("?")[0]
            flow = self._where(uri)
            if flow is not None:
                self._seen.add(uri)
                found.append((uri, flow, response.code == 305))
        self._waiting[:0] = found

    def _where(self, uri: str) -> Flow | None:
        if uri in self._seen or len(self._seen) > MOST:
            return None
        try:
            parse_uri(uri)
        except BadUri:
            return None
        return self._follow(uri)

    def next(self) -> tuple[str, Flow, bool] | None:
        """The next target, how it is reached, and whether it is a proxy for the same Request-URI."""
        return self._waiting.pop(0) if self._waiting else None
