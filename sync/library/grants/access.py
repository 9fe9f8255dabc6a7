"""What a person may see and do in libraries and folders: the one loader that all others ask, both ways ("may I", "list mine").

A library whose grants lie on its top folder alone costs one query. With grants on folders, the rights of a page of nodes cost
two more, however deep and however many.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import CTE, BindParameter, ColumnElement, Row, Select, and_, bindparam, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, aliased

from sync.library.assets.models import Node
from sync.library.grants.models import FolderGrant
from sync.library.grants.rules import Grant, Subject, SubjectKind, View, closed_upwards, decisions
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right, right_named
from workspace.people.models import Department, Group, GroupMember, Member, Site
from workspace.work import Work

SUBJECT_MODELS: dict[SubjectKind, type[Group | Department | Site | Member]] = {
    SubjectKind.GROUP: Group, SubjectKind.DEPARTMENT: Department, SubjectKind.SITE: Site, SubjectKind.MEMBER: Member,
}  # fmt: skip
_BATCH = 5000  # SQLite binds at most 32,766 values in one statement.


_BOUNDARIES = (
    select(FolderGrant.library_id, FolderGrant.folder_id)
    .join(Library, Library.id == FolderGrant.library_id)
    .where(FolderGrant.library_id.in_(bindparam("libraries", expanding=True)), FolderGrant.folder_id != Library.root_id)
    .distinct()
)

# --- views --------------------------------------------------------------------------------------------------------------


def view_of(work: Work, library_id: str, member_id: str | None = None) -> View | None:
    """The actor's (or another member's) rights in a library; None when they may not see anything of it."""
    view = views_of(work, member_id=member_id, library_id=library_id).get(library_id)
    return view if view is not None and view.best >= Right.SEE else None


def views_of(work: Work, *, member_id: str | None = None, library_id: str | None = None) -> dict[str, View]:
    """By library, of those whose grants name the actor, or another member."""
    member_id = member_id or work.actor.member_id
    if member_id is None:
        return {}
    if work.known is None:
        return _views(work, member_id, library_id)
    key = ("views", member_id, library_id)
    if key not in work.known:  # A page asks of the folder, of its files, of its tags and of who hears of them.
        work.known[key] = _views(work, member_id, library_id)
    found: dict[str, View] = work.known[key]
    return dict(found)


def _views(work: Work, member_id: str, library_id: str | None) -> dict[str, View]:
    rows = work.read(_grants_naming(of_library=library_id is not None), {"member": member_id, "library": library_id}).all()
    roots = {row.library_id: row.root_id for row in rows}
    grants: dict[str, list[Grant]] = defaultdict(list)
    for row in rows:
        grants[row.library_id].append(grant_of(row))
    subjects = {grant.subject for found in grants.values() for grant in found}
    decided = {found: decisions(listed, subjects) for found, listed in grants.items()}
    links, buried = _ways(work, {folder for found, listed in decided.items() for folder in listed if folder != roots[found]})
    return {found: make_view(found, roots[found], listed, links, buried) for found, listed in decided.items()}


def make_view(library_id: str, root_id: str, decided: Mapping[str, Right], links: Mapping[str, str], buried: Iterable[str]) -> View:
    return View(library_id, root_id, decided, closed_upwards(links, decided), frozenset(buried) & decided.keys())


def grant_of(row: FolderGrant | Row[Any]) -> Grant:
    return Grant(row.folder_id, Subject(SubjectKind(row.subject_kind), row.subject_id), right_named(row.right))


def grants_of_library(work: Work, library_id: str) -> list[Grant]:
    return [grant_of(row) for row in work.session.scalars(select(FolderGrant).where(FolderGrant.library_id == library_id))]


@cache
def _grants_naming(*, of_library: bool) -> Select[str, str, str, str, str, str]:
    """The grants that name a member. Made once: every request asks, and making it took longer than all the rest of most requests."""
    of_grant = (FolderGrant.library_id, FolderGrant.folder_id, FolderGrant.subject_kind, FolderGrant.subject_id, FolderGrant.right)
    query = select(*of_grant, Library.root_id).join(Library, Library.id == FolderGrant.library_id)
    query = query.where(_naming(bindparam("member", type_=Member.id.type)))
    return query.where(FolderGrant.library_id == bindparam("library")) if of_library else query


def _naming(member_id: BindParameter[str]) -> ColumnElement[bool]:
    """The grants that name a member, as a condition."""
    groups = select(GroupMember.group_id).where(GroupMember.member_id == member_id)
    kind, subject = FolderGrant.subject_kind, FolderGrant.subject_id
    return or_(
        and_(kind == SubjectKind.MEMBER.value, subject == member_id),
        and_(kind == SubjectKind.GROUP.value, subject.in_(groups)),
        and_(kind == SubjectKind.DEPARTMENT.value, subject.in_(_chain_of(Department, Member.department_id, member_id))),
        and_(kind == SubjectKind.SITE.value, subject.in_(_chain_of(Site, Member.site_id, member_id))),
    )


def _chain_of(model: type[Department] | type[Site], column: InstrumentedAttribute[str], member_id: BindParameter[str]) -> Select[str]:
    """A member's department or site and those above it."""
    own = select(column).where(Member.id == member_id).scalar_subquery()
    start, above = aliased(model), aliased(model)
    chain = select(start.id, start.parent_id).where(start.id == own).cte(f"{model.__tablename__}_chain", recursive=True)
    chain = chain.union(select(above.id, above.parent_id).join(chain, above.id == chain.c.parent_id))
    return select(chain.c.id)


