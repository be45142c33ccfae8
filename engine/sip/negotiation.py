"""Offer/answer as a pure table of signalling states (RFC 3264, RFC 6337; the states' names are WebRTC's)."""

from __future__ import annotations

from typing import Final

from engine.sip.errors import IllegalTransition

STABLE: Final = "stable"
LOCAL_OFFER: Final = "have local offer"
REMOTE_OFFER: Final = "have remote offer"
LOCAL_PREVIEW: Final = "have local preview"
REMOTE_PREVIEW: Final = "have remote preview"

SEND_OFFER: Final = "send offer"
RECEIVE_OFFER: Final = "receive offer"
SEND_PREVIEW: Final = "send preview"
RECEIVE_PREVIEW: Final = "receive preview"
SEND_ANSWER: Final = "send answer"
RECEIVE_ANSWER: Final = "receive answer"
ROLL_BACK: Final = "roll back"

NEGOTIATION: Final[dict[str, dict[str, str]]] = {
    STABLE: {
        SEND_OFFER: LOCAL_OFFER,
        RECEIVE_OFFER: REMOTE_OFFER,
        ROLL_BACK: STABLE,
    },
    LOCAL_OFFER: {
        RECEIVE_ANSWER: STABLE,
        RECEIVE_PREVIEW: REMOTE_PREVIEW,  # SDP in an unreliable 18x: what the answer is going to be
        ROLL_BACK: STABLE,  # the offer was refused: what was agreed before still holds
    },
    REMOTE_PREVIEW: {
        RECEIVE_PREVIEW: REMOTE_PREVIEW,  # a second 183, or another fork's
        RECEIVE_ANSWER: STABLE,
        ROLL_BACK: STABLE,
    },
    REMOTE_OFFER: {
        SEND_ANSWER: STABLE,
        SEND_PREVIEW: LOCAL_PREVIEW,
        ROLL_BACK: STABLE,
    },
    LOCAL_PREVIEW: {
        SEND_PREVIEW: LOCAL_PREVIEW,
        SEND_ANSWER: STABLE,
        ROLL_BACK: STABLE,
    },
}


def next_state(state: str, operation: str) -> str:
    """The signalling state after an operation. Raises IllegalTransition when it is not possible now."""
    try:
        return NEGOTIATION[state][operation]
    except KeyError:
        raise IllegalTransition("offer/answer", state, operation) from None
