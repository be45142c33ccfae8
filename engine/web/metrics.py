"""/metrics for Prometheus: counts and gauges of this node. No names of people or numbers are in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from engine.agents.agent import Doing, Status
from engine.facts import Phase, Reason
from engine.figures import Histogram
from engine.queues.waits import HOWS
from engine.transports.counts import Kind, MessageCounts
from engine.web.api.office import Office
from engine.web.exposition import CONTENT_TYPE, Sample, family, histogram
from engine.web.media_reports import ADDED, MediaReports


class StoreWriter(Protocol):
    """What may be late on its way into the store."""

    @property
    def waiting(self) -> int:
        """Records that are not written yet."""
        ...

    @property
    def lag(self) -> float:
        """Seconds that the oldest of them has waited."""
        ...

    @property
    def lags(self) -> Histogram:
        """The same of each batch when it was written."""
        ...


@dataclass(frozen=True, slots=True)
class Gauges:
    """Where the figures come from."""

    office: Office
    messages: MessageCounts
    media: MediaReports
    writer: StoreWriter
    loop: Histogram
    """How late the event loop was."""

    def text(self) -> str:
        parts = (
            self._calls(),
            self._queues(),
            self._agents(),
            self._sip(),
            self._media(),
            self._legs(),
            self._node(),
        )
        return "".join(f"{line}\n" for part in parts for line in part)

    def _calls(self) -> Iterator[str]:
        book = self.office.book
        phases = Counter(call.phase for call in book.live.values())
        live = [({"phase": phase.value}, phases[phase]) for phase in Phase if phase is not Phase.ENDED]
        yield from family("cordboard_conversations", "gauge", "Live conversations by phase.", live)
        offered: list[Sample] = [({}, book.offered)]
        yield from family("cordboard_conversations_total", "counter", "Conversations that began.", offered)
        answered: list[Sample] = [({}, book.answered)]
        yield from family("cordboard_answered_total", "counter", "Of those, answered by an agent.", answered)
        ends = [({"reason": reason.value}, book.ends[reason]) for reason in Reason]
        yield from family("cordboard_ended_total", "counter", "Conversations that finished, by reason.", ends)

    def _queues(self) -> Iterator[str]:
        queues, now = list(self.office.dispatcher.queues.values()), self.office.monotonic()
        depth = [({"queue": queue.name}, len(queue)) for queue in queues]
        yield from family("cordboard_queue_waiting", "gauge", "Callers in a queue.", depth)
        firsts = [(queue.name, queue.first_entered()) for queue in queues]
        longest = [({"queue": name}, now - first if first is not None else 0.0) for name, first in firsts]
        about = "How long the first in line has waited."
        yield from family("cordboard_queue_longest_wait_seconds", "gauge", about, longest)
        left: list[Sample] = [
            ({"queue": queue.name, "how": how}, getattr(queue.counts, how))
            for queue in queues
            for how in ("answered", "abandoned", "gave_up", "dropped")
        ]
        yield from family("cordboard_queue_left_total", "counter", "Callers who left a queue, and how.", left)
        waits = [({"queue": queue.name, "how": how}, queue.waits[how]) for queue in queues for how in HOWS]
        about = "How long callers waited until they left the queue, and how."
        yield from histogram("cordboard_queue_wait_seconds", about, waits)

    def _agents(self) -> Iterator[str]:
        people = Counter((agent.status, agent.doing) for agent in self.office.floor.agents.values())
        samples: list[Sample] = [
            ({"status": status.value, "doing": doing.value}, people[status, doing])
            for status in Status
            for doing in Doing
        ]
        yield from family("cordboard_agents", "gauge", "Agents by status and by what they do.", samples)

    def _sip(self) -> Iterator[str]:
        counts = sorted(self.messages.counts.items())
        requests = [(_labels(kind, "method"), count) for kind, count in counts if not kind.status]
        about = "SIP requests; trunk is empty for phones and strangers. Repeats count."
        yield from family("cordboard_sip_requests_total", "counter", about, requests)
        responses = [(_labels(kind, "method", "status"), count) for kind, count in counts if kind.status]
        about = "SIP responses by what they answer, as above."
        yield from family("cordboard_sip_responses_total", "counter", about, responses)

    def _media(self) -> Iterator[str]:
        totals = self.media.totals.items()
        for name in ADDED:
            samples = [({"worker": worker}, counts[name]) for worker, counts in totals]
            yield from family(f"cordboard_media_{name}_total", "counter", ABOUT[name], samples)
        for name, (field, about, scale) in GAUGES.items():
            latest = self.media.latest.items()
            figures = [({"worker": worker}, getattr(report, field) * scale) for worker, report in latest]
            yield from family(f"cordboard_media_{name}", "gauge", about, figures)
        late = [({"worker": worker}, lateness) for worker, lateness in self.media.lateness.items()]
        about = "How late phases of the media tick began."
        yield from histogram("cordboard_media_tick_lateness_seconds", about, late)

    def _legs(self) -> Iterator[str]:
        qualities = self.office.book.qualities
        for name, (about, by_way) in {
            "jitter_seconds": ("Interarrival jitter of legs that ended.", qualities.jitter),
            "loss_ratio": ("Share of their packets that were not heard.", qualities.loss),
            "mos": ("How they sounded, 1 to 4.41, by the E-model.", qualities.mos),
        }.items():
            series = [({"direction": way}, each) for way, each in by_way.items()]
            yield from histogram(f"cordboard_leg_{name}", about, series)
        about = "Time to the party and back, by its reports."
        yield from histogram("cordboard_leg_round_trip_seconds", about, [({}, qualities.round_trip)])

    def _node(self) -> Iterator[str]:
        waiting: list[Sample] = [({}, self.writer.waiting)]
        yield from family(
            "cordboard_store_waiting_records", "gauge", "Records that wait for the store.", waiting
        )
        lag: list[Sample] = [({}, self.writer.lag)]
        about = "How long the oldest of them has waited."
        yield from family("cordboard_store_lag_seconds", "gauge", about, lag)
        about = "How long the oldest record of a batch had waited when the store had it."
        yield from histogram("cordboard_store_batch_lag_seconds", about, [({}, self.writer.lags)])
        about = "How late the engine's event loop was."
        yield from histogram("cordboard_loop_lateness_seconds", about, [({}, self.loop)])
        draining: list[Sample] = [({}, int(self.office.book.draining))]
        yield from family("cordboard_draining", "gauge", "1 while no new calls are taken.", draining)


ABOUT = {
    "received": "RTP packets that came in time or late.",
    "sent": "RTP packets sent.",
    "send_errors": "RTP packets that could not be sent.",
    "missing": "Frames that were not there when they were due: lost, or later than the jitter buffer is deep.",
    "late": "RTP packets that came after their phase.",
    "reports": "RTCP packets of parties that were read.",
    "bad_reports": "RTCP packets of parties that were not as RFC 3550 has them.",
    "deeper": "Jitter buffers made deeper.",
    "shallower": "Jitter buffers made shallower.",
    "skipped": "Ticks left out because the loop was a whole tick late.",
}
GAUGES = {
    "rows": ("rows", "Rows in use.", 1.0),
    "tick_lateness_p99_seconds": (
        "lateness_p99",
        "How late phases began in the last second, 99th percentile.",
        1e-3,
    ),
    "tick_lateness_max_seconds": ("lateness_max", "The same, the worst.", 1e-3),
    "busy_ratio": ("busy", "Share of the last second spent working.", 1.0),
}


def _labels(kind: Kind, *names: str) -> dict[str, object]:
    return {name: getattr(kind, name) for name in ("direction", "trunk", *names)}


def serve_metrics(app: web.Application, gauges: Gauges) -> None:
    """Publish them at /metrics. No token is asked for: nobody's name or number is in them."""

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(body=gauges.text().encode(), headers={"Content-Type": CONTENT_TYPE})

    app.router.add_get("/metrics", metrics)
