"""Which libraries a member may see and what they may do there: what grants.access says, asked both ways."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from sync.library.assets.models import Node
from sync.library.grants.access import library_rooms, rooms_of_nodes, views_of
from sync.library.grants.models import FolderGrant
from sync.library.grants.rules import SubjectKind, View
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from workspace.errors import NotAllowed, NotFound
from workspace.events.access import gives_rooms
from workspace.i18n import _
from workspace.work import Work

_OF_IDS = select(Library).where(Library.id.in_(bindparam("ids", expanding=True))).order_by(Library.name, Library.id)  # Made once.


@dataclass(frozen=True)
class OpenLibrary:
    """A library of which the actor may see something, and their rights in it."""

    library: Library
    view: View

    @property
    def right(self) -> Right:
        """In the top folder; NONE for who sees only some folder below."""
        return self.view.top

    @property
    def may_edit(self) -> bool:
        """In the top folder."""
        return self.right >= Right.EDIT


def visible_libraries(work: Work) -> list[OpenLibrary]:
    """Every library of which the actor may see something, by name."""
    views = {library_id: view for library_id, view in views_of(work).items() if view.best >= Right.SEE}
    if not views:
        return []
    rows = work.session.scalars(_OF_IDS, {"ids": list(views)})
    return [OpenLibrary(library, views[library.id]) for library in rows]


def find_library(work: Work, library_id: str, to: Right = Right.SEE, *, anywhere: bool = False) -> OpenLibrary:
    """NotFound alike when absent and when nothing of it is visible; NotAllowed when visible, but ``to`` is not theirs.

    Seeing anything in it is enough to see a library. A higher right is asked of its top folder; anywhere: of any folder.
    """
    view = find_view(work, library_id, to, anywhere=anywhere)
    return OpenLibrary(work.session.get_one(Library, library_id), view)


def find_view(work: Work, library_id: str, to: Right = Right.SEE, *, anywhere: bool = False) -> View:
    """The same for whoever needs the rights alone."""
    view = views_of(work, library_id=library_id).get(library_id)
    if view is None or view.best < Right.SEE:
        raise library_absent()
    if to > Right.SEE and (view.best if anywhere else view.top) < to:
        raise NotAllowed(_("您在这个素材库里没有此权限"), _("请联系素材库的管理者。"))
    return view


def library_absent() -> NotFound:
    """For who may not know whether there is such a library."""
    return NotFound(_("没有找到这个素材库"), _("地址有误，或您没有查看的权限。"))


def get_library(work: Work, library_id: str, to: Right = Right.SEE) -> Library:
    return find_library(work, library_id, to).library


def rooms_of_library(library: Library) -> list[str]:
    """Where the library's events are heard, but for those of folders with grants of their own (grants.access.rooms_of_nodes)."""
    return [f"library:{library.id}", *([library.scope_room] if library.scope_room else [])]


def rooms_of_node(work: Work, library: Library, node: Node) -> list[str]:
    """Where what happens to a node is heard: in a folder with grants of its own, only by those who may see it."""
    room = rooms_of_nodes(work, library, [node])[node.id]
    return rooms_of_library(library) if room == f"library:{library.id}" else [room]


def rooms_of_group(work: Work, group_id: str, member_id: str) -> set[str]:
    """The rooms open to a member in the libraries that grants to this group concern; for the feature that keeps its group."""
    granted = select(FolderGrant.library_id).where(FolderGrant.subject_kind == SubjectKind.GROUP.value, FolderGrant.subject_id == group_id)
    return library_rooms(work, member_id=member_id, library_ids=work.session.scalars(granted.distinct()).all())


def rooms_of_scope(work: Work, scope_room: str) -> list[str]:
    """The scope's own room and those of folders in its libraries that have grants of their own, as far as the actor may see them."""
    if work.known is None:
        return _rooms_of_scope(work, scope_room)
    key = ("rooms of scope", scope_room)
    if key not in work.known:
        work.known[key] = _rooms_of_scope(work, scope_room)
    found: list[str] = work.known[key]
    return found


def _rooms_of_scope(work: Work, scope_room: str) -> list[str]:
    libraries = work.session.scalars(select(Library.id).where(Library.scope_room == scope_room)).all()
    if not libraries:
        return [scope_room]
    return [scope_room, *(room for room in library_rooms(work, library_ids=libraries) if "/" in room)]


def libraries_tag(opened: Iterable[OpenLibrary]) -> str:
    """A short text that changes whenever the set of libraries, a name, a right or a quota does."""
    lines = sorted(f"{found.library.id}\t{found.view.fingerprint}\t{found.library.quota_bytes}\t{found.library.name}" for found in opened)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@gives_rooms
def rooms(work: Work) -> Iterable[str]:
    return library_rooms(work)
