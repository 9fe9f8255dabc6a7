"""How a folder is listed: in which order, which files of it, and from where on. Pages are paged by key, never by offset."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from sync.library.assets.models import Node
from sync.library.previews.rules import FILMS, suffix_of
from sync.library.retention.models import KeptVersion
from sync.library.tags.models import KEY_LENGTH, AssetTag

SORTS = ("name", "time", "size", "author", "kind")
KINDS = {
    "picture": frozenset({"jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "svg", "heic"}),
    "design": frozenset({"psd", "psb", "ai", "eps", "indd", "sketch", "xd", "cdr"}),
    "film": FILMS | {"avi", "wmv", "flv"},
    "document": frozenset({"pdf", "doc", "docx", "xls", "xlsx", "csv", "ppt", "pptx", "odt", "ods", "odp", "txt", "md"}),
    "font": frozenset({"ttf", "otf", "ttc", "woff", "woff2"}),
}
"""Groups of files that people look for -> their suffixes."""


@dataclass(frozen=True)
class Listing:
    """sort: one of SORTS. kind: one of KINDS, or "" for all. after: id of the last node shown before, "" from the top.

    mark: "t:" and a tag's key, or "k:" and the label of a kept version, to leave out files without it, in the folder and below; "" for all.
    """

    sort: str = "name"
    backwards: bool = False
    kind: str = ""
    mark: str = ""
    after: str = ""

    @property
    def query(self) -> str:
        """The same listing as the end of an address; without ``after``."""
        return f"sort={self.sort}&desc={int(self.backwards)}&kind={self.kind}&mark={quote(self.mark, safe='')}"

    @property
    def is_narrow(self) -> bool:
        """Whether some files are left out."""
        return bool(self.kind or self.mark)


BY_NAME = Listing()


def read_listing(values: Any) -> Listing:
    """From a request's arguments; what is unknown is left out."""
    sort, kind, mark = values.get("sort", ""), values.get("kind", ""), values.get("mark", "")[: KEY_LENGTH + 2]
    return Listing(
        sort if sort in SORTS else "name", values.get("desc", "") == "1", kind if kind in KINDS else "",
        mark if mark[:2] in ("t:", "k:") and mark.isprintable() else "", values.get("after", "")[:40],
    )  # fmt: skip


def listed(query: Select[Node], listing: Listing, anchor: Node | None) -> Select[Node]:
    """The query in the listing's order, folders first, from behind the anchor on. Files of one kind leave the folders out."""
    if listing.kind:
        query = query.where(Node.kind == "file", or_(*(Node.name_key.like(f"%.{suffix}") for suffix in sorted(KINDS[listing.kind]))))
    if listing.mark:
        query = query.where(Node.kind == "file", Node.id.in_(_marked(listing.mark)))
    key = _key(listing.sort)
    if anchor is not None:
        value = _value(listing.sort, anchor)
        beyond = key < value if listing.backwards else key > value
        named = or_(Node.name_key > anchor.name_key, and_(Node.name_key == anchor.name_key, Node.id > anchor.id))
        tie = and_(key == value, named)
        query = query.where(or_(Node.kind < anchor.kind, and_(Node.kind == anchor.kind, or_(beyond, tie))))
    return query.order_by(Node.kind.desc(), key.desc() if listing.backwards else key, Node.name_key, Node.id)


def folders_below(folder_id: str) -> Select[str]:
    """The ids of a live folder and of all live folders in it, however deep."""
    inside = select(Node.id).where(Node.id == folder_id).cte("inside", recursive=True)
    inner = aliased(Node)
    deeper = select(inner.id).join(inside, inner.parent_id == inside.c.id)
    inside = inside.union_all(deeper.where(inner.kind == "folder", inner.deleted_at.is_(None)))
    return select(inside.c.id)


def _marked(mark: str) -> Select[str]:
    """The nodes that have the tag, or a version kept under the label."""
    if mark.startswith("t:"):
        return select(AssetTag.node_id).where(AssetTag.tag_key == mark[2:])
    return select(KeptVersion.node_id).where(KeptVersion.label == mark[2:])


def _key(sort: str) -> ColumnElement[Any]:
    columns: dict[str, ColumnElement[Any]] = {
        "time": Node.modified_at.expression, "size": Node.size_bytes.expression, "author": Node.author_name.expression,
    }  # fmt: skip
    if sort == "kind":
        # What is behind the last dot: rtrim takes away all that is no dot from the end.
        stem = func.rtrim(Node.name_key, func.replace(Node.name_key, ".", ""))
        return func.replace(Node.name_key, stem, "")
    return columns.get(sort, Node.name_key.expression)


def _value(sort: str, node: Node) -> Any:
    if sort == "kind":
        return suffix_of(node.name_key) or node.name_key
    return {"time": node.modified_at, "size": node.size_bytes, "author": node.author_name}.get(sort, node.name_key)
