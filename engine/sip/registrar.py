"""Who is reachable where: the bindings of RFC 3261 section 10.3, without any I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from engine.sip.errors import BadUri, RemoteFault
from engine.sip.flow import Flow
from engine.sip.header import params
from engine.sip.message import Request
from engine.sip.uri import Uri, parse_name_addr, parse_uri, split_host

Key: TypeAlias = tuple[str, str, int | None, str | None]
_INSTANCE = re.compile(r"<[A-Za-z0-9:._~%+-]{1,200}>")
MAX_CONTACTS: Final = 10
"""Bindings that one user may hold."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One registered phone of a user."""

    uri: str
    """What to call it by: the Request-URI of a call to it."""
    flow: Flow
    """Where calls to it go."""
    expires: float
    """Monotonic seconds at which it lapses."""
    call_id: str
    cseq: int
    path: tuple[str, ...] = ()
    """Route values to put in front of a call to it (RFC 3327)."""
    q: float = 1.0
    """Its preference, 0..1."""
    user_agent: str = ""
    instance: str = ""
    """Which phone it is, whatever its address (+sip.instance, RFC 5626 section 4.1); "" when it did not say."""
    reg_id: int = 0
    """Which of the phone's flows it is; 0 for a phone that has no notion of them."""

    @property
    def key(self) -> Key:
        """What makes two contacts the same binding."""
        return _key(self.uri, self.instance, self.reg_id)

    def contact(self, now: float) -> str:
        """The Contact value that tells of it."""
        flow = f';+sip.instance="{self.instance}";reg-id={self.reg_id}' if self.reg_id else ""
        return f"<{self.uri}>;expires={max(0, round(self.expires - now))}{flow}"


def _key(text: str, instance: str, reg_id: int) -> Key:
    """A phone's flow is the same whatever address it has by now (RFC 5626 section 6)."""
    if reg_id:
        return "", instance, reg_id, None
    uri = parse_uri(text)
    return uri.user, uri.host, uri.port, uri.transport


@dataclass(frozen=True, slots=True)
class _Wish:
    """One Contact of a REGISTER."""

    uri: str
    seconds: int
    q: float
    instance: str
    reg_id: int


