"""store and logging: what must survive, and what is told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from config.addresses import StoreUrl
from config.section import Section


class Store(Section):
    """The database."""

    url: StoreUrl = Field(
        SecretStr("sqlite:///cordboard.db"), description="sqlite:///PATH or postgresql://..."
    )


class Logging(Section):
    """Log lines."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is written."
    )
    format: Literal["json", "console"] = Field(
        "console", description="json for machines, console for people."
    )
