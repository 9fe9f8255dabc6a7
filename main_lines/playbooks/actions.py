"""Opening a main line, empty or from a playbook scheduled backwards from D-day."""

from collections.abc import Sequence
from datetime import date

from main_lines.lines.access import line_member_ids
from main_lines.lines.actions import open_line
from main_lines.lines.models import MainLine
from main_lines.lines.queries import cards_of
from main_lines.lines.rules import LineKind
from main_lines.plans.actions import link_orders
from main_lines.playbooks.rules import Entry, PlaybookKey, department_for
from main_lines.playbooks.shipped import PLAYBOOKS
from main_lines.tasks.actions import Draft, write_tasks
from workspace.people.access import get_member
from workspace.people.queries import MemberRow, list_departments
from workspace.work import Work


def open_line_from(
    work: Work, *, name: str, kind: LineKind, d_day: date, playbook: PlaybookKey = PlaybookKey.NONE, goal: str = "",
    member_ids: Sequence[str] = (),
) -> MainLine:  # fmt: skip
    """Open a line and write the playbook's task orders; each goes to a member of its department and waits for the signature."""
    line = open_line(work, name=name, kind=kind, d_day=d_day, goal=goal, member_ids=member_ids)
    if playbook is not PlaybookKey.NONE:
        write_playbook(work, line, PLAYBOOKS[playbook].entries)
    return line


def write_playbook(work: Work, line: MainLine, entries: Sequence[Entry]) -> None:
    known = {name: department_id for department_id, name in list_departments(work)}
    otherwise = get_member(work, line.opened_by_id).department_id
    people = cards_of(work, line_member_ids(work, line.id))
    drafts = []
    for entry in entries:
        department_id = department_for(entry.department, known, otherwise=otherwise)
        draft = Draft(
            title=entry.title, department_id=department_id, requirements=entry.requirements, phase=entry.phase,
            owner_id=_owner_in(people, department_id), due_offset=entry.offset, days=entry.days,
        )  # fmt: skip
        drafts.append(draft)
    written = write_tasks(work, line.id, drafts, submit=True)
    orders = {entry.key: order for entry, order in zip(entries, written, strict=True)}
    for entry in entries:
        for key in entry.needs:
            link_orders(work, orders[entry.key], orders[key])


def _owner_in(people: Sequence[MemberRow], department_id: str) -> str | None:
    """The first member of the line from that department; None leaves the order to whoever of it comes later."""
    return next((card.id for card in people if card.department_id == department_id), None)
