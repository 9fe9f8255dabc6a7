"""The list of libraries as the browser shows it."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from sync.library.assets.access import versions_seen
from sync.library.assets.models import Node, Version
from sync.library.grants.access import within
from sync.library.libraries.access import OpenLibrary, visible_libraries
from sync.library.libraries.rules import Right
from sync.library.previews.access import find_previews
from workspace.work import Work

COVERS = 4


@dataclass(frozen=True)
class Cover:
    """A recent picture of a library."""

    asset_id: str
    version: int
    name: str


@dataclass(frozen=True)
class LibraryCard:
    """newest_at, newest_author: of the latest saved version, None and "" while there is none."""

    id: str
    name: str
    may_edit: bool
    files: int
    size_bytes: int
    newest_at: datetime | None
    newest_author: str
    covers: tuple[Cover, ...]


def library_cards(work: Work) -> list[LibraryCard]:
    """The libraries that the reader may see, those that moved last first."""
    opened = visible_libraries(work)
    totals = _totals(work, opened)
    versions = {found.library.id: _newest_versions(work, found) for found in opened}
    made = find_previews(work, [version.digest for listed in versions.values() for version in listed])
    cards = []
    for found in opened:
        library = found.library
        files, size_bytes = totals.get(library.id, (0, 0))
        newest = versions[library.id]
        cards.append(
            LibraryCard(
                library.id, library.name, found.may_edit, files, size_bytes, newest[0].at if newest else None,
                newest[0].author_name if newest else "", _covers(newest, made),
            )
        )  # fmt: skip
    return sorted(cards, key=lambda card: card.newest_at.timestamp() if card.newest_at else 0, reverse=True)


def _totals(work: Work, opened: list[OpenLibrary]) -> dict[str, tuple[int, int]]:
    """Files and bytes that the reader may see."""
    whole = [found.library.id for found in opened if found.view.is_even]
    seen = [
        and_(Node.library_id == found.library.id, within(found.view, Node.parent_id, Right.SEE))
        for found in opened
        if not found.view.is_even
    ]
    query = select(Node.library_id, func.count(), func.coalesce(func.sum(Node.size_bytes), 0))
    query = query.where(Node.kind == "file", Node.deleted_at.is_(None), or_(Node.library_id.in_(whole), *seen)).group_by(Node.library_id)
    return {library_id: (int(files), int(size)) for library_id, files, size in work.session.execute(query)}


def _newest_versions(work: Work, opened: OpenLibrary) -> list[Version]:
    query = versions_seen(opened.view, select(Version).where(Version.library_id == opened.library.id))
    return list(work.session.scalars(query.order_by(Version.at.desc()).limit(COVERS * 5)))


def _covers(versions: list[Version], made: Container[str]) -> tuple[Cover, ...]:
    newest: dict[str, Cover] = {}
    for version in versions:
        if version.digest in made:
            newest.setdefault(version.node_id, Cover(version.node_id, version.number, version.name))
    return tuple(newest.values())[:COVERS]
