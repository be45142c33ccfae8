"""Deployments for the wire tests: the smallest contact centre, with free ports, and tones as prompts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit.ports import free_ports
from tests.kit.tone import tone, write_wav

ENGINE = "127.0.0.1"
TRUNK = "127.0.0.2"
NUMBER = "+442071230001"
DOMAIN = "acme.test"
GREETING, MUSIC = 400.0, 500.0
"""Hertz of the greeting, which lasts a second, and of the music."""
PORTS = 400
"""RTP ports of one engine: a used port rests a while, so more than its calls need."""
DIGEST = ["MD5"]
"""What phones are challenged with: baresip 1.0 gives up at the sight of SHA-256, in whatever order."""


@dataclass
class Deployment:
    """What a test changes; the rest is the same for all."""

    agents: tuple[str, ...] = ("anna", "bob")
    """Each one's password is pw-NAME."""
    workers: int = 1
    ring: float = 3.0
    """Seconds an agent's phone rings."""
    calls_per_second: int = 50
    node: str = "n1"
    takeover: float = 30.0
    """Seconds after its last word at which others take what this node had."""
    store: str = "sqlite:///cordboard.db"
    token: str = ""
    """Of an admin of the API, which is closed without one."""
    sip_section: dict[str, Any] = field(default_factory=dict)
    """Keys of sip that are added or replaced."""
    callers: tuple[str, ...] = ()
    """Networks of the carrier's besides its own address."""
    sip: int = field(default_factory=lambda: free_ports(ENGINE))
    web: int = field(default_factory=lambda: free_ports(ENGINE))
    rtp: int = field(default_factory=lambda: free_ports(ENGINE, PORTS))

    def write(self, folder: Path) -> Path:
        """The YAML (of its JSON subset) and its prompts, in a folder that exists."""
        write_wav(folder / "greeting.wav", tone(GREETING, 1.0))
        write_wav(folder / "music.wav", tone(MUSIC, 4.0))
        path = folder / "deployment.yaml"
        path.write_text(json.dumps(self._sections(), indent=1))
        return path

    def _sections(self) -> dict[str, Any]:
        return self._outside() | self._people() | self._inside()

    def _outside(self) -> dict[str, Any]:
        number = {
            "use": "shared",
            "kind": "geographic",
            "trunk": "carrier",
            "inbound": True,
            "outbound": False,
        }
        carrier = {
            "target": f"{TRUNK}:5080",
            "accept_from": [f"{TRUNK}/32", *self.callers],
            "options_interval": 0,
        }
        return {
            "organisation": {"name": "Test", "time_zone": "Europe/London"},
            "node": {"name": self.node, "takeover": self.takeover},
            "sip": {
                "listen": [f"{transport}://{ENGINE}:{self.sip}" for transport in ("udp", "tcp")],
                "domain": DOMAIN,
                "digest": DIGEST,
                **self.sip_section,
            },
            "trunks": {"carrier": carrier | {"calls_per_second": self.calls_per_second}},
            "numbers": {NUMBER: number | {"name": "Support"}},
            "media": {
                "address": ENGINE,
                "rtp_ports": f"{self.rtp}-{self.rtp + PORTS - 1}",
                "workers": self.workers,
            },
        }

    def _people(self) -> dict[str, Any]:
        def agent(name: str) -> dict[str, Any]:
            return {"name": name.title(), "password": password(name), "queues": ["support"]}

        return {
            "agents": {name: agent(name) for name in self.agents},
            "calls": {"ring": {"agent": self.ring}, "wrap_up": {"enabled": False}},
        }

    def _tokens(self) -> list[dict[str, str]]:
        return [{"name": "ops", "role": "admin", "token": self.token}] if self.token else []

    def _inside(self) -> dict[str, Any]:
        route = {"direction": "inbound", "numbers": [NUMBER], "routes": [{"queue": "support"}]}
        waiting = {
            "greeting": {"audio": "greeting.wav"},
            "music": "music.wav",
            "max_wait": "5m",
            "then": "end",
        }
        return {
            "workstreams": {"support-in": route},
            "queues": {"support": {"assignment": "longest_idle", "waiting": "patient"}},
            "waiting_strategies": {"patient": waiting},
            "recordings": {"enabled": True, "direction": "both", "files": "separate", "folder": "recordings"},
            "web": {"listen": f"{ENGINE}:{self.web}", "tokens": self._tokens()},
            "store": {"url": self.store},
            "logging": {"level": "info", "format": "json"},
        }


def password(agent: str) -> str:
    return f"pw-{agent}"
