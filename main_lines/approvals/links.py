"""What an approval hangs on: a main line, a task order, an asset version. Asked of their own features, with the actor's rights."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from main_lines.lines.access import get_line, line_ids_of, require_going_on
from main_lines.tasks.access import get_task
from sync.library.assets.access import content_of, get_asset, pin_of
from sync.library.assets.models import Node, Version
from sync.library.content.sending import VersionContent
from sync.library.grants.access import view_of, within
from sync.library.libraries.access import get_library
from sync.library.libraries.rules import Right
from sync.library.previews.access import find_previews
from workspace.errors import NotFound
from workspace.work import Work

Pin = dict[str, Any]
OFFERED = 12


def linked_places(work: Work, *, line_id: str | None, task_id: str | None, pin: Pin | None) -> tuple[str | None, str | None]:
    """(line, task) as they will be kept; NotFound for what the actor does not see.

    A task brings its line, which must go on: its approval would deliver something there. An asset brings the line that its library
    belongs to, when nothing else was named.
    """
    if task_id:
        task = get_task(work, task_id)
        require_going_on(work, task.line_id)
        return task.line_id, task.id
    if line_id:
        return get_line(work, line_id).id, None
    return (line_of_library(work, pin["library_id"]) if pin else None), None


def line_of_library(work: Work, library_id: str) -> str | None:
    """The main line that the library belongs to, if the actor is in it."""
    kind, _sep, line_id = (get_library(work, library_id).scope_room or "").partition(":")
    return line_id if kind == "line" and line_id in line_ids_of(work) else None


def reachable_places(work: Work, *, line_id: str | None, task_id: str | None) -> dict[str, tuple[str, str]]:
    """{"line": (name, URL), "task": …} as far as the actor may see them: an approver need not be in the main line."""
    places: dict[str, tuple[str, str]] = {}
    try:
        if line_id:
            places["line"] = (get_line(work, line_id).name, f"/lines/{line_id}")
        if task_id:
            places["task"] = (get_task(work, task_id).title, f"/tasks/{task_id}")
    except NotFound:
        return places
    return places


def pinned(work: Work, asset_id: str, number: int) -> Pin:
    """The facts of one asset version that never change; NotFound when the actor does not see its library."""
    pin = pin_of(work, asset_id, number)
    return {"asset_id": asset_id, "library_id": pin.library_id, "name": pin.name, "version": number, "digest": pin.digest}


def pinned_content(work: Work, pin: Pin) -> VersionContent:
    """The pinned version's bytes. The caller has checked that the actor sees the approval; no grant on the library is needed."""
    return content_of(work, pin["asset_id"], pin["version"])


@dataclass(frozen=True)
class PinnedAsset:
    """A pinned version as its approval shows it. newest: number of the asset's latest version; has_picture: a preview
    was made of this content."""

    asset_id: str
    library_id: str
    name: str
    version: int
    digest: str
    newest: int
    author: str
    at: datetime | None
    size_bytes: int
    has_picture: bool

    @property
    def is_superseded(self) -> bool:
        return self.newest > self.version


def asset_now(work: Work, pin: Pin) -> PinnedAsset:
    """The pinned version with what has become of its asset since. The caller has checked that the actor sees the approval."""
    version = work.session.get(Version, (pin["asset_id"], pin["version"]))
    node = work.session.get(Node, pin["asset_id"])
    return PinnedAsset(
        asset_id=pin["asset_id"], library_id=pin["library_id"], name=pin["name"], version=pin["version"], digest=pin["digest"],
        newest=node.version if node else pin["version"], author=version.author_name if version else "", at=version.at if version else None,
        size_bytes=version.size_bytes if version else 0, has_picture=pin["digest"] in find_previews(work, [pin["digest"]]),
    )  # fmt: skip


@dataclass(frozen=True)
class Offered:
    """An asset's newest version, offered for pinning."""

    asset_id: str
    name: str
    version: int
    author: str
    at: datetime
    library_id: str


def offered_asset(work: Work, asset_id: str, version: str) -> Offered:
    """What an address or form names; without a version, the newest. NotFound when the actor does not see it."""
    number = int(version) if version.isdecimal() and len(version) < 10 else get_asset(work, asset_id).version
    pin = pin_of(work, asset_id, number)
    return Offered(asset_id, pin.name, number, pin.author, pin.at, pin.library_id)


def sent_asset(work: Work, pin: Pin) -> Offered | None:
    """What was sent before; None when the actor no longer sees its library, so that something else can be sent instead."""
    try:
        return offered_asset(work, pin["asset_id"], str(pin["version"]))
    except NotFound:
        return None


def assets_to_choose(
    work: Work, chosen: Offered | None, *, sent: Offered | None = None, line_id: str | None, task_id: str | None
) -> list[Offered]:
    """What was chosen, its newest version if that is another, what was sent before, then the files changed last in the line's library."""
    first = [chosen, offered_asset(work, chosen.asset_id, "")] if chosen else []
    first += [sent] if sent else []
    rows = {(one.asset_id, one.version): one for one in [*first, *_newest_assets(work, line_id, task_id)]}
    return list(rows.values())


def _newest_assets(work: Work, line_id: str | None, task_id: str | None) -> list[Offered]:
    """The files changed last in the line's library, for choosing what to send; empty where the actor does not see it."""
    line_id = get_task(work, task_id).line_id if task_id else line_id
    line = get_line(work, line_id) if line_id else None
    view = view_of(work, line.library_id) if line is not None and line.library_id else None
    if view is None:
        return []
    seen = within(view, Node.parent_id, Right.SEE)
    files = select(Node).where(Node.library_id == view.library_id, Node.kind == "file", Node.deleted_at.is_(None), seen)
    rows = work.session.scalars(files.order_by(Node.seq.desc()).limit(OFFERED))
    return [Offered(node.id, node.name, node.version, node.author_name, node.modified_at, node.library_id) for node in rows]
