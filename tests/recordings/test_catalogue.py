"""From the first word to a named, whole file with its facts; and what a crash at any point leaves."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.facts import Clock
from engine.recordings import sidecar
from engine.recordings.catalogue import LegFacts, Recorded, Recordings
from engine.recordings.wanted import Direction, Directions, wanted
from media import wav
from media.control import RecordingEnded
from media.laws import Law
from media.wavfile import WavFile
from tests.recordings.fake_row import FakeRow

START = 1772357400.25
CALLER = LegFacts(
    conversation="n1-7",
    call_id="a84b4c76e66710@carrier",
    leg="customer",
    customer_name="Zoë Lee",
    customer_number="+442071230009",
)
STEM = "n1-7_Anna-Smith_Zoe-Lee_20260301093000_1_customer"


class Leg:
    """A leg that is recorded; hands its RecordingEnded on, as engine.legs does."""

    def __init__(self, recordings: Recordings, facts: LegFacts = CALLER, fault: str | None = None) -> None:
        self.ended: list[RecordingEnded] = []
        self.row = FakeRow(self.ended.append, fault)
        self.recording = recordings.start(self.row, facts)

    def end(self) -> Recorded:
        self.recording.stop()
        return self.recording.finish(self.ended[0])


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings(tmp_path / "recordings", Clock(lambda: 0.0, lambda: START))


def files(recordings: Recordings) -> list[str]:
    return sorted(str(p.relative_to(recordings.folder)) for p in recordings.folder.rglob("*") if p.is_file())


def test_a_customers_leg_gets_the_agents_name_who_answered_later(recordings: Recordings) -> None:
    leg = Leg(recordings)
    assert files(recordings) == [
        f"unfinished/n1-7_nobody_Zoe-Lee_20260301093000_1_customer.{suffix}" for suffix in ("json", "wav")
    ]
    leg.recording.answered_by("Anna Smith")
    recorded = leg.end()
    assert files(recordings) == [f"{STEM}.csv", f"{STEM}.json", f"{STEM}.wav"]
    assert recorded.path == recordings.folder / f"{STEM}.wav"
    assert wav.seconds(recorded.path) == 2.0
    assert recordings.live == {}
    assert list(recordings.whole()) == [recorded]


def test_who_answers_later_is_not_in_a_recording_that_was_whole_before(recordings: Recordings) -> None:
    leg = Leg(recordings)
    leg.end()
    before = files(recordings)
    leg.recording.answered_by("Anna Smith")
    assert files(recordings) == before


def test_the_facts_beside_a_recording(recordings: Recordings) -> None:
    leg = Leg(recordings)
    leg.recording.answered_by("Anna Smith")
    leg.end()
    facts = json.loads((recordings.folder / f"{STEM}.json").read_text())
    assert facts == {
        "conversation_id": "n1-7",
        "call_id": "a84b4c76e66710@carrier",
        "segment": 1,
        "leg": "customer",
        "customer_name": "Zoë Lee",
        "customer_number": "+442071230009",
        "agent_name": "Anna Smith",
        "start": "2026-03-01T09:30:00.250Z",
        "end": "2026-03-01T09:30:02.250Z",
        "seconds": 2.0,
        "gaps": 3,
        "heard_packets": 90,
        "heard_lost": 10,
        "heard_discarded": 5,
        "heard_jitter_ms": 2.5,
        "heard_mos": 3.21,
        "sent_packets": 100,
        "sent_lost": None,
        "sent_jitter_ms": None,
        "sent_mos": None,
        "round_trip_ms": None,
        "fault": "",
    }
    with (recordings.folder / f"{STEM}.csv").open(newline="", encoding="utf-8") as file:
        columns = {key: "" if value is None else str(value) for key, value in facts.items()}
        assert list(csv.DictReader(file)) == [columns]


def test_a_name_cannot_become_a_formula_or_break_the_file(recordings: Recordings) -> None:
    evil = replace(CALLER, customer_name='=cmd|"/C calc"\n,\udce9', customer_number="-1")
    recorded = Leg(recordings, evil).end()
    assert recorded.path is not None
    with recorded.path.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["customer_name"] == '\'=cmd|"/C calc"\n,?'
    assert row["customer_number"] == "'-1"
    assert sidecar.read(recorded.path.with_suffix(".json")).customer_name == '=cmd|"/C calc"\n,?'


def test_legs_and_segments_of_one_call_do_not_collide(recordings: Recordings) -> None:
    facts = [CALLER, replace(CALLER, leg="agent"), replace(CALLER, segment=2), CALLER]
    legs = [Leg(recordings, each) for each in facts]
    assert len({leg.end().path for leg in legs}) == 4
    assert len(list(recordings.whole())) == 4
    assert Leg(recordings).end().path not in [None]


def test_a_killed_engine_s_recordings_are_mended_at_the_next_start(recordings: Recordings) -> None:
    leg = Leg(recordings)
    leg.recording.answered_by("Anna Smith")
    leg.row.killed(frames=50)
    fresh = Recordings(recordings.folder, Clock(lambda: 0.0, lambda: START + 600))
    (mended,) = fresh.repair()
    assert mended.path == recordings.folder / f"{STEM}.wav"
    assert mended.about.end == "2026-03-01T09:30:01.260Z"
    assert "interrupted" in mended.about.fault
    assert wav.seconds(mended.path) == 1.01
    assert files(fresh) == [f"{STEM}.csv", f"{STEM}.json", f"{STEM}.wav"]
    assert fresh.repair() == []


def test_a_crash_between_facts_and_rename_ends_in_the_same_names(recordings: Recordings) -> None:
    leg = Leg(recordings)
    leg.recording.answered_by("Anna Smith")
    leg.row.killed(frames=50)
    sidecar.write(recordings.folder / STEM, leg.recording.about)
    Recordings(recordings.folder, Clock(lambda: 0.0, lambda: START)).repair()
    assert files(recordings) == [f"{STEM}.csv", f"{STEM}.json", f"{STEM}.wav"]


def test_what_is_being_recorded_is_left_alone(recordings: Recordings) -> None:
    Leg(recordings)
    assert recordings.repair() == [], "our own"
    other = Recordings(recordings.folder, Clock(lambda: 0.0, lambda: START))
    assert other.repair() == [], "another engine's: its recorder holds the file"
    assert len(files(recordings)) == 2


def test_a_file_whose_facts_are_lost_is_known_by_its_name(recordings: Recordings) -> None:
    leg = Leg(recordings)
    leg.row.killed(frames=50)
    leg.recording.path.with_suffix(".json").unlink()
    (mended,) = Recordings(recordings.folder, Clock(lambda: 0.0, lambda: START)).repair()
    assert (mended.about.conversation_id, mended.about.leg) == ("n1-7", "customer")
    assert mended.about.start == "2026-03-01T09:30:00.000Z"


def test_what_cannot_be_mended_stays_where_it_is(recordings: Recordings) -> None:
    unfinished = recordings.folder / "unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "notes.wav").write_bytes(b"not a recording at all")
    tape = WavFile.create(unfinished / "odd name.wav", Law.PCMU)
    tape.finish(3)
    assert recordings.repair() == []
    assert files(recordings) == ["unfinished/notes.wav", "unfinished/odd name.wav"]


def test_facts_whose_sound_never_began_are_dropped_after_a_while(recordings: Recordings) -> None:
    leg = Leg(recordings, fault="no room")
    facts = leg.recording.path.with_suffix(".json")
    for age, left in ((59, True), (61, False)):
        now = facts.stat().st_mtime + age
        Recordings(recordings.folder, Clock(lambda: 0.0, lambda now=now: now)).repair()  # type: ignore[misc]
        assert facts.exists() is left


def test_a_recording_that_never_began_leaves_nothing_behind(recordings: Recordings) -> None:
    leg = Leg(recordings, fault="/x: No space left on device")
    recorded = leg.recording.finish(leg.ended[0])
    assert (recorded.path, recorded.about.fault) == (None, "/x: No space left on device")
    assert files(recordings) == []


def test_an_end_that_comes_before_start_returns(recordings: Recordings) -> None:
    done: list[Recorded | None] = []
    row = FakeRow(lambda event: done.append(recordings.ended(event)), "no recorder is running")
    recording = recordings.start(row, CALLER)
    recording.stop()
    assert [each.about.fault for each in done if each] == ["no recorder is running"]
    assert recordings.ended(RecordingEnded(row.ref, str(recording.path), 0.0, 0)) is None
    assert recordings.live == {}


def test_a_folder_that_cannot_be_made_does_not_end_the_call(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recordings = Recordings(tmp_path / "file", Clock(lambda: 0.0, lambda: START))
    leg = Leg(recordings, fault="Not a directory")
    leg.recording.answered_by("Anna")
    assert leg.recording.finish(leg.ended[0]).path is None
    assert recordings.live == {}


@pytest.mark.parametrize("step", ["write_bytes", "rename"])
def test_a_file_that_cannot_be_moved_says_where_it_is(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    leg = Leg(recordings)
    leg.recording.stop()

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, step, refuse)
    recorded = leg.recording.finish(leg.ended[0])
    assert recorded.path == leg.recording.path
    assert str(leg.recording.path) in recorded.about.fault
    assert recorded.path.exists()


@pytest.mark.parametrize(
    ("direction", "enabled", "directions", "agent", "decision"),
    [
        ("inbound", True, "both", None, True),
        ("inbound", True, "outbound", None, False),
        ("outbound", True, "outbound", None, True),
        ("inbound", True, "never", "inbound", True),
        ("inbound", True, "both", "never", False),
        ("inbound", True, "both", "outbound", False),
        ("inbound", False, "both", "both", False),
    ],
)
def test_whether_a_call_is_recorded(
    direction: Direction, enabled: bool, directions: Directions, agent: Directions | None, decision: bool
) -> None:
    assert wanted(direction, enabled=enabled, directions=directions, agent=agent) is decision
