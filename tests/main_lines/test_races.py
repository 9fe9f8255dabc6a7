"""Two act on a main line at once: nobody waits for ever, what is refused says so, and what is left is what the last of them meant.

On SQLite writers are alone; what PostgreSQL alone lets happen is looked for by ``pytest --postgres``.
"""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from main_lines.approvals.actions import Draft as Request
from main_lines.approvals.actions import submit_request
from main_lines.approvals.models import Approval
from main_lines.checks.access import get_sheet
from main_lines.checks.actions import CheckDraft, fill_item, open_check
from main_lines.checks.models import StoreSheet
from main_lines.checks.rules import Kind, Scope
from main_lines.gates.actions import pass_gate
from main_lines.gates.rules import GateKey
from main_lines.lines.access import get_line, line_member_ids
from main_lines.lines.actions import move_d_day, remove_line_member
from main_lines.lines.rules import LineKind
from main_lines.order_tables.actions import import_orders
from main_lines.plans.access import needs_of
from main_lines.plans.actions import drop_milestone, edit_with_needs, set_milestone
from main_lines.plans.models import LineMilestone, PlanEvent
from main_lines.playbooks.actions import add_playbook, save_version
from main_lines.playbooks.models import PlaybookVersion
from main_lines.playbooks.rules import Content, Entry
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import (
    Draft,
    accept_task,
    assign_task,
    deliver_task,
    draft_of,
    edit_task,
    return_task,
    sign_task,
    start_task,
    write_task,
)
from main_lines.tasks.models import TaskOrder
from sync.library.quotas.actions import set_quota
from sync.library.retention.actions import set_plan
from sync.library.retention.rules import Mode, Plan
from tests.main_lines.approvals.conftest import LEAVE
from tests.main_lines.conftest import D_DAY, Story
from workspace.db import Database
from workspace.errors import MainlineError
from workspace.events.models import Event
from workspace.tables import Table
from workspace.work import Work

ROUNDS = 3
ROUNDS_POSTGRES = 25
Act = tuple[str, Callable[[Work], object]]


@pytest.fixture
def rounds(company: Database) -> int:
    """Where writers are alone, their order is all that can differ."""
    return ROUNDS if company.is_sqlite else ROUNDS_POSTGRES


