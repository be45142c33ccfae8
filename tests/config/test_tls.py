"""Certificates that cannot be used are found out when the deployment is checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from config.faults import Faults
from config.load import loads
from tests.kit.certificates import certificate

YAML = """\
sip:
  listen: [tls://127.0.0.1]
  domain: acme.test
  tls: {certificate: certificate.pem, key: key.pem, authorities: authorities.pem}
"""
COLUMNS = {"certificate": 22, "key": 44, "authorities": 66}


def fault(folder: Path) -> tuple[str, str, int]:
    """The one fault: its key, what it says, and its column."""
    with pytest.raises(Faults) as caught:
        loads(YAML, folder=folder)
    [fault] = caught.value.items
    assert fault.line == 4
    assert fault.allowed.startswith("a PEM file of")
    return str(fault.key[-1]), fault.message, fault.column


def test_a_good_pair_is_taken(tmp_path: Path) -> None:
    certificate(tmp_path, "acme.test")
    tls = loads(YAML, folder=tmp_path).sip.tls
    assert tls is not None
    assert tls.authorities == tmp_path / "authorities.pem"


@pytest.mark.parametrize("name", ["certificate", "key", "authorities"])
@pytest.mark.parametrize(
    "content", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_holds_something_else(tmp_path: Path, name: str, content: str) -> None:
    certificate(tmp_path, "acme.test")
    (tmp_path / f"{name}.pem").write_text(content)
    key, message, column = fault(tmp_path)
    assert (key, column) == (name, COLUMNS[name])
    assert "in it that can be" in message
    assert str(tmp_path / f"{name}.pem") in message


def test_the_key_of_another_certificate(tmp_path: Path) -> None:
    certificate(tmp_path, "acme.test")
    other = certificate(tmp_path / "other", "acme.test")
    (tmp_path / "key.pem").write_bytes(other.key.read_bytes())
    assert fault(tmp_path)[:2] == (
        "key",
        f"sip.tls.key: {tmp_path}/key.pem: the key is not that of the certificate",
    )


def test_a_key_with_a_passphrase_is_not_asked_for(tmp_path: Path) -> None:
    files = certificate(tmp_path, "acme.test")
    key = load_pem_private_key(files.key.read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush"))
    files.key.write_bytes(locked)
    name, message, _ = fault(tmp_path)
    assert name == "key"
    assert "the key has a passphrase" in message
