"""CPU of the SIP stack alone: two stacks in memory, no sockets. `python -m tools.bench.sip_stack [--json]`.

A UAS call is INVITE, 100, 180, 200, ACK, BYE, 200; a B2BUA call is two of them through the stack in the
middle. Only the time inside the measured stack counts; `--profile` prints where it goes.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import pstats
import timeit
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter

from engine.sip.dialog import Dialog
from engine.sip.events import Answered, Ended, Event, Invited, Ringing
from engine.sip.flow import Flow
from engine.sip.stack import Stack

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
)


class Trunks:
    """Everybody is a trunk."""

    domain = "acme.test"

    def trunk_at(self, host: str) -> str | None:
        """Calls come unchallenged."""
        return "carrier"

    def secret_of(self, user: str) -> str | None:
        """Nobody registers."""
        return None


@dataclass
class Node:
    """A stack at an address, and the time spent in it."""

    host: str
    numbers: count[int] = field(default_factory=lambda: count(1))
    seconds: float = 0.0

    def __post_init__(self) -> None:
        local = {"udp": (self.host, 5060)}
        self.stack = Stack(authority=Trunks(), local=local, token=self.token, key=b"key")
        self.flow = Flow("udp", self.host, 5060)

    def token(self) -> str:
        """Never the same twice."""
        return f"{next(self.numbers):016x}"


class Bench:
    """Callers, the measured stack, and phones, joined by memory."""

    def __init__(self, bridged: bool, profile: cProfile.Profile | None) -> None:
        self.caller, self.middle, self.phone = Node("127.0.0.1"), Node("127.0.0.2"), Node("127.0.0.3")
        self.nodes = {node.host: node for node in (self.caller, self.middle, self.phone)}
        self.bridged, self.profile = bridged, profile
        self.now, self.ended = 0.0, 0
        self.peers: dict[Dialog, Dialog] = {}

    def run(self, calls: int) -> float:
        """Microseconds in the measured stack for each call."""
        for _ in range(calls):
            self.call()
            self.now += 0.01
            for node in self.nodes.values():
                self.measured(node, lambda node=node: node.stack.handle_timer(self.now))
            self.settle()
        if self.ended < calls:
            raise SystemExit(f"only {self.ended} of {calls} calls came to their end")
        return self.middle.seconds / calls * 1e6

    def call(self) -> None:
        """One call from end to end."""
        stack, flow = self.caller.stack, self.middle.flow
        uri = f"sip:+442071230001@{flow.host}"
        stack.invite(uri, flow=flow, caller="<sip:+4479@127.0.0.1>", offer=SDP, now=self.now)
        self.settle()

    def settle(self) -> None:
        """Deliver until all is quiet."""
        busy = True
        while busy:
            busy = False
            for node in self.nodes.values():
                for packet in node.stack.take_packets():
                    busy = True
                    self.deliver(node, packet.data, packet.flow)

    def deliver(self, source: Node, data: bytes, flow: Flow) -> None:
        """Carry one packet and let the receiver's application react."""
        target = self.nodes[flow.host]
        self.measured(target, lambda: self.take(target, source, data))

    def take(self, target: Node, source: Node, data: bytes) -> None:
        """What a driver does with a datagram."""
        target.stack.receive(data, source.flow, self.now)
        for event in target.stack.take_events():
            self.react(target, event)

    def measured(self, node: Node, work: object) -> None:
        """Count the time of what happens in the middle."""
        assert callable(work)
        if node is not self.middle:
            work()
            return
        if self.profile is not None:
            self.profile.enable()
        begin = perf_counter()
        work()
        node.seconds += perf_counter() - begin
        if self.profile is not None:
            self.profile.disable()

    def react(self, node: Node, event: Event) -> None:
        """A very small engine: the middle bridges or answers, the phone answers, the caller hangs up."""
        match event:
            case Invited(dialog) if node is self.middle and self.bridged:
                leg = node.stack.invite(
                    "sip:bob@127.0.0.3",
                    flow=self.phone.flow,
                    caller="<sip:a@127.0.0.2>",
                    offer=SDP,
                    now=self.now,
                )
                self.peers[dialog], self.peers[leg] = leg, dialog
            case Invited(dialog):
                dialog.ring(self.now)
                dialog.accept(SDP, self.now)
            case Ringing(dialog) if node is self.middle:
                self.peers[dialog].ring(self.now)
            case Answered(dialog) if node is self.middle:
                self.peers[dialog].accept(SDP, self.now)
            case Answered(dialog):
                dialog.hang_up(self.now)
            case Ended(dialog) if node is self.middle:
                self.ended += 1
                peer = self.peers.pop(dialog, None)
                if peer is not None:
                    self.peers.pop(peer, None)
                    peer.hang_up(self.now)


def reference() -> float:
    """Microseconds for a fixed piece of plain Python, to set beside the figures."""
    text = "".join(f"Header-{n}: {n * n}\r\n" for n in range(12))

    def once() -> None:
        for _ in range(100):
            dict(line.split(": ", 1) for line in text.split("\r\n") if line)

    return min(timeit.repeat(once, number=20, repeat=7)) / 2000 * 1e6


def main() -> None:
    """Print microseconds per call."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    args = parser.parse_args()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the engine runs
    figures = {"reference_us": round(reference(), 2)}
    for name, bridged in (("uas", False), ("b2bua", True)):
        profile = cProfile.Profile() if args.profile else None
        Bench(bridged, None).run(min(300, args.calls))
        figures[f"{name}_us_per_call"] = round(Bench(bridged, profile).run(args.calls), 1)
        if profile is not None:
            pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    print(
        json.dumps(figures) if args.json else "\n".join(f"{name}: {value}" for name, value in figures.items())
    )


if __name__ == "__main__":
    main()
