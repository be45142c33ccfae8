"""What callers hear: spoken text or a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, Tag

from config.faults import Broken
from config.scalars import AudioFile, CallbackName, DigitKey, Language, Prose, Text, number, seconds
from config.section import Section, by_form

if TYPE_CHECKING:
    from config.settings import Settings

PLACEHOLDERS = ("{position:ordinal}", "{position:cardinal}", "{position:adaptive}", "{wait:minutes}")
"""What an announcement may fill in about the caller's place (feature D7)."""
_BRACES = re.compile(r"\{[^{}]*\}|[{}]")


class Say(Section):
    """Text that is spoken by text-to-speech."""

    say: Prose = Field(description="The text to speak.")
    language: Language | None = Field(
        None, description="The language of the text; that of the call when left out."
    )
    voice: Text | None = Field(
        None, description="A voice of the speech engine; media.text_to_speech.voice when left out."
    )
    rate: Annotated[float, number(0.5, 2.0)] | None = Field(
        None, description="Speed of speech, 1.0 is normal."
    )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """Braces are for placeholders, and these are for announcements in a queue."""
        for found in _BRACES.findall(self.say):
            yield Broken(("say",), f"the placeholder {found} means nothing here", "text without braces")


class SayPlace(Say):
    """Text that may tell callers their place in the queue."""

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """Only the placeholders that the queue can fill."""
        for found in _BRACES.findall(self.say):
            if found not in PLACEHOLDERS:
                yield Broken(("say",), f"the placeholder {found} is unknown", ", ".join(PLACEHOLDERS))


class Audio(Section):
    """An audio file."""

    audio: AudioFile = Field(description="The file to play, relative to this YAML.")


_EVERY = "Seconds from the end of one announcement to the start of the next."


class SayAgain(Say):
    """Text that is spoken at intervals."""

    every: Annotated[float, seconds(1, 3600)] = Field(10.0, description=_EVERY)


class AudioAgain(Audio):
    """A file that is played at intervals."""

    every: Annotated[float, seconds(1, 3600)] = Field(10.0, description=_EVERY)


_FORMS = by_form(say="{say: text}", audio="{audio: path}")
Prompt = Annotated[Annotated[Say, Tag("<say>")] | Annotated[Audio, Tag("<audio>")], _FORMS]
"""{say: text, language, voice, rate} or {audio: path}."""
PlacePrompt = Annotated[Annotated[SayPlace, Tag("<say>")] | Annotated[Audio, Tag("<audio>")], _FORMS]
"""A prompt that may tell the place in the queue."""
RepeatedPrompt = Annotated[Annotated[SayAgain, Tag("<say>")] | Annotated[AudioAgain, Tag("<audio>")], _FORMS]
"""A prompt with its interval."""


class ResponseCode(Section):
    """What a key does that the caller presses after a message."""

    key: DigitKey = Field(description="The key of the phone.")
    action: Literal["callback"] = Field(description="What it does.")
    callback: CallbackName = Field(description="The callback configuration to book with.")


def keys_used_twice(codes: tuple[ResponseCode, ...], at: str) -> Iterator[Broken]:
    """One key cannot do two things."""
    for index, code in enumerate(codes):
        if any(code.key == earlier.key for earlier in codes[:index]):
            yield Broken((at, index, "key"), f'the key "{code.key}" has an action already', "each key once")
