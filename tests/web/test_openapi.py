"""The description is true: whatever it allows is answered as it says, and nothing it forbids breaks anything."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.web.api.nouns import ROUTES
from engine.web.api.openapi import document
from engine.web.api.problem import TYPE, ProblemDetails
from engine.web.api.route import V1, Route
from tests.web.offices import Client, office

REFERENCE = re.compile(r"^#/components/schemas/(.+)$")
ASKED = [route for route in ROUTES if route.content_type == "application/json"]


def references(value: Any) -> set[str]:
    """The schemas that a part of the document points to."""
    if isinstance(value, dict):
        own = REFERENCE.match(value["$ref"]) if "$ref" in value else None
        return ({own[1]} if own else set()).union(*(references(part) for part in value.values()))
    return set().union(*(references(part) for part in value)) if isinstance(value, list) else set()


def test_every_reference_leads_somewhere_and_names_are_given_once() -> None:
    made = document(ROUTES)
    assert references(made) <= set(made["components"]["schemas"])
    names = [route.name for route in ROUTES]
    assert len(names) == len(set(names))
    assert made["openapi"] == "3.1.0"


def test_a_null_parameter_is_never_asked_for() -> None:
    text = msgspec.json.encode(
        [
            operation["parameters"]
            for methods in document(ROUTES)["paths"].values()
            for operation in methods.values()
        ]
    )
    assert b"null" not in text


async def test_the_reader_page_and_all_it_needs_come_from_here(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        async with client.http.get(client.url + "/api") as got:
            html = await got.text()
            assert got.content_type == "text/html"
        named = re.findall(r'(?:src|href)="([^"]+)"', html)
        assert len(named) == 4
        for path in named:
            assert path.startswith("/")
            async with client.http.get(client.url + path) as got:
                assert got.status == 200


WORDS = st.one_of(
    st.sampled_from(
        ["support", "anna", "talking", "true", "false", "0", "1", "200", "201", "-1", "available"]
    ),
    st.sampled_from(["2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]),
    st.text(max_size=40),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[Route, dict[str, Any]]:
    """Any request to any route, near what it takes or far from it."""
    route = draw(st.sampled_from(ASKED))
    names = [field.encode_name for field in msgspec.structs.fields(route.query)] + ["other"]
    query = draw(st.dictionaries(st.sampled_from(names), WORDS, max_size=3))
    path = re.sub(r"{\w+}", lambda _: draw(SEGMENTS), route.path)
    more: dict[str, Any] = {"params": query, "path": path}
    if route.body is not None:
        fields = [field.encode_name for field in msgspec.structs.fields(route.body)]
        near = st.dictionaries(st.sampled_from(fields), WORDS, max_size=len(fields))
        more["json"] = draw(near | VALUES)
    return route, more


SEGMENTS = st.sampled_from(["anna", "support", "n1-0", "%00", "..", "%2e%2e", "é", "a b"]) | st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_characters="/?#%{}\\"),
    min_size=1,
    max_size=20,
)


async def ask(client: Client, route: Route, more: dict[str, Any]) -> None:
    url = client.url + V1 + more.pop("path")
    headers = {"Authorization": "Bearer token-root"}
    async with client.http.request(route.method, url, headers=headers, **more) as got:
        body = await got.read()
    documented = {int(status) for status in _operation(route)["responses"]} | {404}
    assert got.status in documented
    assert got.status < 500
    if got.status == route.status:
        msgspec.json.decode(body, type=route.answer)
    elif got.content_type == TYPE:
        assert msgspec.json.decode(body, type=ProblemDetails).status == got.status
    else:
        pytest.fail(f"{got.status} {got.content_type} is neither the answer nor a problem")


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = DOCUMENT["paths"][V1 + route.path][route.method.lower()]
    return operation


DOCUMENT = document(ROUTES)


async def test_whatever_is_asked_is_answered_as_described(tmp_path: Path) -> None:
    """One engine takes a few hundred requests of all kinds."""
    loop = asyncio.get_running_loop()
    async with office(tmp_path) as client:
        await client.centre.trunk().call("+449999", ("127.0.0.1", 5060)).until("failed 404")

        @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
        @given(requests())
        def all_kinds(asked: tuple[Route, dict[str, Any]]) -> None:
            asyncio.run_coroutine_threadsafe(ask(client, *asked), loop).result(10)

        await asyncio.to_thread(all_kinds)
