"""Sans-I/O SIP: `receive(data, flow, now)` and `handle_timer(now)` in; events, packets and `due()` out.

Where things are: message, header, uri, via, sdp read; writing writes; transitions (data) and transaction run
the four machines of RFC 3261; dialog with calling (forks, prack, redirects), called (reliable), proposing and
proposed (changes of either side), session_timer, transfer and inside is one call; subscriptions are lamps;
reception takes what comes from outside, registrar keeps bindings, auth does digest, offer does offer/answer;
stack is the face.
"""

from engine.sip.auth import Credentials
from engine.sip.dialog import Dialog
from engine.sip.flow import Flow, Packet
from engine.sip.framer import Framer
from engine.sip.message import Request, Response
from engine.sip.reception import Authority
from engine.sip.registrar import Binding
from engine.sip.stack import Live, Stack

__all__ = [
    "Authority",
    "Binding",
    "Credentials",
    "Dialog",
    "Flow",
    "Framer",
    "Live",
    "Packet",
    "Request",
    "Response",
    "Stack",
]
