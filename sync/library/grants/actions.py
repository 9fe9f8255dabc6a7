"""Changing who may do what in a folder, and what follows: rooms, feeds of agents, the search index."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import delete, literal, select, update

from sync.library.assets.access import get_node
from sync.library.assets.models import Node
from sync.library.assets.tree import Tree, lock_tree
from sync.library.comments.indexing import move_comments
from sync.library.grants.access import (
    boundaries_of,
    everyones_rooms,
    everyones_views,
    library_rooms,
    nearest,
    region,
    room_at,
    views_of,
    ways_above,
)
from sync.library.grants.models import FolderGrant, GrantEvent
from sync.library.grants.queries import names_of
from sync.library.grants.rules import Subject, SubjectKind, View
from sync.library.grants.words import RIGHTS
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from sync.library.words.indexing import move_words
from workspace.errors import Conflict, InvalidInput, NotFound
from workspace.i18n import _, source
from workspace.search.models import SearchEntry
from workspace.work import Work

Rooms = dict[str, list[str]]


def set_right(work: Work, folder_id: str, subject: Subject, right: Right | None) -> None:
    """Say what a subject may do in a folder that the actor manages, and below it. See put_right."""
    folder = get_node(work, folder_id, to=Right.MANAGE)
    if folder.kind != "folder":
        raise InvalidInput(_("权限只能设在文件夹上"))
    put_right(work, folder, subject, right)


def put_right(work: Work, folder: Node, subject: Subject, right: Right | None) -> None:
    """None: the folder says nothing about the subject any more. The caller decided that the actor may.

    Conflict when nobody would manage the folder any more. With this very commit, live pages and feeds of agents show those who lose
    something that it is gone, and those who gain something that it is there.
    """
    name = _name_of(work, subject)
    tree = lock_tree(work, folder.library_id)
    before = everyones_views(work, tree.library)
    rooms_before = everyones_rooms(work, tree.library, before)
    if not _write(work, folder, subject, right):
        return
    after = everyones_views(work, tree.library)
    parents = ways_above(work, [folder])
    if _managed(before, folder, parents) and not _managed(after, folder, parents):
        raise Conflict(_("不能这样设置：那样就没有人能管理这里了"), _("请先让另一位成员可以管理。"))
    if not _look_again(tree, folder, before, after):
        tree.tell()  # The bucket's log says who may do what with the next line alone, and a recovery must not bring a former right back.
    _move_to_room(work, tree.library, folder)
    joins, leaves = _moves(rooms_before, everyones_rooms(work, tree.library, after))
    _record(work, tree, folder, name, right, joins, leaves)


def _managed(views: Mapping[str, View], folder: Node, parents: Mapping[str, str]) -> bool:
    return any(view.right_at(folder.id, parents) >= Right.MANAGE for view in views.values())


def withdraw_member(work: Work, scope_room: str, member_id: str) -> None:
    """Take back what the libraries of a scope granted to a member in person; for whoever leaves it. The caller records."""
    libraries = select(Library.id).where(Library.scope_room == scope_room)
    own = [FolderGrant.subject_kind == SubjectKind.MEMBER.value, FolderGrant.subject_id == member_id, FolderGrant.library_id.in_(libraries)]
    changed = sorted(set(work.session.scalars(select(FolderGrant.library_id).where(*own))))
    work.session.execute(delete(FolderGrant).where(*own).execution_options(synchronize_session="fetch"))
    for library_id in changed:
        lock_tree(work, library_id).tell()  # See put_right.


@dataclass
class Membership:
    """What a change of a member's groups opened and closed to them; filled when the block ends."""

    joins: Rooms
    leaves: Rooms


@contextmanager
def membership_changes(work: Work, member_id: str) -> Iterator[Membership]:
    """Change in the block what groups a member is in, or their own grants; their mounts then show what they may see.

    Where a member sees the same everywhere in a library, its list of rights is enough; elsewhere the tree is sent anew.
    """
    change = Membership({}, {})
    views, rooms = views_of(work, member_id=member_id), library_rooms(work, member_id=member_id)
    yield change
    work.session.flush()
    now, rooms_now = views_of(work, member_id=member_id), library_rooms(work, member_id=member_id)
    for library_id in sorted(views.keys() & now.keys()):
        before, after = views[library_id], now[library_id]
        if before.fingerprint != after.fingerprint and not (before.is_even and after.is_even):
            tree = lock_tree(work, library_id)
            root = tree.node(tree.library.root_id)
            assert root is not None  # Every library has its top folder.
            tree.renumber(root)
    change.joins, change.leaves = _moves({member_id: rooms}, {member_id: rooms_now})


