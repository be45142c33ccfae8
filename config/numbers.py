"""numbers and directory: the phone numbers of the house, and those of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from config.faults import Broken
from config.scalars import AgentName, Flag, Name, PhoneNumber, Text, TrunkName, WaitingName
from config.section import Section, Unique

if TYPE_CHECKING:
    from config.settings import Settings

NumberKind = Literal["geographic", "mobile", "national", "toll_free"]


class Number(Section):
    """One of our own numbers."""

    use: Literal["shared", "personal"] = Field(
        "shared", description="shared: routed; personal: one agent's own."
    )
    kind: NumberKind = Field("geographic", description="What sort of number the carrier sold.")
    trunk: TrunkName = Field(description="The carrier that it belongs to.")
    inbound: Flag = Field(True, description="Whether calls to it are taken.")
    outbound: Flag = Field(False, description="Whether calls may show it.")
    name: Text | None = Field(None, description="Shown to agents; the number itself when left out.")
    agent: AgentName | None = Field(None, description="Whose personal number it is.")
    waiting: WaitingName | None = Field(
        None, description="Waiting strategy of calls to this number; it wins over the queue's (feature D6)."
    )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """Personal numbers have an agent, others none; a sender's strategy cannot send to a queue."""
        if self.use == "personal" and self.agent is None:
            yield Broken(("use",), "a personal number without an agent", "agent: NAME, or use: shared")
        if self.use == "shared" and self.agent is not None:
            yield Broken(("agent",), "a shared number with an agent", "use: personal, or no agent")
        if self.waiting is not None:
            yield from self._waiting(deployment, self.waiting)

    def _waiting(self, deployment: Settings, name: str) -> Iterator[Broken]:
        if not self.inbound or self.use == "personal":
            yield Broken(("waiting",), "callers never wait on this number", "an inbound, shared number")
        strategy = deployment.waiting_strategies.get(name)
        if strategy is not None and strategy.sends_to_queue:
            message = f"waiting strategy {name} ends in a queue, which a number's strategy may not"
            yield Broken(("waiting",), message, "a strategy whose then is end or {external: NUMBER}")


class DirectoryEntry(Section):
    """Somebody outside whom calls can be transferred to."""

    name: Text = Field(description="Who it is.")
    number: PhoneNumber = Field(description="E.164.")
    tags: Annotated[tuple[Name, ...], Unique] = Field(
        (), description="external_number = offered as a transfer target."
    )
