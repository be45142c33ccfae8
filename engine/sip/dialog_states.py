"""The states of a dialog as data: `DIALOG[state][step]` is the next state; a step without a row is
illegal.
"""

from __future__ import annotations

from typing import Final

CALLING: Final = "calling"  # we sent INVITE
RINGING: Final = "ringing"  # a provisional response came
CANCELLING: Final = "cancelling"  # we gave up; the last response is still to come
INVITED: Final = "invited"  # they sent INVITE; we have not answered
ACCEPTED: Final = "accepted"  # we sent 2xx; the ACK is still to come
CLOSING: Final = "closing"  # hung up before the ACK: BYE waits for it (RFC 3261 section 15)
CONFIRMED: Final = "confirmed"
ENDED: Final = "ended"

RING: Final = "ring"
PROGRESS: Final = "progress"
ACCEPT: Final = "accept"
REFUSE: Final = "refuse"
HANG_UP: Final = "hang up"
MODIFY: Final = "modify"
ANSWER: Final = "answer"
PRESS: Final = "press"
TRANSFER: Final = "transfer"

_LATE: Final = dict.fromkeys(
    (RING, PROGRESS, ACCEPT, REFUSE, HANG_UP, MODIFY, ANSWER, PRESS, TRANSFER), ENDED
)

DIALOG: Final[dict[str, dict[str, str]]] = {
    CALLING: {HANG_UP: CANCELLING},
    RINGING: {HANG_UP: CANCELLING, MODIFY: RINGING, ANSWER: RINGING},
    CANCELLING: {HANG_UP: CANCELLING, ANSWER: CANCELLING},
    INVITED: {
        RING: INVITED,
        PROGRESS: INVITED,
        ACCEPT: ACCEPTED,
        REFUSE: ENDED,
        HANG_UP: ENDED,
        MODIFY: INVITED,
        ANSWER: INVITED,
    },
    ACCEPTED: {HANG_UP: CLOSING, ANSWER: ACCEPTED},
    CLOSING: {HANG_UP: CLOSING, ANSWER: CLOSING},
    CONFIRMED: {
        HANG_UP: ENDED,
        MODIFY: CONFIRMED,
        ANSWER: CONFIRMED,
        PRESS: CONFIRMED,
        TRANSFER: CONFIRMED,
    },
    ENDED: _LATE,
}
