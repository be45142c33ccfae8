"""TLS both ways: whose certificate, how slow, how old."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog.testing

from engine.sip.events import Refused, Responded
from engine.sip.flow import Flow, Packet
from engine.transports.limits import Crowd, Limits
from engine.transports.streams import Streams, bind_stream
from engine.transports.tls import Tls, identities
from tests.kit.certificates import Files, certificate
from tests.kit.stream import stream
from tests.transports.listening import HOST, OPTIONS, Listening, listening

BY_TLS = OPTIONS.replace(b"/TCP", b"/TLS")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return certificate(tmp_path_factory.mktemp("tls"), "pbx.acme.test", HOST)


def tls_of(files: Files) -> Tls:
    return Tls(files.certificate, files.key, files.authorities)


@asynccontextmanager
async def secure(
    files: Files, limits: Limits | None = None, crowd: Crowd | None = None
) -> AsyncIterator[tuple[Listening, Streams, int]]:
    """A stack that listens by TLS too: its port of it."""
    async with listening() as here:
        streams = Streams("tls", here.driver, tls=tls_of(files), limits=limits, crowd=crowd)
        sock = bind_stream(HOST, 0)
        await streams.listen(sock)
        here.driver.attach("tls", streams)
        yield here, streams, sock.getsockname()[1]


async def test_a_message_is_answered_by_tls(files: Files) -> None:
    async with secure(files) as (_, _streams, port):
        async with stream("127.0.0.1", (HOST, port), files.trusting()) as peer:
            await peer.say(BY_TLS % (1, 1))
            assert (await peer.message()).startswith("SIP/2.0 200")
            secured = peer._writer.get_extra_info("ssl_object")
            assert secured.version() in ("TLSv1.2", "TLSv1.3")


async def test_what_is_older_than_tls_1_2_is_refused(files: Files) -> None:
    old = files.trusting()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with secure(files) as (here, _, port):
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await asyncio.open_connection(HOST, port, ssl=old)
        assert "no TLS" in (await here.event(Refused)).why


async def test_who_speaks_no_tls_or_nothing_is_shown_out(files: Files) -> None:
    crowd = Crowd()
    async with secure(files, Limits(shake=0.2), crowd) as (here, streams, port):
        for first in (BY_TLS % (1, 1), b""):
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(first)
            async with asyncio.timeout(5):
                while await reader.read(100):
                    pass
            assert "no TLS" in (await here.event(Refused)).why
            writer.close()
        assert (len(streams), len(crowd)) == (0, 0)


async def test_we_connect_to_whom_the_certificate_is_of(files: Files) -> None:
    async with secure(files) as (_, _streams, port), listening() as other:
        other.driver.attach("tls", Streams("tls", other.driver, tls=tls_of(files)))
        for domain in ("pbx.acme.test", ""):
            flow = Flow("tls", HOST, port, domain=domain)
            other.ask(flow)
            outcome = await other.event(Responded)
            assert outcome.response is not None
            assert outcome.response.code == 200


@pytest.mark.parametrize(
    ("domain", "trusts", "says"),
    [
        ("other.test", True, "is of pbx.acme.test, not of other.test"),
        ("pbx.acme.test", False, "is not trusted"),
    ],
)
async def test_we_do_not_speak_to_others(
    files: Files, tmp_path: Path, domain: str, trusts: bool, says: str
) -> None:
    async with secure(files) as (_, _streams, port), listening() as other:
        known = files if trusts else certificate(tmp_path, "pbx.acme.test")
        client = Streams("tls", other.driver, tls=tls_of(known))
        flow = Flow("tls", HOST, port, domain=domain)
        with structlog.testing.capture_logs() as logs:
            client.send(Packet(b"x", flow))
            assert await other.until_unreachable() == flow
        assert says in logs[0]["why"]
        assert (logs[0]["event"], logs[0]["target"], logs[0]["domain"]) == (
            "not_connected",
            f"{HOST}:{port}",
            domain,
        )
        assert len(client) == 0
        client.close()


async def test_a_renewed_certificate_is_shown_to_who_connects_from_now_on(tmp_path: Path) -> None:
    files = certificate(tmp_path / "old", "pbx.acme.test", HOST)
    async with secure(files) as (_, streams, port):
        assert await shown(port) == files.certificate.read_text().split("-----")[2]
        renewed = certificate(tmp_path / "new", "pbx.acme.test", HOST)
        files.certificate.write_bytes(renewed.certificate.read_bytes())
        files.key.write_bytes(renewed.key.read_bytes())
        assert streams._tls is not None
        streams._tls.renew()
        assert await shown(port) == renewed.certificate.read_text().split("-----")[2]


async def shown(port: int) -> str:
    """The certificate's Base64, in lines as PEM has them."""
    settings = ssl.create_default_context()
    settings.check_hostname, settings.verify_mode = False, ssl.CERT_NONE
    async with stream("127.0.0.1", (HOST, port), settings) as peer:
        binary = peer._writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return ssl.DER_cert_to_PEM_cert(binary).split("-----")[2]


@pytest.mark.parametrize(
    ("certificate", "names"),
    [
        ({"subjectAltName": (("DNS", "A.test"), ("DNS", "*.b.test"))}, {"a.test", "*.b.test"}),
        ({"subjectAltName": (("URI", "sip:a.test"), ("DNS", "b.test"))}, {"a.test"}),
        ({"subjectAltName": (("URI", "sip:anna@a.test"), ("DNS", "b.test"))}, {"b.test"}),
        ({"subject": ((("commonName", "a.test"),),)}, {"a.test"}),
        (
            {"subject": ((("commonName", "a.test"),),), "subjectAltName": (("IP Address", "192.0.2.1"),)},
            set(),
        ),
        ({}, set()),
    ],
)
def test_whom_a_certificate_is_of(certificate: dict[str, object], names: set[str]) -> None:
    assert identities(certificate, address=False) == names


def test_addresses_of_a_certificate_are_compared_as_addresses() -> None:
    shown = {"subjectAltName": (("IP Address", "2001:DB8:0:0:0:0:0:1"), ("DNS", "a.test"))}
    assert identities(shown, address=True) == {"2001:db8::1"}
