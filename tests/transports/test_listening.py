"""From sip.listen to sockets: what we are called there, and what is said when an address cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog.testing
from hypothesis import given
from hypothesis import strategies as st

from config.addresses import HostPort, Listen
from config.load import loads
from config.sip import Sip, Tls
from engine.transports.listening import CannotBind, Listeners
from engine.transports.records import Srv, srv_order
from engine.transports.udp import bind_udp
from tests.kit.certificates import certificate

HOST = "127.0.0.74"


def sip(*listen: Listen, external: str | None = None, tls: Tls | None = None) -> Sip:
    """As config.load would make it, files read or not."""
    plain = loads("sip: {domain: acme.test}").sip
    return plain.model_copy(update={"listen": listen, "external_address": external, "tls": tls})


def close(listeners: Listeners) -> None:
    for one in listeners.bound:
        one.sock.close()


@pytest.mark.parametrize(
    ("external", "four", "six"),
    [
        (None, HOST, "::1"),
        ("203.0.113.1", "203.0.113.1", "::1"),
        ("2001:db8::1", HOST, "2001:db8::1"),
        ("pbx.acme.test", "pbx.acme.test", "pbx.acme.test"),
    ],
)
async def test_what_we_are_called(external: str | None, four: str, six: str) -> None:
    listeners = Listeners(sip(Listen("udp", HOST, 0), Listen("tcp", "::1", 0), external=external))
    local = listeners.local()
    assert {name: host for name, (host, _) in local.items()} == {"udp": four, "tcp6": six}
    assert listeners.texts() == [f"udp://{HOST}:{local['udp'][1]}", f"tcp://[::1]:{local['tcp6'][1]}"]
    close(listeners)


async def test_an_address_that_is_taken_is_named_and_nothing_stays_open() -> None:
    with bind_udp(HOST, 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            CannotBind, match=rf"sip\.listen: cannot listen on udp://{HOST}:{port}: Address already"
        ):
            Listeners(sip(Listen("tcp", HOST, 0), Listen("udp", HOST, port)))


async def test_a_certificate_that_became_faulty_is_not_taken(tmp_path: Path) -> None:
    files = certificate(tmp_path, "acme.test")
    tls = Tls.model_construct(certificate=files.certificate, key=files.key, authorities=None)
    listeners = Listeners(sip(Listen("tls", HOST, 0), tls=tls))
    close(listeners)
    for content, event in (
        (files.key.read_text(), "certificate_read"),
        ("nonsense", "certificate_not_renewed"),
    ):
        files.key.write_text(content)
        with structlog.testing.capture_logs() as logs:
            listeners.renew()
        assert [line["event"] for line in logs] == [event]
    with pytest.raises(CannotBind, match=r"sip\.tls"):
        Listeners(sip(Listen("tls", HOST, 0), tls=tls))


async def test_the_name_servers_of_the_deployment_are_asked() -> None:
    settings = sip(Listen("udp", HOST, 0)).model_copy(update={"name_servers": (HostPort("127.0.0.1", 5353),)})
    listeners = Listeners(settings)
    resolver = listeners.locator()._names._resolver  # type: ignore[attr-defined]
    assert [(server.address, server.port) for server in resolver.nameservers] == [("127.0.0.1", 5353)]
    close(listeners)


records = st.lists(
    st.builds(Srv, st.integers(0, 3), st.integers(0, 9), st.just(5060), st.sampled_from("abcdefgh"))
)


@given(records, st.lists(st.floats(0, 1, exclude_max=True), min_size=50, max_size=50))
def test_servers_are_ordered_by_priority_and_none_is_lost(servers: list[Srv], chances: list[float]) -> None:
    ordered = srv_order(servers, lambda: chances[len(chances) % 7])
    assert sorted(ordered, key=repr) == sorted(servers, key=repr)
    assert [server.priority for server in ordered] == sorted(server.priority for server in servers)


def test_servers_of_one_priority_are_drawn_by_weight() -> None:
    """Every ticket once: of 0..10, the first is drawn by 0, weight 3 by 1 to 3, weight 7 by the rest."""
    servers = [Srv(1, weight, 5060, str(weight)) for weight in (7, 0, 3)]
    first = [srv_order(servers, lambda ticket=ticket: ticket / 11 + 0.01)[0].weight for ticket in range(11)]  # type: ignore[misc]
    assert first == [0] + [3] * 3 + [7] * 7
