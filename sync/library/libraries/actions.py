"""Opening libraries and granting rights in them."""

from sqlalchemy import select

from sync.library.assets.log import line_of
from sync.library.assets.models import LogEntry, Node
from sync.library.libraries.access import rooms_of_library
from sync.library.libraries.models import Library, LibraryEvent, LibraryGrant
from sync.library.libraries.rules import Right
from workspace.db import new_id
from workspace.errors import InvalidInput, NotFound
from workspace.i18n import _
from workspace.people.access import member_ids_of
from workspace.people.models import Group, GroupMember
from workspace.work import Work

NAME_LENGTH = 120


def open_library(
    work: Work, *, name: str, scope_room: str | None, group_id: str, right: Right = Right.EDIT, quota_bytes: int | None = None
) -> Library:
    """A new, empty library for the members of a group. scope_room: see Library.

    The caller decided that the actor may; a main line opens its own with itself.
    """
    name = name.strip()
    if not name or len(name) > NAME_LENGTH:
        raise InvalidInput(_("素材库名称不合适"), fields={"name": _("请填写 1 到 %(n)s 个字", n=NAME_LENGTH)})
    library = Library(id=new_id(), name=name, scope_room=scope_room, root_id=new_id(), seq=1, quota_bytes=quota_bytes, created_at=work.now)
    work.session.add(library)
    work.session.flush()
    root = _root_of(library)
    work.session.add_all([root, LibraryGrant(library_id=library.id, group_id=group_id, right=right.stored)])
    work.session.add(LogEntry(library_id=library.id, seq=root.seq, body=line_of(work, root, [], None)))
    work.after_commit("library.ship_log", key=library.id, library_id=library.id)
    joins = {member_id: [f"library:{library.id}"] for member_id in member_ids_of(work, group_id)}
    work.record(
        LibraryEvent.OPENED, subject=f"library:{library.id}", rooms=rooms_of_library(library), joins=joins,
        library=library.name, library_id=library.id,
    )  # fmt: skip
    return library


def grant_right(work: Work, library: Library, *, group_id: str, right: Right) -> None:
    """Set what a group may do; Right.NONE takes the grant back."""
    group = work.session.get(Group, group_id)
    if group is None:
        raise NotFound(_("没有找到这个成员组"), _("请重新选择。"))
    grant = work.session.get(LibraryGrant, (library.id, group_id))
    if right is Right.NONE:
        if grant is not None:
            work.session.delete(grant)
    elif grant is None:
        work.session.add(LibraryGrant(library_id=library.id, group_id=group_id, right=right.stored))
    else:
        grant.right = right.stored
    work.session.flush()
    room = [f"library:{library.id}"]
    admitted = _admitted(work, library)
    members = set(member_ids_of(work, group_id))
    work.record(
        LibraryEvent.GRANTED, subject=f"library:{library.id}", rooms=[*rooms_of_library(library), "audit"],
        joins=dict.fromkeys(members & admitted, room), leaves=dict.fromkeys(members - admitted, room),
        library=library.name, library_id=library.id, group=group.name, right=right.stored,
    )  # fmt: skip


def _admitted(work: Work, library: Library) -> set[str]:
    query = select(GroupMember.member_id).join(LibraryGrant, LibraryGrant.group_id == GroupMember.group_id)
    return set(work.session.scalars(query.where(LibraryGrant.library_id == library.id)))


def _root_of(library: Library) -> Node:
    """Its name stays empty: it is shown under the library's."""
    return Node(
        id=library.root_id, library_id=library.id, parent_id=None, name="", name_key="", kind="folder", version=0, digest=None,
        size_bytes=0, modified_at=library.created_at, author_id=None, author_name="", head_of=None,
        created_at=library.created_at, deleted_at=None, seq=1,
    )  # fmt: skip
