"""organisation: whose contact centre this is."""

from __future__ import annotations

from pydantic import Field

from config.scalars import Language, Text, Zone
from config.section import Section


class Organisation(Section):
    """The defaults that the rest falls back to."""

    name: Text = Field("Cordboard", description="Shown on pages and in logs.")
    time_zone: Zone = Field("UTC", description="IANA time zone of pages, reports and hours that name none.")
    language: Language = Field("en-US", description="Language of calls for which nothing else says one.")
