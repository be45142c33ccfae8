"""python -m tools.where KEY: which module takes a key of the YAML, and what the key may be."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from config.faults import choice, dotted
from config.settings import Settings
from config.walk import Place, places


@dataclass(frozen=True, slots=True)
class Taker:
    """The one component that a section's model is handed to."""

    module: str
    features: str
    """The rows of the feature contract that the section is for."""

    @property
    def is_built(self) -> bool:
        """Whether the module is there."""
        try:
            return find_spec(self.module) is not None
        except ModuleNotFoundError:
            return False

    def __str__(self) -> str:
        return (
            f"{self.module} ({self.features})"
            if self.is_built
            else f"{self.module}, not built yet ({self.features})"
        )


TAKERS: Mapping[str, Taker] = {
    "organisation": Taker("engine.app", "L1"),
    "node": Taker("engine.agents.claims", "L8"),
    "sip": Taker("engine.transports", "A1, A2, A4"),
    "trunks": Taker("engine.trunks", "A3, A10"),
    "numbers": Taker("engine.calls.reception", "C2, C5"),
    "media": Taker("media.client", "B1 to B10"),
    "hours": Taker("engine.policy.hours", "C6"),
    "capacity_profiles": Taker("engine.policy.capacity", "D2"),
    "dispositions": Taker("engine.dialer.dispositions", "D5, G13"),
    "agents": Taker("engine.agents", "A2, D3"),
    "ai_agents": Taker("engine.legs.stream", "K1 to K3"),
    "presence": Taker("engine.agents.presence", "D3"),
    "calls": Taker("engine.calls", "D4, D5, C7, F6"),
    "transfer": Taker("engine.calls.transfer", "F2 to F4"),
    "directory": Taker("engine.calls.directory", "F2"),
    "profiles": Taker("engine.calls.direct", "C1 to C4"),
    "notification_templates": Taker("engine.web.notifications", "C1, C5"),
    "workstreams": Taker("engine.policy.routing", "C5"),
    "queues": Taker("engine.queues", "D1, D9, D10"),
    "waiting_strategies": Taker("engine.policy.waiting", "D6, D7"),
    "on_hold_messages": Taker("engine.calls.hold", "D8, F1"),
    "callbacks": Taker("engine.callbacks", "E2 to E4"),
    "direct_callback": Taker("engine.callbacks.direct", "E1"),
    "voicemail": Taker("engine.calls.voicemail", "D12"),
    "recordings": Taker("engine.recordings", "H1 to H6"),
    "contacts": Taker("engine.dialer.contacts", "G1, G2"),
    "engagements": Taker("engine.dialer", "G1 to G20"),
    "suppressions": Taker("engine.dialer.suppressions", "G16"),
    "do_not_call": Taker("engine.dialer.do_not_call", "G17"),
    "messaging": Taker("engine.messaging", "I1 to I6"),
    "call_links": Taker("engine.web.call_links", "J1 to J3"),
    "web": Taker("engine.web", "L3, L4"),
    "store": Taker("engine.store", "L7, L8"),
    "logging": Taker("engine.cli", "L5"),
}
"""Section to the module that takes it. Whoever moves a section to another module changes its row."""


def described(place: Place) -> Iterable[str]:
    """A key, the module that takes its section, and what the model says about it."""
    yield f"{dotted(place.key)}: {place.description}"
    yield f"  taken by {TAKERS[str(place.key[0])]}"
    yield f"  default: {place.default}"


def main(arguments: list[str]) -> int:
    """Print every key that fits the argument; 1 when there is none."""
    if len(arguments) != 1:
        print(
            "usage: python -m tools.where KEY, such as queues or queues.*.waiting\n"
            f"sections: {', '.join(TAKERS)}"
        )
        return 2
    found = [place for place in places(Settings) if fits(place.key, arguments[0])]
    if not found:
        print(f"no such key; allowed: {choice(arguments[0].split('.')[0], TAKERS)}")
        return 1
    for place in found:
        print("\n".join(described(place)))
    return 0


def fits(key: tuple[str | int, ...], asked: str) -> bool:
    """Whether a key of the models is the one asked for; * stands for names, and any name fits it."""
    parts = asked.replace("[", ".").replace("]", "").split(".")
    return len(parts) == len(key) and all(mine in (part, "*") for mine, part in zip(key, parts, strict=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
