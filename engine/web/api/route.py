"""What a noun of the API declares, and how each of its routes is answered: the same for all."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from types import NoneType
from typing import Any, get_args, get_origin

import msgspec
import structlog
from aiohttp import hdrs, web
from msgspec.structs import FieldInfo

from engine.store.records import ChangeMade
from engine.web.api.office import Office
from engine.web.api.problem import Problem
from engine.web.api.tokens import Role, Who, allow

log = structlog.get_logger()
V1 = "/api/v1"
MOST_BYTES = 256 * 1024
"""Of a request's body."""


LONGEST_NAME = 128
NAMED = rf"^[^\x00-\x1f\x7f]{{1,{LONGEST_NAME}}}$"
"""What a part of a path can be."""


JSON_SCALARS = (bool, int, float)
"""Parameters of these types are written as in JSON; of others as they are."""


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
        """A part of the path. Raises Problem 404 for what no name can be."""
        name = self.request.match_info[part]
        if not re.match(NAMED, name):
            raise Problem(
                404, f"{part}: no name is like this", allowed=f"1 to {LONGEST_NAME} printable characters"
            )
        return name

    def audit(self, action: str, target: str, **detail: str) -> None:
        """Keep that somebody changed something: in the log, and in the store for `GET /audit`."""
        who, role, address = self.who.name, self.who.role.value, self.request.remote or ""
        log.info("audit", who=who, role=role, address=address, action=action, target=target, **detail)
        office, id = self.office, token_hex(12)
        office.store.write(
            ChangeMade(id, office.node, office.clock.wall(), who, role, address, action, target, detail)
        )


@dataclass(frozen=True, slots=True)
class Link:
    """Where an answer leads on."""

    to: str
    """operationId."""
    parameter: str
    """Its parameter that the answer tells ..."""
    found: str
    """... at this JSON pointer."""


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
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of a request, and what each says."""
    links: tuple[Link, ...] = ()
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
    known = {field.encode_name: field for field in msgspec.structs.fields(route.query)}
    given: dict[str, Any] = {}
    for name, value in request.query.items():
        if name not in known:
            raise Problem(400, f"query: no parameter {name}", allowed=", ".join(known) or "none")
        if name in given:
            raise Problem(400, f"{name}: given twice", allowed="each parameter once")
        given[name] = _parameter(known[name], value)
    return route.query(**given)


def _parameter(field: FieldInfo, text: str) -> Any:
    """A parameter is given or left out: what spells null is a word like any other."""
    options = [option for option in get_args(field.type) if option is not NoneType]
    kind = options[0] if NoneType in get_args(field.type) else field.type
    try:
        if get_origin(kind) is list:
            return msgspec.convert([part for part in text.split(",") if part], kind)
        if (get_args(kind) or (kind,))[0] in JSON_SCALARS:
            return msgspec.json.decode(text, type=kind)
        return msgspec.convert(text, kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Problem(
            400, f"{field.encode_name}: {error}", allowed="what /api/v1/openapi.json says of it"
        ) from error


async def _body(request: web.Request, route: Route) -> msgspec.Struct | None:
    if route.body is None:
        return None
    if request.content_type != "application/json":
        raise Problem(415, f"{request.content_type} is not read here", allowed="application/json")
    try:
        return msgspec.json.decode(await request.read(), type=route.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, f"body: {error}", allowed="JSON as /api/v1/openapi.json describes it") from error
