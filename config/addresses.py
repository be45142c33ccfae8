"""Addresses of the network as the YAML writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated

from pydantic import SecretStr

from config.faults import Wrong
from config.scalars import words
from config.section import Reads, shown

_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]+)(?::(?P<port>[0-9]{1,5}))?")
_DOMAIN = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
SIP_PORT = 5060
SIPS_PORT = 5061
TRANSPORTS = ("udp", "tcp", "tls", "ws", "wss")


def bracketed(host: str, port: int | None) -> str:
    """host:port, an IPv6 address in brackets."""
    text = f"[{host}]" if ":" in host else host
    return text if port is None else f"{text}:{port}"


@dataclass(frozen=True, slots=True)
class HostPort:
    """An IP address to listen on and a port; 0 is any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return bracketed(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Listen:
    """Where SIP is received."""

    transport: str
    """udp, tcp, tls, ws or wss."""
    host: str
    """An IP address without brackets."""
    port: int
    """0 is any free port."""

    def __str__(self) -> str:
        return f"{self.transport}://{bracketed(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a trunk's requests go. Without a port or transport they are found by DNS (RFC 3263)."""

    host: str
    port: int | None = None
    transport: str | None = None
    """udp, tcp, tls, ws, wss; None leaves the choice to NAPTR."""
    user: str | None = None
    secure: bool = False
    """A sips: URI: TLS all the way."""

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        transport = f";transport={self.transport}" if self.transport else ""
        return f"sip{'s' if self.secure else ''}:{user}{bracketed(self.host, self.port)}{transport}"


@dataclass(frozen=True, slots=True)
class PortRange:
    """UDP ports, both ends included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def split(text: str, allowed: str) -> tuple[str, int | None]:
    """Host (no brackets) and port of host[:port]. Raises Wrong."""
    match = _HOST_PORT.fullmatch(text)
    if match is None:
        raise Wrong(f"{shown(text)} is not host:port (an IPv6 address stands in brackets)", allowed)
    port = None if match["port"] is None else int(match["port"])
    if port is not None and port > 65535:
        raise Wrong(f"port {port} is out of range", "1 to 65535")
    return match["host"].strip("[]"), port


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _host(host: str, allowed: str) -> str:
    digits_only = re.fullmatch(r"[0-9.]+", host) is not None
    if is_address(host) or (_DOMAIN.fullmatch(host) and not digits_only):
        return host
    raise Wrong(f"{shown(host)} is neither an IP address nor a host name", allowed)


_LISTEN_FORMS = (
    "udp://, tcp://, tls://, ws:// or wss:// with an IP address and a port, such as udp://127.0.0.1:5060"
)


def _listen(text: str) -> Listen:
    transport, separator, rest = text.partition("://")
    if not separator or transport not in TRANSPORTS:
        raise Wrong(f"{shown(text)} is no address to listen on", _LISTEN_FORMS)
    host, port = split(rest, _LISTEN_FORMS)
    if not is_address(host):
        raise Wrong(f"{shown(host)} is not an IP address", _LISTEN_FORMS)
    if port is None and transport in ("ws", "wss"):
        raise Wrong(f"{shown(text)} names no port", _LISTEN_FORMS)
    usual = SIPS_PORT if transport == "tls" else SIP_PORT
    return Listen(transport, host, usual if port is None else port)


def _host_port(text: str) -> HostPort:
    allowed = "an IP address and a port, such as 127.0.0.1:8080"
    host, port = split(text, allowed)
    if not is_address(host) or port is None:
        raise Wrong(f"{shown(text)} is not an IP address with a port", allowed)
    return HostPort(host, port)


_TARGET_FORMS = 'host, host:port, or a SIP URI such as "sip:127.0.0.2:5080;transport=udp"'


def _target(text: str) -> Target:
    scheme, separator, rest = text.partition(":")
    has_scheme = bool(separator) and scheme in ("sip", "sips")
    location, *parameters = (rest if has_scheme else text).split(";")
    user, at, place = location.rpartition("@")
    host, port = split(place, _TARGET_FORMS)
    if port == 0 or (at and not re.fullmatch(r"[A-Za-z0-9.+_-]+", user)):
        raise Wrong(f"{shown(text)} has an empty port or a user that is not plain", _TARGET_FORMS)
    return Target(_host(host, _TARGET_FORMS), port, _transport(parameters), user or None, scheme == "sips")


def _transport(parameters: list[str]) -> str | None:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name != "transport" or value not in TRANSPORTS:
            raise Wrong(
                f"{shown(parameter)} is no parameter of a target", f"transport={' | '.join(TRANSPORTS)}"
            )
        return value
    return None


def _port_range(text: str) -> PortRange:
    allowed = "FIRST-LAST within 1024 to 65535, at least 4 ports, such as 20000-29999"
    match = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", text)
    if match is None:
        raise Wrong(f"{shown(text)} is not a range of ports", allowed)
    first, last = int(match[1]), int(match[2])
    if not (first >= 1024 and first + 3 <= last <= 65535):
        raise Wrong(f"{text} is out of range", allowed)
    return PortRange(first, last)


def _network(text: str) -> IPv4Network | IPv6Network:
    allowed = "an IP address or CIDR, such as 192.0.2.10 or 192.0.2.0/24"
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise Wrong(f"{shown(text)} is not a network", allowed) from error
    if ip_address(text.split("/")[0]) != network.network_address:
        raise Wrong(f"{text} has bits set beyond its mask", f"{network}")
    return network


def _address(text: str) -> str:
    if not is_address(text):
        raise Wrong(f"{shown(text)} is not an IP address", "an IPv4 or IPv6 address without brackets")
    return text


def _domain(text: str) -> str:
    return _host(text, "a domain name such as example.test, or an IP address").lower()


def _reachable(text: str) -> str:
    return _host(text, "an IP address or host name that the outside reaches")


_STORES = "sqlite:///PATH, sqlite:// (in memory) or postgresql://USER:PASSWORD@HOST/DATABASE"


def _store(text: str) -> SecretStr:
    if not re.fullmatch(r"sqlite://(/\S+)?|postgres(ql)?://[^\s/]+/\S+", text):
        raise Wrong("not the URL of a store that is known", _STORES)
    return SecretStr(text)


def _store_url(value: object, folder: object) -> SecretStr:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        raise Wrong("the URL is not text", _STORES)
    return _store(text)


STORE_URL = Reads(
    _store_url, {"type": ["string", "object"], "description": f"{_STORES}; or {{env: NAME}}."}, str
)
StoreUrl = Annotated[SecretStr, STORE_URL]
"""Kept as a secret, as it may hold a password."""

ListenUrl = Annotated[
    Listen, words(_listen, _LISTEN_FORMS, {"type": "string", "description": _LISTEN_FORMS}, str)
]
TrunkTarget = Annotated[
    Target, words(_target, _TARGET_FORMS, {"type": "string", "description": _TARGET_FORMS}, str)
]
ListenAddress = Annotated[
    HostPort, words(_host_port, "IP:port", {"type": "string", "examples": ["127.0.0.1:8080"]}, str)
]
Ports = Annotated[
    PortRange, words(_port_range, "FIRST-LAST", {"type": "string", "pattern": "^[0-9]+-[0-9]+$"}, str)
]
Network = Annotated[
    IPv4Network | IPv6Network,
    words(_network, "a CIDR", {"type": "string", "examples": ["192.0.2.0/24"]}, str),
]
Address = Annotated[str, words(_address, "an IP address", {"type": "string", "examples": ["192.0.2.10"]})]
Domain = Annotated[str, words(_domain, "a domain name", {"type": "string", "examples": ["acme.test"]})]
Host = Annotated[str, words(_reachable, "an IP address or host name", {"type": "string"})]
