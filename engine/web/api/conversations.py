"""Conversations: those that are live and those that were, each with its story; and hanging up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from engine.conversations.conversation import Conversation
from engine.store.records import ConversationRow, JournalRow, RecordingWhole
from engine.store.search import Search
from engine.web.api.office import Office
from engine.web.api.paging import Moment, Page, TimePaging, Word, page_by_time
from engine.web.api.problem import Problem
from engine.web.api.route import Call, Link, Route
from engine.web.api.tokens import STAFF


class ConversationView(msgspec.Struct, kw_only=True):
    """One customer's interaction. Times are UTC."""

    id: str
    node: str
    direction: str
    number: str
    """Our number."""
    caller: str
    """The other side's number, as the network gave it."""
    queue: str
    agent: str
    phase: str
    started: Moment
    answered: Moment | None
    """When an agent first spoke to the customer."""
    ended: Moment | None
    end: str | None
    """How it finished; null while it is live."""


class StoryLine(msgspec.Struct, kw_only=True):
    """One line of a conversation's journal."""

    seq: int
    at: Moment
    kind: str
    """`phase` or `event`."""
    name: str
    detail: dict[str, Any]


class RecordingView(msgspec.Struct, kw_only=True):
    """One leg's recording."""

    leg: str
    path: str
    started: Moment
    seconds: float
    gaps: int
    fault: str | None


class ConversationStory(ConversationView, kw_only=True):
    """A conversation with everything that is known of it."""

    story: list[StoryLine]
    """As far as the store has it: live ones are a moment behind."""
    recordings: list[RecordingView]


class ListConversations(TimePaging, kw_only=True):
    """Which ones, by the time they started; all that is given must hold."""

    live: bool | None = None
    queue: Word | None = None
    agent: Word | None = None
    number: Word | None = None
    caller: Word | None = None
    direction: Literal["inbound", "outbound"] | None = None
    phase: Word | None = None
    end: Word | None = None


async def list_conversations(call: Call) -> Page[ConversationView]:
    asked: ListConversations = call.query
    search = Search(
        **asked.window(),
        live=asked.live,
        queue=asked.queue,
        agent=asked.agent,
        number=asked.number,
        caller=asked.caller,
        direction=asked.direction,
        phase=asked.phase,
        end=asked.end,
    )
    return page_by_time(await call.office.store.conversations(search), asked, Search.key, seen)


async def show_conversation(call: Call) -> ConversationStory:
    id, office = call.named("id"), call.office
    live = office.book.live.get(id)
    row = row_of(office, live) if live is not None else await office.store.conversation(id)
    if row is None:
        raise unknown(id)
    story = [line(entry) for entry in await office.store.journal(id)]
    recordings = [recording(whole) for whole in await office.store.recordings(id)]
    return ConversationStory(**msgspec.structs.asdict(seen(row)), story=story, recordings=recordings)


async def hang_up(call: Call) -> ConversationView:
    id, office = call.named("id"), call.office
    live = office.book.live.get(id)
    if live is None:
        if await office.store.conversation(id) is None:
            raise unknown(id)
        raise Problem(409, f"conversation {id} has ended", allowed="a live one", kind="ended")
    if not office.book.release(id, f"API: {call.who.name}"):
        raise Problem(409, f"conversation {id} is ending", allowed="a live one", kind="ended")
    office.journal.noted(live, "hung_up", {"who": call.who.name, "role": call.who.role.value})
    call.audit("conversation.hang_up", id)
    return seen(row_of(office, live))


def unknown(id: str) -> Problem:
    return Problem(404, f"no conversation {id}", allowed="an id of GET /api/v1/conversations")


def row_of(office: Office, live: Conversation) -> ConversationRow:
    """A live conversation as the store will know it."""
    return ConversationRow(
        id=live.id,
        node=office.node,
        direction="inbound",
        number=live.number,
        caller=live.customer.number,
        started=live.started,
        queue=live.queue,
        agent=live.agent,
        answered=live.answered,
        phase=live.phase,
    )


def seen(row: ConversationRow) -> ConversationView:
    """Times become dates on the way: not strict."""
    return msgspec.convert(row, ConversationView, from_attributes=True, strict=False)


def line(entry: JournalRow) -> StoryLine:
    at = moment(entry.wall)
    return StoryLine(seq=entry.seq, at=at, kind=entry.kind, name=entry.name, detail=dict(entry.detail))


def recording(whole: RecordingWhole) -> RecordingView:
    return RecordingView(
        leg=whole.leg,
        path=whole.path,
        started=moment(whole.started),
        seconds=whole.seconds,
        gaps=whole.gaps,
        fault=whole.fault,
    )


def moment(wall: float) -> datetime:
    """Seconds since 1970 as a UTC time."""
    return datetime.fromtimestamp(wall, UTC)


ROUTES = (
    Route(
        "GET",
        "/conversations",
        "listConversations",
        "Conversations, the newest first",
        STAFF,
        list_conversations,
        Page[ConversationView],
        query=ListConversations,
        links=(
            Link("listConversations", "cursor", "/next"),
            Link("showConversation", "id", "/items/0/id"),
            Link("hangUp", "id", "/items/0/id"),
            Link("showAgent", "id", "/items/0/agent"),
            Link("showQueue", "name", "/items/0/queue"),
        ),
    ),
    Route(
        "GET",
        "/conversations/{id}",
        "showConversation",
        "One conversation with its story and its recordings",
        STAFF,
        show_conversation,
        ConversationStory,
        faults=(404,),
    ),
    Route(
        "POST",
        "/conversations/{id}/hang-up",
        "hangUp",
        "End a live conversation: everybody in it is hung up on",
        STAFF,
        hang_up,
        ConversationView,
        faults=(404, 409),
        status=202,
    ),
)
