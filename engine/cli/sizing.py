"""How large a media plane this machine and deployment allow."""

from __future__ import annotations

import os
import resource

from config.settings import Settings
from media.client import PlaneSettings

MOST_ROWS = 2000
"""Rows of one worker: what one core has been shown to hold."""
FILES_PER_ROW = 4
SPARE_FILES = 500


def plane_settings(settings: Settings) -> PlaneSettings:
    """Workers as asked, or a core less than there are; rows as ports and file descriptors allow."""
    media = settings.media
    workers = media.workers or max(1, (os.cpu_count() or 1) - 1)
    ports = media.rtp_ports
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = hard if hard != resource.RLIM_INFINITY else 1 << 20
    rows = min(
        MOST_ROWS,
        (ports.last - ports.first + 1) // 2 // workers,
        (files - SPARE_FILES) // FILES_PER_ROW // workers,
    )
    return PlaneSettings(
        address=media.bound(settings),
        first_port=ports.first,
        last_port=ports.last,
        workers=workers,
        rows_per_worker=max(1, rows),
        recorder=settings.recordings.enabled,
    )
