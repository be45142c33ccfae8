"""Errors as RFC 9457 problem details, whatever went wrong and wherever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from engine.store.store import StoreDown

log = structlog.get_logger()
PREFIX = "/api/"
TYPE = "application/problem+json"


class FaultView(msgspec.Struct, kw_only=True):
    """One thing that is wrong with a deployment."""

    where: str
    """file:line:column."""
    message: str
    allowed: str


class ProblemDetails(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What was wrong, where, and what is allowed (RFC 9457)."""

    type: str
    """`about:blank`, or urn:cordboard:problem:NAME where the status alone does not tell."""
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    """The path that was asked for."""
    allowed: str = ""
    """What would have been right."""
    faults: list[FaultView] = []
    """Of a deployment that was refused."""


class Problem(Exception):
    """An answer that is no success. `kind` names what happened, for programs."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        allowed: str = "",
        kind: str = "",
        headers: Mapping[str, str] | None = None,
        faults: Sequence[FaultView] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.allowed = allowed
        self.kind = kind
        self.headers = dict(headers or {})
        self.faults = list(faults)


def answer(problem: Problem, path: str) -> web.Response:
    """A problem as it goes out."""
    details = ProblemDetails(
        type=f"urn:cordboard:problem:{problem.kind}" if problem.kind else "about:blank",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        instance=path,
        allowed=problem.allowed,
        faults=problem.faults,
    )
    body = msgspec.json.encode(details)
    headers = {"Cache-Control": "no-store"} | problem.headers
    return web.Response(status=problem.status, body=body, content_type=TYPE, headers=headers)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever the API raises into problem details; defects are logged and say nothing of themselves."""
    if not request.path.startswith(PREFIX):
        return await handler(request)
    try:
        return await handler(request)
    except Problem as problem:
        return answer(problem, request.path)
    except web.HTTPException as error:
        return answer(_of_server(error), request.path)
    except StoreDown as error:
        log.warning("api_without_store", path=request.path, reason=str(error))
        return answer(Problem(503, "the store cannot be read at the moment", kind="store"), request.path)
    except Exception:  # one request's defect must not show its insides: it is logged
        log.exception("api_fault", method=request.method, path=request.path)
        return answer(Problem(500, "a defect of the engine; its log has the trace"), request.path)


def _of_server(error: web.HTTPException) -> Problem:
    match error:
        case web.HTTPNotFound():
            return Problem(404, "nothing is at this path", allowed="see /api/v1/openapi.json")
        case web.HTTPMethodNotAllowed():
            methods = ", ".join(sorted(error.allowed_methods))
            return Problem(405, "not this method", allowed=methods, headers={"Allow": methods})
        case web.HTTPRequestEntityTooLarge():
            return Problem(413, "the body is too large", allowed="a shorter one")
    return Problem(error.status, error.text or error.reason)
