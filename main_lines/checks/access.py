"""Loading store checklists and their sheets: as confidential as their main line."""

from dataclasses import dataclass

from sqlalchemy import select

from main_lines.checks.models import StoreCheck, StoreSheet
from main_lines.checks.rules import Somebody
from main_lines.lines.access import get_line, is_director, require_going_on
from main_lines.lines.models import LineMember, MainLine
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.models import Member, Site
from workspace.work import SYSTEM, Work


def get_check(work: Work, check_id: str, *, lock: bool = False) -> StoreCheck:
    """A checklist of one of the actor's main lines; NotFound otherwise.

    lock: hold its row until the commit, for changing it or its sheets: Conflict in a line that is over.
    """
    check = work.session.get(StoreCheck, check_id, with_for_update=lock or None, populate_existing=lock)
    if check is None or not _sees(work, check.line_id):
        raise NotFound(_("没有找到这份清单"), _("地址有误，或您不是这条主线的成员。"))
    if lock and work.actor != SYSTEM:
        require_going_on(work, check.line_id)
    return check


def get_sheet(work: Work, sheet_id: str, *, lock: bool = False) -> StoreSheet:
    """A store's sheet in one of the actor's main lines; NotFound otherwise.

    lock: hold the row of its checklist, so that nothing is filled in while it closes and n of m is counted by one at a time, and
    then its own.
    """
    sheet = work.session.get(StoreSheet, sheet_id)
    if sheet is None or not _sees(work, sheet.line_id):
        raise NotFound(_("没有找到这份清单"), _("地址有误，或您不是这条主线的成员。"))
    if lock:
        get_check(work, sheet.check_id, lock=True)
        work.session.refresh(sheet, with_for_update=True)
    return sheet


def _sees(work: Work, line_id: str) -> bool:
    try:
        get_line(work, line_id)
    except NotFound:
        return False
    return True


def line_of_check(work: Work, check: StoreCheck) -> MainLine:
    """The main line of a checklist that has been loaded through access."""
    return work.session.get_one(MainLine, check.line_id)


def keeps(work: Work, check: StoreCheck) -> bool:
    """Whether the actor may add stores, remind, close and reopen: who sent it out, and the director; nobody in a line that is over."""
    if work.actor != SYSTEM and line_of_check(work, check).is_over:
        return False
    return work.actor == SYSTEM or work.actor.member_id == check.made_by_id or is_director(work, check.line_id)


def fills(work: Work, check: StoreCheck, site: Site) -> bool:
    """Whether the actor may fill in the sheet of a store: who works there or in its city, and who keeps the checklist."""
    if line_of_check(work, check).is_over:
        return False
    place = work.session.scalar(select(Member.site_id).where(Member.id == work.actor.member_id))
    return place in (site.id, site.parent_id) or keeps(work, check)


@dataclass(frozen=True)
class LinePeople:
    """The members of a line who are still in the company: where they are, and their names by id."""

    people: tuple[Somebody, ...]
    names: dict[str, str]


def people_of_line(work: Work, line_id: str) -> LinePeople:
    """The caller has checked the line."""
    query = (
        select(Member.id, Member.name, Member.department_id, Member.site_id)
        .join(LineMember, LineMember.member_id == Member.id)
        .where(LineMember.line_id == line_id, Member.state == "active")
        .order_by(Member.name, Member.id)
    )
    rows = work.session.execute(query).all()
    people = tuple(Somebody(row.id, row.department_id, row.site_id) for row in rows)
    return LinePeople(people, {row.id: row.name for row in rows})
