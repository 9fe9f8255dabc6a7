"""What grants mean together: the table of the rule, and "may I" against "list mine" on random trees."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sync.library.assets.models import Node
from sync.library.grants.access import children_shown, reachable, rights_of, shows, views_of
from sync.library.grants.models import FolderGrant
from sync.library.grants.rules import Grant, Subject, SubjectKind, View, deciding, decisions
from sync.library.libraries.actions import open_library
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from tests.house import member_named
from workspace.db import new_id
from workspace.people.actions import make_group
from workspace.people.models import Member, Site
from workspace.work import Work

ME = Subject(SubjectKind.MEMBER, "me")
GROUP = Subject(SubjectKind.GROUP, "visual")
DEPARTMENT = Subject(SubjectKind.DEPARTMENT, "design")
OTHER = Subject(SubjectKind.MEMBER, "somebody else")
MINE = frozenset({ME, GROUP, DEPARTMENT})


@pytest.mark.parametrize(("own", "group", "department"), list(product([None, *Right], repeat=3)))
def test_folder_when_several_grants_name_me_then_my_own_or_else_the_highest(
    own: Right | None, group: Right | None, department: Right | None
) -> None:
    rights = {ME: own, GROUP: group, DEPARTMENT: department, OTHER: Right.MANAGE}
    grants = [Grant("folder", subject, right) for subject, right in rights.items() if right is not None]
    decided = decisions(grants, MINE)
    others = [right for right in (group, department) if right is not None]
    expected = own if own is not None else max(others) if others else None
    assert decided == ({} if expected is None else {"folder": expected})


@pytest.mark.parametrize(("top", "middle", "bottom"), list(product([None, *Right], repeat=3)))
def test_way_when_folders_say_something_then_the_nearest_decides(top: Right | None, middle: Right | None, bottom: Right | None) -> None:
    said = {"top": top, "middle": middle, "bottom": bottom}
    decided = {folder: right for folder, right in said.items() if right is not None}
    view = View("library", "top", decided, {"bottom": "middle", "middle": "top"})
    expected = next((right for right in (bottom, middle, top) if right is not None), Right.NONE)
    assert view.right_at("bottom", view.parents) is expected
    assert view.best is max(decided.values(), default=Right.NONE)
    nearest_above = next((right for right in (middle, top) if right is not None), Right.NONE)
    leads = (bottom or Right.NONE) >= Right.SEE and nearest_above < Right.SEE
    assert ("middle" in view.leading) is leads
    assert view.sees_all is (view.top >= Right.SEE and min(decided.values()) >= Right.SEE)


def test_leading_when_the_folder_lies_in_the_trash_then_nothing_leads_there() -> None:
    view = View("library", "top", {"deep": Right.EDIT}, {"deep": "middle", "middle": "top"}, frozenset({"deep"}))
    assert (view.leading, view.best) == (frozenset(), Right.NONE)


def test_deciding_when_two_groups_say_the_same_then_both_are_named() -> None:
    grants = [Grant("f", GROUP, Right.EDIT), Grant("f", DEPARTMENT, Right.EDIT), Grant("f", Subject(SubjectKind.SITE, "s"), Right.SEE)]
    assert deciding(grants) == grants[:2]


# --- the two answers agree ------------------------------------------------------------------------------------------------

FOLDERS = 9
TREES = st.tuples(*(st.integers(0, number) for number in range(FOLDERS - 1)))  # the parent of each folder but the first
WHO = st.sampled_from(["member", "group", "department", "city", "store", "other"])
GRANTS = st.lists(st.tuples(st.integers(0, FOLDERS - 1), WHO, st.sampled_from(Right)), max_size=10)
BURIED = st.sets(st.integers(1, FOLDERS - 1), max_size=2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, grants=GRANTS, buried=BURIED)
def test_list_mine_when_tree_and_grants_are_random_then_the_same_as_may_i(
    work_as: Callable[..., Any], tree: tuple[int, ...], grants: list[tuple[int, str, Right]], buried: set[int]
) -> None:
    with work_as("苏航", now=datetime.now(UTC)) as work:
        library, nodes = _grow(work, tree, buried)
        subjects = _subjects(work)
        _grant(work, library, nodes, grants, subjects)
        mine = {subject for who, subject in subjects.items() if who != "other"}
        view = views_of(work, library_id=library.id).get(library.id) or View(library.id, library.root_id, {}, {})
        everything = list(work.session.scalars(select(Node).where(Node.library_id == library.id)))
        asked = rights_of(work, view, everything)
        assert asked == {node.id: _by_hand(work, node, grants, nodes, subjects, mine) for node in everything}
        for least in (Right.SEE, Right.EDIT, Right.MANAGE):
            listed = set(work.session.scalars(select(Node.id).where(Node.library_id == library.id, reachable(view, least))))
            assert listed == {node_id for node_id, right in asked.items() if right >= least}
        for folder in everything:
            if folder.kind == "folder" and shows(view, folder.id, asked[folder.id]):
                shown = select(Node.id).where(Node.parent_id == folder.id, children_shown(view, folder.id, asked[folder.id]))
                inside = [node for node in everything if node.parent_id == folder.id]
                assert set(work.session.scalars(shown)) == {node.id for node in inside if shows(view, node.id, asked[node.id])}
        _check_ways(view, everything, asked)
        work.session.rollback()


def _check_ways(view: View, everything: list[Node], asked: dict[str, Right]) -> None:
    """What I may see and is live has a way to it that is shown."""
    by_id = {node.id: node for node in everything}
    for folder_id in view.decided:
        if view.decided[folder_id] >= Right.SEE and folder_id not in view.buried:
            parent_id = by_id[folder_id].parent_id
            while parent_id is not None:
                assert shows(view, parent_id, asked[parent_id])
                parent_id = by_id[parent_id].parent_id


def _grow(work: Work, tree: tuple[int, ...], buried: set[int]) -> tuple[Library, list[Node]]:
    group = make_group(work, name="别人", kind="free", member_ids=[])
    library = open_library(work, name=f"随机 {new_id()}", scope_room=None, group_id=group.id)
    for grant in work.session.scalars(select(FolderGrant).where(FolderGrant.library_id == library.id)):
        work.session.delete(grant)
    folders = [work.session.get_one(Node, library.root_id)]
    for number, parent in enumerate(tree, start=1):
        deleted = number in buried or folders[parent].deleted_at is not None
        folders.append(_node(work, library, folders[parent], f"f{number}", "folder", deleted=deleted))
        work.session.flush()
    for number, folder in enumerate(folders):
        _node(work, library, folder, f"file{number}", "file", deleted=folder.deleted_at is not None)
    work.session.flush()
    return library, folders


def _node(work: Work, library: Library, parent: Node, name: str, kind: str, *, deleted: bool) -> Node:
    node = Node(
        id=new_id(), library_id=library.id, parent_id=parent.id, name=name, name_key=name, kind=kind, version=0, digest=None, size_bytes=0,
        modified_at=work.now, author_id=None, author_name="", created_at=work.now, deleted_at=work.now if deleted else None, seq=1,
    )  # fmt: skip
    work.session.add(node)
    return node


def _subjects(work: Work) -> dict[str, Subject]:
    member = work.session.get_one(Member, work.actor.member_id)
    group = make_group(work, name="我的组", kind="free", member_ids=[member.id])
    store = work.session.get_one(Site, member.site_id)
    return {
        "member": Subject(SubjectKind.MEMBER, member.id), "group": Subject(SubjectKind.GROUP, group.id),
        "department": Subject(SubjectKind.DEPARTMENT, member.department_id), "store": Subject(SubjectKind.SITE, store.id),
        "city": Subject(SubjectKind.SITE, store.parent_id or store.id), "other": Subject(SubjectKind.MEMBER, member_named(work, "赵宁").id),
    }  # fmt: skip


def _grant(work: Work, library: Library, nodes: list[Node], grants: list[tuple[int, str, Right]], subjects: dict[str, Subject]) -> None:
    rows = {(nodes[folder].id, subjects[who]): right for folder, who, right in grants}
    for (folder_id, subject), right in rows.items():
        work.session.add(
            FolderGrant(
                folder_id=folder_id, subject_kind=subject.kind.value, subject_id=subject.id, library_id=library.id, right=right.stored
            )
        )  # fmt: skip
    work.session.flush()


def _by_hand(
    work: Work, node: Node, grants: list[tuple[int, str, Right]], nodes: list[Node], subjects: dict[str, Subject], mine: set[Subject]
) -> Right:
    """The sentence of the rule, walked step by step."""
    rows = {(nodes[folder].id, subjects[who]): right for folder, who, right in grants}
    at: Node | None = node
    while at is not None:
        here = {subject: right for (folder_id, subject), right in rows.items() if folder_id == at.id and subject in mine}
        if here:
            return next((right for subject, right in here.items() if subject.kind is SubjectKind.MEMBER), max(here.values()))
        at = work.session.get(Node, at.parent_id) if at.parent_id else None
    return Right.NONE
