"""The engine by TLS, WebSocket and IPv6, all at once: OPTIONS, whole calls, and phones that have no address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from engine.sip.flow import Flow
from engine.sip.message import Response, parse
from tests.kit.baresip import agent_account, baresip
from tests.kit.certificates import Files, certificate
from tests.kit.daemon import Daemon, daemon
from tests.kit.deployment import DOMAIN, ENGINE, NUMBER, TRUNK, Deployment, password
from tests.kit.peers import sipp
from tests.kit.playbook import credentials_for
from tests.kit.ports import free_ports
from tests.kit.stream import Stream, header, stream
from tests.kit.tone import seconds_of
from tests.kit.websocket import Browser, browser
from tests.wire.conftest import TONES

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIX = "::1"
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.31\r\ns=-\r\nc=IN IP4 127.0.0.31\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
)
INSTANCE = '+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>";reg-id=1'


class Secured(NamedTuple):
    engine: Daemon
    files: Files
    ports: dict[str, int]

    def caller(self, name: str) -> AbstractAsyncContextManager[Stream]:
        """The carrier, by one of the transports; a 6 behind the name is IPv6."""
        six = name.endswith("6")
        host, to = (SIX, (SIX, self.ports[name])) if six else (TRUNK, (ENGINE, self.ports[name]))
        kind = name.removesuffix("6")
        settings = self.files.trusting() if kind in ("tls", "wss") else None
        return browser(host, to, settings) if kind in ("ws", "wss") else stream(host, to, settings)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    """One engine that listens in every way there is."""
    folder = tmp_path_factory.mktemp("secured")
    files = certificate(folder / "tls", DOMAIN, ENGINE, SIX)
    deployment = Deployment(callers=("::1/128",))
    ports = {"udp": deployment.sip, "tcp": deployment.sip}
    ports |= {name: free_ports(ENGINE) for name in ("tls", "ws", "wss", "udp6", "tcp6", "tls6", "wss6")}
    hosts = {name: f"[{SIX}]" if name.endswith("6") else ENGINE for name in ports}
    listen = [f"{name.removesuffix('6')}://{hosts[name]}:{port}" for name, port in ports.items()]
    deployment.sip_section.update(listen=listen, tls=files.section())
    async with daemon(folder, deployment) as engine:
        yield Secured(engine, files, ports)


STREAMS = ["tls", "ws", "wss", "tcp6", "tls6", "wss6"]


@pytest.mark.parametrize("name", STREAMS)
async def test_options_are_answered(secured: Secured, name: str) -> None:
    async with secured.caller(name) as peer:
        await peer.say(peer.request("OPTIONS", NUMBER, f"ask-{name}"))
        assert (await peer.message()).startswith("SIP/2.0 200")


@pytest.mark.parametrize("name", STREAMS)
async def test_a_whole_call(secured: Secured, name: str) -> None:
    """The Contact we give is the address and transport that the call came to; RTP is by IPv4 here."""
    call = f"call-{name}"
    async with secured.caller(name) as peer:
        await peer.say(peer.request("INVITE", NUMBER, call, body=SDP))
        answer = await peer.final("1 INVITE")
        assert answer.startswith("SIP/2.0 200")
        host = f"[{SIX}]" if name.endswith("6") else ENGINE
        asked = {"wss": "ws"}.get(name.removesuffix("6"), name.removesuffix("6"))
        assert header(answer, "contact") == f"<sip:{host}:{secured.ports[name]};transport={asked}>"
        tag = header(answer, "to").rpartition(";tag=")[2]
        await peer.say(peer.request("ACK", NUMBER, call, to_tag=tag))
        await peer.say(peer.request("BYE", NUMBER, call, 2, to_tag=tag))
        assert (await peer.final("2 BYE")).startswith("SIP/2.0 200")


async def test_media_of_the_other_family_are_refused(secured: Secured) -> None:
    async with secured.caller("tls6") as peer:
        await peer.say(peer.request("INVITE", NUMBER, "six", body=peer.offer()))
        assert (await peer.final("1 INVITE")).startswith("SIP/2.0 488")


@pytest.mark.peer("sipp")
async def test_a_call_by_udp_over_ipv6(secured: Secured, tmp_path: Path) -> None:
    async with sipp(
        "caller_hangs_up",
        tmp_path,
        host=SIX,
        media=TRUNK,
        to=(SIX, secured.ports["udp6"]),
        service=NUMBER,
        keys={"caller": "+447900000005"},
    ) as caller:
        await caller.succeeded()


async def registered(phone: Browser, name: str, seconds: int = 600) -> str:
    """Register as an agent, with digest, as a browser does; the final answer."""
    contact = f"<sip:x@{phone.called};transport=ws>;{INSTANCE};expires={seconds}"
    extra = f"Supported: path, outbound\r\nContact: {contact}\r\n"

    def request(cseq: int, more: str = "") -> bytes:
        plain = phone.request("REGISTER", name, f"register-{seconds}", cseq).decode()
        first, *lines = plain.split("\r\n")
        own = f"<sip:{name}@{DOMAIN}>"
        kept = [line for line in lines if line and line.split(":")[0] not in ("From", "To", "Contact")]
        head = (f"REGISTER sip:{DOMAIN} SIP/2.0", *kept, f"From: {own};tag=r", f"To: {own}")
        assert first.startswith("REGISTER ")
        return ("\r\n".join(head) + f"\r\n{extra}{more}\r\n").encode()

    await phone.say(request(1))
    challenge = parse((await phone.message()).encode(), Flow("ws", "x", 1))
    assert isinstance(challenge, Response)
    proof = credentials_for(challenge, "REGISTER", f"sip:{DOMAIN}", name, password(name))
    await phone.say(request(2, proof))
    return await phone.message()


@pytest.mark.parametrize("name", ["ws", "wss"])
async def test_a_browser_registers_and_is_called_by_its_own_connection(secured: Secured, name: str) -> None:
    settings = secured.files.trusting() if name == "wss" else None
    async with browser("127.0.0.31", (ENGINE, secured.ports[name]), settings) as anna:
        answer = await registered(anna, "anna")
        assert answer.startswith("SIP/2.0 200")
        assert header(answer, "require") == "outbound"
        assert INSTANCE in header(answer, "contact")
        async with secured.caller("tls") as caller:
            call = f"to-{name}"
            await caller.say(caller.request("INVITE", NUMBER, call, body=caller.offer()))
            tag = header(await caller.final("1 INVITE"), "to").rpartition(";tag=")[2]
            await caller.say(caller.request("ACK", NUMBER, call, to_tag=tag))
            invite = await anna.request_with("INVITE")
            assert invite.startswith(f"INVITE sip:x@{anna.called};transport=ws SIP/2.0")
            assert header(invite, "via").startswith(f"SIP/2.0/{name.upper()} {ENGINE}:{secured.ports[name]}")
            await anna.answer(invite, 200, SDP)
            await anna.request_with("ACK")
            await caller.say(caller.request("BYE", NUMBER, call, 2, to_tag=tag))
            assert (await caller.final("2 BYE")).startswith("SIP/2.0 200")
            bye = await anna.request_with("BYE")
            await anna.answer(bye, 200)
        assert (await registered(anna, "anna", 0)).startswith("SIP/2.0 200")


@pytest.mark.peer("baresip", "sipp")
async def test_a_phone_and_a_caller_speak_by_tls_and_udp(secured: Secured, tmp_path: Path) -> None:
    """baresip checks our certificate."""
    account = agent_account("anna", password("anna"), DOMAIN, (ENGINE, secured.ports["tls"]), True, "tls")
    more = [f"sip_cafile {secured.files.authorities}", f"sip_certificate {pem(secured.files, tmp_path)}"]
    async with baresip(account, tmp_path, host="127.0.0.11", hertz=TONES["anna"], more=more) as anna:
        await anna.event("REGISTER_OK")
        async with sipp(
            "caller_hangs_up",
            tmp_path,
            host=TRUNK,
            to=(ENGINE, secured.ports["udp"]),
            service=NUMBER,
            hertz=TONES["caller"],
            seconds=4,
            keys={"caller": "+447900000002"},
        ) as caller:
            await anna.event("CALL_ESTABLISHED")
            await caller.succeeded()
        await anna.event("CALL_CLOSED")
        assert seconds_of(anna.heard(), TONES["caller"]) > 1


def pem(files: Files, folder: Path) -> Path:
    """Certificate and key in one file, as baresip wants its own."""
    both = folder / "both.pem"
    both.write_bytes(files.certificate.read_bytes() + files.key.read_bytes())
    return both
