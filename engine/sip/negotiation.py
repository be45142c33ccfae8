"""Offer/answer as pure tables of signalling states (RFC 3264, RFC 6337; the states' names are WebRTC's).

Which message may carry what is `CARRIED`: the same SDP is a preview in an unreliable 183, the answer in a
reliable one, and an offer where none was made before.
"""

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

UNRELIABLE: Final = "18x"
RELIABLE: Final = "reliable 18x"
SUCCESS: Final = "2xx"

CARRIED: Final[dict[tuple[str, str], str]] = {
    # SDP in a response to our INVITE; what has no row says nothing new (RFC 6337 section 3.1.1)
    (UNRELIABLE, LOCAL_OFFER): RECEIVE_PREVIEW,
    (UNRELIABLE, REMOTE_PREVIEW): RECEIVE_PREVIEW,
    (RELIABLE, LOCAL_OFFER): RECEIVE_ANSWER,
    (RELIABLE, REMOTE_PREVIEW): RECEIVE_ANSWER,
    (SUCCESS, LOCAL_OFFER): RECEIVE_ANSWER,
    (SUCCESS, REMOTE_PREVIEW): RECEIVE_ANSWER,
}
LATE: Final[dict[tuple[str, str], str]] = {
    # the same while an INVITE of ours without an offer has not brought one yet
    (RELIABLE, STABLE): RECEIVE_OFFER,
    (SUCCESS, STABLE): RECEIVE_OFFER,
}
SENT: Final[dict[tuple[str, str], str]] = {
    # SDP in a response of ours to their INVITE
    (UNRELIABLE, REMOTE_OFFER): SEND_PREVIEW,
    (UNRELIABLE, LOCAL_PREVIEW): SEND_PREVIEW,
    (RELIABLE, REMOTE_OFFER): SEND_ANSWER,
    (RELIABLE, LOCAL_PREVIEW): SEND_ANSWER,
    (RELIABLE, STABLE): SEND_OFFER,
    (SUCCESS, REMOTE_OFFER): SEND_ANSWER,
    (SUCCESS, LOCAL_PREVIEW): SEND_ANSWER,
    (SUCCESS, STABLE): SEND_OFFER,
}
GLARE: Final[dict[str, int]] = {
    # an offer of theirs that meets ... (RFC 3311 section 5.2)
    LOCAL_OFFER: 491,
    REMOTE_PREVIEW: 491,
    REMOTE_OFFER: 500,
    LOCAL_PREVIEW: 500,
}


def next_state(state: str, operation: str) -> str:
    """The signalling state after an operation. Raises IllegalTransition when it is not possible now."""
    try:
        return NEGOTIATION[state][operation]
    except KeyError:
        raise IllegalTransition("offer/answer", state, operation) from None


def sent_in(message: str, state: str) -> str:
    """What SDP of ours is in a response of that kind. Raises IllegalTransition where none may stand."""
    try:
        return SENT[message, state]
    except KeyError:
        raise IllegalTransition("offer/answer", state, f"SDP in {message}") from None
