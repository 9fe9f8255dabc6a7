"""A folder as it was at a time: which files and folders lay in it, what they were called, and which version each had.

Only what the reader may see now is shown, and nothing that has left the trash.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select

from sync.library.assets.access import ancestors_of, find_folder, library_of, visible_nodes
from sync.library.assets.models import Node, Place, Version
from sync.library.assets.queries import Crumb, icon_of
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from sync.library.previews.access import find_previews
from sync.library.zips.queries import ZipPlan
from sync.library.zips.rules import DEPTH_MOST, FILES_MOST, Entry
from workspace.i18n import _
from workspace.work import Work

ITEMS_MOST = 2000
_BATCH = 500


@dataclass(frozen=True)
class PastItem:
    """A file or folder then. version: 0 for a folder. assumed: name and place are those of later, see models.Place."""

    id: str
    name: str
    is_folder: bool
    version: int
    size_bytes: int
    author_name: str
    digest: str
    at: datetime
    assumed: bool
    picture: bool = False

    @property
    def icon(self) -> str:
        return "folder" if self.is_folder else icon_of(self.name)


@dataclass(frozen=True)
class PastView:
    """name, crumbs: of the folder now. more: there were more items than are listed."""

    folder_id: str
    library_id: str
    name: str
    crumbs: list[Crumb]
    items: list[PastItem]
    more: bool
    may_edit: bool

    @property
    def assumed(self) -> bool:
        return any(item.assumed for item in self.items)


def past_view(work: Work, folder_id: str, at: datetime) -> PastView:
    """What lay in a folder that the reader may see now."""
    folder, _view, right = find_folder(work, folder_id)
    library = library_of(work, folder)
    found = [item for _folder_id, item in placed_then(work, [folder.id], at)]
    made = find_previews(work, [item.digest for item in found])
    items = [replace(item, picture=item.digest in made) for item in found[:ITEMS_MOST]]
    crumbs = crumbs_to(work, folder, library)
    return PastView(folder.id, library.id, folder.name or library.name, crumbs, items, len(found) > ITEMS_MOST, right >= Right.EDIT)


def crumbs_to(work: Work, folder: Node, library: Library) -> list[Crumb]:
    """The way from the list of libraries to the folder itself, whose page of now is one step up from its past."""
    above = [(step.name or library.name, f"/library/folders/{step.id}") for step in (*ancestors_of(work, folder), folder)]
    return [(_("素材库"), "/library"), *above]


def plan_past_zip(work: Work, folder_id: str, at: datetime, said: str) -> ZipPlan:
    """Everything that lay in a folder and below it then. said: the time, for the zip's name."""
    folder, _view, _right = find_folder(work, folder_id)
    library = library_of(work, folder)
    entries: list[Entry] = []
    level, depth = {folder.id: ""}, 0
    while level and len(entries) <= FILES_MOST and depth <= DEPTH_MOST + 1:
        below: dict[str, str] = {}
        for home, item in placed_then(work, list(level), at):
            path = level[home] + item.name
            if item.is_folder:
                below[item.id] = path + "/"
            else:
                entries.append(Entry(path, library.id, item.digest, item.size_bytes, item.at))
        level, depth = below, depth + 1
    if level:
        entries.append(Entry("/" * (DEPTH_MOST + 1), library.id, "", 0, at))  # Deeper than is sent: refused with the bounds.
    return ZipPlan(f"{folder.name or library.name} {said}", entries)


def placed_then(work: Work, folder_ids: Sequence[str], at: datetime) -> list[tuple[str, PastItem]]:
    """(folder id, item) of what lay directly in these folders, folders first, by name."""
    found = []
    for start in range(0, len(folder_ids), _BATCH):
        places = _places_then(work, folder_ids[start : start + _BATCH], at)
        nodes = [node for node in visible_nodes(work, list(places)) if node.purged_at is None]
        versions = _versions_then(work, [node.id for node in nodes if node.kind == "file"], at)
        for node in nodes:
            version = versions.get(node.id)
            if node.kind == "folder" or version is not None:
                found.append((str(places[node.id].parent_id), _item(node, places[node.id], version)))
    return sorted(found, key=lambda each: (not each[1].is_folder, each[1].name.casefold()))


def _places_then(work: Work, folder_ids: Sequence[str], at: datetime) -> dict[str, Place]:
    were = select(Place.node_id).where(Place.parent_id.in_(folder_ids), Place.at <= at).distinct()
    latest = select(func.max(Place.id)).where(Place.node_id.in_(were), Place.at <= at).group_by(Place.node_id)
    query = select(Place).where(Place.id.in_(latest), Place.parent_id.in_(folder_ids), Place.deleted.is_(False))
    return {place.node_id: place for place in work.session.scalars(query)}


def _versions_then(work: Work, node_ids: Sequence[str], at: datetime) -> dict[str, Version]:
    found: dict[str, Version] = {}
    for start in range(0, len(node_ids), _BATCH):
        batch = node_ids[start : start + _BATCH]
        query = select(Version).where(Version.node_id.in_(batch), Version.at <= at).order_by(Version.number)
        found.update({version.node_id: version for version in work.session.scalars(query)})
    return found


def _item(node: Node, place: Place, version: Version | None) -> PastItem:
    return PastItem(
        node.id, place.name, version is None, version.number if version else 0, version.size_bytes if version else 0,
        version.author_name if version else "", version.digest if version else "", version.at if version else place.at, place.assumed,
    )  # fmt: skip
