"""The early dialogs of one INVITE (RFC 3261 section 13.2.2): one for each To tag that was heard.

The fork that spoke last has the floor: the call's dialog is its dialog. What belongs to the others waits here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog


class Early(NamedTuple):
    """What is one fork's own."""

    peer: str
    target: str
    routes: tuple[str, ...]
    remote_seq: int
    allows_update: bool
    negotiation: str
    local_sdp: bytes | None
    remote_sdp: bytes | None


class Forks:
    """All forks but the one that has the floor."""

    __slots__ = ("_dialog", "_first", "_others")

    def __init__(self, dialog: Dialog, first: Early) -> None:
        self._dialog, self._first = dialog, first
        self._others: dict[str, Early] = {}

    def turn_to(self, tag: str, peer: str | None = None) -> bool:
        """Give a fork the floor. One that was not heard before needs its To header; False without."""
        early = self._others.pop(tag, None)
        if early is None:
            if peer is None:
                return False
            early = self._first._replace(peer=peer)
        dialog = self._dialog
        self._others[dialog.remote_tag] = early_of(dialog)
        dialog.remote_tag = tag
        take(dialog, early)
        return True


def early_of(dialog: Dialog) -> Early:
    """What is the own of the fork that has the floor."""
    return Early(
        dialog.peer,
        dialog.target,
        dialog.routes,
        dialog.remote_seq,
        dialog.allows_update,
        dialog.negotiation,
        dialog.local_sdp,
        dialog.remote_sdp,
    )


def take(dialog: Dialog, early: Early) -> None:
    """Make the dialog that of a fork."""
    dialog.peer, dialog.target, dialog.routes = early.peer, early.target, early.routes
    dialog.remote_seq, dialog.allows_update = early.remote_seq, early.allows_update
    dialog.negotiation = early.negotiation
    dialog.local_sdp, dialog.remote_sdp = early.local_sdp, early.remote_sdp
    dialog.aim()
