"""Opening a line from a playbook: what is shown before, and what is written as chosen."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from main_lines.gates.access import day_of, records_of
from main_lines.gates.rules import GateKey
from main_lines.lines.access import get_line, line_member_ids
from main_lines.lines.models import MainLine
from main_lines.lines.rules import LineKind
from main_lines.plans.access import milestones_of, needs_of
from main_lines.playbooks.access import get_book
from main_lines.playbooks.actions import add_playbook, open_line_from, save_line_as, save_version
from main_lines.playbooks.models import LinePlaybook
from main_lines.playbooks.queries import NOBODY, SKIP, Opening, preview
from main_lines.playbooks.rules import Content, Entry, Milestone, Timing
from main_lines.playbooks.taking import Choice, Pinned
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.queries import line_tasks
from tests.house import member_named
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound
from workspace.people.queries import list_departments
from workspace.work import Work

D_DAY = date(2027, 11, 11)
BOOK = Content(
    (
        Entry(
            "plan",
            "运营推广",
            -20,
            3,
            "方案",
            "写明目标",
            checklist=("预算", "目标"),
            expected=("目标表",),
            involved=("视觉组", "直播", "客服"),
        ),
        Entry("art", "视觉组", -10, 4, "主视觉", "横竖各一", needs=("plan",)),
        Entry("show", "直播", 0, 1, "开播", "", needs=("art",)),
    ),
    (Milestone("过会", -15), Milestone("", 12, GateKey.REVIEW)),
)


@pytest.fixture
def book_id(work_as: Callable) -> str:
    with work_as("林悦") as work:
        return add_playbook(work, name="周年庆", kind=LineKind.PROMOTION, content=BOOK).id


def opened(work: Work, book_id: str, *, d_day: date = D_DAY, **options: object) -> MainLine:
    return open_line_from(work, name="周年庆", kind=LineKind.PROMOTION, d_day=d_day, playbook=book_id, **options)  # type: ignore[arg-type]


def dues(work: Work, line: MainLine) -> dict[str, date | None]:
    return {row.title: row.due for row in line_tasks(work, get_line(work, line.id))}


def test_line_when_opened_as_chosen_then_mapped_left_out_owned_and_remembered(work_as: Callable, book_id: str) -> None:
    with work_as("林悦") as work:
        design, chenmo = (getattr(member_named(work, "陈墨"), name) for name in ("department_id", "id"))
        opening = Opening(
            departments={"视觉组": design, "直播": SKIP},
            owners={"视觉组": chenmo, "运营推广": NOBODY, "直播": member_named(work, "罗伊").id},
        )
        line = opened(work, book_id, opening=opening)
    with work_as("林悦", writes=False) as work:
        rows = {row.title: row for row in line_tasks(work, get_line(work, line.id))}
        assert {title: (row.department_name, row.owner_name) for title, row in rows.items()} == {
            "方案": ("运营推广", ""), "主视觉": ("设计策划", "陈墨"),
        }  # fmt: skip
        assert needs_of(work, line.id) == {rows["主视觉"].id: [rows["方案"].id]}
        assert set(line_member_ids(work, line.id)) == {member_named(work, "林悦").id, chenmo}, "nobody joins for orders that are left out"
        assert [(one.name, one.due_offset) for one in milestones_of(work, line.id)] == [("过会", -15)]
        assert records_of(work, line.id)[GateKey.REVIEW].offset == 12
        order = work.session.get_one(TaskOrder, rows["方案"].id)
        assert [item["text"] for item in order.checklist] == ["预算", "目标"]
        departments = dict(list_departments(work))
        assert (order.expected, {departments[id] for id in order.involved}) == (["目标表"], {"设计策划", "直播", "客服"})
        came_from = work.session.get_one(LinePlaybook, line.id)
        assert (came_from.playbook, came_from.name, came_from.version) == (book_id, "周年庆", 1)


@pytest.mark.parametrize("days", [37])
def test_line_when_opened_at_another_day_then_every_date_is_shifted_by_as_much(work_as: Callable, days: int) -> None:
    with work_as("林悦") as work:
        here, there = opened(work, "double11"), opened(work, "double11", d_day=D_DAY + timedelta(days=days))
        one, other = dues(work, here), dues(work, there)
    assert {title: due + timedelta(days=days) for title, due in one.items() if due} == other


@pytest.mark.parametrize("pinned", list(Pinned))
def test_line_when_saved_and_opened_again_at_the_same_day_then_the_same_dates(work_as: Callable, book_id: str, pinned: Pinned) -> None:
    """Through the database, with the shipped one and one whose departments are called differently."""
    for source in (book_id, "flash_sale"):
        with work_as("林悦") as work:
            line = opened(work, source)
            work.session.flush()
            order = work.session.scalars(select(TaskOrder).where(TaskOrder.line_id == line.id)).first()
            order.due_offset, order.due_on = None, D_DAY - timedelta(days=33)
            saved = save_line_as(work, line.id, name="再来一次", choice=Choice(pinned))
            again = opened(work, saved.id)
            assert dues(work, again) == dues(work, line)
            needs = [sorted(len(found) for found in needs_of(work, one.id).values()) for one in (line, again)]
            assert needs[0] == needs[1]
            assert [(one.name, one.due_offset) for one in milestones_of(work, again.id)] == [
                (one.name, one.due_offset) for one in milestones_of(work, line.id)
            ]
            gates = [{key: day_of(one, key, records_of(work, one.id).get(key)) for key in GateKey} for one in (line, again)]
            assert gates[0] == gates[1]


def test_preview_when_d_day_is_near_then_what_is_late_is_said_and_pressing_mends_it(work_as: Callable, book_id: str) -> None:
    """Today is 2026-10-01; the first order would have begun twelve days ago."""
    d_day = date(2026, 10, 11)
    with work_as("林悦") as work:
        book = get_book(work, book_id)
        kept = preview(work, book, d_day, Opening())
        assert ([one.entry.title for one in kept.late], [one.entry.title for one in kept.begun]) == (["方案"], ["主视觉"])
        assert kept.near
        assert [(plan.name, bool(plan.chosen)) for plan in kept.departments] == [("运营推广", True), ("视觉组", False), ("直播", True)]
        now = preview(work, book, d_day, Opening(Timing.TODAY))
        assert (now.late, now.begun, now.first) == ([], [], date(2026, 10, 1))
        assert [gate.day for gate in now.gates] == [date(2026, 10, 4), date(2026, 10, 23)]
        line = opened(work, book_id, d_day=d_day, opening=Opening(Timing.TODAY))
        written = dues(work, line)
        assert written == {one.entry.title: one.due for plan in now.departments for one in plan.orders}


def test_line_when_the_playbook_changed_since_the_preview_then_refused_and_nothing_is_there(work_as: Callable, book_id: str) -> None:
    with work_as("林悦") as work:
        save_version(work, book_id, name="周年庆", kind=LineKind.PROMOTION, content=Content(BOOK.entries[:1]), base=1)
    with work_as("林悦") as work, pytest.raises(Conflict, match="新版本"):
        opened(work, book_id, version=1)
    with work_as("林悦", writes=False) as work:
        assert work.session.query(MainLine).count() == 0


def test_line_when_an_owner_is_of_another_department_then_refused(work_as: Callable, book_id: str) -> None:
    with work_as("林悦") as work, pytest.raises(InvalidInput, match="负责人不在"):
        opened(work, book_id, opening=Opening(owners={"直播": member_named(work, "苏航").id}))


def test_take_when_not_the_director_or_not_in_the_line_then_refused(work_as: Callable, book_id: str) -> None:
    with work_as("林悦") as work:
        line_id = opened(work, book_id, member_ids=[member_named(work, "苏航").id]).id
    for name, refused in (("苏航", NotAllowed), ("何青", NotFound), ("管力", NotFound)):
        with work_as(name) as work, pytest.raises(refused):
            save_line_as(work, line_id, name="偷存", choice=Choice())


def test_form_when_a_department_is_unknown_then_asked_for_and_opened_once_it_is_said(
    signed_in: Callable, work_as: Callable, book_id: str
) -> None:
    director = signed_in("linyue")
    page = director.get(f"/lines/new?playbook={book_id}&d_day=2027-11-11").get_data(as_text=True)
    assert "在本企业没有同名的" in page
    assert "10-22" in page, "the first order is due twenty days before D-day"
    form = {
        "name": "周年庆",
        "d_day": "2027-11-11",
        "kind": "promotion",
        "playbook": book_id,
        "of": book_id,
        "version": "1",
        "timing": "keep",
    }
    answer = director.post("/lines", data=form | {"d1": ""})
    assert answer.status_code == 422
    assert 'id="d1-error"' in answer.get_data(as_text=True)
    with work_as("林悦", writes=False) as work:
        design = member_named(work, "苏航").department_id
    answer = director.post("/lines", data=form | {"d1": design})
    assert answer.status_code == 303
    assert re.search(r"/lines/\w+/board$", answer.location)


def test_fragment_when_nothing_is_chosen_or_the_day_is_over_then_no_schedule(signed_in: Callable, book_id: str) -> None:
    director = signed_in("linyue")
    for asked in ("", f"?playbook={book_id}", f"?playbook={book_id}&d_day=2020-01-01", "?playbook=none&d_day=2027-11-11"):
        assert "opening-table" not in director.get(f"/lines/new/preview{asked}").get_data(as_text=True), asked
    assert "opening-table" in director.get(f"/lines/new/preview?playbook={book_id}&d_day=2027-11-11").get_data(as_text=True)