def _write(work: Work, folder: Node, subject: Subject, right: Right | None) -> bool:
    """Whether anything changed."""
    grant = work.session.get(FolderGrant, (folder.id, subject.kind.value, subject.id))
    if (grant.right if grant is not None else None) == (right.stored if right is not None else None):
        return False
    if right is None:
        work.session.delete(grant)
    elif grant is None:
        named = {"subject_kind": subject.kind.value, "subject_id": subject.id}
        work.session.add(FolderGrant(folder_id=folder.id, library_id=folder.library_id, right=right.stored, **named))
    else:
        grant.right = right.stored
    work.session.flush()
    return True


def _look_again(tree: Tree, folder: Node, before: dict[str, View], after: dict[str, View]) -> bool:
    """Number anew what somebody sees otherwise from now on; whether anything was. Of a top folder the list of libraries tells most."""
    if folder.parent_id is not None:
        tree.renumber(folder)
        return True
    for member_id in before.keys() & after.keys():
        was, now = before[member_id], after[member_id]
        if (was.top >= Right.SEE) is not (now.top >= Right.SEE) and min(was.best, now.best) >= Right.SEE:
            tree.renumber(folder)
            return True
    return False


def _move_to_room(work: Work, library: Library, folder: Node) -> None:
    """What lies in the folder is found in its own room from now on, or in that of the folder above that still has grants.

    Past events follow in a job: they are many, and told nothing that their readers did not know.
    """
    if folder.parent_id is None:
        return
    boundaries = boundaries_of(work, [library.id]).get(library.id, set())
    room = room_at(library.id, library.root_id, nearest(folder.id, boundaries, ways_above(work, [folder])) or library.root_id)
    inside = region(folder.id, boundaries)
    entries = update(SearchEntry).where(SearchEntry.subject.in_(select(literal("asset:") + inside.c.id))).values(room=room)
    work.session.execute(entries.execution_options(synchronize_session=False))
    move_comments(work, select(inside.c.id), room)
    move_words(work, select(inside.c.id), room)
    work.after_commit("library.rehouse_events", library_id=library.id, folder_id=folder.id)


def _moves(before: dict[str, set[str]], after: dict[str, set[str]]) -> tuple[Rooms, Rooms]:
    members = sorted(before.keys() | after.keys())
    joins = {member_id: sorted(after.get(member_id, set()) - before.get(member_id, set())) for member_id in members}
    leaves = {member_id: sorted(before.get(member_id, set()) - after.get(member_id, set())) for member_id in members}
    return _filled(joins), _filled(leaves)


def _filled(rooms: Rooms) -> Rooms:
    return {member_id: listed for member_id, listed in rooms.items() if listed}


def _record(work: Work, tree: Tree, folder: Node, name: str, right: Right | None, joins: Rooms, leaves: Rooms) -> None:
    library = tree.library
    whole = folder.parent_id is None
    if right is None:
        kind = GrantEvent.LIBRARY_TAKEN if whole else GrantEvent.FOLDER_TAKEN
    else:
        kind = GrantEvent.LIBRARY_GRANTED if whole else GrantEvent.FOLDER_GRANTED
    boundaries = boundaries_of(work, [library.id]).get(library.id, set())
    room = room_at(library.id, library.root_id, nearest(folder.id, boundaries, ways_above(work, [folder])) or library.root_id)
    scope = [library.scope_room] if whole and library.scope_room else []
    work.record(
        kind, subject=f"library:{library.id}", rooms=[room, *scope, "audit"], joins=joins, leaves=leaves,
        library=library.name, library_id=library.id, folder_id=folder.id, path=tree.path_of(folder), group=name,
        right=right.stored if right is not None else None, right_words=source(RIGHTS[right]) if right is not None else "",
    )  # fmt: skip
    if not whole:
        _tell_above(work, tree, folder, boundaries)


def _tell_above(work: Work, tree: Tree, folder: Node, boundaries: set[str]) -> None:
    """Who sees the folder above but not, or not any more, this one, is told that something changed there, and nothing else."""
    library, above = tree.library, tree.node(str(folder.parent_id))
    assert above is not None  # Only the top folder lies in none.
    owner = nearest(above.id, boundaries, ways_above(work, [above])) or library.root_id
    work.record(
        GrantEvent.CHANGED, subject=f"library:{library.id}", rooms=[room_at(library.id, library.root_id, owner)],
        library=library.name, library_id=library.id,
    )  # fmt: skip


def _name_of(work: Work, subject: Subject) -> str:
    name = names_of(work, [subject]).get(subject)
    if name is None:
        raise NotFound(_("没有找到要授权的对象"), _("请重新选择。"))
    return name