class Registrar:
    """Bindings by user. Users are authenticated before they get here."""

    def __init__(self, min_expires: int, max_expires: int) -> None:
        self._min, self._max = min_expires, max_expires
        self._bindings: dict[str, dict[Key, Binding]] = {}

    def contacts(self, user: str, now: float) -> list[Binding]:
        """The user's live bindings: most preferred first, then the most recent."""
        live = [held for held in self._bindings.get(user, {}).values() if held.expires > now]
        return sorted(live, key=lambda held: (-held.q, -held.expires))

    def users(self) -> list[str]:
        """Everyone with a binding."""
        return list(self._bindings)

    def lapse(self, user: str, now: float) -> bool:
        """Drop what has expired; True when anything was dropped."""
        held = self._bindings.get(user, {})
        gone = [key for key, binding in held.items() if binding.expires <= now]
        for key in gone:
            del held[key]
        if not held:
            self._bindings.pop(user, None)
        return bool(gone)

    def next_lapse(self, user: str) -> float | None:
        """When the user's next binding expires."""
        held = self._bindings.get(user)
        return min(binding.expires for binding in held.values()) if held else None

    def drop_flow(self, flow: Flow) -> list[str]:
        """Forget what was registered over a stream that closed; the users concerned."""
        users = []
        for user, held in list(self._bindings.items()):
            for key in [key for key, binding in held.items() if binding.flow == flow]:
                del held[key]
                users.append(user)
            if not held:
                del self._bindings[user]
        return users

    def register(self, user: str, request: Request, now: float) -> bool:
        """Apply a REGISTER, wholly or not at all; True when it changed or refreshed anything.

        Raises RemoteFault: 400 malformed, 403 too many contacts, 423 too brief, 500 out of order.
        """
        values = request.all("contact")
        if not values:
            return False
        self.lapse(user, now)
        if any(value.strip() == "*" for value in values):
            self._clear(user, request, values)
            return True
        wishes = [self._wish(value, request) for value in values]
        held = dict(self._bindings.get(user, {}))
        for wish in wishes:
            self._apply(held, wish, request, now)
        if len(held) > MAX_CONTACTS:
            raise RemoteFault(f"more than {MAX_CONTACTS} contacts", 403)
        if held:
            self._bindings[user] = held
        else:
            self._bindings.pop(user, None)
        return True

    def _clear(self, user: str, request: Request, values: list[str]) -> None:
        """`Contact: *` (RFC 3261 section 10.3 step 6)."""
        if len(values) != 1 or request.get("expires") != "0":
            raise RemoteFault("Contact: * must stand alone and with Expires: 0")
        for binding in self._bindings.get(user, {}).values():
            _check_order(binding, request)
        self._bindings.pop(user, None)

    def _wish(self, value: str, request: Request) -> _Wish:
        contact = parse_name_addr(value)
        if parse_uri(contact.uri).scheme not in ("sip", "sips"):
            raise BadUri(f"the contact {contact.uri[:40]!r} cannot be called; allowed are sip and sips")
        given = params(contact.params)
        text = given.get("expires") or request.get("expires")
        seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 11 else self._max
        if 0 < seconds < self._min:
            raise RemoteFault(f"expires {seconds} is too brief", 423, (("Min-Expires", str(self._min)),))
        instance, reg_id = _outbound(given, request)
        preference = _preference(given.get("q", ""))
        return _Wish(contact.uri, min(seconds, self._max), preference, instance, reg_id)

    def _apply(
        self,
        held: dict[Key, Binding],
        wish: _Wish,
        request: Request,
        now: float,
    ) -> None:
        key = _key(wish.uri, wish.instance, wish.reg_id)
        old = held.get(key)
        if old is not None:
            _check_order(old, request)
        if not wish.seconds:
            held.pop(key, None)
            return
        held[key] = Binding(
            wish.uri,
            request.flow if wish.reg_id else _reached(request, parse_uri(wish.uri)),
            now + wish.seconds,
            request.call_id,
            request.cseq,
            tuple(request.all("path")),
            wish.q,
            request.get("user-agent")[:200],
            wish.instance,
            wish.reg_id,
        )


def _outbound(contact: Mapping[str, str], request: Request) -> tuple[str, int]:
    """The phone and which of its flows this is; "" and 0 when it wants no outbound (RFC 5626 section 6)."""
    instance, reg_id = contact.get("+sip.instance", ""), contact.get("reg-id", "")
    plain = reg_id.isascii() and reg_id.isdigit() and 0 < len(reg_id) < 10
    if not (plain and int(reg_id) and _INSTANCE.fullmatch(instance)):
        return "", 0
    if "outbound" not in (name.lower() for name in request.all("supported")):
        return "", 0
    first_hop = request.all("path")[-1:]
    if len(request.all("via")) > 1 and not any(";ob" in path.lower() for path in first_hop):
        raise RemoteFault("a proxy on the way keeps no flow to the phone", 439)
    return instance, int(reg_id)


def _reached(request: Request, contact: Uri) -> Flow:
    """Where calls to a contact go: to where its REGISTER came from, the only way in to a phone behind a NAT.

    A phone that speaks from the address its Via names is behind none: its Contact may name another port of it.
    """
    flow = request.flow
    host, port = split_host(request.via.sent_by)
    unmapped = flow.transport == "udp" and (host, port or 5060) == (flow.host, flow.port)
    if unmapped and contact.host == flow.host and (contact.transport or "udp") == "udp":
        return replace(flow, port=contact.port or 5060)
    return flow


def _check_order(old: Binding, request: Request) -> None:
    """A REGISTER that was overtaken by a later one of the same Call-ID must not undo it."""
    if old.call_id == request.call_id and request.cseq <= old.cseq:
        raise RemoteFault(f"CSeq {request.cseq} is not above {old.cseq}, which was seen before", 500)


def _preference(text: str) -> float:
    """A q value; 1 for one that cannot be read (RFC 3261 section 10.2.1.2)."""
    if len(text) < 8 and text.replace(".", "", 1).isdigit() and text.isascii():
        return min(float(text), 1.0)
    return 1.0
