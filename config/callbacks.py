"""callbacks, direct_callback and voicemail: what callers can have instead of a wait."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.prompts import Prompt
from config.scalars import seconds, whole
from config.section import Section

Retries = Annotated[int, whole(0, 20)]


class Callback(Section):
    """A way of calling back, attached to messages by response codes (feature E2)."""

    type: Literal["automated", "manual"] = Field(
        "automated", description="Presented to agents in turn, or picked by them."
    )
    priority: Literal["queue_position", "inbound_first"] = Field(
        "queue_position", description="Keep the place in the queue, or let calls go first."
    )
    retries: Retries = Field(0, description="Attempts after the first.")
    delay: Annotated[float, seconds(10, 7 * 86400)] = Field(300.0, description="Between attempts.")
    confirmation: Prompt | None = Field(
        None, description="Said when it is booked; null = the built-in message."
    )


class DirectCallback(Section):
    """The callback that overflow suggests to those who wait (feature E1)."""

    first_offer: Annotated[float, seconds(5, 3600)] = Field(
        30.0, description="Wait before it is first suggested."
    )
    every: Annotated[float, seconds(10, 3600)] = Field(120.0, description="Between suggestions.")
    retries: Retries = Field(0, description="Attempts after the first.")
    offer: Prompt | None = Field(None, description="The suggestion; null = the built-in message.")
    confirmation: Prompt | None = Field(
        None, description="Said when it is booked; null = the built-in message."
    )


class Voicemail(Section):
    """Messages that callers leave (feature D12)."""

    max: Annotated[float, seconds(5, 300)] = Field(300.0, description="The longest message.")
    greeting: Prompt | None = Field(None, description="Said before the beep; null = the built-in message.")
