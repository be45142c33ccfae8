"""messaging and call_links: text channels, and calls from a browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, Tag

from config.faults import Broken, choice
from config.scalars import (
    Flag,
    Language,
    Name,
    Named,
    PhoneNumber,
    Prose,
    Secret,
    Text,
    matching,
    seconds,
    tagged,
    whole,
)
from config.section import Freeze, Frozen, Refers, Section, by_word

if TYPE_CHECKING:
    from config.settings import Settings

PROVIDERS = ("sip_message", "twilio", "azure")
Carries = Literal["sms", "whatsapp"]


class SipMessage(Section):
    """SIP MESSAGE (RFC 3428), built in."""

    type: Annotated[Literal["sip_message"], tagged("sip_message", *PROVIDERS)] = Field(
        description="Built in."
    )


class Twilio(Section):
    """SMS or WhatsApp by Twilio."""

    type: Annotated[Literal["twilio"], tagged("twilio", *PROVIDERS)] = Field(description="Twilio.")
    carries: Carries = Field("sms", description="What it carries.")
    account: Secret = Field(description="Account SID.")
    token: Secret = Field(description="Auth token.")
    number: PhoneNumber = Field(description="The sender.")


class Azure(Section):
    """SMS or WhatsApp by Azure Communication Services."""

    type: Annotated[Literal["azure"], tagged("azure", *PROVIDERS)] = Field(description="By Azure.")
    carries: Carries = Field("sms", description="What it carries.")
    connection: Secret = Field(description="Connection string.")
    number: PhoneNumber = Field(description="The sender.")


Channel = Annotated[
    Annotated[SipMessage, Tag("<sip_message>")]
    | Annotated[Twilio, Tag("<twilio>")]
    | Annotated[Azure, Tag("<azure>")],
    by_word("type", *PROVIDERS),
]


class MessageTemplate(Section):
    """A text in several languages (feature I2)."""

    default: Language = Field(description="The language that stands in for those missing.")
    texts: Annotated[Mapping[Language, Prose], Freeze] = Field(
        description="Text by language; {slugs} are filled in."
    )
    content_sid: Annotated[str, matching(r"HX[0-9a-f]{32}", "HX and 32 hexadecimal digits")] | None = Field(
        None, description="The approved WhatsApp template."
    )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        if self.default not in self.texts:
            yield Broken(
                ("default",), f"there is no text in {self.default}", choice(self.default, self.texts)
            )


class OutboundMessage(Section):
    """What is sent where (feature I3); its key is its configuration id."""

    name: Text = Field(description="Shown to people.")
    channel: Annotated[Name, Refers("messaging", "channels")] = Field(description="The channel it goes by.")
    template: Annotated[Name, Refers("messaging", "templates")] = Field(description="The text.")
    show_in_timeline: Flag = Field(False, description="Whether it is part of the contact's history.")


class MessageLimits(Section):
    """Limits of the API (feature I5)."""

    contacts_per_request: Annotated[int, whole(1, 100)] = Field(100, description="Contacts in a request.")
    requests_per_hour: Annotated[int, whole(1, 30_000)] = Field(30_000, description="Requests; 429 beyond.")


class Messaging(Section):
    """Text channels."""

    channels: Named[Channel] = Field(default_factory=Frozen, description="Channels by name.")
    templates: Named[MessageTemplate] = Field(default_factory=Frozen, description="Texts by name.")
    outbound: Named[OutboundMessage] = Field(
        default_factory=Frozen, description="Messages by configuration id."
    )
    limits: MessageLimits = Field(MessageLimits(), description="Limits of the API.")


class CallLink(Section):
    """A link that calls from a browser (feature J1)."""

    routing: Literal["shared_by", "rules"] = Field(
        "shared_by", description="To whoever shared it, or by routes."
    )
    type: Literal["one_time", "time_frame", "expiring"] = Field("one_time", description="How long it works.")
    expires: Annotated[float, seconds(60, 365 * 86400)] = Field(86400.0, description="When it stops working.")