def subjects_of(work: Work, member: Member) -> frozenset[Subject]:
    """Everything by which a grant can name a member."""
    groups = work.session.scalars(select(GroupMember.group_id).where(GroupMember.member_id == member.id)).all()
    return _subjects(member, groups, _parents(work, Department), _parents(work, Site))


def _parents(work: Work, model: type[Department] | type[Site]) -> dict[str, str]:
    return {row.id: row.parent_id for row in work.session.execute(select(model.id, model.parent_id)) if row.parent_id is not None}


def _subjects(member: Member, groups: Iterable[str], departments: Mapping[str, str], sites: Mapping[str, str]) -> frozenset[Subject]:
    """Everything by which a grant can name a member. departments, sites: each one's parent."""
    found = {Subject(SubjectKind.MEMBER, member.id), *(Subject(SubjectKind.GROUP, group_id) for group_id in groups)}
    above_department, above_site = closed_upwards(departments, [member.department_id]), closed_upwards(sites, [member.site_id])
    found |= {Subject(SubjectKind.DEPARTMENT, each) for each in (member.department_id, *above_department.values())}
    return frozenset(found | {Subject(SubjectKind.SITE, each) for each in (member.site_id, *above_site.values())})


def _ways(work: Work, folder_ids: Iterable[str]) -> tuple[dict[str, str], set[str]]:
    """folder -> parent on the ways from these folders to the top, and those of them that lie in the trash."""
    wanted = list(folder_ids)
    links: dict[str, str] = {}
    buried: set[str] = set()
    for start in range(0, len(wanted), _BATCH):
        way = select(Node.id, Node.parent_id, Node.deleted_at).where(Node.id.in_(wanted[start : start + _BATCH])).cte("way", recursive=True)
        above = aliased(Node)
        way = way.union(select(above.id, above.parent_id, above.deleted_at).join(way, above.id == way.c.parent_id))
        for folder_id, parent_id, deleted_at in work.session.execute(select(way)):
            if parent_id is not None:
                links[folder_id] = parent_id
            if deleted_at is not None:
                buried.add(folder_id)
    return links, buried


# --- rights of nodes ----------------------------------------------------------------------------------------------------


def ways_above(work: Work, nodes: Iterable[Node | Row[Any]]) -> dict[str, str]:
    """node -> parent from these nodes up to the top; one query for all of them."""
    links = {node.id: node.parent_id for node in nodes if node.parent_id is not None}
    above, _buried = _ways(work, {parent for parent in links.values() if parent not in links})
    return links | above


def rights_of(work: Work, view: View, nodes: Sequence[Node]) -> dict[str, Right]:
    """What the person may do with each of these nodes of the library; a file follows its folder."""
    if view.is_even:
        return dict.fromkeys((node.id for node in nodes), view.top)
    parents = ways_above(work, nodes)
    return {node.id: view.right_at(node.id, parents) for node in nodes}


def right_to(work: Work, view: View, node: Node) -> Right:
    return rights_of(work, view, [node])[node.id]


def shows(view: View, node_id: str, right: Right) -> bool:
    """Whether a node with this right is shown to the person at all: to see it, or as a name on the way to what they may see."""
    return right >= Right.SEE or node_id in view.leading


def children_shown(view: View, folder_id: str, right: Right) -> ColumnElement[bool]:
    """Which nodes directly in a folder are shown, as a condition. right: the person's in that folder."""
    if view.is_even:
        return true() if right >= Right.SEE else false()
    shown = [found for found, own in view.decided.items() if own >= Right.SEE] + list(view.leading)
    if right < Right.SEE:
        return Node.id.in_(shown)
    return Node.id.not_in([found for found, own in view.decided.items() if own < Right.SEE and found not in view.leading])


def within(view: View, folder_column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None], least: Right) -> ColumnElement[bool]:
    """Whether a column names a folder, live or in the trash, in which the person has at least this right; as a condition."""
    if view.is_even:
        return true() if view.top >= least else false()
    reach = _reach(view, least)
    return false() if reach is None else folder_column.in_(select(reach.c.id))


def reachable(view: View, least: Right = Right.SEE) -> ColumnElement[bool]:
    """Whether a Node of the view's library, live or in the trash, is one with which the person may do this; as a condition."""
    if view.is_even:
        return true() if view.top >= least else false()
    reach = _reach(view, least)
    if reach is None:
        return false()
    return or_(
        and_(Node.kind == "file", Node.parent_id.in_(select(reach.c.id))), and_(Node.kind == "folder", Node.id.in_(select(reach.c.id)))
    )


