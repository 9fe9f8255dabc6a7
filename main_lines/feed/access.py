"""Loading posts, and who is in the line of one: as confidential as the main line itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute

from main_lines.feed.models import ProgressPost, ReadCursor
from main_lines.feed.rules import Insider, Reading
from main_lines.lines.access import Whose, get_line
from main_lines.lines.models import LineMember, MainLine
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.models import Department, Member, Site
from workspace.roles.models import MemberRole, Role
from workspace.work import Work


def get_post(work: Work, post_id: str, *, lock: bool = False) -> tuple[ProgressPost, MainLine]:
    """A post of one of the actor's lines, withdrawn or not, with its line; NotFound otherwise."""
    post = work.session.get(ProgressPost, post_id, with_for_update=lock or None, populate_existing=lock)
    if post is None:
        raise _absent()
    try:
        return post, get_line(work, post.line_id)
    except NotFound:
        raise _absent() from None


def circle_of(work: Work, line_id: str) -> list[Insider]:
    """Everybody active in the line, with all that they belong to. The caller has loaded the line."""
    query = select(Member.id, Member.name, Member.login, Member.department_id, Member.site_id).join(
        LineMember, LineMember.member_id == Member.id
    )
    rows = work.session.execute(query.where(LineMember.line_id == line_id, Member.state == "active").order_by(Member.name, Member.id)).all()
    departments = _chains(work.session.execute(select(Department.id, Department.name, Department.parent_id)))
    cities = _chains(work.session.execute(select(Site.id, Site.name, Site.parent_id)))
    roles: dict[str, dict[str, str]] = {row.id: {} for row in rows}
    held = select(MemberRole.member_id, Role.id, Role.name).join(Role, Role.id == MemberRole.role_id)
    held = held.join(LineMember, LineMember.member_id == MemberRole.member_id).where(LineMember.line_id == line_id)
    for member_id, role_id, name in work.session.execute(held):
        if member_id in roles:
            roles[member_id][role_id] = name
    return [
        Insider(row.id, row.name, row.login, departments(row.department_id), cities(row.site_id), roles[row.id]) for row in rows
    ]  # fmt: skip


def _chains(rows: Iterable[Sequence[Any]]) -> Callable[[str], Mapping[str, str]]:
    """rows: (id, name, id of what it lies in). Answers id -> {id: name} of it and all that it lies in, the innermost first."""
    known = {row[0]: (row[1], row[2]) for row in rows}

    def chain(start: str) -> dict[str, str]:
        found: dict[str, str] = {}
        step: str | None = start
        while step is not None and step in known and step not in found:
            found[step], step = known[step]
        return found

    return chain


def told_lately(work: Work, line_id: str, *, since: datetime) -> list[int]:
    """How many each post told that the actor has written in the line since then, withdrawn or not."""
    mine = select(ProgressPost.told).where(ProgressPost.line_id == line_id, ProgressPost.author_id == work.actor.member_id)
    return [len(told) for told in work.session.scalars(mine.where(ProgressPost.at > since))]


def newest_number(work: Work, line_id: str) -> int:
    return work.session.scalar(select(func.max(ProgressPost.number)).where(ProgressPost.line_id == line_id)) or 0


READ_UPTO = func.coalesce(ReadCursor.number, 0)


def is_unread(line_id: InstrumentedAttribute[str] | str, me: Whose, *, after: ColumnElement[int] = READ_UPTO) -> ColumnElement[bool]:
    """A condition on ProgressPost, joined with the LineMember of that member and outer-joined with their ReadCursor: somebody else wrote it
    since they joined, it stands, and it has not been in front of them. after: the number behind which to look, not before READ_UPTO."""
    return and_(
        ProgressPost.line_id == line_id,
        ProgressPost.author_id != me,
        ProgressPost.withdrawn_at.is_(None),
        ProgressPost.at >= LineMember.joined_at,
        ProgressPost.number > after,
    )


def cursor_of(work: Work, line_id: str) -> int:
    """How far the actor has read."""
    cursor = work.session.get(ReadCursor, (line_id, work.actor.member_id)) if work.actor.member_id else None
    return cursor.number if cursor else 0


def unread_posts(work: Work, line_id: str, *, limit: int) -> list[ProgressPost]:
    """What the actor has not read, the oldest first."""
    mine = and_(LineMember.line_id == ProgressPost.line_id, LineMember.member_id == work.actor.member_id)
    cursor = and_(ReadCursor.line_id == ProgressPost.line_id, ReadCursor.member_id == work.actor.member_id)
    query = select(ProgressPost).join(LineMember, mine).outerjoin(ReadCursor, cursor).where(is_unread(line_id, work.actor.member_id))
    return list(work.session.scalars(query.order_by(ProgressPost.number).limit(limit)))


def readings_of(work: Work, line_id: str) -> list[Reading]:
    """How far each member of the line has read."""
    cursor = and_(ReadCursor.line_id == LineMember.line_id, ReadCursor.member_id == LineMember.member_id)
    query = select(LineMember.member_id, LineMember.joined_at, func.coalesce(ReadCursor.number, 0)).outerjoin(ReadCursor, cursor)
    return [Reading(*row) for row in work.session.execute(query.where(LineMember.line_id == line_id).order_by(LineMember.joined_at))]


def _absent() -> NotFound:
    return NotFound(_("没有找到这条通告"), _("地址有误，或您不是这条主线的成员。"))
