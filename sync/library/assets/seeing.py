"""Where the newest version of an asset has arrived, for its page."""

from dataclasses import dataclass
from datetime import timedelta

from sync.library.agents_api.queries import seen_by
from sync.library.assets.access import get_asset
from sync.library.assets.models import Version
from sync.library.libraries.access import find_library
from workspace.work import Work

NEW = timedelta(minutes=2)
WATCHED = timedelta(minutes=15)


@dataclass(frozen=True)
class SeenView:
    """count: other desktops and PCs that know of it. again_s: when to ask again, 0 for not at all."""

    count: int
    again_s: int


def seen_view(work: Work, asset_id: str) -> SeenView:
    """Of an asset that the actor may see. A device says every few seconds what it knows, which is no event: the page asks."""
    node = get_asset(work, asset_id)
    newest = work.session.get(Version, (node.id, node.version))
    age = work.now - newest.at if newest is not None else WATCHED
    again_s = 3 if age < NEW else 15 if age < WATCHED else 0
    return SeenView(seen_by(work, [node.id], [find_library(work, node.library_id)]).get(node.id, 0), again_s)
