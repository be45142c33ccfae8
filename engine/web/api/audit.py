"""Who changed what: every change that was made through the API, for those who have to account for it."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.store.records import ChangeMade
from engine.store.search import Changes
from engine.web.api.paging import Moment, Page, TimePaging, Word, page_by_time
from engine.web.api.route import Call, Link, Route
from engine.web.api.tokens import ADMIN


class ChangeView(msgspec.Struct, kw_only=True):
    """One change."""

    id: str
    node: str
    """Where it was asked for."""
    at: Moment
    who: str
    """The name of their token."""
    role: str
    address: str
    """Where they asked from."""
    action: str
    """`agent.presence`, `conversation.hang_up`, `config.reload` ..."""
    target: str
    """What was changed."""
    detail: dict[str, Any]


class ListChanges(TimePaging, kw_only=True):
    """Which ones; all that is given must hold."""

    who: Word | None = None
    action: Word | None = None
    target: Word | None = None


async def list_changes(call: Call) -> Page[ChangeView]:
    asked: ListChanges = call.query
    wanted = Changes(**asked.window(), who=asked.who, action=asked.action, target=asked.target)
    return page_by_time(await call.office.store.changes(wanted), asked, Changes.key, seen)


def seen(made: ChangeMade) -> ChangeView:
    about = {name: getattr(made, name) for name in made.__slots__} | {"at": made.wall}
    return msgspec.convert(about, ChangeView, strict=False)


ROUTES = (
    Route(
        "GET",
        "/audit",
        "listChanges",
        "What was changed through the API and by whom, the newest first",
        ADMIN,
        list_changes,
        Page[ChangeView],
        query=ListChanges,
        links=(Link("listChanges", "cursor", "/next"),),
    ),
)
