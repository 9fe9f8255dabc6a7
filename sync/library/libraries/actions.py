"""Opening libraries. Granting rights in them: sync/library/grants."""

from sync.library.assets.log import line_of
from sync.library.assets.models import LogEntry, Node
from sync.library.grants.models import FolderGrant
from sync.library.grants.rules import SubjectKind
from sync.library.libraries.access import rooms_of_library
from sync.library.libraries.models import Library, LibraryEvent
from sync.library.libraries.rules import Right
from workspace.db import new_id
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.people.access import member_ids_of
from workspace.work import Work

NAME_LENGTH = 120


def open_library(
    work: Work, *, name: str, scope_room: str | None, group_id: str, right: Right = Right.EDIT, quota_bytes: int | None = None
) -> Library:
    """A new, empty library for the members of a group; who opens it manages it. scope_room: see Library.

    The caller decided that the actor may; a main line opens its own with itself.
    """
    name = name.strip()
    if not name or len(name) > NAME_LENGTH:
        raise InvalidInput(_("素材库名称不合适"), fields={"name": _("请填写 1 到 %(n)s 个字", n=NAME_LENGTH)})
    library = Library(id=new_id(), name=name, scope_room=scope_room, root_id=new_id(), seq=1, quota_bytes=quota_bytes, created_at=work.now)
    work.session.add(library)
    work.session.flush()
    root = _root_of(library)
    work.session.add_all([root, _grant(library, SubjectKind.GROUP, group_id, right)])
    opener = work.actor.member_id
    if opener is not None:
        work.session.add(_grant(library, SubjectKind.MEMBER, opener, Right.MANAGE))
    work.session.flush()
    work.session.add(LogEntry(library_id=library.id, seq=root.seq, body=line_of(work, root, [], None)))
    work.after_commit("library.ship_log", key=library.id, library_id=library.id)
    members = {*member_ids_of(work, group_id), *([opener] if opener is not None else [])}
    work.record(
        LibraryEvent.OPENED, subject=f"library:{library.id}", rooms=rooms_of_library(library),
        joins={member_id: [f"library:{library.id}"] for member_id in sorted(members)}, library=library.name, library_id=library.id,
    )  # fmt: skip
    return library


def _grant(library: Library, kind: SubjectKind, subject_id: str, right: Right) -> FolderGrant:
    return FolderGrant(folder_id=library.root_id, subject_kind=kind.value, subject_id=subject_id, library_id=library.id, right=right.stored)


def _root_of(library: Library) -> Node:
    """Its name stays empty: it is shown under the library's."""
    return Node(
        id=library.root_id, library_id=library.id, parent_id=None, name="", name_key="", kind="folder", version=0, digest=None,
        size_bytes=0, modified_at=library.created_at, author_id=None, author_name="", head_of=None,
        created_at=library.created_at, deleted_at=None, seq=1,
    )  # fmt: skip
