"""A running engine's API, as the command line asks it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any

import aiohttp

LONGEST = aiohttp.ClientTimeout(total=10)
PAGE = 200
URL = re.compile(r"https?://[^/\s]+(/\S*)?")
HOW = "--url or CORDBOARD_URL names the web.listen of its deployment"
TOKEN = "--token or CORDBOARD_TOKEN with one of the deployment's web.tokens"


class Refused(Exception):
    """The engine answered, and not with what was asked for; the text is its problem's."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


class Unreachable(Exception):
    """No engine answers there; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Api:
    """Where the engine is and what to show it."""

    url: str
    token: str

    async def get(self, path: str, **query: str) -> Any:
        """One answer. Raises Refused and Unreachable."""
        where = self.url.rstrip("/") + "/api/v1" + path
        if not URL.fullmatch(self.url):
            raise Unreachable(f"{self.url!r} is no address of an engine; allowed: http://HOST:PORT ({HOW})")
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            async with aiohttp.ClientSession(timeout=LONGEST, headers=headers) as http:
                async with http.get(where, params=query) as answer:
                    body = json.loads(await answer.read())
                    if answer.status != 200:
                        raise Refused(answer.status, _said(answer.status, body))
                    return body
        except ValueError as error:
            raise Unreachable(f"{self.url}: what answers there is no engine ({HOW})") from error
        except aiohttp.ClientConnectorError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise Unreachable(f"no engine answers at {self.url}: {why} ({HOW})") from error
        except (aiohttp.ClientError, TimeoutError) as error:
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
    if status == 401:
        return f"401 {body['detail']}; allowed: {TOKEN}"
    allowed = f"; allowed: {body['allowed']}" if body.get("allowed") else ""
    return f"{status} {body.get('detail') or body.get('title', '')}{allowed}"
