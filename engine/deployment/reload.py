"""Another deployment while calls are up: shown as a difference, applied to new calls, refused when it is faulty."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from config.changes import Change, changes
from config.faults import Fault, Faults, Key, Mark, dotted
from config.settings import Settings
from engine.calls.desk import Desk, QueueSound
from engine.deployment.parts import agents, inbound, networks, queues, secrets, sounds
from engine.deployment.source import Source
from engine.trunks.directory import Directory
from media.control import BadClip

log = structlog.get_logger()

AT_START: tuple[Key, ...] = (
    ("organisation",),
    ("node",),
    ("sip",),
    ("media",),
    ("store",),
    ("logging",),
    ("web", "listen"),
    ("recordings", "folder"),
)
"""Keys that are looked at once, when the engine starts."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of it."""

    changes: tuple[Change, ...] = ()
    """What is different, whether it applies already or not."""
    restart_needed: tuple[str, ...] = ()
    """Of the changed keys, those that wait for a restart."""
    faults: tuple[Fault, ...] = ()
    """Why the deployment was refused; none when it was taken."""


class Reloader:
    """Puts other settings in force. One reload at a time."""

    def __init__(self, desk: Desk, directory: Directory, source: Source | None) -> None:
        """Without a source nothing can be read again."""
        self._desk = desk
        self._directory = directory
        self._recorder = desk.settings.recordings.enabled
        self._one = asyncio.Lock()
        self.source = source
        self.on_applied: list[Callable[[Settings], None]] = []
        """Called with the settings that are in force from now on."""
        self.on_result: list[Callable[[Reloaded], None]] = []

    async def reload(self, why: str) -> Reloaded:
        """Read the deployment again and put it in force, unless it has faults. `why`: signal, file, api."""
        async with self._one:
            result = await self._attempt()
        if result.faults:
            log.error("reload_refused", why=why, faults=[str(fault) for fault in result.faults])
        else:
            shown = [str(change) for change in result.changes]
            log.info("reloaded", why=why, changes=shown, restart_needed=result.restart_needed)
        for tell in self.on_result:
            tell(result)
        return result

    def compare(self, new: Settings) -> Reloaded:
        """What a deployment would change."""
        different = changes(self._desk.settings, new)
        waiting = tuple(dotted(change.key) for change in different if self._waits(change.key))
        return Reloaded(tuple(different), waiting)

    async def _attempt(self) -> Reloaded:
        assert self.source is not None, "there is nothing to read again"
        try:
            new = await asyncio.get_running_loop().run_in_executor(None, self.source.read)
            heard = await sounds(new, self._desk.plant.sound)
        except Faults as faults:
            return Reloaded(faults=faults.items)
        except BadClip as error:
            clip = Fault(Mark(str(self.source.path), 1, 1), str(error), "a sound file that can be played")
            return Reloaded(faults=(clip,))
        result = self.compare(new)
        self._apply(self._in_force(new), heard)
        return result

    def _apply(self, settings: Settings, heard: dict[str, QueueSound]) -> None:
        desk = self._desk
        desk.settings, desk.workstreams = settings, inbound(settings)
        desk.sounds = desk.sounds | heard  # who waits in a queue that is gone still hears its music
        self._directory.replace(secrets(settings), networks(settings))
        desk.floor.replace(agents(settings))
        desk.dispatcher.replace(queues(settings, desk.dispatcher.changed))
        registrar, now = desk.plant.driver.stack.registrar, desk.clock.monotonic()
        for agent in desk.floor.agents:
            desk.floor.registered(agent, len(registrar.contacts(agent, now)))
        for take in self.on_applied:
            take(settings)

    def _waits(self, key: Key) -> bool:
        """Whether a changed key is looked at when the engine starts only."""
        if any(key[: len(start)] == start for start in AT_START):
            return True
        return key == ("recordings", "enabled") and not self._recorder

    def _in_force(self, new: Settings) -> Settings:
        """New settings, with those of the old that only a restart changes."""
        old = self._desk.settings
        kept: dict[str, object] = {
            key[0]: getattr(old, key[0]) for key in map(_names, AT_START) if len(key) == 1
        }
        kept["web"] = new.web.model_copy(update={"listen": old.web.listen})
        recordings: dict[str, object] = {"folder": old.recordings.folder}
        if not self._recorder:
            recordings["enabled"] = False
        kept["recordings"] = new.recordings.model_copy(update=recordings)
        return new.model_copy(update=kept)


def _names(key: Sequence[str | int]) -> tuple[str, ...]:
    return tuple(map(str, key))
