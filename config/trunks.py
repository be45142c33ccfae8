"""trunks: the carriers that calls come from and go to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from config.addresses import Network, TrunkTarget
from config.faults import Broken
from config.media import Codec
from config.scalars import Flag, NumberPattern, Secret, Text, matching, number, seconds, whole
from config.section import Filled, Section, Unique

if TYPE_CHECKING:
    from config.settings import Settings

_REWRITE = r"\+?[0-9]*(\{rest\})?"


class DialRule(Section):
    """Whether, and as what, a dialled number may go out by a trunk."""

    match: NumberPattern = Field(description='A number, or its beginning followed by "*".')
    rewrite: Annotated[str, matching(_REWRITE, 'digits, with {rest} for what "*" stood for')] | None = Field(
        None, description="What is dialled instead; {rest} is what the asterisk stood for."
    )
    allow: Flag = Field(True, description="Whether such numbers are dialled.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        if self.rewrite and "{rest}" in self.rewrite and not self.match.endswith("*"):
            yield Broken(("rewrite",), "{rest} stands for nothing, as match has no asterisk", "digits alone")


class Trunk(Section):
    """One carrier."""

    target: TrunkTarget = Field(
        description="host[:port] or a SIP URI; a bare domain is resolved by NAPTR/SRV."
    )
    accept_from: Annotated[tuple[Network, ...], Unique] = Field(
        (), description="Calls from these addresses are this trunk's, without a challenge."
    )
    username: Text | None = Field(None, description="Answers the carrier's challenge.")
    password: Secret | None = Field(None, description="Answers the carrier's challenge.")
    register_: Flag = Field(False, alias="register", description="Register with the carrier.")
    priority: Annotated[int, whole(1, 1000)] = Field(1, description="Lower first.")
    weight: Annotated[int, whole(0, 65535)] = Field(10, description="Share among trunks of one priority.")
    max_channels: Annotated[int, whole(1, 100_000)] = Field(
        500, description="Calls at once, both directions."
    )
    calls_per_second: Annotated[float, number(0, 10_000, above=True)] = Field(
        50.0, description="New calls we send."
    )
    codecs: Annotated[tuple[Codec, ...], Filled, Unique] | None = Field(
        None, description="Codecs in order of preference; media.codecs when left out."
    )
    options_interval: Annotated[float, seconds(0, 86400)] = Field(
        30.0, description="Between OPTIONS; 0 = never."
    )
    dial: tuple[DialRule, ...] = Field((), description="First match wins; no match is refused.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """Credentials come in pairs, codecs from those of the media plane, an address from one trunk."""
        yield from self._credentials()
        for index, codec in enumerate(self.codecs or ()):
            if codec not in deployment.media.codecs:
                yield Broken(
                    ("codecs", index), f"{codec} is not in media.codecs", ", ".join(deployment.media.codecs)
                )
        for index, network in enumerate(self.accept_from):
            for name, other in deployment.trunks.items():
                if other is not self and network in other.accept_from:
                    message = f"{network} is also accept_from of trunk {name}"
                    yield Broken(("accept_from", index), message, "each network in one trunk")

    def _credentials(self) -> Iterator[Broken]:
        if self.password is not None and self.username is None:
            yield Broken(("password",), "a password without a username", "both or neither")
        if self.username is not None and self.password is None:
            yield Broken(("username",), "a username without a password", "both or neither")
        if self.register_ and self.username is None:
            yield Broken(("register",), "registering needs a username and password", "false, or both given")
