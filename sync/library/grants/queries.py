"""Who may do what in a folder, and why, as pages show it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from sync.library.assets.access import ancestors_of, find_folder, library_of
from sync.library.assets.models import Node, Version
from sync.library.content.access import head_bytes, stored_bytes
from sync.library.grants.access import grant_of, subjects_of, view_of
from sync.library.grants.models import FolderGrant
from sync.library.grants.rules import Grant, Subject, SubjectKind, deciding
from sync.library.grants.words import ICONS, KINDS, RIGHTS
from sync.library.libraries.access import find_library
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.access import get_member
from workspace.people.models import Department, Group, GroupMember, Member, Site
from workspace.work import Work

FOUND_AT_ONCE = 8
Crumb = tuple[str, str]


@dataclass(frozen=True)
class GrantRow:
    """subject: ``kind:id``. right: as it is stored."""

    subject: str
    name: str
    kind: str
    icon: str
    right: str
    right_words: str


@dataclass(frozen=True)
class FolderGrants:
    """The grants of one folder. url: of its page of rights, "" for the folder that is shown."""

    name: str
    url: str
    rows: list[GrantRow]


@dataclass(frozen=True)
class GrantsView:
    """own: what is said here; above: what is said in folders above, the nearest first. mine: the reader's own right in a sentence.

    managers: names of members who are granted managing by name, for the reader to turn to.
    """

    folder_id: str
    name: str
    library_id: str
    library_name: str
    whole: bool
    room: str
    crumbs: list[Crumb]
    may_manage: bool
    own: list[GrantRow]
    above: list[FolderGrants]
    mine: str
    managers: list[str]


@dataclass(frozen=True)
class FoundSubject:
    subject: str
    name: str
    note: str
    icon: str


def grants_view(work: Work, folder_id: str) -> GrantsView:
    """NotFound for who sees nothing of the folder. Who may not manage it sees their own right, and whom to ask."""
    folder, _view, right = find_folder(work, folder_id)
    if right < Right.SEE:
        raise NotFound(_("没有找到这个文件夹"), _("它可能已被删除，或您没有查看的权限。"))
    library = library_of(work, folder)
    way = [folder, *reversed(ancestors_of(work, folder))]
    said = _grants_on(work, way)
    names = names_of(work, [grant.subject for grants in said.values() for grant in grants])
    manages = right >= Right.MANAGE
    above = [
        FolderGrants(_name(library, each), f"/library/folders/{each.id}/rights", _rows(said[each.id], names))
        for each in way[1:]
        if said.get(each.id)
    ]  # fmt: skip
    managing = [grant.subject for grants in said.values() for grant in grants if grant.right is Right.MANAGE]
    return GrantsView(
        folder_id=folder.id, name=_name(library, folder), library_id=library.id, library_name=library.name,
        whole=folder.parent_id is None, room=f"library:{library.id}", crumbs=_crumbs(library, way), may_manage=manages,
        own=_rows(said.get(folder.id, []), names) if manages else [], above=above if manages else [],
        mine=explain(work, folder.id, str(work.actor.member_id)),
        managers=[names[subject] for subject in dict.fromkeys(managing) if subject in names],
    )  # fmt: skip


def explain(work: Work, folder_id: str, member_id: str) -> str:
    """A member's right in a folder and where it comes from, in words. The caller has checked who may ask."""
    folder = work.session.get_one(Node, folder_id)
    member, library = get_member(work, member_id), library_of(work, folder)
    way = [folder, *reversed(ancestors_of(work, folder))]
    said = {each: grants for each, grants in _grants_on(work, way, subjects_of(work, member)).items() if grants}
    deciders = [each for each in way if each.id in said]
    if not deciders:
        return _explain_nothing(work, library, folder, member)
    counted = deciding(said[deciders[0].id])
    facts = {"name": member.name, "right": RIGHTS[counted[0].right], "folder": _name(library, deciders[0])}
    if counted[0].subject.kind is SubjectKind.MEMBER:
        sentence = _("%(name)s在这里%(right)s：“%(folder)s”把本人设为%(right)s。", **facts)
    else:
        subjects = [grant.subject for grant in counted]
        names = names_of(work, subjects)
        who = _("、").join(_("名为“%(name)s”的%(kind)s", kind=KINDS[each.kind], name=names.get(each, "—")) for each in subjects)
        sentence = _("%(name)s在这里%(right)s：“%(folder)s”把%(who)s设为%(right)s，本人属于其中。", who=who, **facts)
    if len(deciders) > 1:
        sentence += _("上级“%(folder)s”的设置在这里不起作用。", folder=_name(library, deciders[1]))
    return sentence


def _explain_nothing(work: Work, library: Library, folder: Node, member: Member) -> str:
    view = view_of(work, library.id, member.id)
    if view is not None and folder.id in view.leading:
        return _("%(name)s在这里只看到通往下级文件夹的名称：只有那个下级文件夹对其开放。", name=member.name)
    return _("%(name)s在这里不可见：这里和各级上级都没有给本人，也没有给其成员组、部门或地点任何权限。", name=member.name)


