"""sip: where the engine speaks SIP and who it says it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from config.addresses import Domain, Host, Listen, ListenAddress, ListenUrl
from config.faults import Broken
from config.scalars import InputFile, seconds
from config.section import Filled, Section, Unique

if TYPE_CHECKING:
    from config.settings import Settings


Algorithm = Literal["SHA-256", "MD5"]


class Tls(Section):
    """What TLS and WSS listeners show."""

    certificate: InputFile = Field(description="PEM file of the certificate and its chain.")
    key: InputFile = Field(description="PEM file of the private key, without a passphrase.")
    authorities: InputFile | None = Field(
        None,
        description="PEM file of those whose certificates we trust as client; the machine's when left out.",
    )


class SessionTimer(Section):
    """RFC 4028: how a call whose far end vanished is noticed."""

    expires: Annotated[float, seconds(90, 86400)] = Field(
        1800.0, description="Session-Expires that we ask for."
    )
    min: Annotated[float, seconds(90, 86400)] = Field(
        90.0, description="Min-SE: the shortest that we accept."
    )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """RFC 4028 section 7.1: Session-Expires is not below Min-SE."""
        if self.expires < self.min:
            yield Broken(("expires",), f"{self.expires:g}s is below min", f"{self.min:g}s and more")


class Register(Section):
    """RFC 3261 section 10: how long agents' phones may register for."""

    min_expires: Annotated[float, seconds(10, 86400)] = Field(
        60.0, description="Shorter is answered with 423."
    )
    max_expires: Annotated[float, seconds(60, 86400)] = Field(3600.0, description="Longer is cut to this.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        if self.max_expires < self.min_expires:
            allowed = f"{self.min_expires:g}s and more"
            yield Broken(("max_expires",), f"{self.max_expires:g}s is below min_expires", allowed)


class Sip(Section):
    """The engine's own SIP addresses."""

    listen: Annotated[tuple[ListenUrl, ...], Filled, Unique] = Field(
        (Listen("udp", "127.0.0.1", 5060), Listen("tcp", "127.0.0.1", 5060)),
        description="udp://, tcp://, tls://, ws:// and wss:// addresses; port 0 is any free one.",
    )
    domain: Domain = Field(
        description="Addresses of record in it belong to agents and are always challenged."
    )
    external_address: Host | None = Field(None, description="What Contact and SDP name when behind a NAT.")
    tls: Tls | None = Field(None, description="Certificate for tls:// and wss://.")
    session_timer: SessionTimer = Field(SessionTimer(), description="RFC 4028 session timers.")
    register_: Register = Field(Register(), alias="register", description="Limits of agents' registrations.")

    name_servers: Annotated[tuple[ListenAddress, ...], Unique] = Field(
        (), description="DNS servers as address:port; those of the machine when left out."
    )
    digest: Annotated[tuple[Algorithm, ...], Filled, Unique] = Field(
        ("SHA-256", "MD5"),
        description="Algorithms phones are challenged with, the preferred one first. "
        "[MD5] for phones that give up at the sight of another (baresip 1.0 among them).",
    )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """Secure listeners need a certificate; peers need one address of each kind to answer to."""
        seen: dict[tuple[str, bool], Listen] = {}
        for index, listen in enumerate(self.listen):
            if listen.transport in ("tls", "wss") and self.tls is None:
                message = f"{listen} needs a certificate"
                yield Broken(("listen", index), message, "with sip.tls: {certificate: path, key: path}")
            nameless = listen.host in ("0.0.0.0", "::") and self.external_address is None
            if (
                nameless and deployment.media.address is not None
            ):  # else it is media's address too, which says so
                message = f"Contact cannot name {listen.host}"
                yield Broken(
                    ("listen", index), message, "one address of this machine, or a sip.external_address"
                )
            first = seen.setdefault((listen.transport, ":" in listen.host), listen)
            if first is not listen:
                message = f"{listen} is a second {listen.transport}:// address of its kind, beside {first}"
                yield Broken(
                    ("listen", index), message, "one IPv4 and one IPv6 address for each transport, so far"
                )
