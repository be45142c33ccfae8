"""Every noun of the API. A new one is a file with ROUTES, and its line here."""

from __future__ import annotations

from aiohttp import web

from engine.web.api import agents, audit, configuration, conversations, events, queues, status
from engine.web.api.office import Office
from engine.web.api.openapi import serve_document
from engine.web.api.route import mount

ROUTES = (
    *status.ROUTES,
    *conversations.ROUTES,
    *queues.ROUTES,
    *agents.ROUTES,
    *events.ROUTES,
    *configuration.ROUTES,
    *audit.ROUTES,
)


def serve_api(app: web.Application, office: Office) -> None:
    """Put the API, its description and the page that shows it into an application."""
    mount(app, office, ROUTES)
    serve_document(app, ROUTES)

    async def let_listeners_go(app: web.Application) -> None:
        office.ring.close()

    app.on_shutdown.append(let_listeners_go)
