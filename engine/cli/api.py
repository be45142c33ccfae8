"""A running engine's API, as the command line asks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp

LONGEST = aiohttp.ClientTimeout(total=10)
PAGE = 200


class Refused(Exception):
    """The engine answered, and not with what was asked for; the text is its problem's."""


class Unreachable(Exception):
    """No engine answers there; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Api:
    """Where the engine is and what to show it."""

    url: str
    token: str

    async def get(self, path: str, **query: str) -> Any:
        """One answer. Raises Refused and Unreachable."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        where = self.url.rstrip("/") + "/api/v1" + path
        try:
            async with aiohttp.ClientSession(timeout=LONGEST, headers=headers) as http:
                async with http.get(where, params=query) as answer:
                    body = await answer.json(content_type=None)
                    if answer.status != 200:
                        raise Refused(_said(answer.status, body))
                    return body
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unreachable(f"{self.url}: {error or 'no answer in time'}") from error

    async def every(self, path: str, most: int, **query: str) -> list[Any]:
        """The first entries of a list, page after page."""
        found: list[Any] = []
        while len(found) < most:
            page = await self.get(path, **query, limit=str(min(PAGE, most - len(found))))
            found += page["items"]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        return found


def _said(status: int, body: Any) -> str:
    if not isinstance(body, dict):
        return str(status)
    allowed = f"; allowed: {body['allowed']}" if body.get("allowed") else ""
    return f"{status} {body.get('detail') or body.get('title', '')}{allowed}"
