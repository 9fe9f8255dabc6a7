"""What web, relay and realtime agree on: how tickets and pages are signed, and where frames and presence arrive.

Apart from the three, because the realtime process loads neither the database nor a page.
"""

from pathlib import Path

from workspace.settings import Settings

TICKET_PURPOSE = "realtime ticket"
TICKET_MAX_AGE_S = 60
LOOK_PURPOSE = "page in front of its reader"
LOOK_MAX_AGE_S = 30 * 86_400
"""A page may stay open for weeks. The token opens nothing: who may see the subject is asked of the rooms of now."""
FRAMES_CHANNEL = "mainline:frames"
PRESENCE_CHANNEL = "mainline:presence"


def realtime_socket(settings: Settings) -> Path:
    return settings.run_dir / "realtime.sock"
