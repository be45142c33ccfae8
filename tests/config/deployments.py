"""Deployments for tests: the example that users start from, and small ones."""

from __future__ import annotations

from pathlib import Path

import config
from config.documents import Document, parse
from config.faults import Fault, Faults, Key
from config.load import loads
from config.settings import Settings
from config.walk import places

CONFIG = Path(config.__file__).parent
EXAMPLE = CONFIG / "example.yaml"
ENVIRON = {
    "ANNA_PASSWORD": "hush-anna",
    "TWILIO_ACCOUNT": "hush-account",
    "TWILIO_TOKEN": "hush-token",
    "OPS_TOKEN": "hush-ops",
}
SMALL = """\
sip: {listen: [udp://127.0.0.1:5060], domain: acme.test}
trunks:
  carrier: {target: "127.0.0.2:5080"}
numbers:
  "+442071230001": {trunk: carrier, outbound: true}
  "+442071230002": {trunk: carrier, outbound: true}
  "+442071230003": {trunk: carrier, outbound: true, kind: mobile}
agents:
  anna: {name: Anna, password: secret-anna, queues: [support]}
queues:
  support: {}
  sales: {}
"""
SMALL_LINES = SMALL.count("\n")


def faults_of(text: str, folder: Path | None = None) -> tuple[Fault, ...]:
    """The faults that a text has."""
    try:
        loads(text, {}, name="d.yaml", folder=folder)
    except Faults as faults:
        return faults.items
    return ()


def with_small(text: str) -> Settings:
    """A small deployment with more sections below it."""
    return loads(SMALL + text, {})


def example() -> Document:
    """The example with the places of its keys."""
    return parse(EXAMPLE.read_text(encoding="utf-8"), "example.yaml")


def model_keys(document: Document) -> list[Key]:
    """The keys of a document that a model names; not the names of entries."""
    known = {place.key for place in places(Settings)}
    return [key for key in document.spots if any(_fits(key, model) for model in known)]


def _fits(key: Key, model: Key) -> bool:
    return len(key) == len(model) and all(part in (mine, "*") for mine, part in zip(key, model, strict=True))
