"""From what offer and answer settled to what the media plane is told."""

from __future__ import annotations

from engine.sip.offer import Agreed
from media.control import Stream


def stream(agreed: Agreed) -> Stream:
    """The far end's wishes as the plane takes them."""
    return Stream(
        host=agreed.host,
        port=agreed.port,
        codec=agreed.codec,
        payload=agreed.payload,
        events=agreed.events,
        ptime=agreed.ptime,
        sends=agreed.sends,
        hears=agreed.hears,
    )
