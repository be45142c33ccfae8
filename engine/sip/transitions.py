"""The four transaction machines of RFC 3261 section 17, as corrected by RFC 6026, as data.

`TABLE[state][event]` is (action, next state). An event without a row is illegal. Events named after what
arrives from the network have a row in every state that can hear them, if only to ignore them: a peer cannot
make us raise.
"""

from __future__ import annotations

from typing import Final, TypeAlias

State: TypeAlias = str
Event: TypeAlias = str
Action: TypeAlias = str
Table: TypeAlias = dict[State, dict[Event, tuple[Action, State]]]

CALLING: Final = "calling"
TRYING: Final = "trying"
PROCEEDING: Final = "proceeding"
ACCEPTED: Final = "accepted"
COMPLETED: Final = "completed"
CONFIRMED: Final = "confirmed"
TERMINATED: Final = "terminated"

# from the far end
PROVISIONAL: Final = "1xx"
SUCCESS: Final = "2xx"
FAILURE: Final = "300-699"
FINAL: Final = "200-699"
REQUEST: Final = "request again"
ACK: Final = "ACK"
# from our side
SEND_PROVISIONAL: Final = "send 1xx"
SEND_SUCCESS: Final = "send 2xx"
SEND_FAILURE: Final = "send 300-699"
SEND_FINAL: Final = "send 200-699"
# from the clock and the transport
TIMER_A: Final = "timer A"
TIMER_B: Final = "timer B"
TIMER_D: Final = "timer D"
TIMER_E: Final = "timer E"
TIMER_F: Final = "timer F"
TIMER_G: Final = "timer G"
TIMER_H: Final = "timer H"
TIMER_I: Final = "timer I"
TIMER_J: Final = "timer J"
TIMER_K: Final = "timer K"
TIMER_L: Final = "timer L"
TIMER_M: Final = "timer M"
UNREACHABLE: Final = "transport error"

# what is done; transaction.py has a method of the same name for each
IGNORE: Final = "ignore"
RESEND: Final = "resend"
REPORT: Final = "report"
PROCEED: Final = "proceed"
REPORT_ACCEPTED: Final = "report_accepted"
REPORT_AND_ACK: Final = "report_and_ack"
REPORT_FINAL: Final = "report_final"
RESEND_ACK: Final = "resend_ack"
TIME_OUT: Final = "time_out"
FAIL: Final = "fail"
END: Final = "end"
SEND: Final = "send"
SEND_ACCEPT: Final = "send_accept"
SEND_LAST: Final = "send_last"
CLOSE: Final = "close"
CONFIRM: Final = "confirm"
REPORT_ACK: Final = "report_ack"

INVITE_CLIENT: Final[Table] = {  # RFC 6026 figure 3
    CALLING: {
        TIMER_A: (RESEND, CALLING),
        TIMER_B: (TIME_OUT, TERMINATED),
        PROVISIONAL: (PROCEED, PROCEEDING),
        SUCCESS: (REPORT_ACCEPTED, ACCEPTED),
        FAILURE: (REPORT_AND_ACK, COMPLETED),
        UNREACHABLE: (FAIL, TERMINATED),
    },
    PROCEEDING: {
        TIMER_B: (TIME_OUT, TERMINATED),  # only after a CANCEL: RFC 3261 section 9.1
        PROVISIONAL: (REPORT, PROCEEDING),
        SUCCESS: (REPORT_ACCEPTED, ACCEPTED),
        FAILURE: (REPORT_AND_ACK, COMPLETED),
        UNREACHABLE: (FAIL, TERMINATED),  # the stream closed, or the port is no longer open
    },
    ACCEPTED: {
        TIMER_M: (END, TERMINATED),
        PROVISIONAL: (IGNORE, ACCEPTED),
        SUCCESS: (REPORT, ACCEPTED),
        FAILURE: (IGNORE, ACCEPTED),
    },
    COMPLETED: {
        TIMER_D: (END, TERMINATED),
        PROVISIONAL: (IGNORE, COMPLETED),
        SUCCESS: (IGNORE, COMPLETED),
        FAILURE: (RESEND_ACK, COMPLETED),
        UNREACHABLE: (END, TERMINATED),
    },
}

OTHER_CLIENT: Final[Table] = {  # RFC 3261 figure 6
    TRYING: {
        TIMER_E: (RESEND, TRYING),
        TIMER_F: (TIME_OUT, TERMINATED),
        PROVISIONAL: (REPORT, PROCEEDING),
        FINAL: (REPORT_FINAL, COMPLETED),
        UNREACHABLE: (FAIL, TERMINATED),
    },
    PROCEEDING: {
        TIMER_E: (RESEND, PROCEEDING),
        TIMER_F: (TIME_OUT, TERMINATED),
        PROVISIONAL: (REPORT, PROCEEDING),
        FINAL: (REPORT_FINAL, COMPLETED),
        UNREACHABLE: (FAIL, TERMINATED),
    },
    COMPLETED: {
        TIMER_K: (END, TERMINATED),
        PROVISIONAL: (IGNORE, COMPLETED),
        FINAL: (IGNORE, COMPLETED),
    },
}

INVITE_SERVER: Final[Table] = {  # RFC 6026 figure 5
    PROCEEDING: {
        REQUEST: (SEND_LAST, PROCEEDING),
        ACK: (IGNORE, PROCEEDING),
        SEND_PROVISIONAL: (SEND, PROCEEDING),
        SEND_SUCCESS: (SEND_ACCEPT, ACCEPTED),
        SEND_FAILURE: (CLOSE, COMPLETED),
    },
    ACCEPTED: {
        REQUEST: (IGNORE, ACCEPTED),  # the dialog repeats its 2xx by its own clock
        ACK: (REPORT_ACK, ACCEPTED),
        SEND_SUCCESS: (SEND_LAST, ACCEPTED),
        TIMER_L: (END, TERMINATED),
    },
    COMPLETED: {
        REQUEST: (SEND_LAST, COMPLETED),
        ACK: (CONFIRM, CONFIRMED),
        TIMER_G: (RESEND, COMPLETED),
        TIMER_H: (END, TERMINATED),
    },
    CONFIRMED: {
        REQUEST: (IGNORE, CONFIRMED),
        ACK: (IGNORE, CONFIRMED),
        TIMER_I: (END, TERMINATED),
    },
}

OTHER_SERVER: Final[Table] = {  # RFC 3261 figure 8
    TRYING: {
        REQUEST: (IGNORE, TRYING),
        SEND_PROVISIONAL: (SEND, PROCEEDING),
        SEND_FINAL: (CLOSE, COMPLETED),
    },
    PROCEEDING: {
        REQUEST: (SEND_LAST, PROCEEDING),
        SEND_PROVISIONAL: (SEND, PROCEEDING),
        SEND_FINAL: (CLOSE, COMPLETED),
    },
    COMPLETED: {
        REQUEST: (SEND_LAST, COMPLETED),
        SEND_FINAL: (IGNORE, COMPLETED),
        TIMER_J: (END, TERMINATED),
    },
}

TABLES: Final[dict[str, Table]] = {
    "INVITE client": INVITE_CLIENT,
    "non-INVITE client": OTHER_CLIENT,
    "INVITE server": INVITE_SERVER,
    "non-INVITE server": OTHER_SERVER,
}