@pytest.fixture
def at_once(work_as: Callable) -> Callable[..., list[str]]:
    """``at_once(("林悦", act), ("苏航", act))`` - each in a thread of its own, released together; what each met: "" or a code."""

    def run_all(*acts: Act) -> list[str]:
        gate, met = threading.Barrier(len(acts)), [""] * len(acts)

        def run(number: int, name: str, act: Callable[[Work], object]) -> None:
            opened = work_as(name)
            gate.wait()
            try:
                with opened as work:
                    act(work)
            except MainlineError as error:
                met[number] = error.code
            except Exception as error:  # noqa: BLE001  Whatever it is, the test shows it.
                met[number] = repr(error)

        threads = [threading.Thread(target=run, args=(number, *act)) for number, act in enumerate(acts)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return met

    return run_all


def test_order_when_signed_and_changed_at_once_then_what_is_signed_is_what_is_asked(
    work_as: Callable, write: Callable, at_once: Callable, rounds: int
) -> None:
    for number in range(rounds):
        task_id = write(f"主视觉 {number}")
        with work_as("林悦", writes=False) as work:
            order = get_task(work, task_id)
            seen, changed = order.mark, Draft(**{**draft_of(order).__dict__, "requirements": "横竖各二"})
        met = at_once(
            ("林悦", lambda work, id=task_id, seen=seen: sign_task(work, id, seen=seen)),
            ("林悦", lambda work, id=task_id, draft=changed, seen=seen: edit_task(work, id, draft, seen=seen)),
        )
        with work_as("林悦", writes=False) as work:
            order = get_task(work, task_id)
            assert met in (["", ""], ["task_changed", ""])
            assert order.state in ("draft", "waiting")
            assert order.requirements == "横竖各二"
            assert order.signed_as.get("requirements", "横竖各一") == "横竖各一"


def test_settings_when_two_say_them_first_then_nobody_meets_an_error(at_once: Callable, story: Story, work_as: Callable) -> None:
    """The row of a plan, a quota or a shipped kind of approval is made by whoever comes first."""
    holder, department = (story.id_of("赵宁"),), story.people["赵宁"].department_id
    leave = Request(title="请假", values=LEAVE, to=holder)
    acts: tuple[Callable[[Work], object], ...] = (
        lambda work: submit_request(work, "leave", leave),
        lambda work: set_plan(work, story.library_id, Plan(Mode.ALL)),
        lambda work: set_quota(work, department, 10**9),
    )
    for act in acts:
        assert at_once(*[("林悦", act)] * 4) == [""] * 4
    with work_as("林悦", writes=False) as work:
        assert len({approval.template_id for approval in work.session.scalars(select(Approval))}) == 1


def test_delivery_when_accepted_and_returned_at_once_then_the_second_knows_of_the_first(
    work_as: Callable, write: Callable, at_once: Callable, rounds: int
) -> None:
    for number in range(rounds):
        task_id = write(f"主视觉 {number}")
        with work_as("林悦") as work:
            sign_task(work, task_id)
        with work_as("苏航") as work:
            mark = deliver_task(work, task_id, "https://example.com/kv").mark
        met = at_once(
            ("林悦", lambda work, id=task_id, seen=mark: accept_task(work, id, seen=seen)),
            ("林悦", lambda work, id=task_id: return_task(work, id, reason="标题再大些")),
        )
        with work_as("林悦", writes=False) as work:
            assert get_task(work, task_id).state == "returned"
        assert met in (["", ""], ["task_wrong_state", ""])


def test_orders_when_written_while_d_day_moves_then_numbered_once_and_all_count_from_the_new_day(
    work_as: Callable, story: Story, at_once: Callable, rounds: int
) -> None:
    department = story.people["苏航"].department_id
    moved = D_DAY + timedelta(days=7)
    draft = Draft(title="选品", department_id=department, due_offset=-30)
    for _ in range(rounds):
        acts = [("苏航", lambda work: write_task(work, story.line_id, draft))] * 3
        assert at_once(*acts, ("林悦", lambda work: move_d_day(work, story.line_id, moved))) == [""] * 4
    with work_as("林悦", writes=False) as work:
        numbers = sorted(work.session.scalars(select(TaskOrder.number).where(TaskOrder.line_id == story.line_id)))
        assert numbers == list(range(1, 3 * rounds + 1))
        assert get_line(work, story.line_id).d_day == moved


def test_order_when_edited_with_needs_while_a_table_changes_it_then_neither_waits_for_ever(
    work_as: Callable, write: Callable, story: Story, at_once: Callable, rounds: int
) -> None:
    first, second = write("选品"), write("主视觉")
    for number in range(rounds):
        with work_as("林悦", writes=False) as work:
            changed = Draft(**{**draft_of(get_task(work, second)).__dict__, "days": 2 + number % 2})
            needs = [] if needs_of(work, story.line_id) else [first]
        rows = Table(("单号", "标题"), [(2, ("2", f"主视觉 {number}")), (3, ("1", f"选品 {number}"))])
        met = at_once(
            ("林悦", lambda work, draft=changed, needs=needs: edit_with_needs(work, second, draft, needs=needs)),
            ("林悦", lambda work, rows=rows: import_orders(work, story.line_id, rows)),
        )
        assert met[0] == ""
        assert met[1] in ("", "task_changed")


def test_milestone_when_two_drop_it_then_it_is_said_once(work_as: Callable, story: Story, at_once: Callable, rounds: int) -> None:
    for number in range(rounds):
        with work_as("林悦") as work:
            milestone_id = set_milestone(work, story.line_id, name=f"彩排 {number}", day=D_DAY).id
        drop = ("林悦", lambda work, id=milestone_id: drop_milestone(work, id))
        assert sorted(at_once(drop, drop)) == ["", "not_found"]
    with work_as("林悦", writes=False) as work:
        assert not work.session.scalars(select(LineMilestone)).all()
        dropped = work.session.scalars(select(Event).where(Event.kind == str(PlanEvent.MILESTONE_DROPPED))).all()
        assert len(dropped) == rounds


def test_gate_when_two_pass_it_then_one_does(work_as: Callable, story: Story, at_once: Callable) -> None:
    for key in (GateKey.PLAN, GateKey.FREEZE, GateKey.GO):
        one = ("林悦", lambda work, key=key: pass_gate(work, story.line_id, key))
        met = at_once(one, one)
        assert sorted(met)[0] == ""
        assert sorted(met)[1] in ("gate_passed", "gate_other_phase")


def test_sheet_when_two_answer_then_the_second_learns_of_the_first(work_as: Callable, story: Story, at_once: Callable, rounds: int) -> None:
    for number in range(rounds):
        items = [("橱窗说明", Kind.TEXT, None)]
        with work_as("林悦") as work:
            department = story.people["赵宁"].department_id
            check = open_check(work, story.line_id, CheckDraft(f"检查 {number}", department, items, Scope.ALL, due_offset=-1))
            sheet_id = work.session.scalars(select(StoreSheet.id).where(StoreSheet.check_id == check.id).order_by(StoreSheet.id)).first()
        met = at_once(
            ("林悦", lambda work, id=sheet_id: fill_item(work, id, "1", "红色横幅", seen=0)),
            ("赵宁", lambda work, id=sheet_id: fill_item(work, id, "1", "蓝色横幅", seen=0)),
        )
        if "not_allowed" in met:
            continue  # The first store of the company is not theirs.
        assert sorted(met) == ["", "sheet_changed"]
        with work_as("林悦", writes=False) as work:
            assert get_sheet(work, sheet_id).answers["1"]["value"] == ("红色横幅", "蓝色横幅")[met.index("")]


def test_playbook_when_two_save_it_then_one_is_told_of_the_other(work_as: Callable, at_once: Callable, rounds: int) -> None:
    with work_as("林悦") as work:
        playbook_id = add_playbook(work, name="大促", kind=LineKind.PROMOTION, content=Content()).id
    for base in range(1, rounds + 1):
        contents = [Content((Entry(f"o{base}", "设计策划", -30, 2, title, ""),)) for title in (f"主视觉 {base}", f"选品 {base}")]
        save = [
            ("林悦", lambda work, content=content, base=base: save_version(
                work, playbook_id, name="大促", kind=LineKind.PROMOTION, content=content, base=base
            ))
            for content in contents
        ]  # fmt: skip
        met = at_once(*save)
        assert sorted(met) == ["", "playbook_changed"]
        with work_as("林悦", writes=False) as work:
            newest = work.session.get_one(PlaybookVersion, (playbook_id, base + 1))
            assert newest.content["orders"][0]["title"] == contents[met.index("")].entries[0].title


@pytest.mark.parametrize("how", ["assigned", "claimed"])
def test_order_when_its_new_owner_is_just_leaving_then_nobody_outside_owns_it(
    work_as: Callable, write: Callable, story: Story, run_jobs: Callable[[], int], how: str
) -> None:
    """The job that frees the orders of who left runs as soon as they have; an owner who was decided before must be known by then."""
    task_id = write(owner=None)
    name = "苏航"
    with work_as("林悦") as work:
        sign_task(work, task_id)

    def leave() -> None:
        with work_as("林悦") as work:
            remove_line_member(work, story.line_id, story.id_of(name))
        run_jobs()

    leaving = threading.Thread(target=leave)
    with work_as("林悦" if how == "assigned" else name) as work:
        assign_task(work, task_id, story.id_of(name)) if how == "assigned" else start_task(work, task_id)
        leaving.start()
        leaving.join(0.3)  # It waits for this commit, however long it takes.
    leaving.join()
    with work_as("林悦", writes=False) as work:
        assert get_task(work, task_id).owner_id is None
        assert story.id_of(name) not in line_member_ids(work, story.line_id)
