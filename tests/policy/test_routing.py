"""Where a called number leads."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from engine.policy.routing import NoRoute, ToQueue, dialled, route


class Number(NamedTuple):
    inbound: bool = True


class Route(NamedTuple):
    queue: str
    when: object | None = None


class Stream(NamedTuple):
    numbers: tuple[str, ...]
    routes: tuple[Route, ...]


NUMBERS = {"+442071230001": Number(), "+442071230002": Number(), "+442071230003": Number(inbound=False)}
STREAMS = {
    "support": Stream(("+442071230001",), (Route("night", when="later"), Route("support"))),
    "empty": Stream(("+442071230002",), ()),
}


@pytest.mark.parametrize(
    "user", ["+442071230001", "442071230001", "00442071230001", "+442071230001;phone-context=x"]
)
def test_a_number_is_known_however_it_is_dialled(user: str) -> None:
    assert route(user, NUMBERS, STREAMS) == ToQueue("support", "support")


def test_a_user_that_is_no_number_stays_what_it_is() -> None:
    assert dialled("anna", NUMBERS) == "anna"


@pytest.mark.parametrize(
    ("user", "code"),
    [("+4420", 404), ("anna", 404), ("", 404), ("+442071230003", 403), ("+442071230002", 480)],
)
def test_what_leads_nowhere_is_refused_with_its_reason(user: str, code: int) -> None:
    refused = route(user, NUMBERS, STREAMS)
    assert isinstance(refused, NoRoute)
    assert refused.code == code
    assert refused.why
