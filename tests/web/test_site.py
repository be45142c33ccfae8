"""Pages, headers and probes, as an HTTP client sees them."""

from __future__ import annotations

import socket
from dataclasses import replace

import aiohttp
import pytest

from engine.web.board import Totals
from engine.web.site import CannotListen, create_site, serve
from tests.web.boards import Wall, board, call
from tests.web.streams import STILL, events, served

HOSTILE = '<script>alert(1)</script>" onmouseover="alert(2)\r\nevent: forged\ndata: x\n\n\'&'
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;&#34; onmouseover=&#34;alert(2)"


async def page(wall: Wall, path: str = "/") -> str:
    async with served(wall) as url, aiohttp.ClientSession() as http, http.get(url + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_the_page_shows_calls_queues_agents_and_totals_before_any_event() -> None:
    html = await page(Wall(board(*(call(i) for i in range(3)))))
    assert "<h1>Acme Utilities</h1>" in html
    for text in ("+447700900123", "Jo Brown", "support", "Anna Smith", '<dd data-count="waiting">2</dd>'):
        assert text in html


async def test_who_waits_longest_stands_first_and_talkers_last() -> None:
    html = await page(Wall(board(*(call(i) for i in range(6)))))
    order = [html.index(f'id="call-n1-{i}"') for i in (4, 1, 0, 5, 3, 2)]
    assert order == sorted(order)


async def test_empty_parts_say_so_in_words() -> None:
    html = await page(Wall(replace(board(), queues=(), agents=())))
    assert "No calls at the moment." in html
    assert "This deployment has no queues." in html
    assert "This deployment has no agents." in html


async def test_shares_are_of_the_calls_that_no_longer_wait() -> None:
    totals = Totals(offered=10, answered=6, abandoned=2, waiting=2, in_call=1)
    html = await page(Wall(replace(board(), totals=totals)))
    assert '<dd data-count="answered">6 <small>75 %</small></dd>' in html
    assert '<dd data-count="abandoned">2 <small>25 %</small></dd>' in html
    only_waiting = Totals(offered=2, answered=0, abandoned=0, waiting=2, in_call=0)
    assert "<small>" not in await page(Wall(replace(board(), totals=only_waiting)))


async def test_a_late_caller_is_marked_and_one_in_good_time_is_not() -> None:
    late, early = call(0, started=4979.0), call(0, id="n1-9", started=4981.0)
    assert 'class="counting late" data-since="4979.000" data-limit="20.0">0:21<' in await page(
        Wall(board(late))
    )
    assert 'class="counting" data-since="4981.000" data-limit="20.0">0:19<' in await page(Wall(board(early)))


async def test_agents_say_that_they_are_away_or_will_be() -> None:
    html = await page(Wall(board(people=6)))
    assert "5 of 6 in, 3 away" in html
    rows = {row.partition('"')[0]: row for row in html.split('id="agent-')[1:]}
    assert 'data-phase="away">away<' in rows["agent5"]
    assert 'data-phase="wrap_up">wrap up<' in rows["agent4"]
    assert {name for name, row in rows.items() if "→ away" in row} == {"agent0", "agent4"}


async def test_what_the_network_sends_is_escaped_in_the_page() -> None:
    html = await page(Wall(board(replace(call(2), caller=HOSTILE, number=HOSTILE, id=HOSTILE))))
    assert "<script>alert" not in html
    assert html.count(ESCAPED) == 4  # id, title, caller, number


async def test_what_the_network_sends_cannot_forge_an_event() -> None:
    wall = Wall(board(call(2, caller=HOSTILE)))
    async with served(wall) as url, aiohttp.ClientSession() as http, http.get(url + "/live") as answer:
        stream = events(answer)
        said = [await anext(stream) for _ in range(5)]
    assert [event.name for event in said] == ["clock", "totals", "queues", "calls", "agents"]
    assert ESCAPED in said[3].data
    assert "<script>" not in said[3].data


@pytest.mark.parametrize("path", ["/", "/live", "/healthz", "/static/wallboard.css", "/nowhere"])
async def test_every_answer_forbids_other_hosts_and_inline_code(path: str) -> None:
    async with served(Wall(board())) as url, aiohttp.ClientSession() as http, http.get(url + path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_page_names_no_other_host_and_everything_it_names_is_there() -> None:
    wall = Wall(board())
    async with served(wall) as url, aiohttp.ClientSession() as http:
        async with http.get(url) as answer:
            html = await answer.text()
        named = [part.split('"')[0] for part in html.split('src="')[1:] + html.split('href="')[1:]]
        assert len(named) == 6
        for path in named:
            assert path.startswith("/static/")
            async with http.get(url + path) as answer:
                assert answer.status == 200


async def test_the_probes_say_alive_and_why_not_ready() -> None:
    reason: str | None = "no media process yet"
    site = create_site(Wall(board()), STILL, lambda: reason)
    async with serve(site, "127.0.0.1", 0) as (host, port), aiohttp.ClientSession() as http:
        url = f"http://{host}:{port}"
        async with http.get(url + "/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        async with http.get(url + "/readyz") as answer:
            assert (answer.status, await answer.text()) == (503, "not ready: no media process yet\n")
        reason = None
        async with http.get(url + "/readyz") as answer:
            assert answer.status == 200


async def test_a_feed_that_broke_shows_in_readiness() -> None:
    class Broken(Wall):
        async def changed(self) -> None:
            raise LookupError("no such call")

    async with served(Broken(board())) as url, aiohttp.ClientSession() as http:
        async with http.get(url + "/healthz") as answer:
            assert answer.status == 200
        async with http.get(url + "/readyz") as answer:
            assert answer.status == 503
            assert "feed has stopped" in await answer.text()


async def test_an_address_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"web\.listen: cannot listen on 127\.0\.0\.1:{port}"):
            async with serve(create_site(Wall(board()), STILL), "127.0.0.1", port):
                raise AssertionError("served on a port that was taken")
