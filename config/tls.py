"""Whether the files of sip.tls can be used, found out before anybody calls."""

from __future__ import annotations

import ssl
from pathlib import Path

from config.faults import Broken


def unusable(certificate: Path, key: Path, authorities: Path | None) -> Broken | None:
    """The first thing wrong with the files, by the key in sip.tls; None when a TLS server can be made of them."""
    wrong = _certificates(certificate)
    if wrong:
        return Broken(
            ("certificate",), f"{certificate}: {wrong}", "a PEM file of the certificate and its chain"
        )
    wrong = _pair(certificate, key)
    if wrong:
        allowed = "a PEM file of the certificate's private key, without a passphrase"
        return Broken(("key",), f"{key}: {wrong}", allowed)
    wrong = _certificates(authorities) if authorities is not None else ""
    if wrong:
        return Broken(("authorities",), f"{authorities}: {wrong}", "a PEM file of certificates")
    return None


def _certificates(file: Path) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        return "there is no certificate in it that can be read"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""


class _Protected(Exception):
    """The key asks for a passphrase."""


def _passphrase() -> str:
    raise _Protected


def _pair(certificate: Path, key: Path) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_passphrase)
    except _Protected:
        return "the key has a passphrase"
    except ssl.SSLError as error:
        if "MISMATCH" in (error.reason or ""):
            return "the key is not that of the certificate"
        return "there is no private key in it that can be used"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""
