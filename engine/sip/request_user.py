"""Whoever waits for the outcome of a request that is no INVITE."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from engine.sip.auth import Credentials, Responder
from engine.sip.message import Response
from engine.sip.targets import retry_after
from engine.sip.transaction import ClientTransaction
from engine.sip.writing import Draft

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog
    from engine.sip.endpoint import Endpoint

Outcome: TypeAlias = Callable[[Response | None], None]
"""Called once with the final response; None for silence or a peer that cannot be reached."""


class Nobody:
    """Nobody waits: CANCEL and the like."""

    __slots__ = ()

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """Not looked at."""

    def on_failure(self, transaction: ClientTransaction, code: int, why: str) -> None:
        """Not looked at."""


class RequestUser:
    """Waits for a final response and answers challenges on the way."""

    __slots__ = ("_endpoint", "_first", "_next_seq", "_outcome", "_responder")

    def __init__(
        self,
        endpoint: Endpoint,
        draft: Draft,
        outcome: Outcome,
        credentials: Credentials | None,
        next_seq: Callable[[], int],
    ) -> None:
        self._endpoint, self._first, self._outcome = endpoint, draft, outcome
        self._responder = Responder(credentials) if credentials else None
        self._next_seq = next_seq

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """Provisional ones are let pass."""
        if response.code < 200:
            return
        if response.code in (401, 407) and self._retry(transaction, response):
            return
        if response.code == 503 and self._endpoint.next_target(transaction, self, retry_after(response)):
            return
        self._outcome(response)

    def on_failure(self, transaction: ClientTransaction, code: int, why: str) -> None:
        """Silence, here and at every other target."""
        if self._endpoint.next_target(transaction, self) is None:
            self._outcome(None)

    def _retry(self, asked: ClientTransaction, response: Response) -> bool:
        first = self._first
        if self._responder is None:
            return False
        lines = self._responder.answer(response, first.uri, first.method, first.body, self._endpoint.token())
        if not lines:
            return False
        self._endpoint.start(first.again(self._next_seq(), lines), asked.flow, self, asked.others)
        return True


class InsideUser(RequestUser):
    """The same within a dialog."""

    __slots__ = ()

    def __init__(self, dialog: Dialog, draft: Draft, outcome: Outcome) -> None:
        super().__init__(dialog.endpoint, draft, outcome, dialog.credentials, lambda: _next_seq(dialog))


def _next_seq(dialog: Dialog) -> int:
    dialog.local_seq += 1
    return dialog.local_seq
