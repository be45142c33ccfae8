"""The topmost Via: transaction identity and the way back (RFC 3261 section 18.2, RFC 3581)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from engine.sip.errors import BadMessage
from engine.sip.flow import Flow
from engine.sip.header import masked, param
from engine.sip.uri import split_host

MAGIC = "z9hG4bK"
_SENT = re.compile(r"SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*([A-Za-z0-9_.-]+)[ \t]+([^;,]+)")
_RPORT = re.compile(r";[ \t]*rport[ \t]*=?[ \t]*(?=;|,|$)", re.IGNORECASE)


class Via(NamedTuple):
    """What the topmost Via says."""

    branch: str
    sent_by: str
    magic: bool
    """False when the branch is not RFC 3261's: the transaction is then told by other headers."""


def read_via(value: str) -> Via:
    """Read the topmost Via of a joined header value. Raises BadMessage."""
    top = first_element(value)
    head = top.partition(";")[0].strip()
    protocol, _, sent_by = head.partition(" ")
    if not protocol.startswith("SIP/2.0/") or " " in sent_by or not sent_by:
        match = _SENT.match(top.strip())
        if match is None:
            raise BadMessage(f"the Via {top[:60]!r} cannot be read")
        sent_by = "".join(match[2].split())
    _, found, rest = top.partition(";branch=")
    branch = rest.partition(";")[0] if found and '"' not in top else param(top, "branch") or ""
    return Via(branch, sent_by, len(branch) > len(MAGIC) and branch.startswith(MAGIC))


def first_element(value: str) -> str:
    """The first comma separated element of the first line."""
    line = value.partition("\r\n")[0]
    comma = masked(line).find(",") if "," in line else -1
    return line if comma < 0 else line[:comma]


def stamped(value: str, sent_by: str, flow: Flow) -> tuple[str, Flow]:
    """The joined Via value as every response to it carries it, received and rport filled in; and where those
    go.

    RFC 3261 section 18.2.2 and RFC 3581 section 4.
    """
    top = first_element(value)
    asked = _RPORT.search(top) if "rport" in top.lower() else None
    host, port = _host_of(sent_by)
    back = flow if asked or flow.reliable else Flow(flow.transport, flow.host, port or 5060)
    if not asked and host == flow.host:
        return value, back
    stamp = top.rstrip()
    if asked:
        stamp = f"{stamp[: asked.start()]};rport={flow.port}{stamp[asked.end() :]}"
    return f"{stamp};received={flow.host}{value[len(top) :]}", back


_host_of = lru_cache(2048)(split_host)