def _reach(view: View, least: Right) -> CTE | None:
    """The folders in which the person has at least this right; None where there is none. Without a name: a query may hold several."""
    seeds = [folder_id for folder_id, right in view.decided.items() if right >= least]
    if not seeds:
        return None
    start, inner = aliased(Node), aliased(Node)
    reach = select(start.id).where(start.id.in_(seeds)).cte(recursive=True)
    below = select(inner.id).join(reach, inner.parent_id == reach.c.id)
    return reach.union(below.where(inner.kind == "folder", inner.id.not_in(list(view.decided))))


def region(folder_id: str, boundaries: Iterable[str]) -> CTE:
    """The ids of a folder and of everything in it, live or in the trash, up to the next folders with grants of their own."""
    start, inner = aliased(Node), aliased(Node)
    inside = select(start.id).where(start.id == folder_id).cte("region", recursive=True)
    deeper = select(inner.id).join(inside, inner.parent_id == inside.c.id)
    return inside.union_all(deeper.where(inner.id.not_in([found for found in boundaries if found != folder_id])))


# --- rooms --------------------------------------------------------------------------------------------------------------


def room_at(library_id: str, root_id: str, boundary_id: str) -> str:
    """The room of what lies in a folder with grants of its own, up to the next such folder; the library's for its top folder."""
    return f"library:{library_id}" if boundary_id == root_id else f"library:{library_id}/{boundary_id}"


def boundaries_of(work: Work, library_ids: Iterable[str]) -> dict[str, set[str]]:
    """By library, the folders below its top that have grants of their own, whomever they name."""
    found: dict[str, set[str]] = defaultdict(set)
    for library_id, folder_id in work.read(_BOUNDARIES, {"libraries": list(library_ids)}):
        found[library_id].add(folder_id)
    return found


def rooms_in(views: Mapping[str, View], boundaries: Mapping[str, set[str]], links: Mapping[str, str]) -> set[str]:
    """The rooms that these views of one person open. links: the ways from the boundaries to the top."""
    found: set[str] = set()
    for library_id, view in views.items():
        if view.top >= Right.SEE:
            found.add(f"library:{library_id}")
        for folder_id in boundaries.get(library_id, ()):
            if view.right_at(folder_id, links) >= Right.SEE:
                found.add(room_at(library_id, view.root_id, folder_id))
    return found


def library_rooms(work: Work, *, member_id: str | None = None, library_ids: Iterable[str] | None = None) -> set[str]:
    """The rooms of libraries and folders that are open to the actor, or to another member; of these libraries only if given."""
    views = views_of(work, member_id=member_id)
    if library_ids is not None:
        wanted = set(library_ids)
        views = {library_id: view for library_id, view in views.items() if library_id in wanted}
    boundaries = boundaries_of(work, views) if views else {}
    links, _buried = _ways(work, {folder_id for found in boundaries.values() for folder_id in found})
    return rooms_in(views, boundaries, links)


def rooms_of_nodes(work: Work, library: Library, nodes: Sequence[Node]) -> dict[str, str]:
    """The room of each of these nodes of a library."""
    boundaries = boundaries_of(work, [library.id]).get(library.id)
    if not boundaries:
        return dict.fromkeys((node.id for node in nodes), f"library:{library.id}")
    parents = ways_above(work, nodes)
    return {node.id: room_at(library.id, library.root_id, nearest(node.id, boundaries, parents) or library.root_id) for node in nodes}


def nearest(node_id: str, boundaries: Iterable[str], parents: Mapping[str, str]) -> str | None:
    """The first of these folders on the way from a node up, the node itself included; None where there is none."""
    at: str | None = node_id
    while at is not None and at not in boundaries:
        at = parents.get(at)
    return at


def everyones_views(work: Work, library: Library) -> dict[str, View]:
    """The view of each active member whom the library's grants name, for finding out whom a change concerns."""
    grants = grants_of_library(work, library.id)
    named = {grant.subject.id for grant in grants if grant.subject.kind is SubjectKind.GROUP}
    groups: dict[str, list[str]] = defaultdict(list)
    for group_id, member_id in work.session.execute(
        select(GroupMember.group_id, GroupMember.member_id).where(GroupMember.group_id.in_(named))
    ):
        groups[member_id].append(group_id)
    links, buried = _ways(work, {grant.folder_id for grant in grants})
    departments, sites = _parents(work, Department), _parents(work, Site)
    views = {}
    for member in work.session.scalars(select(Member).where(Member.state == "active")):
        decided = decisions(grants, _subjects(member, groups.get(member.id, ()), departments, sites))
        if decided:
            views[member.id] = make_view(library.id, library.root_id, decided, links, buried)
    return views


def everyones_rooms(work: Work, library: Library, views: Mapping[str, View]) -> dict[str, set[str]]:
    """The rooms of the library that are open to each member."""
    boundaries = boundaries_of(work, [library.id])
    links, _buried = _ways(work, boundaries.get(library.id, ()))
    return {member_id: rooms_in({library.id: view}, boundaries, links) for member_id, view in views.items()}
