"""Two versions beside each other: of one file, or of a file and its conflict copy."""

from dataclasses import dataclass
from datetime import datetime

from sync.library.assets.access import get_asset, get_version
from sync.library.assets.models import Node, Version
from sync.library.assets.queries import Author, Crumb, asset_view
from sync.library.previews.access import find_preview
from sync.library.previews.models import Preview
from workspace.work import Work


@dataclass(frozen=True)
class Side:
    """One of the two. width, height: of the original in pixels, 0 where unknown. picture: address, "" without a preview."""

    asset_id: str
    asset_name: str
    number: int
    name: str
    digest: str
    size_bytes: int
    author: Author
    at: datetime
    note: str
    width: int
    height: int
    duration_ms: int
    picture: str

    @property
    def length(self) -> str:
        minutes, seconds = divmod(round(self.duration_ms / 1000), 60)
        return f"{minutes}:{seconds:02d}" if self.duration_ms else ""

    @property
    def pixels(self) -> str:
        return f"{self.width} × {self.height}" if self.width else ""


@dataclass(frozen=True)
class CompareView:
    """newest: number of the latest version; every one from 1 on may be chosen, but for those that were thinned out."""

    asset_id: str
    name: str
    crumbs: list[Crumb]
    newest: int
    numbers: list[int]
    left: Side
    right: Side

    @property
    def same(self) -> bool:
        return self.left.digest == self.right.digest


def compare_view(work: Work, asset_id: str, *, left: int | None, right: int | None, other_id: str = "") -> CompareView:
    """``left`` of the asset beside ``right`` of it, or of the other asset. Without numbers: the newest beside the one before."""
    view = asset_view(work, asset_id)
    numbers = [version.number for version in view.versions]
    other = get_asset(work, other_id) if other_id else get_asset(work, asset_id)
    right = right or other.version
    before = [number for number in numbers if number < right]
    left = left or (view.newest if other_id else (before[0] if before else right))
    own = get_asset(work, asset_id)
    crumbs = [*view.crumbs, (view.name, f"/library/assets/{asset_id}")]
    return CompareView(
        asset_id, view.name, crumbs, view.newest, sorted({*numbers, left, *([] if other_id else [right])}, reverse=True),
        _side(work, own, left), _side(work, other, right),
    )  # fmt: skip


def _side(work: Work, node: Node, number: int) -> Side:
    version: Version = get_version(work, node.id, number)
    preview: Preview | None = find_preview(work, version.digest)
    made = preview is not None and preview.state == "made"
    return Side(
        node.id, node.name, number, version.name, version.digest, version.size_bytes, Author(version.author_id or "", version.author_name),
        version.at, version.note, preview.width if preview else 0, preview.height if preview else 0,
        preview.duration_ms if preview else 0, f"/library/assets/{node.id}/versions/{number}/preview?size=large" if made else "",
    )  # fmt: skip
