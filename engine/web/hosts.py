"""Which names this server answers to: a page of another site must not reach it by a name of its own making."""

from __future__ import annotations

from collections.abc import Callable, Collection
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from engine.web.api.problem import Problem, answer

Hosts = Callable[[], Collection[str]]
"""Further names, in lower case (web.hosts)."""


def none_further() -> Collection[str]:
    return ()


def host_check(further: Hosts) -> Middleware:
    """A middleware that answers 421 to foreign names.

    IP addresses pass: DNS rebinding needs a name. So do localhost and the names below it.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = host_name(request.host)
        if not is_ours(name, further()):
            problem = Problem(
                421,
                f"{name or 'no name'} is not a host of this server",
                allowed="its IP address, localhost, or a name of web.hosts in the deployment",
                kind="host",
            )
            return answer(problem, request.path)
        return await handler(request)

    return check


def host_name(host: str) -> str:
    """The name or address of a Host header, without port, brackets and final dot."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".").lower()


def is_ours(name: str, further: Collection[str]) -> bool:
    if name == "localhost" or name.endswith(".localhost") or name in further:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
