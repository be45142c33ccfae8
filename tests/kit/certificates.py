"""Certificates for tests, by an authority that nobody else trusts."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Files:
    """PEM files of one certificate."""

    certificate: Path
    key: Path
    authorities: Path
    """Whoever trusts this file trusts the certificate."""

    def section(self) -> dict[str, str]:
        """As sip.tls wants it."""
        return {
            "certificate": str(self.certificate),
            "key": str(self.key),
            "authorities": str(self.authorities),
        }

    def trusting(self) -> ssl.SSLContext:
        """Settings of a client that trusts the authority, and looks at names itself if at all."""
        settings = ssl.create_default_context(cafile=str(self.authorities))
        settings.check_hostname = False
        return settings


def certificate(folder: Path, *names: str) -> Files:
    """A new certificate of these host names and addresses, by a new authority."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    issued = authority.issue_cert(*names)
    files = Files(folder / "certificate.pem", folder / "key.pem", folder / "authorities.pem")
    files.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    files.key.write_bytes(issued.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(files.authorities))
    return files
