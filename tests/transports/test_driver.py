"""Names, failover and keep-alives on real sockets: the stack, the driver, DNS and the transports together."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog.testing

from engine.sip.events import Failed, Responded
from engine.sip.flow import Flow
from engine.sip.targets import first_hop
from engine.transports.listening import machine_locator
from engine.transports.names import Kind
from engine.transports.udp import Udp, bind_udp
from tests.kit.name_server import NameServer, Records, name_server
from tests.transports.listening import HOST, Listening, listening, receiver

BARE_STUN = bytes.fromhex("000100002112a442") + bytes(12)
LONG = b"v=0\r\n" + b"a=x:" + b"." * 1500 + b"\r\n"


@asynccontextmanager
async def asking(
    records: Records, families: Sequence[Kind] = ("A",), host: str = HOST
) -> AsyncIterator[tuple[Listening, NameServer]]:
    """A stack that asks a name server of ours."""
    async with name_server(records) as server:
        locator = machine_locator(("udp", "tcp"), families, [server.address])
        async with listening(host=host, locator=locator) as here:
            yield here, server


def closed_port() -> int:
    """A TCP port of the loopback where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def test_a_name_leads_to_an_answer() -> None:
    async with listening() as there, asking({("pbx.test", "A"): [HOST]}) as (here, _):
        here.ask(Flow("tcp", "pbx.test", there.port))
        outcome = await here.event(Responded)
        assert outcome.response is not None
        assert outcome.response.code == 200


async def test_who_refuses_is_passed_over_and_remembered() -> None:
    dead = closed_port()
    async with listening() as there:
        records = {
            ("_sip._tcp.pbx.test", "SRV"): [f"1 1 {dead} a.pbx.test.", f"2 1 {there.port} b.pbx.test."],
            ("a.pbx.test", "A"): ["127.0.0.1"],
            ("b.pbx.test", "A"): [HOST],
        }
        async with asking(records) as (here, _):
            for tries in (1, 0):
                with structlog.testing.capture_logs() as logs:
                    here.ask(first_hop("sip:pbx.test;transport=tcp"))
                    outcome = await here.event(Responded)
                assert outcome.response is not None
                failed = [line["target"] for line in logs if line["event"] == "target_failed"]
                assert failed == [f"127.0.0.1:{dead}"] * tries


async def test_a_name_that_leads_nowhere_says_why() -> None:
    async with asking({}) as (here, _):
        with structlog.testing.capture_logs() as logs:
            here.ask(first_hop("sip:nowhere.test"))
            assert (await here.event(Responded)).response is None
        [line] = logs
        assert (line["event"], line["name"]) == ("not_located", "nowhere.test")
        assert line["why"] == "nowhere.test has no address that we can send to"


async def test_without_dns_names_lead_nowhere() -> None:
    async with listening() as here:
        here.ask(first_hop("sip:pbx.test"))
        assert (await here.event(Responded)).response is None


async def test_interop_23_a_silent_resolver_stalls_nothing_else() -> None:
    async with listening() as there, asking({}) as (here, server):
        server.silent = True
        here.ask(first_hop("sip:slow.test"))
        await server.heard.wait()
        begun = time.monotonic()
        for number in range(20):
            here.ask(Flow("tcp", HOST, there.port))
            outcome = await here.event(Responded)
            assert outcome.response is not None, number
        assert time.monotonic() - begun < 1.0


async def test_an_ack_to_a_name_is_sent_too() -> None:
    with receiver() as there:
        async with asking({("gw.test", "A"): ["127.0.0.1"]}) as (here, _):
            here.driver.stack.endpoint.send(b"ACK", Flow("udp", "gw.test", there.getsockname()[1]))
            here.driver.flush_soon()
            async with asyncio.timeout(5):
                assert await asyncio.get_running_loop().sock_recv(there, 100) == b"ACK"


async def test_interop_13_a_long_request_goes_by_udp_when_tcp_is_refused() -> None:
    with receiver() as there:
        async with listening() as here:
            target = Flow("udp", *there.getsockname())
            with here.driver.turn() as now:
                here.driver.stack.invite("sip:a@b", flow=target, caller="<sip:a@b>", offer=LONG, now=now)
            async with asyncio.timeout(5):
                data = await asyncio.get_running_loop().sock_recv(there, 4000)
            assert data.startswith(b"INVITE")
            assert len(data) > 1500
            assert b"Via: SIP/2.0/UDP" in data


async def test_what_no_transport_carries_is_unreachable() -> None:
    async with listening() as here:
        with here.driver.turn() as now:
            here.driver.stack.invite(
                "sips:192.0.2.1", flow=first_hop("sips:192.0.2.1"), caller="<sip:a@b>", offer=b"v=0", now=now
            )
        assert (await here.event(Failed)).code == 503


async def test_a_stun_keep_alive_is_answered_on_the_sip_port() -> None:
    with receiver() as phone:
        async with listening() as here:
            phone.sendto(BARE_STUN, here.udp._socket.getsockname())
            async with asyncio.timeout(5):
                answer = await asyncio.get_running_loop().sock_recv(phone, 100)
            port = int.from_bytes(answer[26:28], "big") ^ 0x2112
            assert (answer[:2], port) == (b"\x01\x01", phone.getsockname()[1])


async def test_both_families_at_once() -> None:
    """A driver with an IPv4 and an IPv6 socket: each peer hears from the one of its own."""
    async with listening() as here:
        sock = bind_udp("::1", 0)
        here.driver.attach("udp6", Udp(sock, here.driver))
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six, receiver() as four:
            six.bind(("::1", 0))
            six.setblocking(False)
            for peer, own in ((six, sock), (four, here.udp._socket)):
                here.driver.stack.endpoint.send(b"hello", Flow("udp", *peer.getsockname()[:2]))
                here.driver.flush_soon()
                async with asyncio.timeout(5):
                    data, source = await asyncio.get_running_loop().sock_recvfrom(peer, 100)
                assert (data, source[1]) == (b"hello", own.getsockname()[1])
