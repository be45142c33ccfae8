"""What a run of the generator says, typed, and as a table for people."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from rich.console import Console
from rich.table import Table


class Spread(msgspec.Struct, frozen=True):
    """Percentiles in milliseconds; -1 when nothing was observed."""

    n: int
    p50: float
    p99: float
    p999: float


class Hearing(msgspec.Struct, frozen=True):
    """What one side's legs received while measuring, summed. `frames` carry the right voice; 20 ms each."""

    legs: int
    deaf_legs: int
    """Legs that heard not one frame of their peer."""
    sent: int
    packets: int
    rtp_lost_pct: float
    """Holes in the sequence numbers of what the server sent."""
    frames: int
    frames_lost: int
    """Frames of the peer that never came through, end to end."""
    frames_lost_pct: float
    frames_repeated: int
    silent: int
    untagged: int
    """Sound that is nobody's voice: music, concealment, damage."""
    wrong_leg: int
    gaps_over_40ms: int
    gap_max_ms: float
    gap_ms: Spread


class Process(msgspec.Struct, frozen=True):
    """CPU of one core and memory of a watched process."""

    pid: int
    setup_cpu_ms_per_call: float
    """CPU from the first INVITE until all were up, over the calls: of the engine, what signalling costs."""
    cpu_pct: float
    """Of one core, while measuring."""
    resident_kb_idle: int
    resident_kb_up: int
    resident_kb_end: int


class Generator(msgspec.Struct, frozen=True):
    """The generator itself: its delays are part of all it measures."""

    cpu_pct: float
    slips: int
    """Milliseconds that it served more than 5 ms late."""
    scheduling: str
    """real time, nice -10 or ordinary: what the machine allowed it."""
    send_late_ms: Spread
    """Its packets behind the millisecond they belong to: the jitter that the server had to smooth."""


class Report(msgspec.Struct, frozen=True):
    """One run. `wrong_leg` counts frames of anybody but the peer, from the first INVITE to the last BYE."""

    calls: int
    connected: int
    bridged: int
    failed: int
    wrong_leg: int
    presented_twice: int
    """INVITEs to an agent who was already in a call."""
    left_behind: int
    timed_out: int
    cancelled: int
    hung_up_by_callers: int
    hung_up_by_agents: int
    agents: int
    agents_registered: int
    retransmissions: int
    send_errors: int
    seconds: float
    setup_ms: Spread
    """INVITE to 200, as the caller sees it."""
    setup_to_voice_ms: Spread
    """INVITE to the first frame of the agent's voice at the caller."""
    answer_to_voice_ms: Spread
    """The agent's 200 to the first frame of the other's voice, both directions."""
    answer_to_caller_ms: Spread
    """The agent's 200 to the first frame of the caller's voice at the agent: how long the bridge takes."""
    first_word_ms: Spread
    """The agent's first frame, as sent, to the first frame of theirs that the caller hears."""
    through_ms: Spread
    """A frame's way from one leg to the other, on the generator's clock."""
    callers_hear: Hearing
    agents_hear: Hearing
    processes: dict[str, Process]
    generator: Generator

    @property
    def faults(self) -> list[str]:
        """What makes this run a failure, in words; empty when every call was bridged, heard and ended."""
        deaf = self.callers_hear.deaf_legs + self.agents_hear.deaf_legs
        counts = {
            "calls were not bridged": self.calls - self.bridged,
            "calls failed": self.failed,
            "frames were heard on a wrong leg": self.wrong_leg,
            "legs never heard their peer": deaf,
            "calls were presented to an agent in a call": self.presented_twice,
            "legs did not end": self.left_behind,
            "agents could not register": self.agents - self.agents_registered
            if self.agents_registered
            else 0,
        }
        return [f"{count} {what}" for what, count in counts.items() if count]


def read(text: bytes) -> Report:
    """The generator's output; raises msgspec.DecodeError when it is not a report."""
    return msgspec.json.decode(text, type=Report)


def show(report: Report, console: Console) -> None:
    """The run for people: calls, voices, times, cost."""
    console.print(_calls(report))
    console.print(_voices(report))
    console.print(_times(report))
    console.print(_processes(report))
    for fault in report.faults:
        console.print(f"[bold red]{fault}[/]")


def _calls(report: Report) -> Table:
    table = Table(title=f"{report.calls} calls held for {report.seconds:.0f} s")
    row = {
        "connected": report.connected,
        "bridged": report.bridged,
        "failed": report.failed,
        "agents": f"{report.agents_registered}/{report.agents}",
        "left behind": report.left_behind,
        "retransmissions": report.retransmissions,
    }
    for name in row:
        table.add_column(name, justify="right")
    table.add_row(*map(str, row.values()))
    return table


def _voices(report: Report) -> Table:
    table = Table("voice", "callers hear", "agents hear")
    rows: dict[str, Callable[[Hearing], object]] = {
        "frames": lambda side: side.frames,
        "lost %": lambda side: f"{side.frames_lost_pct:.3f}",
        "repeated": lambda side: side.frames_repeated,
        "silent": lambda side: side.silent,
        "other sound": lambda side: side.untagged,
        "wrong leg": lambda side: side.wrong_leg,
        "gap p50 / p99 / p99.9 ms": lambda side: (
            f"{side.gap_ms.p50} / {side.gap_ms.p99} / {side.gap_ms.p999}"
        ),
        "longest gap ms": lambda side: f"{side.gap_max_ms:.1f}",
    }
    for name, figure in rows.items():
        table.add_row(name, str(figure(report.callers_hear)), str(figure(report.agents_hear)))
    return table


def _times(report: Report) -> Table:
    table = Table("time", "p50 ms", "p99 ms", "p99.9 ms", "of")
    spreads = {
        "INVITE to 200": report.setup_ms,
        "INVITE to the agent's voice": report.setup_to_voice_ms,
        "agent's 200 to voice": report.answer_to_voice_ms,
        "agent's 200 to the caller's voice": report.answer_to_caller_ms,
        "agent's first word to the caller": report.first_word_ms,
        "voice through the server": report.through_ms,
        "generator late to send": report.generator.send_late_ms,
    }
    for name, spread in spreads.items():
        table.add_row(name, f"{spread.p50:.2f}", f"{spread.p99:.2f}", f"{spread.p999:.2f}", str(spread.n))
    return table


def _processes(report: Report) -> Table:
    table = Table("process", "CPU %", "ms to set up a call", "memory idle", "in calls", "kB per call")
    for name, process in report.processes.items():
        grown = (process.resident_kb_up - process.resident_kb_idle) / max(report.connected, 1)
        memory = (f"{process.resident_kb_idle} kB", f"{process.resident_kb_up} kB", f"{grown:.0f}")
        table.add_row(name, f"{process.cpu_pct:.1f}", f"{process.setup_cpu_ms_per_call:.2f}", *memory)
    table.add_row("generator", f"{report.generator.cpu_pct:.1f}", "", "", "", report.generator.scheduling)
    return table
