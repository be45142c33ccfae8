"""web: pages and API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from config.addresses import HostPort, ListenAddress
from config.faults import Broken
from config.scalars import Name, Secret
from config.section import Section

if TYPE_CHECKING:
    from config.settings import Settings


class Token(Section):
    """What a program shows to use the API."""

    name: Name = Field(description="Who it is, in logs and audit records.")
    role: Literal["admin", "supervisor", "agent", "service"] = Field(description="What it may do.")
    token: Secret = Field(description="The token itself.")


class Web(Section):
    """The HTTP side."""

    listen: ListenAddress = Field(
        HostPort("127.0.0.1", 8080), description="Address and port; port 0 is any free one."
    )
    tokens: tuple[Token, ...] = Field((), description="Tokens of the API.")

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
