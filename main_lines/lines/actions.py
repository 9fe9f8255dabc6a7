"""What members do to a main line: open it, keep its members, state its health, close its phases."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import delete

from main_lines.lines.access import (
    company_today,
    director_ids,
    get_line_as_director,
    line_rooms,
    named_signers,
    require_members,
    signers_mark,
)
from main_lines.lines.models import Gate, LineEvent, LineMember, LineSigner, MainLine
from main_lines.lines.rules import Advance, GateHold, Health, LineKind, Phase, gate
from main_lines.lines.words import HEALTHS, PHASES
from main_lines.seen import refuse_unseen
from sync.library.assets.models import Node
from sync.library.grants.actions import membership_changes, put_right, withdraw_member
from sync.library.grants.rules import Subject, SubjectKind
from sync.library.libraries.actions import open_library
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from workspace.db import new_id
from workspace.errors import Conflict, InvalidInput, NotFound
from workspace.i18n import _, source
from workspace.people.access import get_department, get_member
from workspace.people.actions import add_to_group, make_group, remove_from_group
from workspace.people.models import Member
from workspace.search.actions import index_document
from workspace.work import Work


def open_line(work: Work, *, name: str, kind: LineKind, d_day: date, goal: str = "", member_ids: Iterable[str] = ()) -> MainLine:
    """Open a main line with its library; the actor becomes its director. Nobody outside it gets the event.

    InvalidInput for a D-day that is over: nothing can be scheduled back from it, and it is nearly always a slip of the year.
    """
    if d_day < company_today(work):
        raise InvalidInput(_("D 日已经过去"), _("请选择今天或以后的日期。"), fields={"d_day": _("请选择今天或以后的日期")})
    director_id = _acting_member(work)
    members = [get_member(work, member_id) for member_id in dict.fromkeys([director_id, *member_ids])]
    group = make_group(work, name=name, kind="line", member_ids=[member.id for member in members])
    line = MainLine(
        id=new_id(),
        name=name,
        kind=kind.value,
        goal=goal,
        d_day=d_day,
        phase=Phase.PREPARE.value,
        group_id=group.id,
        opened_at=work.now,
        opened_by_id=director_id,
    )
    work.session.add(line)
    work.session.flush()
    line.library_id = open_library(work, name=name, scope_room=line.room, group_id=group.id).id
    work.session.add_all(
        LineMember(line_id=line.id, member_id=member.id, role="director" if member.id == director_id else "member", joined_at=work.now)
        for member in members
    )
    index_document(work, subject=line.room, room=line.room, title=name, note=goal, url=f"/lines/{line.id}/board")
    _record(
        work,
        LineEvent.OPENED,
        line,
        joins={member.id: line_rooms(work, line, member.id) for member in members},
        d_day=d_day.isoformat(),
        members=[member.name for member in members],
    )
    return line


def add_line_member(work: Work, line_id: str, member_id: str) -> Member:
    """Their live connections get the line's rooms with this very commit. Conflict when they are in it already."""
    line = get_line_as_director(work, line_id)
    member = get_member(work, member_id)
    with membership_changes(work, member.id) as change:
        if not add_to_group(work, line.group_id, member.id):
            raise Conflict(_("%(name)s已在主线中", name=member.name))
    work.session.add(LineMember(line_id=line.id, member_id=member.id, role="member", joined_at=work.now))
    work.session.flush()
    _record(
        work,
        LineEvent.MEMBER_ADDED,
        line,
        joins={member.id: [line.room, *change.joins.get(member.id, [])]},
        member=member.name,
        member_id=member.id,
    )
    return member


def remove_line_member(work: Work, line_id: str, member_id: str) -> None:
    """Their live connections lose the line's rooms with this very commit. A director steps down first.

    The event does not reach the removed member: after this the line does not exist for them.
    """
    line, membership = _membership(work, line_id, member_id)
    if membership.role == "director":
        raise Conflict(_("不能移出主线负责人"), _("请先让其不再负责这条主线。"))
    name = work.session.get_one(Member, member_id).name
    with membership_changes(work, member_id) as change:
        remove_from_group(work, line.group_id, member_id)
        withdraw_member(work, line.room, member_id)
    work.session.delete(membership)
    work.session.execute(delete(LineSigner).where(LineSigner.line_id == line.id, LineSigner.member_id == member_id))
    _record(
        work,
        LineEvent.MEMBER_REMOVED,
        line,
        leaves={member_id: [line.room, *change.leaves.get(member_id, [])]},
        member=name,
        member_id=member_id,
    )


def name_director(work: Work, line_id: str, member_id: str) -> Member:
    """Let a member of the line direct it too, its library included: nobody is there every day. Saying it twice changes nothing."""
    line, membership = _membership(work, line_id, member_id)
    member = work.session.get_one(Member, member_id)
    if membership.role != "director":
        membership.role = "director"
        _let_manage(work, line, member_id, Right.MANAGE)
        _record(work, LineEvent.DIRECTOR_NAMED, line, member=member.name, member_id=member_id)
    return member


def release_director(work: Work, line_id: str, member_id: str) -> Member:
    """Let a director be a member like others again. Conflict for the last one: a line is never without."""
    line, membership = _membership(work, line_id, member_id)
    member = work.session.get_one(Member, member_id)
    if membership.role != "director":
        return member
    if len(director_ids(work, line.id)) == 1:
        raise Conflict(_("主线至少要有一位负责人"), _("请先将另一位成员设为负责人。"))
    membership.role = "member"
    _let_manage(work, line, member_id, None)
    _record(work, LineEvent.DIRECTOR_RELEASED, line, member=member.name, member_id=member_id)
    return member


