"""web: pages and API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field

from config.addresses import Domain, HostPort, ListenAddress
from config.faults import Broken
from config.scalars import Name, Secret, matching, number
from config.section import Filled, Section, Unique

if TYPE_CHECKING:
    from config.settings import Settings


class Token(Section):
    """What a program shows to use the API."""

    name: Name = Field(description="Who it is, in logs and audit records.")
    role: Literal["admin", "supervisor", "agent", "service"] = Field(description="What it may do.")
    token: Secret = Field(description="The token itself.")


EventType = Literal[
    "conversation.started",
    "conversation.phase",
    "conversation.ended",
    "agent.changed",
    "config.reloaded",
    "config.refused",
]
EVENTS: tuple[EventType, ...] = get_args(EventType)
"""Types of events that the API tells of."""


class Webhook(Section):
    """Somebody who is told of events by POST."""

    url: Annotated[
        str,
        matching(
            r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[^\s]*)?",
            "http:// or https:// with a host, no user or password in it",
        ),
    ] = Field(description="Where events are posted to.")
    secret: Secret = Field(description="Signs each delivery (HMAC-SHA256 over TIMESTAMP.BODY).")
    events: Annotated[tuple[EventType, ...], Unique, Filled] = Field(
        EVENTS, description="Types of events that are posted."
    )


class Web(Section):
    """The HTTP side."""

    listen: ListenAddress = Field(
        HostPort("127.0.0.1", 8080), description="Address and port; port 0 is any free one."
    )
    tokens: tuple[Token, ...] = Field((), description="Tokens of the API; without any it stays closed.")
    hosts: Annotated[tuple[Domain, ...], Unique] = Field(
        (), description="Names that browsers reach this server by, beside localhost and IP addresses."
    )
    requests_per_second: Annotated[float, number(1, 10_000)] = Field(
        300.0, description="Requests to the API that one token, and one address, may make."
    )
    webhooks: tuple[Webhook, ...] = Field((), description="Who is told of events by POST.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """Names and tokens tell programs apart."""
        for index, token in enumerate(self.tokens):
            earlier = self.tokens[:index]
            if any(token.name == other.name for other in earlier):
                yield Broken(("tokens", index, "name"), f"{token.name} is there already", "each name once")
            if any(token.token.get_secret_value() == other.token.get_secret_value() for other in earlier):
                yield Broken(
                    ("tokens", index, "token"), "another name has the same token", "a token for each"
                )
