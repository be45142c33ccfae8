"""Why a call ended, as networks say it: the Reason header (RFC 3326, in responses RFC 6432)."""

from __future__ import annotations

from typing import Final

from engine.facts import Cause
from engine.sip.errors import BadMessage
from engine.sip.header import number, params
from engine.sip.message import Request, Response

ELSEWHERE: Final = ("Reason", 'SIP;cause=200;text="Call completed elsewhere"')
"""For whom is called off because another phone answered: it is no missed call (RFC 3326 section 3.1)."""
EXPIRED: Final = 'Reason: SIP;cause=408;text="Session timer expired"\r\n'
NO_ANSWER_IN_ACK: Final = 'Reason: SIP;cause=488;text="No answer in the ACK"\r\n'
_LONGEST_TEXT = 80


def cause_of(message: Request | Response | None) -> Cause | None:
    """The cause that a BYE, CANCEL or refusal names: Q.850 before any other; None when there is none."""
    if message is None or "reason" not in message.headers:
        return None
    found = [cause for value in message.all("reason")[:8] if (cause := _read(value)) is not None]
    return min(found, key=lambda cause: cause.protocol != "Q.850", default=None)


def _read(value: str) -> Cause | None:
    protocol, _, rest = value.partition(";")
    given = params(";" + rest)
    try:
        code = number(given.get("cause", ""), 999)
    except BadMessage:
        return None
    text = "".join(c if c.isprintable() else "?" for c in given.get("text", "")[:_LONGEST_TEXT])
    name = protocol.strip()[:16]
    return Cause("Q.850" if name.upper() == "Q.850" else name, code, text)
