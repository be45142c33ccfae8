"""Doing things for as long as a party is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from engine.legs.leg import Leg


@contextmanager
def while_up(*legs: Leg) -> Iterator[anyio.CancelScope]:
    """The body is cancelled as soon as one of these legs ends; what follows the block runs either way."""
    with anyio.CancelScope() as scope:
        for leg in legs:
            leg.on_end(scope.cancel)
        try:
            yield scope
        finally:
            for leg in legs:
                leg.forget(scope.cancel)
