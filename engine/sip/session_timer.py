"""Session timers: how a call whose far end vanished is noticed (RFC 4028)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.sip.errors import BadMessage, RemoteFault
from engine.sip.header import number, param
from engine.sip.message import Request, Response

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog
    from engine.sip.timers import Timer

MARGIN: Final = 32.0
"""Seconds before the end at which a call is given up, or a third of the interval (section 10)."""
SHORTEST: Final = 10
"""Seconds: what we let a 2xx make of an interval, however small."""
USUAL_LEAST: Final = 90
"""Seconds: Min-SE where nobody says (section 5)."""
LONGEST: Final = 86400 * 7
_SLACK = 0.001


class Interval(NamedTuple):
    """What the deployment wants."""

    expires: int = 1800
    """Seconds: Session-Expires that we ask for."""
    least: int = USUAL_LEAST
    """Seconds: Min-SE, the shortest that we accept."""

    def lines(self) -> str:
        """The header lines of an INVITE; who refreshes is for the called side to say."""
        return f"Session-Expires: {self.expires}\r\n{_min_se(self.least)}"


class Asked(NamedTuple):
    """What an INVITE or UPDATE of theirs says of session timers."""

    expires: int | None = None
    least: int = 0
    refresher: str = ""
    supported: bool = False


REFRESHER: Final[dict[tuple[bool, str], str]] = {
    # (they know session timers, whom they want) -> who refreshes (section 9, table 2)
    (True, ""): "uac",
    (True, "uac"): "uac",
    (True, "uas"): "uas",
    (False, ""): "uas",
    (False, "uac"): "uas",
    (False, "uas"): "uas",
}


def asked_in(request: Request, least: int) -> Asked:
    """Read a request. Raises RemoteFault: 400, or 422 with Min-SE for an interval below `least`."""
    given = request.headers.get
    asked = _asked(given("supported", ""), given("session-expires"), given("min-se"))
    if asked.expires is not None and asked.supported and asked.expires < least:
        raise RemoteFault(f"Session-Expires {asked.expires} is below {least}", 422, (("Min-SE", str(least)),))
    return asked


@lru_cache(512)
def _asked(supported: str, value: str | None, least: str | None) -> Asked:
    known = "timer" in supported.lower()
    if value is None:
        return Asked(supported=known)
    refresher = (param(value, "refresher") or "").lower()
    return Asked(
        _seconds(value),
        _seconds(least) if least else 0,
        refresher if refresher in ("uac", "uas") else "",
        known,
    )


def min_se_of(response: Response) -> int:
    """Min-SE of a 422; 0 when it cannot be read."""
    try:
        return _seconds(response.get("min-se", "0"))
    except BadMessage:
        return 0


def _seconds(value: str) -> int:
    return number(value.partition(";")[0].strip(), LONGEST, "seconds of a session")


def _min_se(least: int) -> str:
    return f"Min-SE: {least}\r\n" if least > USUAL_LEAST else ""


@lru_cache(512)
def granted(asked: Asked, own: Interval) -> tuple[Interval, bool, str]:
    """What our 2xx makes of what they ask for: the interval, whether we refresh, and its header lines."""
    least = max(asked.least, own.least)
    expires = own.expires if asked.expires is None else min(asked.expires, own.expires)
    role = REFRESHER[asked.supported, asked.refresher]
    required = "Require: timer\r\n" if asked.supported else ""
    interval = Interval(max(expires, least), least)
    return interval, role == "uas", f"{required}Session-Expires: {interval.expires};refresher={role}\r\n"


@lru_cache(512)
def agreed(value: str) -> tuple[int, bool]:
    """What Session-Expires in a 2xx says: seconds, and whether we refresh. Seconds are 0 when it cannot be
    read: it is then as if they knew nothing of session timers.
    """
    try:
        return max(_seconds(value), SHORTEST), (param(value, "refresher") or "").lower() != "uas"
    except BadMessage:
        return 0, True


class SessionTimer:
    """The clock of one dialog: when to refresh, and when to give the call up.

    A far end that knows nothing of session timers is refreshed by us.
    """

    __slots__ = ("_dialog", "_expiry", "_running", "_timer", "interval", "ours")

    def __init__(self, dialog: Dialog, interval: Interval) -> None:
        self._dialog, self.interval = dialog, interval
        self.ours = True
        """True when we refresh."""
        self._expiry = 0.0
        self._running = False
        self._timer: Timer | None = None

    def request_lines(self) -> str:
        """The header lines of a request that refreshes; whoever refreshes goes on doing it."""
        expires, least = self.interval
        role = "uac" if self.ours else "uas"
        return f"Session-Expires: {expires};refresher={role}\r\n{_min_se(least)}"

    def answer_lines(self, asked: Asked) -> str:
        """The header lines of a 2xx of ours, which starts the clock anew."""
        if self._running and asked.supported and not asked.refresher:
            asked = asked._replace(refresher="uas" if self.ours else "uac")
        self.interval, self.ours, lines = granted(asked, self._dialog.endpoint.session_interval)
        self._wind()
        return lines

    def agree(self, response: Response) -> None:
        """A 2xx of theirs starts the clock anew."""
        value = response.headers.get("session-expires")
        expires, self.ours = (self.interval.expires, True) if value is None else agreed(value)
        if expires and expires != self.interval.expires:
            self.interval = Interval(expires, self.interval.least)
        self._wind()

    def lengthen(self, least: int) -> bool:
        """Take what a 422 wants; False when that is nothing to try again with."""
        raised = lengthened(self.interval, least)
        self.interval = raised or self.interval
        return raised is not None

    def stop(self) -> None:
        """The call is over."""
        if self._timer is not None:
            self._dialog.endpoint.timers.cancel(self._timer)

    def _wind(self) -> None:
        endpoint, seconds = self._dialog.endpoint, self.interval.expires
        self.stop()
        self._running = True
        self._expiry = endpoint.now + seconds - min(MARGIN, seconds / 3)
        first = endpoint.now + seconds / 2 if self.ours else self._expiry
        self._timer = endpoint.timers.at(first, self._tick)

    def _tick(self) -> None:
        """A refresh that finds a change of the media under way, or is refused, is tried again in time."""
        endpoint = self._dialog.endpoint
        left = self._expiry - endpoint.now
        if left <= _SLACK:
            self._dialog.expire()
            return
        self._dialog.proposing.refresh()
        self._timer = endpoint.after(min(left, max(5.0, left / 2)), self._tick)


def lengthened(interval: Interval, least: int) -> Interval | None:
    """The interval after a 422 with that Min-SE; None when it names nothing longer."""
    if least <= interval.least or least > LONGEST:
        return None
    return Interval(max(interval.expires, least), least)
