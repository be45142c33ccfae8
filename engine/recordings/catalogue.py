"""The recordings of a node: what is being recorded, what is whole, what a crash left behind.

A recording grows in `unfinished/` below the folder, its facts beside it. When its file is whole it gets its
name and moves into the folder: so the customer's file carries the agent who answered minutes after it began,
and whatever lies in the folder itself is whole.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from engine.facts import Clock
from engine.legs.sound import Row
from engine.recordings import sidecar
from engine.recordings.names import NOBODY, Name, parse
from engine.recordings.sidecar import About
from media.control import RecordingEnded
from media.wav import BadWav, repair

ORPHAN_AFTER = 60.0
"""Seconds after which facts without a sound file are dropped: the recorder never began it."""
_log = structlog.get_logger("recordings")


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFacts:
    """Whose voice is recorded, in what conversation."""

    conversation: str
    call_id: str
    """SIP Call-ID of the leg."""
    leg: str
    """customer, agent, consulted ...: the last part of the name."""
    segment: int = 1
    """Each transfer begins another."""
    customer_name: str = ""
    customer_number: str = ""
    agent_name: str = ""
    """Empty while nobody has answered."""


Later = Callable[[Callable[[], None]], object]


def _at_once(write: Callable[[], None]) -> None:
    write()


@dataclass(frozen=True, slots=True)
class Recorded:
    """One whole recording."""

    path: Path | None
    """The WAV in the folder; None when there is no sound at all (see `about.fault`)."""
    about: About


class Recording:
    """One leg being recorded. `stop`, then `finish` with the RecordingEnded that the row answers."""

    def __init__(self, recordings: Recordings, row: Row, path: Path, about: About, started: float) -> None:
        self._recordings = recordings
        self._row = row
        self._started = started
        self.path = path
        """Where it grows; the `path` of its RecordingEnded."""
        self.about = about

    def answered_by(self, agent: str) -> None:
        """Now it is known who the agent is. Kept on disk at once, so that a crash does not lose it.

        Too late once the recording is whole: it keeps the name it had.
        """
        if str(self.path) not in self._recordings.live:
            return
        self.about = msgspec.structs.replace(self.about, agent_name=clean(agent))
        self._recordings._note_later(self)

    def stop(self) -> None:
        """No more from now on; the RecordingEnded follows."""
        self._row.stop_recording()

    def finish(self, ended: RecordingEnded) -> Recorded:
        """The file is whole: give it its name and facts. Never raises; `about.fault` says what went wrong."""
        about = msgspec.structs.replace(
            self.about,
            end=sidecar.moment(self._started + ended.seconds),
            seconds=round(ended.seconds, 3),
            gaps=ended.gaps,
            fault=clean(ended.fault or ""),
            **self._row.quality().figures(),
        )
        return self._recordings.keep(self.path, about)


class Recordings:
    """The folder. Every call is a few small writes; sound is written by the recorder process.

    `start` and `answered_by` belong to the event loop, and leave their writes to `later`. `ended` and `repair`
    write themselves: call them where a slow disk holds up nobody.
    """

    def __init__(self, folder: Path, clock: Clock, later: Later = _at_once) -> None:
        """`later` calls a function soon, in the order given."""
        self.folder = folder.absolute()
        self._later = later
        self._unfinished = self.folder / "unfinished"
        self._clock = clock
        self.live: dict[str, Recording] = {}
        """What is being recorded now, by the path that RecordingEnded names."""

    def start(self, row: Row, facts: LegFacts) -> Recording:
        """Record this row's party from now on; the row is aimed already. A full disk does not end a call: what is
        wrong comes as a RecordingEnded with a fault.
        """
        started = self._clock.wall()
        about = About(
            conversation_id=clean(facts.conversation),
            call_id=clean(facts.call_id),
            segment=facts.segment,
            leg=clean(facts.leg),
            customer_name=clean(facts.customer_name),
            customer_number=clean(facts.customer_number),
            agent_name=clean(facts.agent_name),
            start=sidecar.moment(started),
        )
        recording = Recording(self, row, self._free(self._unfinished, about), about, started)
        self.live[str(recording.path)] = recording
        self._note_later(recording)
        row.record(recording.path)
        return recording

    def ended(self, event: RecordingEnded) -> Recorded | None:
        """Finish whichever recording a row's RecordingEnded is of; None when it was finished before.

        It may come while `start` still runs: a plane without a recorder says so at once.
        """
        recording = self.live.get(event.path)
        return recording.finish(event) if recording else None

    def _note_later(self, recording: Recording) -> None:
        self._later(lambda: self._note(recording))

    def _note(self, recording: Recording) -> None:
        """Write what is known so far beside the growing file."""
        if str(recording.path) not in self.live:
            return  # whole in the meantime
        try:
            self._write_beside(recording)
        except OSError as error:
            _say("recording_facts_not_kept", recording.about, path=str(recording.path), error=str(error))

    def _write_beside(self, recording: Recording) -> None:
        path, facts = recording.path.with_suffix(".json"), sidecar.as_json(recording.about)
        try:
            sidecar.write_whole(path, facts)
        except FileNotFoundError:
            self._unfinished.mkdir(parents=True, exist_ok=True)
            sidecar.write_whole(path, facts)

    def keep(self, path: Path, about: About) -> Recorded:
        """Move a whole file out of `unfinished`, facts first: a crash in between is mended by `repair`."""
        self.live.pop(str(path), None)
        try:
            return Recorded(self._move(path, about), about)
        except OSError as error:
            fault = f"it stays at {path}: {error}"
            _say("recording_not_moved", about, path=str(path), error=str(error))
            return Recorded(path, msgspec.structs.replace(about, fault=fault))

    def _move(self, path: Path, about: About) -> Path | None:
        facts = path.with_suffix(".json")
        if not path.exists():
            with contextlib.suppress(OSError):
                facts.unlink()
            _say("recording_without_sound", about, error=about.fault)
            return None
        target = self._free(self.folder, about)
        sidecar.write(target.with_suffix(""), about)
        path.rename(target)
        facts.unlink(missing_ok=True)
        return target

    def repair(self) -> list[Recorded]:
        """Make whole and name what a crash left. To be called at the start, and now and then after it.

        Leaves alone what is being recorded, by this engine or by another one's recorder.
        """
        return [mended for path in self._left_behind() if (mended := self._mend(path))]

    def _left_behind(self) -> list[Path]:
        if not self._unfinished.is_dir():
            return []
        files = {p.with_suffix(".wav") for p in self._unfinished.iterdir() if not p.name.startswith(".")}
        return sorted(path for path in files if str(path) not in self.live)

    def _mend(self, path: Path) -> Recorded | None:
        facts = path.with_suffix(".json")
        try:
            if not path.exists():
                self._drop_orphan(facts)
                return None
            seconds = repair(path)
            about = sidecar.read(facts) if facts.exists() else _guess(path)
        except BlockingIOError:
            return None
        except (OSError, BadWav, msgspec.MsgspecError) as error:
            _log.warning("recording_not_mended", path=str(path), error=str(error))
            return None
        end = sidecar.moment(sidecar.wall(about.start) + seconds)
        why = "the engine was interrupted while it was recorded"
        return self.keep(path, msgspec.structs.replace(about, end=end, seconds=round(seconds, 3), fault=why))

    def _drop_orphan(self, facts: Path) -> None:
        if self._clock.wall() - facts.stat().st_mtime > ORPHAN_AFTER:
            facts.unlink()

    def whole(self) -> Iterator[Recorded]:
        """Every whole recording in the folder, oldest call first as far as names tell."""
        for path in sorted(self.folder.glob("*.wav")):
            try:
                yield Recorded(path, sidecar.read(path.with_suffix(".json")))
            except (OSError, msgspec.MsgspecError) as error:
                _log.warning("recording_without_facts", path=str(path), error=str(error))

    def _free(self, folder: Path, about: About) -> Path:
        """The recording's name in that folder; should it be taken all the same, the leg gets a number."""
        leg, number = about.leg, 1
        while (path := folder / f"{_name(about, leg)}.wav").exists() or str(path) in self.live:
            number += 1
            leg = f"{about.leg}-{number}"
        return path


def _name(about: About, leg: str) -> Name:
    return Name(
        conversation=about.conversation_id,
        agent=about.agent_name or NOBODY,
        customer=about.customer_name or about.customer_number or "unknown",
        start=sidecar.wall(about.start),
        segment=about.segment,
        leg=leg,
    )


def clean(text: str) -> str:
    """Text from the network as text that UTF-8 can carry."""
    return text.encode("utf-8", "replace").decode()


def _guess(path: Path) -> About:
    """What the name alone tells, for a file whose facts are gone. Raises BadWav when it has no such name."""
    name = parse(path.stem)
    if name is None:
        raise BadWav(f"{path}: not named like a recording, and nothing beside it says what it is")
    return About(
        conversation_id=name.conversation,
        call_id="",
        segment=name.segment,
        leg=name.leg,
        customer_name=name.customer,
        agent_name="" if name.agent == NOBODY else name.agent,
        start=sidecar.moment(name.start),
    )


def _say(event: str, about: About, **more: str) -> None:
    _log.warning(event, conversation=about.conversation_id, role=about.leg, call_id=about.call_id, **more)
