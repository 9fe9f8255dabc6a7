"""Folders and assets as the browser shows them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from sync.library.assets.access import ancestors_of, asset_right, find_folder, get_asset, library_of, visible_nodes
from sync.library.assets.listing import BY_NAME, Listing, folders_below, listed
from sync.library.assets.models import Node, Version
from sync.library.grants.access import children_shown, reachable, rooms_of_nodes
from sync.library.grants.rules import View
from sync.library.libraries.rules import Right
from sync.library.previews.access import find_preview, find_previews
from sync.library.previews.models import Preview
from sync.library.previews.rules import FILMS, Film, has_pixels, is_previewable, is_too_large, suffix_of
from sync.library.previews.words import say_reason
from sync.library.retention.access import kept_versions
from sync.library.words.access import words_of
from workspace.devices.models import Device
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.queries import initials
from workspace.work import Work

ITEMS_FIRST = 48
ITEMS_AT_ONCE = 120
ITEMS_MOST = 1200
VERSIONS_AT_ONCE = 50
WORDS_SHOWN = 6000

_FILM = FILMS | {"avi", "wmv", "flv"}
_TEXT = frozenset({
    "txt", "md", "doc", "docx", "pdf", "xls", "xlsx", "csv", "ppt", "pptx", "odt", "ods", "odp", "ttf", "otf", "ttc", "woff", "woff2",
})  # fmt: skip
_PICTURE = frozenset({"heic", "eps", "indd"})

Crumb = tuple[str, str]


@dataclass(frozen=True)
class Item:
    """A file or folder in a list. picture: whether a preview was made. author_name: of the newest version. length: of a film, "1:05".

    folder: where it lies, when that is another folder than the one that is shown.
    """

    id: str
    name: str
    is_folder: bool
    version: int
    size_bytes: int
    author_name: str
    modified_at: datetime
    picture: bool
    is_second_head: bool
    length: str = ""
    digest: str = ""
    folder: str = ""

    @property
    def picture_url(self) -> str:
        return f"/library/assets/{self.id}/versions/{self.version}/preview"

    @property
    def url(self) -> str:
        return f"/library/folders/{self.id}" if self.is_folder else f"/library/assets/{self.id}"

    @property
    def icon(self) -> str:
        return "folder" if self.is_folder else icon_of(self.name)

    @property
    def suffix(self) -> str:
        return suffix_of(self.name).upper()


@dataclass(frozen=True)
class FolderView:
    """may_see: not so where the folder only leads to one that the reader may see. room: in which its events are heard.

    more_after: key of the last row shown when there are more, else "".
    """

    """more_after: the last row shown when there are more, else ""."""

    library_id: str
    library_name: str
    id: str
    name: str
    crumbs: list[Crumb]
    may_see: bool
    may_edit: bool
    may_manage: bool
    room: str
    items: list[Item]
    more_after: str
    listing: Listing


@dataclass(frozen=True)
class Author:
    id: str
    name: str

    @property
    def initials(self) -> str:
        return initials(self.name)


@dataclass(frozen=True)
class VersionRow:
    """device: what it was saved on, "" for the browser. note: why, as its author said. picture: whether a preview was made.

    kept: what a version that somebody keeps is called, may be ""; None for one that nobody keeps by hand.
    """

    number: int
    name: str
    digest: str
    size_bytes: int
    author: Author
    at: datetime
    device: str
    note: str
    picture: bool
    kept: str | None = None


@dataclass(frozen=True)
class AssetView:
    """shown: the version that the page is about. winner: what this is a second head of. heads: second heads of this.

    preview: what came of drawing the shown version, None while that was not tried. words: how the text of a document begins that
    has no picture.
    """

    id: str
    name: str
    library_id: str
    library_name: str
    room: str
    folder_id: str
    crumbs: list[Crumb]
    right: Right
    deleted: bool
    newest: int
    shown: VersionRow
    versions: list[VersionRow]
    more_before: int | None
    winner: Item | None
    heads: list[Item]
    preview: Preview | None
    words: str

    @property
    def may_edit(self) -> bool:
        return self.right >= Right.EDIT

    @property
    def pixels(self) -> str:
        """Of the original, "1920 × 1080"; "" where that is not known or says nothing, as of a page or a font."""
        made = self.preview if has_pixels(self.shown.name) else None
        return f"{made.width} × {made.height}" if made is not None and made.width else ""

    @property
    def length(self) -> str:
        return _length(self.preview)

    @property
    def suffix(self) -> str:
        return suffix_of(self.name).upper()

    @property
    def icon(self) -> str:
        return icon_of(self.name)

    @property
    def film_url(self) -> str:
        """What a browser can play: the film itself or its copy, "" when it is no film or cannot be played."""
        film = self.preview.film if self.preview is not None else None
        names = {Film.PLAYS.value: "content", Film.COPIED.value: "film"}
        return f"/library/assets/{self.id}/versions/{self.shown.number}/{names[film]}" if film in names else ""

    @property
    def preview_note(self) -> str:
        """What the page says of a preview that is not there, or not all of it; "" when nothing is missing."""
        name, size_bytes = self.shown.name, self.shown.size_bytes
        if self.words:
            return (
                _("这里只有开头的文字，完整的内容和排版请下载后查看")
                if len(self.words) == WORDS_SHOWN
                else _("这里只有文字，排版请下载后查看")
            )
        if self.preview is None:
            if is_previewable(name, size_bytes):
                return _("预览正在生成")
            return say_reason("too_large") if is_too_large(name, size_bytes) else _("这种文件没有预览，请下载后查看")
        if self.preview.film == Film.WAITING.value:
            return _("正在生成可在线播放的小样")
        return say_reason(self.preview.reason) if self.preview.reason or not self.shown.picture else ""


def icon_of(name: str) -> str:
    suffix = suffix_of(name)
    if suffix in _FILM:
        return "video"
    if suffix in _TEXT:
        return "file-text"
    return "photo" if suffix in _PICTURE or is_previewable(name, 1) else "file"


def folder_view(work: Work, folder_id: str, listing: Listing = BY_NAME, *, count: int = ITEMS_FIRST) -> FolderView:
    """What the reader sees of a live folder: folders, then files, in the order of the listing. count: rows wanted, at most ITEMS_MOST.

    A page begins with ITEMS_FIRST, about two windows full, and is painted while nobody could have scrolled further.
    """
    folder, rights, right = find_folder(work, folder_id)
    library = library_of(work, folder)
    query = select(Node).where(Node.deleted_at.is_(None), *_where(folder, listing, rights, right))
    anchor = work.session.get(Node, listing.after) if listing.after else None
    known = anchor is not None and (anchor.parent_id == folder.id or (listing.mark and anchor.library_id == folder.library_id))
    query = listed(query, listing, anchor if known else None)
    count = max(1, min(count, ITEMS_MOST))
    rows = list(work.session.scalars(query.limit(count + 1)))
    shown = rows[:count]
    return FolderView(
        library_id=library.id, library_name=library.name, id=folder.id, name=folder.name or library.name,
        crumbs=_crumbs(work, folder), may_see=right >= Right.SEE, may_edit=right >= Right.EDIT,
        may_manage=right >= Right.MANAGE, room=rooms_of_nodes(work, library, [folder])[folder.id], items=_items(work, shown, folder),
        more_after=shown[-1].id if len(rows) > count else "", listing=listing,
    )  # fmt: skip


def _where(folder: Node, listing: Listing, rights: View, right: Right) -> tuple[ColumnElement[bool], ...]:
    """What is shown of a folder: what lies in it; of files with a tag or label also those in the folders below."""
    if listing.mark:
        return Node.parent_id.in_(folders_below(folder.id)), reachable(rights)
    return Node.parent_id == folder.id, children_shown(rights, folder.id, right)


def asset_view(work: Work, asset_id: str, *, number: int | None = None, before: int | None = None) -> AssetView:
    """An asset with its versions, newest first; ``number`` is the version to show, else the newest."""
    node = get_asset(work, asset_id)
    library, right = library_of(work, node), asset_right(work, node)
    query = select(Version).where(Version.node_id == node.id).order_by(Version.number.desc())
    if before is not None:
        query = query.where(Version.number < before)
    versions = list(work.session.scalars(query.limit(VERSIONS_AT_ONCE + 1)))
    shown = work.session.get(Version, (node.id, number or node.version))
    if shown is None:
        raise NotFound(_("没有找到这个版本"), _("地址有误，或您没有查看的权限。"))
    made = find_previews(work, [version.digest for version in (*versions, shown)])
    devices = _devices(work, (*versions, shown))
    kept = kept_versions(work, node.id)
    listed = [_version_row(version, made, devices, kept) for version in versions[:VERSIONS_AT_ONCE]]
    winner = next(iter(visible_nodes(work, [node.head_of])), None) if node.head_of else None
    head_ids = work.session.scalars(select(Node.id).where(Node.head_of == node.id, Node.deleted_at.is_(None)).order_by(Node.created_at))
    heads = visible_nodes(work, head_ids.all())
    return AssetView(
        id=node.id, name=node.name, library_id=node.library_id, library_name=library.name,
        room=rooms_of_nodes(work, library, [node])[node.id], folder_id=str(node.parent_id),
        crumbs=_crumbs(work, node), right=right, deleted=node.deleted_at is not None, newest=node.version,
        shown=_version_row(shown, made, devices, kept), versions=listed,
        more_before=listed[-1].number if len(versions) > VERSIONS_AT_ONCE else None,
        winner=next(iter(_items(work, [winner])), None) if winner is not None else None, heads=_items(work, heads),
        preview=find_preview(work, shown.digest),
        words="" if shown.digest in made else words_of(work, [shown.digest]).get(shown.digest, "")[:WORDS_SHOWN],
    )  # fmt: skip


@dataclass(frozen=True)
class PickerView:
    """A folder as a place to move to. above: the folder it lies in, None at the top."""

    id: str
    name: str
    above: str | None
    folders: list[Crumb]
    may_edit: bool


def picker_view(work: Work, folder_id: str) -> PickerView:
    """The live folders in a folder, by name."""
    view = folder_view(work, folder_id, count=ITEMS_MOST)
    folders = [(item.name, item.id) for item in view.items if item.is_folder]
    return PickerView(view.id, view.name, find_folder(work, folder_id)[0].parent_id, folders, view.may_edit)


def count_files(work: Work, library_id: str) -> int:
    query = select(func.count()).select_from(Node).where(Node.library_id == library_id, Node.kind == "file", Node.deleted_at.is_(None))
    return int(work.session.scalar(query) or 0)


def _crumbs(work: Work, node: Node) -> list[Crumb]:
    """The way from the list of libraries to the folder above."""
    library = library_of(work, node)
    above = [(step.name or library.name, f"/library/folders/{step.id}") for step in ancestors_of(work, node)]
    return [(_("素材库"), "/library"), *above]


def _items(work: Work, nodes: list[Node], shown_in: Node | None = None) -> list[Item]:
    """shown_in: the folder that is shown, to say of others where they lie."""
    made = find_previews(work, [node.digest for node in nodes])
    elsewhere = {node.parent_id for node in nodes if shown_in is not None and node.parent_id != shown_in.id}
    named = work.session.execute(select(Node.id, Node.name).where(Node.id.in_(elsewhere))) if elsewhere else ()
    folders = {row.id: row.name for row in named}
    return [
        Item(
            id=node.id, name=node.name, is_folder=node.kind == "folder", version=node.version, size_bytes=node.size_bytes,
            author_name=node.author_name, modified_at=node.modified_at, picture=node.digest in made,
            is_second_head=node.head_of is not None, length=_length(made.get(node.digest or "")),
            digest=node.digest or "", folder=folders.get(str(node.parent_id), ""),
        )
        for node in nodes
    ]  # fmt: skip


def _length(preview: Preview | None) -> str:
    if preview is None or preview.film is None or not preview.duration_ms:
        return ""
    minutes, seconds = divmod(max(1, round(preview.duration_ms / 1000)), 60)
    return f"{minutes}:{seconds:02d}"


def _devices(work: Work, versions: Iterable[Version]) -> dict[str, str]:
    """Device id -> its name."""
    ids = {version.device_id for version in versions if version.device_id}
    rows = work.session.execute(select(Device.id, Device.name).where(Device.id.in_(ids))) if ids else ()
    return {row.id: row.name for row in rows}


def _version_row(version: Version, made: Mapping[str, object], devices: Mapping[str, str], kept: Mapping[int, str]) -> VersionRow:
    return VersionRow(
        number=version.number, name=version.name, digest=version.digest, size_bytes=version.size_bytes,
        author=Author(version.author_id or "", version.author_name), at=version.at,
        device=devices.get(version.device_id or "", ""), note=version.note, picture=version.digest in made, kept=kept.get(version.number),
    )  # fmt: skip
