"""Settings: the whole deployment."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, PrivateAttr

from config.agents import Agent, AiAgent, CapacityProfile, Presence
from config.callbacks import Callback, DirectCallback, Voicemail
from config.calls import Calls, Disposition, Transfer
from config.contacts import Contacts, DoNotCall, Suppression
from config.documents import Spot
from config.engagements import Engagement
from config.faults import Key, Mark
from config.hours import Hours
from config.media import Media
from config.messaging import CallLink, Messaging
from config.node import Node
from config.numbers import DirectoryEntry, Number
from config.organisation import Organisation
from config.profiles import NotificationTemplate, Profiles
from config.queues import Queue
from config.recordings import Recordings
from config.scalars import ByNumber, Named
from config.section import Frozen, Section
from config.sip import Sip
from config.store import Logging, Store
from config.trunks import Trunk
from config.waiting import OnHoldMessage, WaitingStrategy
from config.web import Web
from config.workstreams import Workstream


class Settings(Section):
    """A deployment as config.load has read and checked it. Unchangeable; a reload makes another."""

    organisation: Organisation = Field(Organisation(), description="Whose contact centre this is.")
    node: Node = Field(Node(), description="Which one of several engines this is.")
    sip: Sip = Field(description="Where the engine speaks SIP.")
    trunks: Named[Trunk] = Field(default_factory=Frozen, description="Carriers by name.")
    numbers: ByNumber[Number] = Field(
        default_factory=Frozen, description="Our phone numbers, E.164 in quotes."
    )
    media: Media = Field(Media(), description="RTP, codecs, speech and detection.")
    hours: Named[Hours] = Field(default_factory=Frozen, description="Opening hours by name.")
    capacity_profiles: Named[CapacityProfile] = Field(
        default_factory=Frozen, description="Capacity profiles by name."
    )
    dispositions: Named[Disposition] = Field(default_factory=Frozen, description="Codes for how a call went.")
    agents: Named[Agent] = Field(default_factory=Frozen, description="People who take calls, by SIP user.")
    ai_agents: Named[AiAgent] = Field(default_factory=Frozen, description="Voice bots by name.")
    presence: Presence = Field(Presence(), description="What agents can be, beside on a call.")
    calls: Calls = Field(Calls(), description="Ringing, wrap-up, and calls that go wrong.")
    transfer: Transfer = Field(Transfer(), description="Calls that are passed on.")
    directory: tuple[DirectoryEntry, ...] = Field((), description="People outside to transfer to.")
    profiles: Profiles = Field(Profiles(), description="Profiles of direct and dialled calls.")
    notification_templates: Named[NotificationTemplate] = Field(
        default_factory=Frozen, description="What agents are told about calls."
    )
    workstreams: Named[Workstream] = Field(
        default_factory=Frozen, description="From numbers to queues, and out."
    )
    queues: Named[Queue] = Field(default_factory=Frozen, description="Queues by name.")
    waiting_strategies: Named[WaitingStrategy] = Field(
        default_factory=Frozen, description="What callers in a queue hear."
    )
    on_hold_messages: Named[OnHoldMessage] = Field(
        default_factory=Frozen, description="What customers on hold hear."
    )
    callbacks: Named[Callback] = Field(default_factory=Frozen, description="Ways of calling back.")
    direct_callback: DirectCallback = Field(
        DirectCallback(), description="The callback that overflow suggests."
    )
    voicemail: Voicemail = Field(Voicemail(), description="Messages that callers leave.")
    recordings: Recordings = Field(Recordings(), description="What is recorded and kept.")
    contacts: Contacts = Field(Contacts(), description="The people that engagements reach.")
    engagements: Named[Engagement] = Field(default_factory=Frozen, description="Outbound campaigns.")
    suppressions: tuple[Suppression, ...] = Field((), description="Deliveries that are not dialled.")
    do_not_call: DoNotCall | None = Field(None, description="Numbers that are never dialled.")
    messaging: Messaging = Field(Messaging(), description="Text channels.")
    call_links: Named[CallLink] = Field(default_factory=Frozen, description="Links that call from a browser.")
    web: Web = Field(Web(), description="Pages and API.")
    store: Store = Field(Store(), description="The database.")
    logging: Logging = Field(Logging(), description="Log lines.")

    _spots: Mapping[Key, Spot] = PrivateAttr(default_factory=dict)
    _root: Mark = PrivateAttr(default=Mark("settings", 1, 1))

    def placed(self, spots: Mapping[Key, Spot], root: Mark) -> Settings:
        """The same settings with the places of their keys; only config.load has a reason to call it."""
        self._spots, self._root = spots, root
        return self

    def where(self, *key: str | int) -> str:
        """file:line:column of a key; of the nearest one above it where the YAML leaves it out."""
        return str(self.mark(*key))

    def mark(self, *key: str | int) -> Mark:
        """The same as a Mark."""
        for size in range(len(key), 0, -1):
            spot = self._spots.get(key[:size])
            if spot is not None:
                return spot.key
        return self._root

    @property
    def given(self) -> frozenset[Key]:
        """The keys that the YAML has, whole paths."""
        return frozenset(self._spots)
