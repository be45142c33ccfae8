"""recordings: what is recorded, where it is kept, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Tag

from config.addresses import Host
from config.scalars import Flag, InputFile, OutputFolder, Secret, Text, matching, seconds, whole
from config.section import Section, by_form

Direction = Literal["inbound", "outbound", "both"]
Transcribing = Literal["none", "transcription", "transcription_and_recording"]
DAYS = 86400
Keep = Annotated[float, seconds(DAYS, 36500 * DAYS)]
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"


class Sftp(Section):
    """A folder on another machine, by SSH."""

    host: Host = Field(description="Where it is.")
    port: Annotated[int, whole(1, 65535)] = Field(22, description="TCP port.")
    path: Text = Field(description="The folder there.")
    user: Text = Field(description="Who logs in.")
    password: Secret | None = Field(None, description="Their password, when no key is given.")
    key: InputFile | None = Field(None, description="File of their private key.")


class S3(Section):
    """A bucket of an S3-compatible store."""

    bucket: Annotated[str, matching(_BUCKET, "the name of a bucket")] = Field(description="Its name.")
    region: Text = Field(description="Its region.")
    endpoint: (
        Annotated[str, matching(r"https?://[^\s/@]+(/[^\s]*)?", "http:// or https:// with a host")] | None
    ) = Field(None, description="URL of a store that is not Amazon's.")
    prefix: Text | None = Field(None, description="What names in the bucket begin with.")
    access_key: Secret = Field(description="Key identifier.")
    secret_key: Secret = Field(description="Key.")


class ToSftp(Section):
    sftp: Sftp = Field(description="An SFTP server.")


class ToS3(Section):
    s3: S3 = Field(description="An S3-compatible bucket.")


Upload = Annotated[
    Annotated[ToSftp, Tag("<sftp>")] | Annotated[ToS3, Tag("<s3>")],
    by_form(sftp="{sftp: {...}}", s3="{s3: {...}}"),
]


class Quota(Section):
    """How much may be kept."""

    per_agent_bytes: Annotated[int, whole(1_000_000, 10**15)] | None = Field(
        None, description="For each agent."
    )


class Recordings(Section):
    """The top switch and where files go."""

    enabled: Flag = Field(False, description="Nothing is recorded without it.")
    direction: Direction = Field("both", description="Which calls are recorded.")
    files: Literal["separate", "unified", "separate_and_unified"] = Field(
        "separate", description="A file for each leg, one stereo file, or both."
    )
    folder: OutputFolder = Field(
        Path("recordings"), description="Where files are written, seen from the working folder."
    )
    keep: Keep = Field(90.0 * DAYS, description="How long files are kept.")
    audit_keep: Keep = Field(730.0 * DAYS, description="How long it is kept who deleted what.")
    quota: Quota = Field(Quota(), description="Limits of space.")
    encryption_key: Secret | None = Field(None, description="Encrypts files at rest.")
    upload: Upload | None = Field(None, description="Where files are moved after the call.")
