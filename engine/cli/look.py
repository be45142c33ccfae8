"""cordboard status, calls, queues, agents: a running engine, seen from the command line."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from engine.cli import codes, tables
from engine.cli.api import Api, Refused, Unreachable

Url = Annotated[str, typer.Option("--url", envvar="CORDBOARD_URL", help="Where the engine's web.listen is.")]
Token = Annotated[
    str, typer.Option("--token", envvar="CORDBOARD_TOKEN", help="One of its web.tokens.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="What the API said, for programs.")]
Watch = Annotated[
    float | None,
    typer.Option(
        "--watch", min=0.2, metavar="SECONDS", help="Show it again and again; every 2 s if no number follows."
    ),
]
FINAL = (401, 403)
"""Refusals that asking again does not change."""
PAUSE = "2"
HERE = "http://127.0.0.1:8080"
MOST = 10_000
Ask = Callable[[Api], Awaitable[Any]]
Show = Callable[[Any], RenderableType]


def status(url: Url = HERE, token: Token = "", as_json: Json = False, watch: Watch = None) -> None:
    """The engine as a whole: calls, queues, agents."""
    look(Api(url, token), lambda api: api.get("/status"), tables.status_table, as_json=as_json, watch=watch)


def calls(
    url: Url = HERE,
    token: Token = "",
    past: Annotated[bool, typer.Option("--all", help="Those that ended too, the newest first.")] = False,
    most: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="How many at most.")] = 50,
    as_json: Json = False,
    watch: Watch = None,
) -> None:
    """Conversations; the live ones."""
    query = {} if past else {"live": "true"}
    look(
        Api(url, token),
        lambda api: api.every("/conversations", most, **query),
        lambda rows: tables.table("calls", tables.PAST if past else tables.CALLS, rows),
        as_json=as_json,
        watch=watch,
    )


def queues(url: Url = HERE, token: Token = "", as_json: Json = False, watch: Watch = None) -> None:
    """Queues: who waits, and what came of those before."""
    look(
        Api(url, token),
        lambda api: api.every("/queues", MOST),
        lambda rows: tables.table("queues", tables.QUEUES, rows),
        as_json=as_json,
        watch=watch,
    )


def agents(url: Url = HERE, token: Token = "", as_json: Json = False, watch: Watch = None) -> None:
    """Agents: what each is and does."""
    look(
        Api(url, token),
        lambda api: api.every("/agents", MOST),
        lambda rows: tables.table("agents", tables.AGENTS, rows),
        as_json=as_json,
        watch=watch,
    )


def look(api: Api, ask: Ask, show: Show, *, as_json: bool, watch: float | None) -> None:
    """Ask once, or until interrupted, and show it. Exit codes as the README says."""
    err = Console(stderr=True)
    try:
        if watch is None:
            once(api, ask, show, as_json=as_json)
        elif as_json:
            while True:
                once(api, ask, show, as_json=True)
                time.sleep(watch)
        else:
            watching(lambda: asyncio.run(_asked(api, ask)), show, watch)
    except KeyboardInterrupt:
        return
    except Refused as refused:
        err.print(str(refused), highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(codes.REFUSED) from None
    except Unreachable as error:
        err.print(str(error), highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(codes.UNREACHABLE) from None


def once(api: Api, ask: Ask, show: Show, *, as_json: bool) -> None:
    found = asyncio.run(_asked(api, ask))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        Console().print(show(found))


def watching(ask: Callable[[], Any], show: Show, pause: float) -> None:
    """Show it until interrupted. Once there was an answer, an engine that is away for a while is waited for."""
    shown: list[RenderableType] = [show(ask())]
    with Live(shown[0], console=Console(), auto_refresh=False) as screen:
        while True:
            screen.update(Group(*shown), refresh=True)
            time.sleep(pause)
            try:
                shown = [show(ask())]
            except (Unreachable, Refused) as error:
                if isinstance(error, Refused) and error.status in FINAL:
                    raise
                shown = [shown[0], Text(f"{time.strftime('%H:%M:%S')} {error}; trying again", style="red")]


async def _asked(api: Api, ask: Ask) -> Any:
    return await ask(api)


def spelled_out(words: list[str]) -> list[str]:
    """A command line in which --watch has its number."""
    made: list[str] = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        made.append(word)
        if word == "--watch" and not following[:1].isdigit():
            made.append(PAUSE)
    return made


COMMANDS = (status, calls, queues, agents)
