"""Which libraries a member may see and what they may do there: one rule (grants to their groups), asked both ways."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from sync.library.libraries.models import Library, LibraryGrant
from sync.library.libraries.rules import Right, highest
from workspace.errors import NotAllowed, NotFound
from workspace.events.access import gives_rooms
from workspace.i18n import _
from workspace.people.models import GroupMember
from workspace.work import Work


@dataclass(frozen=True)
class OpenLibrary:
    """A library that the actor may see, and their right in it."""

    library: Library
    right: Right

    @property
    def may_edit(self) -> bool:
        return self.right >= Right.EDIT


def visible_libraries(work: Work) -> list[OpenLibrary]:
    """Every library that the actor may see, by name."""
    rights = _rights(work)
    if not rights:
        return []
    rows = work.session.scalars(select(Library).where(Library.id.in_(rights)).order_by(Library.name, Library.id))
    return [OpenLibrary(library, rights[library.id]) for library in rows]


def find_library(work: Work, library_id: str, to: Right = Right.SEE) -> OpenLibrary:
    """NotFound alike when absent and when not visible; NotAllowed when visible, but ``to`` is not theirs."""
    right = _rights(work, library_id).get(library_id, Right.NONE)
    library = work.session.get(Library, library_id) if right else None
    if library is None:
        raise NotFound(_("没有找到这个素材库"), _("地址有误，或您没有查看的权限。"))
    if right < to:
        raise NotAllowed(_("您在这个素材库里没有此权限"), _("请联系素材库的管理者。"))
    return OpenLibrary(library, right)


def get_library(work: Work, library_id: str, to: Right = Right.SEE) -> Library:
    return find_library(work, library_id, to).library


def rooms_of_library(library: Library) -> list[str]:
    """Where the library's events are heard."""
    return [f"library:{library.id}", *([library.scope_room] if library.scope_room else [])]


def rooms_of_group(work: Work, group_id: str) -> list[str]:
    """The library rooms that joining this group opens; for the feature that adds somebody to its group."""
    return [f"library:{found}" for found in work.session.scalars(select(LibraryGrant.library_id).where(LibraryGrant.group_id == group_id))]


def libraries_tag(opened: Iterable[OpenLibrary]) -> str:
    """A short text that changes whenever the set of libraries, a name or a right does."""
    lines = sorted(f"{found.library.id}\t{found.right.stored}\t{found.library.name}" for found in opened)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@gives_rooms
def rooms(work: Work) -> Iterable[str]:
    return [f"library:{library_id}" for library_id in _rights(work)]


def _rights(work: Work, library_id: str | None = None) -> dict[str, Right]:
    if work.actor.member_id is None:
        return {}
    query = select(LibraryGrant.library_id, LibraryGrant.right).join(GroupMember, GroupMember.group_id == LibraryGrant.group_id)
    query = query.where(GroupMember.member_id == work.actor.member_id)
    if library_id is not None:
        query = query.where(LibraryGrant.library_id == library_id)
    names: dict[str, list[str]] = defaultdict(list)
    for found, right in work.session.execute(query):
        names[found].append(right)
    return {found: highest(granted) for found, granted in names.items()}
