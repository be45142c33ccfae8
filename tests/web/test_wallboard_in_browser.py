"""The wallboard in a real browser: rows appear, times tick, nothing is asked of another host."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from engine.facts import Clock
from engine.web.live import FEED
from engine.web.site import create_site, serve
from tests.kit.browser import Tab, browsing
from tests.web.boards import Wall, board, call

CLOCK = Clock(time.monotonic, time.time)
SCRIPT = "<img src=x onerror='window.broken = 1'><script>window.broken = 1</script>"
pytestmark = pytest.mark.peer("chromium")


def rows(selector: str) -> str:
    return f"document.querySelectorAll('{selector} tbody tr').length"


@asynccontextmanager
async def wallboard(program: str, folder: Path, wall: Wall, *, width: int) -> AsyncIterator[tuple[Tab, str]]:
    site = create_site(wall, CLOCK)
    async with serve(site, "127.0.0.1", 0) as (host, port), browsing(program, folder) as tab:
        url = f"http://{host}:{port}"
        await tab.open(url, width=width)
        await tab.until("document.body?.dataset.link === 'live'")
        yield tab, url
        assert tab.complaints == []
        assert {urlsplit(asked).netloc for asked in tab.requests} == {f"{host}:{port}"}
        assert site[FEED].viewers == 1


async def test_live_rows_come_and_go_and_keep_their_elements(peer_chromium: str, tmp_path: Path) -> None:
    wall = Wall(board(at=time.monotonic()))
    async with wallboard(peer_chromium, tmp_path, wall, width=1280) as (tab, _):
        assert await tab.value(rows("#calls")) == 0
        calls = [call(i) for i in range(4)]
        wall.show(board(*calls, at=time.monotonic()))
        await tab.until(f"{rows('#calls')} === 4")
        await tab.value("document.getElementById('call-n1-2').mark = 'mine'")
        wall.show(board(*calls[1:], at=time.monotonic()))
        await tab.until(f"{rows('#calls')} === 3")
        assert await tab.value("document.getElementById('call-n1-2').mark") == "mine"
        assert await tab.value("document.title") == "(1) Acme Utilities · wallboard"
        wall.show(board(at=time.monotonic()))
        await tab.until("document.getElementById('calls').innerText.includes('No calls')")


async def test_times_tick_without_asking_the_server(peer_chromium: str, tmp_path: Path) -> None:
    now = time.monotonic()
    wall = Wall(board(call(0, since=now - 18, started=now - 18), at=now))
    async with wallboard(peer_chromium, tmp_path, wall, width=1280) as (tab, _):
        asked, taken = len(tab.requests), wall.taken
        await tab.until("document.querySelector('#calls .whole').innerText.includes('0:21')")
        assert await tab.value("document.querySelector('#calls .whole .counting').classList.contains('late')")
        assert [url for url in tab.requests[asked:] if not url.endswith("mark.svg")] == []
        assert wall.taken == taken


async def test_what_a_caller_is_called_never_runs(peer_chromium: str, tmp_path: Path) -> None:
    wall = Wall(board(call(2, caller=SCRIPT), at=time.monotonic()))
    async with wallboard(peer_chromium, tmp_path, wall, width=1280) as (tab, _):
        wall.show(board(call(2, caller=SCRIPT), call(1, caller=SCRIPT), at=time.monotonic()))
        await tab.until(f"{rows('#calls')} === 2")
        assert await tab.value("document.querySelector('#calls .caller').innerText") == SCRIPT
        assert await tab.value("typeof window.broken") == "undefined"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("count", [0, 3, 40])
async def test_nothing_sticks_out_sideways(
    peer_chromium: str, tmp_path: Path, width: int, count: int
) -> None:
    wall = Wall(board(*(call(i) for i in range(count)), people=12, at=time.monotonic()))
    async with wallboard(peer_chromium, tmp_path, wall, width=width) as (tab, _):
        assert await tab.value("innerWidth") == width
        assert (
            await tab.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            == 0
        )
        assert await tab.value(rows("#calls")) == count
        shown = "[...document.querySelectorAll('h2')].filter(h => h.checkVisibility()).map(h => h.id)"
        assert await tab.value(shown) == ["calls-title", "queues-title", "agents-title"]
