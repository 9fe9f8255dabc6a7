"""Links as their maker and as a visitor see them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from sync.library.assets.access import ancestors_of, find_folder, get_node
from sync.library.assets.models import Node, Version
from sync.library.assets.queries import icon_of
from sync.library.grants.access import children_shown
from sync.library.libraries.access import find_library
from sync.library.libraries.rules import Right
from sync.library.previews.access import find_previews
from sync.library.previews.rules import Film, suffix_of
from sync.library.shares.access import Shared, address_of, limits_of, shares_of
from sync.library.shares.models import Share
from sync.library.shares.rules import State, state_of
from workspace.errors import NotAllowed
from workspace.people.models import Member
from workspace.secrets import SigningKey
from workspace.work import Work

ITEMS_AT_ONCE = 200


@dataclass(frozen=True)
class ShareRow:
    """A link in the list of its file. state: see rules."""

    id: str
    purpose: str
    address: str
    maker: str
    number: int | None
    has_password: bool
    may_download: bool
    watermark: bool
    expires_at: datetime
    views: int
    most_views: int | None
    viewed_at: datetime | None
    state: State


@dataclass(frozen=True)
class SharesView:
    """newest: version of a file, 0 for a folder."""

    id: str
    name: str
    is_folder: bool
    newest: int
    url: str
    rows: list[ShareRow]


@dataclass(frozen=True)
class SharedItem:
    """A file or folder that a visitor sees. film_url: what their browser may play, "" for nothing."""

    id: str
    name: str
    is_folder: bool
    icon: str
    suffix: str
    size_bytes: int
    picture: bool
    film: bool


@dataclass(frozen=True)
class SharedView:
    """One page of a link. crumbs: the folders from the shared one down to this, (name, id)."""

    company_purpose: str
    item: SharedItem
    crumbs: list[tuple[str, str]]
    items: list[SharedItem]
    more: bool
    may_download: bool
    watermark: bool
    expires_at: datetime
    at: datetime | None


def shares_view(work: Work, node_id: str) -> SharesView:
    """The links to a file or folder that the actor may edit: their own, and all where they manage."""
    node = get_node(work, node_id, to=Right.EDIT)
    try:
        get_node(work, node_id, to=Right.MANAGE)
        manages = True
    except NotAllowed:
        manages = False
    key = work.parts.get(SigningKey)
    rows = [_row(work, share, key) for share in shares_of(work, node, manages=manages)]
    name = node.name or find_library(work, node.library_id).library.name
    is_folder = node.kind == "folder"
    return SharesView(node.id, name, is_folder, node.version, f"/library/{'folders' if is_folder else 'assets'}/{node.id}", rows)


def _row(work: Work, share: Share, key: SigningKey) -> ShareRow:
    maker = work.session.get_one(Member, share.creator_id)
    return ShareRow(
        share.id, share.purpose, address_of(key, share.id), maker.name, share.number, share.password_hash is not None, share.may_download,
        share.watermark, share.expires_at, share.views, share.most_views, share.viewed_at, state_of(limits_of(share), work.now),
    )  # fmt: skip


def shared_view(work: Work, shared: Shared) -> SharedView:
    """work: of the link's maker, so that a folder shows what they may see."""
    node, share = shared.node, shared.share
    rows: list[Node] = []
    if node.kind == "folder":
        folder, seen, right = find_folder(work, node.id)
        query = select(Node).where(Node.parent_id == folder.id, Node.deleted_at.is_(None), children_shown(seen, folder.id, right))
        query = query.order_by(Node.kind.desc(), Node.name_key)
        rows = list(work.session.scalars(query.limit(ITEMS_AT_ONCE + 1)))
    version = work.session.get(Version, (node.id, shared.number)) if node.kind == "file" else None
    digests = [row.digest for row in rows] + ([version.digest] if version else [])
    made = find_previews(work, digests)
    above = [*ancestors_of(work, node), node]
    start = next(index for index, step in enumerate(above) if step.id == shared.top.id)
    crumbs = [(step.name or find_library(work, node.library_id).library.name, step.id) for step in above[start:-1]]
    preview = made.get(version.digest) if version else None
    plays = preview is not None and preview.film in (Film.PLAYS.value, Film.COPIED.value) and not share.watermark
    item = SharedItem(
        node.id, node.name or find_library(work, node.library_id).library.name, node.kind == "folder", icon_of(node.name),
        suffix_of(node.name).upper(), version.size_bytes if version else 0, preview is not None, plays,
    )  # fmt: skip
    items = [
        SharedItem(
            row.id, row.name, row.kind == "folder", "folder" if row.kind == "folder" else icon_of(row.name), suffix_of(row.name).upper(),
            row.size_bytes, row.digest in made, False,
        )
        for row in rows[:ITEMS_AT_ONCE]
    ]  # fmt: skip
    return SharedView(
        share.purpose, item, crumbs, items, len(rows) > ITEMS_AT_ONCE, share.may_download, share.watermark, share.expires_at,
        version.at if version else None,
    )  # fmt: skip
