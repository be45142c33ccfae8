"""From names to targets (RFC 3263), asked of a DNS server on the loopback (interop line 23)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.sip.flow import Flow
from engine.transports import names as names_module
from engine.transports.locator import Locator, NotLocated
from engine.transports.names import Kind, Names, Unanswered, read_hosts
from tests.kit.name_server import NameServer, Records, name_server

SRV, A, AAAA, NAPTR = "SRV", "A", "AAAA", "NAPTR"
CARRIER: Records = {
    ("carrier.test", NAPTR): [
        '50 50 "s" "SIPS+D2T" "" _sips._tcp.carrier.test.',
        '90 50 "s" "SIP+D2T" "" _sip._tcp.carrier.test.',
        '100 50 "s" "SIP+D2U" "" _sip._udp.carrier.test.',
    ],
    ("_sips._tcp.carrier.test", SRV): ["0 1 5061 one.carrier.test."],
    ("_sip._tcp.carrier.test", SRV): ["0 1 5060 one.carrier.test.", "0 2 5060 two.carrier.test."],
    ("_sip._udp.carrier.test", SRV): ["10 1 5070 two.carrier.test.", "0 0 5060 one.carrier.test."],
    ("one.carrier.test", A): ["192.0.2.1"],
    ("one.carrier.test", AAAA): ["2001:db8::1"],
    ("two.carrier.test", A): ["192.0.2.2"],
    ("plain.test", A): ["192.0.2.9"],
    ("gone.test", SRV): ["0 0 0 ."],
    ("_sip._udp.gone.test", SRV): ["0 0 0 ."],
    ("gone.test", A): ["192.0.2.66"],
}


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def locating(
    records: Records = CARRIER,
    speaks: Sequence[str] = ("udp", "tcp", "tls"),
    families: Sequence[Kind] = ("A",),
) -> AsyncIterator[tuple[Locator, NameServer, Time, Names]]:
    time = Time()
    async with name_server(records) as server:
        names = Names([server.address], monotonic=time, hosts=Path("/nonexistent"))
        locator = Locator(names, speaks=speaks, families=families, chance=lambda: 0.0, monotonic=time)
        try:
            yield locator, server, time, names
        finally:
            names.close()


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        (Flow("udp", "plain.test", 5070), ["udp 192.0.2.9:5070"]),
        (Flow("", "plain.test", 5070), ["udp 192.0.2.9:5070"]),
        (Flow("tls", "plain.test", 0), ["tls 192.0.2.9:5061 plain.test"]),
        (Flow("", "plain.test", 0), ["udp 192.0.2.9:5060"]),
        (Flow("udp", "carrier.test", 0), ["udp 192.0.2.1:5060", "udp 192.0.2.2:5070"]),
        (Flow("tcp", "carrier.test", 0), ["tcp 192.0.2.1:5060", "tcp 192.0.2.2:5060"]),
        (Flow("", "carrier.test", 0), ["tls 192.0.2.1:5061 carrier.test"]),
    ],
    ids=str,
)
async def test_a_name_leads_to_targets_in_order(name: Flow, targets: list[str]) -> None:
    async with locating() as (locator, *_):
        found = [
            f"{to.transport} {to.host}:{to.port} {to.domain}".strip() for to in await locator.locate(name)
        ]
        assert found[: len(targets)] == targets


async def test_the_domains_wish_counts_among_what_we_speak() -> None:
    async with locating(speaks=("udp", "tcp")) as (locator, *_):
        found = await locator.locate(Flow("", "carrier.test", 0))
        assert [to.transport for to in found] == ["tcp"] * 2 + ["udp"] * 2


async def test_addresses_of_both_families_the_preferred_one_first() -> None:
    async with locating(families=("AAAA", "A")) as (locator, *_):
        found = await locator.locate(Flow("tls", "carrier.test", 0))
        assert [to.host for to in found] == ["2001:db8::1", "192.0.2.1"]


async def test_a_name_that_is_nowhere_is_told_as_such() -> None:
    async with locating() as (locator, *_):
        for name in ("nowhere.test", "a..b", "x" * 64 + ".test", "name.invalid", "gone.test"):
            with pytest.raises(NotLocated, match="has no address"):
                await locator.locate(Flow("udp", name, 0))


async def test_who_failed_is_tried_last_for_a_while() -> None:
    async with locating() as (locator, _, time, _names):
        first, *rest = await locator.locate(Flow("udp", "carrier.test", 0))
        locator.failed(first)
        assert await locator.locate(Flow("udp", "carrier.test", 0)) == [*rest, first]
        time.now += 31
        assert await locator.locate(Flow("udp", "carrier.test", 0)) == [first, *rest]
        locator.failed(first, 200.0)
        time.now += 199
        assert (await locator.locate(Flow("udp", "carrier.test", 0)))[-1] == first


async def test_an_answer_is_kept_as_long_as_it_says_and_longer_when_dns_is_silent() -> None:
    async with locating() as (locator, server, time, _):
        name = Flow("udp", "plain.test", 5060)
        for _ in range(3):
            await locator.locate(name)
        assert server.asked["plain.test", A] == 1
        time.now += 61
        server.broken = True
        assert (await locator.locate(name))[0].host == "192.0.2.9"
        assert server.asked["plain.test", A] > 1
        time.now += 2 * 86400
        with pytest.raises(NotLocated, match=r"DNS has no answer for plain\.test A"):
            await locator.locate(name)


async def test_one_question_however_many_ask() -> None:
    async with locating() as (locator, server, *_):
        name = Flow("udp", "plain.test", 5060)
        found = await asyncio.gather(*(locator.locate(name) for _ in range(50)))
        assert {flows[0].host for flows in found} == {"192.0.2.9"}
        assert server.asked["plain.test", A] == 1


async def test_interop_23_a_silent_server_is_waited_for_once_and_others_are_not_held_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(names_module, "ALL_TRIES", 0.2)
    async with locating() as (locator, server, *_):
        await locator.locate(Flow("udp", "plain.test", 5060))
        server.silent = True
        slow = asyncio.create_task(locator.locate(Flow("", "carrier.test", 0)))
        await server.heard.wait()
        assert (await locator.locate(Flow("udp", "plain.test", 5060)))[0].host == "192.0.2.9"
        assert not slow.done()
        with pytest.raises(NotLocated, match=r"no answer from DNS for carrier\.test NAPTR within 0\.2 s"):
            await slow
        asked = server.asked.total()
        with pytest.raises(NotLocated, match="a moment ago"):
            await locator.locate(Flow("", "carrier.test", 0))
        assert server.asked.total() == asked


async def test_a_server_that_never_answers_for_naptr_costs_only_the_naptr(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(names_module, "ALL_TRIES", 0.2)
    async with locating(speaks=("udp",)) as (locator, server, *_):
        server.silent_about.add(NAPTR)
        assert (await locator.locate(Flow("", "carrier.test", 0)))[0] == Flow("udp", "192.0.2.1", 5060)


async def test_questions_under_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "MOST_ASKED", 3)
    async with locating() as (_, server, _time, names):
        server.silent = True
        asked = [asyncio.create_task(names.ask(f"host{number}.test", "A")) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Unanswered, match="3 questions to DNS are under way"):
            await names.ask("another.test", "A")
        names.close()
        await asyncio.gather(*asked, return_exceptions=True)


def test_the_hosts_file_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("# ours\n192.0.2.5 PBX pbx.acme.test # the old one\n\n::5 pbx\nnonsense\n")
    hosts = read_hosts(file)
    assert hosts["pbx"] == ["192.0.2.5", "::5"]
    assert hosts["pbx.acme.test"] == ["192.0.2.5"]
    assert read_hosts(tmp_path / "none")["localhost"] == ["127.0.0.1", "::1"]
