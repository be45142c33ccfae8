"""Where a call goes when it does not go to an agent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from config.scalars import PhoneNumber, QueueName
from config.section import Section, by_form


class ToQueue(Section):
    """Another queue."""

    queue: QueueName = Field(description="The queue that takes the call.")


class ToExternal(Section):
    """A phone number outside."""

    external: PhoneNumber = Field(description="The number that takes the call, E.164.")


EndOrVoicemail = Literal["end", "voicemail"]
BY_TARGET = by_form(word="end | voicemail", queue="{queue: NAME}", external='{external: "+..."}')
_QUEUE = Annotated[ToQueue, Tag("<queue>")]
_EXTERNAL = Annotated[ToExternal, Tag("<external>")]

EndOrTransfer = Annotated[
    Annotated[Literal["end"], Tag("<word>")] | _QUEUE | _EXTERNAL,
    by_form(word="end", queue="{queue: NAME}", external='{external: "+..."}'),
]
"""After the longest wait."""

Before = Literal["assign", "direct_callback", "end", "voicemail"]
BeforeAction = Annotated[
    Annotated[Before, Tag("<word>")] | _QUEUE | _EXTERNAL,
    by_form(
        word="assign | direct_callback | end | voicemail",
        queue="{queue: NAME}",
        external='{external: "+..."}',
    ),
]
"""Before a call is queued."""

QueuedAction = Annotated[
    Annotated[Literal["direct_callback", "voicemail"], Tag("<word>")] | _QUEUE | _EXTERNAL,
    by_form(word="direct_callback | voicemail", queue="{queue: NAME}", external='{external: "+..."}'),
]
"""While a call is queued."""

AwayAction = Annotated[Annotated[EndOrVoicemail, Tag("<word>")] | _QUEUE | _EXTERNAL, BY_TARGET]
"""When it is closed."""
