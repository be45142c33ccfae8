"""Where the deployment comes from, to be read again while the engine runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.built import spoken_prompts
from config.faults import Fault, Faults
from config.load import load, loads
from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Source:
    """A file or a folder, and the environment that secrets are taken from. Both may block: not for the event loop."""

    path: Path
    environ: Mapping[str, str]

    def read(self) -> Settings:
        """The deployment as it is written now. Raises Faults."""
        return playable(load(self.path, self.environ))

    def parse(self, text: str) -> Settings:
        """A deployment that is not written down; paths in it start where those of the file do. Raises Faults."""
        folder = self.path if self.path.is_dir() else self.path.parent
        return playable(loads(text, self.environ, name="posted.yaml", folder=folder))


def playable(settings: Settings) -> Settings:
    """The same settings. Raises Faults when they have prompts that this version cannot speak."""
    spoken = spoken_prompts(settings)
    if spoken:
        message, allowed = "text-to-speech is not built yet", "{audio: PATH}, or nothing"
        raise Faults(Fault(settings.mark(*prompt.key), message, allowed, prompt.key) for prompt in spoken)
    return settings