def find_subjects(work: Work, question: str) -> list[FoundSubject]:
    """Whom a grant could name, by a part of their name or a store's code. Groups that main lines keep only where the actor is in them."""
    question = question.strip()[:40]
    if not question:
        return []
    like = f"%{question.replace('%', '').replace('_', '')}%"
    own = select(GroupMember.group_id).where(GroupMember.member_id == work.actor.member_id)
    departments = select(Department.id, Department.name).where(Department.name.ilike(like)).order_by(Department.name)
    groups = select(Group.id, Group.name).where(Group.name.ilike(like), or_(Group.kind == "free", Group.id.in_(own))).order_by(Group.name)
    city = aliased(Site)
    note = func.trim(func.coalesce(city.name, "") + " " + func.coalesce(Site.code, "")).label("note")
    sites = select(Site.id, Site.name, note).outerjoin(city, city.id == Site.parent_id).order_by(Site.kind, Site.name)
    sites = sites.where(or_(Site.name.ilike(like), Site.code.ilike(like)))
    members = select(Member.id, Member.name, Department.name.label("note")).join(Department, Department.id == Member.department_id)
    members = members.where(Member.state == "active", or_(Member.name.ilike(like), Member.login.ilike(like))).order_by(Member.name)
    listed: list[FoundSubject] = []
    asked = (
        (SubjectKind.MEMBER, members), (SubjectKind.DEPARTMENT, departments), (SubjectKind.GROUP, groups), (SubjectKind.SITE, sites),
    )  # fmt: skip
    for kind, query in asked:
        for row in work.session.execute(query.limit(FOUND_AT_ONCE)):
            listed.append(FoundSubject(f"{kind.value}:{row.id}", row.name, getattr(row, "note", "") or str(KINDS[kind]), ICONS[kind]))
    return listed


def names_of(work: Work, subjects: Iterable[Subject]) -> dict[Subject, str]:
    """What the subjects are called now; those that are no more are left out."""
    found: dict[Subject, str] = {}
    listed = list(subjects)
    for kind, model in ((SubjectKind.GROUP, Group), (SubjectKind.DEPARTMENT, Department), (SubjectKind.SITE, Site)):
        wanted = [subject.id for subject in listed if subject.kind is kind]
        for row in work.session.execute(select(model.id, model.name).where(model.id.in_(wanted))) if wanted else ():
            found[Subject(kind, row.id)] = row.name
    members = [subject.id for subject in listed if subject.kind is SubjectKind.MEMBER]
    for row in work.session.execute(select(Member.id, Member.name).where(Member.id.in_(members), Member.state == "active")):
        found[Subject(SubjectKind.MEMBER, row.id)] = row.name
    return found


def _grants_on(work: Work, way: Sequence[Node], subjects: frozenset[Subject] | None = None) -> dict[str, list[Grant]]:
    """The grants of these folders, of these subjects only if given."""
    said: dict[str, list[Grant]] = {}
    for row in work.session.scalars(select(FolderGrant).where(FolderGrant.folder_id.in_([each.id for each in way]))):
        grant = grant_of(row)
        if subjects is None or grant.subject in subjects:
            said.setdefault(row.folder_id, []).append(grant)
    return said


def _rows(grants: Iterable[Grant], names: dict[Subject, str]) -> list[GrantRow]:
    rows = [
        GrantRow(
            f"{grant.subject.kind.value}:{grant.subject.id}", names.get(grant.subject) or _("（已不存在）"), str(KINDS[grant.subject.kind]),
            ICONS[grant.subject.kind], grant.right.stored, str(RIGHTS[grant.right]),
        )
        for grant in grants
    ]  # fmt: skip
    order = [right.stored for right in sorted(Right, reverse=True)]
    return sorted(rows, key=lambda row: (order.index(row.right), row.name))


def _name(library: Library, folder: Node) -> str:
    return folder.name if folder.parent_id else library.name


def _crumbs(library: Library, way: Sequence[Node]) -> list[Crumb]:
    return [(_("素材库"), "/library"), *((_name(library, each), f"/library/folders/{each.id}") for each in reversed(way))]


# --- usage --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DepartmentUsage:
    """bytes: of all versions that its members saved, as if nothing were shared. share: 0 to 100 of the library's."""

    name: str
    versions: int
    size_bytes: int
    share: int


@dataclass(frozen=True)
class UsageView:
    """logical_bytes: of all versions, as if nothing were shared; stored_bytes: what the store keeps for the library, of that
    head_bytes in plain copies of versions.

    full: 0 to 100 of the quota, None without one.
    """

    library_id: str
    library_name: str
    root_id: str
    files: int
    logical_bytes: int
    stored_bytes: int
    head_bytes: int
    quota_bytes: int | None
    full: int | None
    departments: list[DepartmentUsage]


def usage_view(work: Work, library_id: str) -> UsageView:
    """What a library that the actor manages occupies, by the department of those who saved."""
    library = find_library(work, library_id, to=Right.MANAGE).library
    total = func.coalesce(func.sum(Version.size_bytes), 0)
    query = select(Department.name, func.count(), total).select_from(Version)
    query = query.outerjoin(Member, Member.id == Version.author_id).outerjoin(Department, Department.id == Member.department_id)
    rows = work.session.execute(query.where(Version.library_id == library_id).group_by(Department.name)).all()
    logical = sum(int(size) for _name_, _count, size in rows)
    departments = [
        DepartmentUsage(name or _("其他"), int(count), int(size), round(int(size) * 100 / logical) if logical else 0)
        for name, count, size in rows
    ]  # fmt: skip
    stored = stored_bytes(work, library_id)
    files = select(func.count()).where(Node.library_id == library_id, Node.kind == "file", Node.deleted_at.is_(None))
    return UsageView(
        library_id=library.id, library_name=library.name, root_id=library.root_id, files=int(work.session.scalar(files) or 0),
        logical_bytes=logical, stored_bytes=stored, head_bytes=head_bytes(work, library_id), quota_bytes=library.quota_bytes,
        full=min(100, round(stored * 100 / library.quota_bytes)) if library.quota_bytes else None,
        departments=sorted(departments, key=lambda each: -each.size_bytes),
    )  # fmt: skip
