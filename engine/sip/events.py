"""What the stack tells the engine. Every outgoing call ends in exactly one Failed, or in Answered and then
either Ended or our own hang-up; every incoming one in Cancelled, our own refusal, Ended or our own hang-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from engine.sip.dtmf_info import Key
from engine.sip.flow import Flow
from engine.sip.message import Request, Response
from engine.sip.registrar import Binding

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog
    from engine.sip.refer import Replaces


@dataclass(frozen=True, slots=True)
class Trunk:
    """A caller who came from a trunk's own address."""

    name: str
    """The trunk's name in the configuration."""


@dataclass(frozen=True, slots=True)
class AgentCaller:
    """A caller who proved to be an agent."""

    user: str
    """The user that the credentials are of; the From is the same."""


@dataclass(frozen=True, slots=True)
class Invited:
    """A call came in; 100 is sent."""

    dialog: Dialog
    """The call; ring, accept or refuse it."""
    request: Request
    """The INVITE."""
    caller: Trunk | AgentCaller
    """Who calls, as far as that is proven."""
    offer: bytes | None
    """Their SDP; None: they want ours in the 200 (late offer)."""
    replaces: Dialog | None
    """The call that this one takes the place of (RFC 3891): hang that one up once this one is Established."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """A provisional response without SDP to our call."""

    dialog: Dialog
    """The call."""
    code: int
    """101..199."""


@dataclass(frozen=True, slots=True)
class EarlyMedia:
    """A provisional response with SDP to our call: sound may come from there before the answer."""

    dialog: Dialog
    """The call."""
    code: int
    """101..199."""
    sdp: bytes
    """The description; the latest one holds."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Our call was answered; the ACK is sent."""

    dialog: Dialog
    """The call, confirmed."""
    sdp: bytes | None
    """The answer; that of the early media when the 200 has none; None when there was none at all."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Our call had no offer, and the far end brings its own: `Dialog.answer` it or hang up."""

    dialog: Dialog
    """The call: ringing, or answered and waiting for our ACK, which will carry the answer."""
    offer: bytes
    """Their SDP."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Our call did not come about."""

    dialog: Dialog
    """The call, over."""
    code: int
    """The final response; 408 for silence, 503 when the peer cannot be reached, 487 after our own cancel."""
    reason: str
    """Its words."""
    response: Response | None
    """The response; None when there was none."""
    contacts: tuple[str, ...] = ()
    """Where a 3xx says to try instead: URIs, the most preferred first."""


@dataclass(frozen=True, slots=True)
class Established:
    """The ACK of a call that we answered came."""

    dialog: Dialog
    """The call, confirmed."""
    sdp: bytes | None
    """The answer in the ACK, after a late offer."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An answered call is over, not by our own hang-up."""

    dialog: Dialog
    """The call."""
    cause: str
    """"BYE", "no ACK", "no answer in the ACK", "refresh refused", "unreachable", or "session expired": the far
    end did not refresh its session, nor answer our refresh (RFC 4028).
    """
    request: Request | None = None
    """The BYE, where there is one; its Reason header may say more."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The caller gave up before we answered: 487 is sent, or 504 when it never acknowledged our ringing."""

    dialog: Dialog
    """The call, over."""
    cause: str = "CANCEL"
    """"CANCEL", "BYE" or "no PRACK"."""
    request: Request | None = None
    """The CANCEL or BYE; its Reason header may say more."""


@dataclass(frozen=True, slots=True)
class Reoffered:
    """The far end wants to change the media, by whatever method: answer or decline it."""

    dialog: Dialog
    """The call."""
    offer: bytes | None
    """Their SDP; None: they want ours."""


@dataclass(frozen=True, slots=True)
class Reanswered:
    """What became of our change; or, with code 200, the answer to an offer of ours in a response: in the ACK, or
    in the PRACK.
    """

    dialog: Dialog
    """The call, which goes on whatever the code."""
    sdp: bytes | None
    """Their answer; None when it was refused: what was agreed before still holds."""
    code: int = 200
    """200, or the refusal."""


@dataclass(frozen=True, slots=True)
class Referred:
    """The far end asks us to transfer it: 202 and a first NOTIFY are sent; report with `Dialog.notify`."""

    dialog: Dialog
    """The call that is to be transferred."""
    refer_to: str
    """Whom to call instead: a URI without headers."""
    replaces: Dialog | None
    """The call of ours that the transfer joins (attended); None for a blind one, or when it is not ours."""
    named: Replaces | None = None
    """The dialog that the Refer-To named, ours or not."""


@dataclass(frozen=True, slots=True)
class Notified:
    """How the transfer that we asked for gets on."""

    dialog: Dialog
    """The call on which we sent REFER; it goes on."""
    fragment: str
    """A status line such as "SIP/2.0 180 Ringing"."""
    final: bool
    """True when nothing more will follow."""


@dataclass(frozen=True, slots=True)
class Informed:
    """An INFO in a call; it is already answered with 200."""

    dialog: Dialog
    """The call."""
    content_type: str
    """In lower case, such as application/dtmf-relay."""
    body: bytes
    """As it came."""
    key: Key | None = None
    """The key that it says was pressed."""


@dataclass(frozen=True, slots=True)
class Messaged:
    """A MESSAGE came (RFC 3428); it is already answered with 202."""

    caller: Trunk | AgentCaller | None
    """Who sends it, as far as that is proven; None within a call, whose parties are known."""
    request: Request
    """The MESSAGE; From, To and its Request-URI say the rest."""
    content_type: str
    """In lower case, such as text/plain."""
    body: bytes
    """As it came."""
    dialog: Dialog | None = None
    """The call it was sent in."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A user's bindings changed or were refreshed, and there are some."""

    user: str
    """The agent."""
    bindings: tuple[Binding, ...]
    """All that hold now."""


@dataclass(frozen=True, slots=True)
class Unregistered:
    """A user's last binding is gone."""

    user: str
    """The agent."""


@dataclass(frozen=True, slots=True)
class Responded:
    """The outcome of a request outside dialogs."""

    request: Request
    """What `Stack.request` returned."""
    response: Response | None
    """The final response; None for silence or a peer that cannot be reached."""


@dataclass(frozen=True, slots=True)
class TargetFailed:
    """One of several targets of a request did not serve it, and the next is tried: the driver's to remember."""

    flow: Flow
    """Where it went."""
    rest: float | None
    """Seconds for which it asked to be left alone (Retry-After); None when it said nothing."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that was turned away: a line for the log."""

    flow: Flow
    """Where it came from."""
    code: int
    """What was replied, or would have been if it could be; 0 for a connection that was shown out."""
    why: str
    """One line of words."""


Event: TypeAlias = (
    Invited
    | Ringing
    | EarlyMedia
    | Answered
    | Offered
    | Failed
    | Established
    | Ended
    | Cancelled
    | Reoffered
    | Reanswered
    | Referred
    | Notified
    | Informed
    | Messaged
    | Registered
    | Unregistered
    | Responded
    | TargetFailed
    | Refused
)
