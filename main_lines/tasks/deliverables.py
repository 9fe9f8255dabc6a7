"""What a deliverable looks like on a page, and which asset versions can be delivered. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from main_lines.tasks.bodies import DeliverBody
from main_lines.tasks.models import TaskDeliverable, TaskOrder
from main_lines.tasks.pieces import AssetDelivery
from main_lines.tasks.record import deliverable_words
from sync.library.assets.access import get_asset, list_versions_of_library
from workspace.errors import NotFound
from workspace.phrases import said
from workspace.work import Work

VERSIONS_OFFERED = 20


@dataclass(frozen=True)
class DeliverableView:
    """newest: number of the asset's newest version when it is newer than the pinned one, else None. url: "" for plain text.

    digest: of the pinned version, for an asset only.
    """

    kind: str
    words: str
    url: str = ""
    digest: str = ""
    newest: int | None = None


def deliverable_view(work: Work, deliverable: dict[str, Any]) -> DeliverableView | None:
    """None when nothing is delivered. A later version is named, never put in the place of the pinned one."""
    if not deliverable:
        return None
    words = deliverable_words(deliverable)
    if deliverable["kind"] != "asset":
        whole = str(said(deliverable.get("said", deliverable["text"])))
        return DeliverableView(deliverable["kind"], whole, whole if deliverable["kind"] == "link" else "")
    asset_id, version = deliverable["asset_id"], deliverable["version"]
    url = f"/library/assets/{asset_id}?version={version}"
    try:
        newest = get_asset(work, asset_id).version
    except NotFound:  # The asset lies in a library that this reader may not see: the pin is shown, the way to it is not.
        return DeliverableView("asset", words, digest=deliverable["digest"])
    return DeliverableView("asset", words, url, deliverable["digest"], newest if newest > version else None)


@dataclass(frozen=True)
class Lying:
    """What lies with an order. id: to take it out again, empty for what an order from before has. name: of the expected one, or ""."""

    id: str
    name: str
    view: DeliverableView
    by_id: str
    at: datetime | None
    asset_id: str = ""


def lying_with(work: Work, order: TaskOrder, pieces: Sequence[TaskDeliverable]) -> list[Lying]:
    """In the order of the expected ones, then the others as they were laid there."""
    if not pieces:  # Handed in before deliverables had rows of their own.
        view = deliverable_view(work, order.deliverable)
        return [Lying("", "", view, "", order.delivered_at)] if view else []
    places = {name: place for place, name in enumerate(order.expected)}
    found = sorted(pieces, key=lambda piece: places.get(piece.name, len(places)))
    views = [(piece, deliverable_view(work, piece.content)) for piece in found]
    return [Lying(piece.id, piece.name, view, piece.by_id, piece.at, piece.asset_id or "") for piece, view in views if view]


@dataclass(frozen=True)
class OfferedVersion:
    asset_id: str
    version: int
    name: str
    author: str
    at: datetime


def recent_versions(work: Work, library_id: str | None) -> list[OfferedVersion]:
    """The newest version of each asset that was saved last in the line's library; what one most likely delivers."""
    if library_id is None:
        return []
    newest: dict[str, OfferedVersion] = {}
    for version in list_versions_of_library(work, library_id, limit=VERSIONS_OFFERED * 3):
        offered = OfferedVersion(version.node_id, version.number, version.name, version.author_name, version.at)
        newest.setdefault(version.node_id, offered)
    return list(newest.values())[:VERSIONS_OFFERED]


def delivery_of(body: DeliverBody) -> AssetDelivery | str:
    """What the body delivers; an asset wins over text. asset_id may be "id:version", as the form's list sends it."""
    asset_id, _, version = body.asset_id.partition(":")
    number = int(version) if version.isdecimal() and len(version) < 10 else body.version
    return AssetDelivery(asset_id, number) if asset_id and number else body.text
