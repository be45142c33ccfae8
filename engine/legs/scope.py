"""Doing things for as long as a party is there."""

from __future__ import annotations

from types import TracebackType

import anyio

from engine.legs.leg import Leg


class WhileUp:
    """A scope that is cancelled as soon as one of the legs ends; what follows the block runs either way."""

    def __init__(self, legs: tuple[Leg, ...]) -> None:
        self._legs = legs
        self._scope = anyio.CancelScope()

    def __enter__(self) -> None:
        self._scope.__enter__()
        for leg in self._legs:
            leg.on_end(self._scope.cancel)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        for leg in self._legs:
            leg.forget(self._scope.cancel)
        return bool(self._scope.__exit__(kind, error, trace))


def while_up(*legs: Leg) -> WhileUp:
    """`with while_up(caller): ...`"""
    return WhileUp(legs)
