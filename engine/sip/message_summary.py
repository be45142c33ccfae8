"""The state of a mailbox as phones are told it: application/simple-message-summary (RFC 3842)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EVENT: Final = "message-summary"
TYPE: Final = "application/simple-message-summary"


@dataclass(frozen=True, slots=True)
class Summary:
    """What waits in a mailbox."""

    new: int = 0
    """Voice messages that nobody heard yet."""
    old: int = 0
    """Voice messages that were heard and kept."""

    def body(self, account: str) -> bytes:
        """The body of a NOTIFY; `account` is the mailbox's URI. The lamp is lit by new messages only."""
        waiting = "yes" if self.new else "no"
        return (
            f"Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\n"
            f"Voice-Message: {self.new}/{self.old} (0/0)\r\n"
        ).encode("utf-8", "replace")
