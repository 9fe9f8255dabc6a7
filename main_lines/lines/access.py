"""Loading main lines. Only members know that one exists: for anybody else it is absent, also for administrators."""

from collections.abc import Iterable
from datetime import date
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped

from main_lines.lines.models import LineMember, LineSigner, MainLine
from main_lines.seen import mark_of
from sync.library.libraries.access import rooms_of_group
from workspace.errors import Conflict, NotAllowed, NotFound
from workspace.events.access import gives_rooms
from workspace.i18n import _
from workspace.settings import Settings
from workspace.work import SYSTEM, Recorded, Work, guards_events

TAKEN_WHEN_OVER = (
    "main_lines.post.", "main_lines.conclusion.", "main_lines.playbook.", "main_lines.alert.acknowledged", "main_lines.alert.closed",
    "main_lines.member.", "main_lines.director.", "main_lines.pass.revoked", "main_lines.approval.", "main_lines.phase.closed",
)  # fmt: skip
"""What a line that is over still takes, by the beginnings of its events: talk, what was learned, who may read it, and the end of what
was under way. Everything else is work, which a director takes up again by opening the last gate."""


Whose = str | None | BindParameter[str]
"""A member, or the parameter that stands for one in a statement that is made once."""


def line_ids_of(work: Work) -> list[str]:
    """Main lines that the actor is a member of."""
    return list(work.session.scalars(select(LineMember.line_id).where(LineMember.member_id == work.actor.member_id)))


def in_my_lines(work: Work, column: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """The confidentiality rule as a condition on any column that holds a line's id."""
    return column.in_(select(LineMember.line_id).where(LineMember.member_id == work.actor.member_id))


def in_my_open_lines(work: Work, column: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """The same without lines that are over: what is asked for there is asked for no more."""
    return in_open_lines_of(work.actor.member_id, column)


def in_open_lines_of(member_id: Whose, column: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    mine = select(LineMember.line_id).join(MainLine, MainLine.id == LineMember.line_id)
    return column.in_(mine.where(LineMember.member_id == member_id, MainLine.phase != "closed"))


def get_line(work: Work, line_id: str, *, lock: bool = False) -> MainLine:
    """A main line of the actor's; NotFound when there is none or they are no member. The system sees every line.

    lock: hold its row until the commit, for what is decided by what was read (SQLite writers are alone anyway).
    """
    line = work.session.get(MainLine, line_id, with_for_update=lock or None, populate_existing=lock)
    if line is None or not (work.actor == SYSTEM or role_in(work, line_id)):
        raise NotFound(_("没有找到这条主线"), _("地址有误，或您不是它的成员。"))
    return line


def get_line_as_director(work: Work, line_id: str) -> MainLine:
    """As get_line, held; NotAllowed for members who are not its director."""
    line = get_line(work, line_id, lock=True)
    if not is_director(work, line_id):
        raise NotAllowed(_("只有主线负责人可以这样做"), _("请联系主线负责人。"))
    return line


@guards_events
def _rests_when_over(work: Work, event: Recorded) -> None:
    """Every write of every feature says what happened, and passes here. What the product does by itself ends what was under way."""
    line_id = event.facts.get("line_id")
    if line_id and work.actor != SYSTEM and event.kind.startswith("main_lines.") and not event.kind.startswith(TAKEN_WHEN_OVER):
        require_going_on(work, line_id)


def require_going_on(work: Work, line_id: str) -> None:
    """Conflict in a line that is over. For who would else refuse with a sentence that is true and does not help."""
    if work.session.get_one(MainLine, line_id).is_over:
        raise Conflict(_("主线已经结束"), _("不再安排工作；留言和复盘照常。需要继续时，请主线负责人在关口页重新打开。"), code="line_over")


class OfLine(Protocol):
    """A row that belongs to a main line."""

    @property
    def line_id(self) -> Mapped[str]: ...


OfLineT = TypeVar("OfLineT", bound=OfLine)


def get_as_director(work: Work, model: type[OfLineT], row_id: str) -> OfLineT | None:
    """A row of a line that the actor directs, the line held; None when there is none, or the line is not theirs to know.

    It is read again behind the lock: whoever held the line before may have dropped or changed it.
    """
    found = work.session.get(model, row_id)
    if found is None:
        return None
    try:
        get_line_as_director(work, str(found.line_id))
    except NotFound:
        return None
    return work.session.get(model, row_id, populate_existing=True)


def visible_lines(work: Work) -> list[MainLine]:
    """The actor's main lines, those that are still open first, then by D-day."""
    lines = work.session.scalars(select(MainLine).where(in_my_lines(work, MainLine.id)).order_by(MainLine.d_day, MainLine.id))
    return sorted(lines, key=lambda line: line.phase == "closed")


def role_in(work: Work, line_id: str) -> str:
    """director, member, or empty for who is not in it."""
    if work.known is None:
        return _role_in(work, line_id)
    if (key := ("role", line_id)) not in work.known:
        work.known[key] = _role_in(work, line_id)
    return str(work.known[key])


def _role_in(work: Work, line_id: str) -> str:
    membership = work.session.get(LineMember, (line_id, work.actor.member_id)) if work.actor.member_id else None
    return membership.role if membership else ""


def is_director(work: Work, line_id: str) -> bool:
    return role_in(work, line_id) == "director"


def line_member_ids(work: Work, line_id: str) -> list[str]:
    return list(work.session.scalars(select(LineMember.member_id).where(LineMember.line_id == line_id).order_by(LineMember.joined_at)))


def director_ids(work: Work, line_id: str) -> list[str]:
    return list(work.session.scalars(select(LineMember.member_id).where(LineMember.line_id == line_id, LineMember.role == "director")))


def named_signers(work: Work, line_id: str) -> dict[str, list[str]]:
    """Department id, or "" for the whole line -> members who sign there in the director's place."""
    found: dict[str, list[str]] = {}
    rows = select(LineSigner.department_id, LineSigner.member_id).where(LineSigner.line_id == line_id)
    for department_id, member_id in work.session.execute(rows.order_by(LineSigner.department_id, LineSigner.member_id)):
        found.setdefault(department_id, []).append(member_id)
    return found


def signers_mark(member_ids: Iterable[str]) -> str:
    """Another one whenever others are named."""
    return mark_of(sorted(member_ids))


def require_members(work: Work, line_id: str, member_ids: Iterable[str]) -> None:
    """NotFound unless each of them is in the line, held there until the commit: an owner outside it would see nothing of their work."""
    wanted = set(member_ids)
    inside = select(LineMember.member_id).where(LineMember.line_id == line_id, LineMember.member_id.in_(wanted))
    missing = wanted - set(work.session.scalars(inside.order_by(LineMember.member_id).with_for_update(read=True)))
    if missing:
        raise NotFound(_("这位成员不在主线中"), _("请先将其加入主线。"))


def company_today(work: Work) -> date:
    """The calendar day on which days are counted, in the company's time zone."""
    return work.now.astimezone(ZoneInfo(work.parts.get(Settings).time_zone)).date()


def line_rooms(work: Work, line: MainLine, member_id: str) -> list[str]:
    """Rooms open to a member as things are: the line's own and those in the libraries granted to its members."""
    return [line.room, *sorted(rooms_of_group(work, line.group_id, member_id))]


@gives_rooms
def _rooms(work: Work) -> list[str]:
    return [f"line:{line_id}" for line_id in line_ids_of(work)]
