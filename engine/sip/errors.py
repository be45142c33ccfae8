"""What can go wrong, and whose fault it is.

`RemoteFault` says what the far end got wrong and the reply code that tells it so; the stack answers with it.
`LocalFault` says what our own side asked for that the protocol forbids; it is raised to whoever asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.sip.message import Request


class SipError(Exception):
    """Anything this package raises on purpose."""


class RemoteFault(SipError):
    """The far end sent what the protocol does not allow, or what we do not take."""

    def __init__(self, why: str, code: int = 400, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(why)
        self.why = why
        """One line for the log and, shortened, for the far end."""
        self.code = code
        """The reply code that says it to the far end (RFC 3261 section 21)."""
        self.headers = headers
        """Headers that the reply must carry, such as Unsupported with a 420."""


class BadMessage(RemoteFault):
    """Bytes that are no SIP message; `request` is there when enough was read to send a reply."""

    def __init__(self, why: str, code: int = 400, request: Request | None = None) -> None:
        super().__init__(why, code)
        self.request = request


class BadUri(RemoteFault):
    """A URI or name-addr that cannot be read (400), or of a scheme we do not serve (416)."""


class BadSdp(RemoteFault):
    """A session description that cannot be read (400)."""


class NotAcceptable(RemoteFault):
    """A session description in which there is nothing that we can do (488)."""

    def __init__(self, why: str) -> None:
        super().__init__(why, 488)


class BadCredentials(RemoteFault):
    """An Authorization or challenge header that cannot be read (400)."""


class LocalFault(SipError):
    """Our own side asked for something that the protocol does not allow."""


class IllegalTransition(LocalFault):
    """An event for which a protocol table has no row in the present state."""

    def __init__(self, table: str, state: str, event: str) -> None:
        super().__init__(f"{table}: {event!r} is not possible in state {state!r}")
        self.table = table
        self.state = state
        self.event = event


class IllegalHeader(LocalFault):
    """A header name or value of ours that would break the message apart (a line end or a NUL in it)."""