def _membership(work: Work, line_id: str, member_id: str) -> tuple[MainLine, LineMember]:
    """Of a line that the actor directs, which is held; NotFound for who is not in it."""
    line = get_line_as_director(work, line_id)
    membership = work.session.get(LineMember, (line.id, member_id), populate_existing=True)
    if membership is None:
        raise NotFound(_("这位成员不在主线中"), _("请刷新成员列表。"))
    return line, membership


def _let_manage(work: Work, line: MainLine, member_id: str, right: Right | None) -> None:
    """Who directs a line decides who sees what in its library."""
    if line.library_id is not None:
        library = work.session.get_one(Library, line.library_id)
        put_right(work, work.session.get_one(Node, library.root_id), Subject(SubjectKind.MEMBER, member_id), right)


def name_signers(work: Work, line_id: str, *, department_id: str, member_ids: Iterable[str], seen: str = "") -> None:
    """Let these members sign the orders of a department ("" for the whole line) in the director's place; nobody: the director again.

    seen: mark of the ids that were read (``signers_mark``); Conflict when they are others by now.
    """
    line = get_line_as_director(work, line_id)
    chosen = list(dict.fromkeys(member_ids))
    now = named_signers(work, line.id).get(department_id, [])
    if set(now) != set(chosen):
        names = _("、").join(work.session.get_one(Member, member_id).name for member_id in now) or "—"
        refuse_unseen(seen, signers_mark(now), [(_("签发人"), names)])
    require_members(work, line.id, chosen)
    scope = get_department(work, department_id).name if department_id else line.name
    work.session.execute(delete(LineSigner).where(LineSigner.line_id == line.id, LineSigner.department_id == department_id))
    work.session.add_all(LineSigner(line_id=line.id, department_id=department_id, member_id=member_id) for member_id in chosen)
    named = [work.session.get_one(Member, member_id).name for member_id in chosen or director_ids(work, line.id)]
    _record(work, LineEvent.SIGNERS_NAMED, line, scope=scope, people=named, department_id=department_id, signers=chosen)


def state_health(work: Work, line_id: str, *, health: Health, reason: str) -> None:
    """The director's own judgement; it counts for 24 hours."""
    line = get_line_as_director(work, line_id)
    if health is Health.UNKNOWN:
        raise InvalidInput(_("请选择一种判断"), fields={"health": _("请选择一种判断")})
    line.health, line.health_reason, line.health_at = health.value, reason.strip(), work.now
    _record(work, LineEvent.HEALTH_STATED, line, health=health.value, health_words=source(HEALTHS[health]), reason=line.health_reason)


def move_d_day(work: Work, line_id: str, d_day: date, *, seen: str = "") -> None:
    """Move D-day; every date that is an offset moves with it. seen: the one that was read; Conflict when it is another by now."""
    line = get_line_as_director(work, line_id)
    if d_day == line.d_day:
        return
    refuse_unseen(seen, line.d_day.isoformat(), [(_("D 日"), line.d_day.isoformat())])
    before, line.d_day = line.d_day, d_day
    _record(work, LineEvent.RESCHEDULED, line, d_day_before=before.isoformat(), d_day=d_day.isoformat())


def close_phase(work: Work, line_id: str, *, open_orders: int, note: str = "", expected: Phase | None = None) -> Phase:
    """Close the current phase's gate and go on. open_orders: task orders of the phase still open, counted in this Work.

    expected: the phase that the director means to close, so that a second click does not close the following one.
    """
    line = get_line_as_director(work, line_id)
    phase = Phase(line.phase)
    if expected not in (None, phase):
        raise Conflict(_("这个阶段已经关闭"), _("请刷新后查看最新状态。"))
    match gate(phase, open_orders=open_orders, note=note):
        case GateHold.LINE_CLOSED:
            raise Conflict(_("主线已经结束"))
        case GateHold.NOTE_MISSING:
            title = _("本阶段还有 %(n)s 张任务单未完成", n=open_orders)
            raise InvalidInput(title, _("请写明结转的理由，或先完成它们。"), fields={"note": _("请写明结转的理由")})
        case Advance(to=following):
            line.phase = following.value
    closed = Gate(
        line_id=line.id, phase=phase.value, closed_at=work.now, closed_by_id=_acting_member(work), open_orders=open_orders,
        note=note.strip(),
    )  # fmt: skip
    work.session.add(closed)
    _record(
        work, LineEvent.PHASE_CLOSED, line, phase=phase.value, phase_words=source(PHASES[phase]), next=line.phase,
        open_orders=open_orders, note=closed.note,
    )  # fmt: skip
    return Phase(line.phase)


def open_last_phase(work: Work, line: MainLine) -> None:
    """A line that is over goes on with its last phase. For a caller who directs it, holds it and says what happened."""
    line.phase = Phase.REVIEW.value
    work.session.delete(work.session.get_one(Gate, (line.id, line.phase)))


def _acting_member(work: Work) -> str:
    """Only people act on a main line; a job that tried would be a programming mistake."""
    if work.actor.member_id is None:
        raise LookupError("a main line is kept by members, not by the system")
    return work.actor.member_id


def _record(
    work: Work,
    kind: LineEvent,
    line: MainLine,
    *,
    joins: dict[str, list[str]] | None = None,
    leaves: dict[str, list[str]] | None = None,
    **facts: Any,
) -> None:
    work.record(kind, subject=line.room, rooms=[line.room], joins=joins, leaves=leaves, line=line.name, line_id=line.id, **facts)
