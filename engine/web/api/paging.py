"""Pages of a list: a limit, a cursor that nobody but us reads, and the next one."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from engine.web.api.problem import Problem

T = TypeVar("T")
K = TypeVar("K", str, tuple[float, str])

Word = Annotated[str, Meta(max_length=128, pattern=r"^[^\x00-\x1f]*$")]
"""A value to look for."""
PageLimit = Annotated[int, Meta(ge=1, le=200, description="Entries of a page.")]
Cursor = Annotated[str, Meta(max_length=512, description="`next` of the page before.")]


class Paging(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every list can be asked."""

    limit: PageLimit = 50
    cursor: Cursor | None = None


class Page(msgspec.Struct, Generic[T]):
    """Some entries of a list."""

    items: list[T]
    next: str | None
    """Cursor of the page after this one; null when this is the last."""


def cursor_of(key: str | tuple[float, str]) -> str:
    """A place in a list as a cursor."""
    return urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read_cursor(cursor: str | None, kind: type[K]) -> K | None:
    """The place that a cursor stands for. Raises Problem 400 for one that is none of ours."""
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        return msgspec.json.decode(text, type=kind)
    except (ValueError, msgspec.DecodeError) as error:
        raise Problem(400, "cursor: not one of this list's", allowed="`next` of the page before") from error


def page_by_name(entries: Iterable[T], name: Callable[[T], str], asked: Paging) -> Page[T]:
    """A page of what has a name, in the order of names."""
    after = read_cursor(asked.cursor, str)
    rest = sorted((entry for entry in entries if after is None or name(entry) > after), key=name)
    items = rest[: asked.limit]
    return Page(items, cursor_of(name(items[-1])) if len(rest) > len(items) else None)
