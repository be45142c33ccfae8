"""Who may do what by SIP: trunks by the address they call from, agents by their password."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


class Directory:
    """The stack's authority. Addresses of record in `domain` belong to agents and are always challenged."""

    def __init__(
        self, domain: str, secrets: Mapping[str, str], accept_from: Mapping[str, tuple[Network, ...]]
    ) -> None:
        """`secrets`: password by agent; `accept_from`: networks by trunk."""
        self.domain = domain
        self.trunk_at = lru_cache(4096)(self._trunk_at)
        self.replace(secrets, accept_from)

    def replace(self, secrets: Mapping[str, str], accept_from: Mapping[str, tuple[Network, ...]]) -> None:
        """From now on it is these. Who is registered stays so until the registration is to be refreshed."""
        self._secrets = dict(secrets)
        self._networks = [(network, trunk) for trunk, networks in accept_from.items() for network in networks]
        self.trunk_at.cache_clear()

    def secret_of(self, user: str) -> str | None:
        return self._secrets.get(user)

    def _trunk_at(self, host: str) -> str | None:
        """The trunk that calls from this address; the narrowest network wins."""
        try:
            address = ip_address(host)
        except ValueError:
            return None
        matching = [(network.prefixlen, trunk) for network, trunk in self._networks if address in network]
        return max(matching)[1] if matching else None
