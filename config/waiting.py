"""waiting_strategies and on_hold_messages: what callers hear while nobody talks to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from config.faults import Broken
from config.prompts import PlacePrompt, Prompt, RepeatedPrompt, ResponseCode, keys_used_twice
from config.scalars import Flag, Music, seconds
from config.section import Section
from config.targets import EndOrTransfer, ToQueue

if TYPE_CHECKING:
    from config.settings import Settings


class Announcement(Section):
    """What is said to those who wait, every so often."""

    message: PlacePrompt = Field(
        description="What is said; {position:ordinal} and {wait:minutes} are filled in."
    )
    every: Annotated[float, seconds(5, 3600)] = Field(30.0, description="From one announcement to the next.")
    response_codes: tuple[ResponseCode, ...] = Field(
        (), description="Keys that do something after the message."
    )
    wait_for_response: Annotated[float, seconds(1, 60)] = Field(
        5.0, description="How long a key is waited for."
    )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        yield from keys_used_twice(self.response_codes, "response_codes")


class WaitingStrategy(Section):
    """A caller's wait, from greeting to giving up (feature D6)."""

    greeting: Prompt | None = Field(None, description="Said first, once.")
    music: Music = Field("builtin:wait", description="Heard while waiting.")
    announcement: Announcement | None = Field(None, description="Said every so often.")
    max_wait: Annotated[float, seconds(1, 86400)] = Field(1800.0, description="The longest wait.")
    max_wait_message: Prompt | None = Field(None, description="Said when it is over.")
    then: EndOrTransfer = Field("end", description="What happens when it is over.")

    @property
    def sends_to_queue(self) -> bool:
        """Whether it ends in another queue, which a number's own strategy may not."""
        return isinstance(self.then, ToQueue)

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """A queue's last resort cannot be the queue itself (D6: never back to a queue already left)."""
        for name, queue in deployment.queues.items():
            same = deployment.waiting_strategies.get(queue.waiting or "") is self
            if same and isinstance(self.then, ToQueue) and self.then.queue == name:
                message = f"queue {name} waits by this strategy, and would be sent to itself"
                yield Broken(("then", "queue"), message, "another queue")


class OnHoldMessage(Section):
    """What a customer on hold hears (feature D8)."""

    enabled: Flag = Field(True, description="When false the queue uses the message called default.")
    music: Music = Field("builtin:hold", description="Heard on hold.")
    announcement: RepeatedPrompt | None = Field(None, description="Said over it, every so often.")
