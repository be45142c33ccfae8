"""node: which one of several engines this is."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.scalars import matching, seconds
from config.section import Section

_NAME = r"[A-Za-z0-9]([A-Za-z0-9-]{0,14}[A-Za-z0-9])?"
NodeName = Annotated[str, matching(_NAME, "1-16 letters, digits or '-', a letter or digit first and last")]
"""Part of the identifiers of calls and of recordings' file names."""


class Node(Section):
    """One engine among those that share a store."""

    name: NodeName = Field("n1", description="Its name, another one for each engine on the same store.")
    takeover: Annotated[float, seconds(3, 600)] = Field(
        30.0, description="How long after an engine fell silent others may ring the agents it had on a call."
    )
