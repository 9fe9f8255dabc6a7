"""Which versions are to have a head, and which have one. Who may see a version is asked of its asset."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select, tuple_

from sync.library.assets.models import Node, Version
from sync.library.heads.models import Head
from sync.library.heads.rules import Mode
from sync.library.libraries.models import Library
from sync.library.retention.access import Held, Holder
from sync.library.retention.models import KeptVersion
from workspace.settings import Settings
from workspace.work import Work

_BATCH = 500


@dataclass(frozen=True)
class Approved:
    """A part of the process: who else has approved versions. Not a list that modules add themselves to, see retention's Holders."""

    each: tuple[Holder, ...]


def mode_of(work: Work) -> Mode:
    return Mode(work.parts.get(Settings).library_heads)


def wanted_versions(work: Work, library_id: str) -> set[Held]:
    """As of now. It may name versions that are gone, and of other libraries."""
    mode = mode_of(work)
    if mode is Mode.NONE:
        return set()
    kept = select(KeptVersion.node_id, KeptVersion.number).where(KeptVersion.library_id == library_id)
    wanted = {(row.node_id, row.number) for row in work.session.execute(kept)}
    for approved in work.parts.get(Approved).each:
        wanted.update(approved(work, library_id))
    if mode is Mode.ALL:
        live = select(Node.id, Node.version).where(Node.library_id == library_id, Node.kind == "file", Node.deleted_at.is_(None))
        wanted.update((row.id, row.version) for row in work.session.execute(live))
    return wanted


def versions_lacking(work: Work, library_id: str, passed_over: Set[Held], limit: int) -> list[Version]:
    """Wanted versions without a head that serves, in order; an empty file needs none."""
    serving = select(Head.node_id, Head.number).where(Head.library_id == library_id, Head.state == "made", Head.doomed_at.is_(None))
    there = {(row.node_id, row.number) for row in work.session.execute(serving)}
    lacking: list[Version] = []
    for version in _rows(work, library_id, wanted_versions(work, library_id) - there - passed_over):
        lacking.append(version)
        if len(lacking) == limit:
            break
    return lacking


def libraries_lacking(work: Work) -> list[str]:
    """Those in which some wanted version has no head."""
    library_ids = work.session.scalars(select(Library.id).order_by(Library.id)).all()
    return [library_id for library_id in library_ids if versions_lacking(work, library_id, frozenset(), 1)]


def wanted_contents(work: Work, library_id: str) -> dict[Held, str]:
    """Digest by version, of wanted versions that are there."""
    return {(each.node_id, each.number): each.digest for each in _rows(work, library_id, wanted_versions(work, library_id))}


def _rows(work: Work, library_id: str, wanted: Set[Held]) -> Iterator[Version]:
    """Those of these versions that are there and have content."""
    left = iter(sorted(wanted))
    while batch := list(islice(left, _BATCH)):
        query = select(Version).where(Version.library_id == library_id, tuple_(Version.node_id, Version.number).in_(batch))
        yield from work.session.scalars(query.where(Version.size_bytes > 0).order_by(Version.node_id, Version.number))
