"""Who changed what: every change that was made through the API, for those who have to account for it."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.store.records import ChangeMade
from engine.store.search import Changes
from engine.web.api.paging import Moment, Page, PageLimit, TimeCursor, Word, cursor_at, place_of
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


class ListChanges(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which ones; all that is given must hold."""

    limit: PageLimit = 50
    cursor: TimeCursor | None = None
    since: Moment | None = None
    until: Moment | None = None
    """Before."""
    who: Word | None = None
    action: Word | None = None
    target: Word | None = None


async def list_changes(call: Call) -> Page[ChangeView]:
    asked: ListChanges = call.query
    wanted = Changes(
        limit=asked.limit + 1,
        after=place_of(asked.cursor) if asked.cursor is not None else None,
        since=asked.since.timestamp() if asked.since else None,
        until=asked.until.timestamp() if asked.until else None,
        who=asked.who,
        action=asked.action,
        target=asked.target,
    )
    made = await call.office.store.changes(wanted)
    page, more = made[: asked.limit], len(made) > asked.limit
    return Page([seen(change) for change in page], cursor_at(page[-1].wall, page[-1].id) if more else None)


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
