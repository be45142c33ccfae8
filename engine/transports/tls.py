"""TLS as server and as client: our certificate, whom we trust, and whose certificate it has to be (RFC 5922)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from engine.sip.flow import is_address

Names = Mapping[str, Any]
"""A certificate as ssl tells it."""


class Tls:
    """The two sides' settings. Never below TLS 1.2."""

    def __init__(self, certificate: Path, key: Path, authorities: Path | None = None) -> None:
        """PEM files; `authorities` are whom we trust as client, the machine's own when None.

        Raises OSError, of which ssl.SSLError is one, for files that cannot be used.
        """
        self._files = (certificate, key)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.check_hostname = False  # `mismatch` looks at sip: names too, which ssl knows nothing of
        if authorities is None:
            self.client.load_default_certs()
        else:
            self.client.load_verify_locations(authorities)
        for side in (self.server, self.client):
            side.minimum_version = ssl.TLSVersion.TLSv1_2
        self.renew()

    def renew(self) -> None:
        """Read certificate and key again: for connections from now on. Raises OSError."""
        for side in (self.server, self.client):
            side.load_cert_chain(*self._files, password=_no_passphrase)

    def mismatch(self, transport: asyncio.Transport, domain: str) -> str:
        """What is wrong with the certificate that the peer of our connection showed; "" when it is theirs."""
        wanted = domain or str(transport.get_extra_info("peername")[0])
        names = identities(transport.get_extra_info("peercert") or {}, is_address(wanted))
        if wanted.lower().rstrip(".") in names:
            return ""
        return f"the certificate is of {', '.join(sorted(names)) or 'nobody'}, not of {wanted}"


def identities(certificate: Names, address: bool) -> set[str]:
    """Whom a certificate is of, in lower case: SIP URIs, else DNS names (RFC 5922 section 7.1), or IP addresses.

    Asterisks are taken as they are, for a SIP domain is not to be matched by one (section 7.2).
    """
    alternatives = [(kind, str(value)) for kind, value in certificate.get("subjectAltName", ())]
    if address:
        return {str(ip_address(value.strip())) for kind, value in alternatives if kind == "IP Address"}
    uris = {
        value[4:].lower()
        for kind, value in alternatives
        if kind == "URI" and value[:4].lower() == "sip:" and "@" not in value
    }
    if uris:
        return uris
    return {value.lower() for kind, value in alternatives if kind == "DNS"} or _common_names(certificate)


def _common_names(certificate: Names) -> set[str]:
    """Only of a certificate without any alternative name (RFC 5922 section 7.1)."""
    if certificate.get("subjectAltName"):
        return set()
    subject = (pair for relative in certificate.get("subject", ()) for pair in relative)
    return {str(value).lower() for kind, value in subject if kind == "commonName"}


def trouble(error: Exception) -> str:
    """A failed connection in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _no_passphrase() -> str:
    raise OSError("the private key has a passphrase; it has to be readable without one")
