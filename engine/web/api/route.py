"""What a noun of the API declares, and how each of its routes is answered: the same for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from aiohttp import hdrs, web

from engine.web.api.office import Office
from engine.web.api.problem import Problem
from engine.web.api.tokens import Role, Who, allow

log = structlog.get_logger()
V1 = "/api/v1"
MOST_BYTES = 256 * 1024
"""Of a request's body."""


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A query without parameters."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and allowed."""

    office: Office
    who: Who
    request: web.Request
    query: Any
    """Of the route's type."""
    body: Any

    def named(self, part: str) -> str:
        """A part of the path."""
        return self.request.match_info[part]

    def audit(self, action: str, target: str, **more: object) -> None:
        """Keep that somebody changed something."""
        log.info(
            "audit",
            who=self.who.name,
            role=self.who.role.value,
            address=self.request.remote,
            action=action,
            target=target,
            **more,
        )


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked. The OpenAPI document is made from these."""

    method: str
    path: str
    """Below /api/v1."""
    name: str
    """operationId."""
    summary: str
    roles: frozenset[Role]
    run: Callable[[Call], Awaitable[object]]
    answer: Any
    """Type of the answer; a struct, or a generic one."""
    query: type[msgspec.Struct] = Nothing
    body: type[msgspec.Struct] | None = None
    faults: tuple[int, ...] = ()
    """Statuses that it answers beside those of every route."""
    content_type: str = "application/json"
    status: int = 200

    @property
    def noun(self) -> str:
        return self.path.split("/")[1]


def mount(app: web.Application, office: Office, routes: tuple[Route, ...]) -> None:
    """Put routes into an application."""
    for route in routes:
        app.router.add_route(route.method, V1 + route.path, _answering(office, route))


def _answering(office: Office, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        who = identify(office, request)
        allow(who, route.roles)
        call = Call(office, who, request, _query(request, route), await _body(request, route))
        answered = await route.run(call)
        if isinstance(answered, web.StreamResponse):
            return answered
        body = msgspec.json.encode(answered)
        headers = {"Cache-Control": "no-store"}
        return web.Response(status=route.status, body=body, content_type=route.content_type, headers=headers)

    return answer


def identify(office: Office, request: web.Request) -> Who:
    """Who asks, within their allowance. Raises Problem 401, 403 or 429."""
    now, address = office.monotonic(), request.remote or ""
    office.by_address.take(address, now)
    office.failures.check(address, now)
    try:
        who = office.tokens.bearer(request.headers.get(hdrs.AUTHORIZATION, ""))
    except Problem as problem:
        if problem.status == 401:
            office.failures.take(address, now)
        raise
    office.by_token.take(who.name, now)
    return who


def _query(request: web.Request, route: Route) -> msgspec.Struct:
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise Problem(400, f"{name}: given twice", allowed="each parameter once")
        given[name] = value
    try:
        return msgspec.convert(given, route.query, strict=False)
    except msgspec.ValidationError as error:
        known = ", ".join(field.encode_name for field in msgspec.structs.fields(route.query)) or "none"
        raise Problem(400, f"query: {error}", allowed=f"parameters: {known}") from error


async def _body(request: web.Request, route: Route) -> msgspec.Struct | None:
    if route.body is None:
        return None
    if request.content_type != "application/json":
        raise Problem(415, f"{request.content_type} is not read here", allowed="application/json")
    try:
        return msgspec.json.decode(await request.read(), type=route.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, f"body: {error}", allowed="JSON as /api/v1/openapi.json describes it") from error
