"""Where a called number leads. Pure: settings in, a route or a refusal out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class NumberView(Protocol):
    @property
    def inbound(self) -> bool: ...


class RouteView(Protocol):
    @property
    def queue(self) -> str: ...

    @property
    def when(self) -> object | None: ...


class WorkstreamView(Protocol):
    """An inbound workstream."""

    @property
    def numbers(self) -> Sequence[str]: ...

    @property
    def routes(self) -> Sequence[RouteView]: ...


@dataclass(frozen=True, slots=True)
class ToQueue:
    queue: str
    workstream: str


@dataclass(frozen=True, slots=True)
class NoRoute:
    code: int
    """SIP status that tells the caller's side."""
    why: str


def dialled(user: str, numbers: Mapping[str, object]) -> str:
    """The number as the deployment writes it, from a Request-URI's user part (with or without its plus or 00)."""
    digits = user.partition(";")[0]
    for candidate in (digits, f"+{digits}", f"+{digits.removeprefix('00')}"):
        if candidate in numbers:
            return candidate
    return digits


def route(
    user: str, numbers: Mapping[str, NumberView], workstreams: Mapping[str, WorkstreamView]
) -> ToQueue | NoRoute:
    """Follow a called number to its workstream and on to a queue: the first route without a condition."""
    number = dialled(user, numbers)
    known = numbers.get(number)
    if known is None:
        return NoRoute(404, f"{number} is not a number of this deployment")
    if not known.inbound:
        return NoRoute(403, f"{number} takes no inbound calls")
    for name, stream in workstreams.items():
        if number in stream.numbers:
            for step in stream.routes:
                if step.when is None:
                    return ToQueue(step.queue, name)
            return NoRoute(480, f"workstream {name} has no route for {number}")
    return NoRoute(404, f"no workstream takes {number}")
