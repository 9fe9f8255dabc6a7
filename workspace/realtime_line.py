"""What web, relay and realtime agree on: how a ticket is signed, and where the relay's frames arrive.

Apart from the three, because the realtime process loads neither the database nor a page.
"""

from pathlib import Path

from workspace.settings import Settings

TICKET_PURPOSE = "realtime ticket"
TICKET_MAX_AGE_S = 60
FRAMES_CHANNEL = "mainline:frames"


def realtime_socket(settings: Settings) -> Path:
    return settings.run_dir / "realtime.sock"
