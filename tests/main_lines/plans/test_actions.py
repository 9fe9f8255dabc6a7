import copy
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from main_lines.checks.actions import CheckDraft, open_check
from main_lines.checks.rules import Kind, Scope
from main_lines.feed.queries import line_feed
from main_lines.gates.models import GateRecord
from main_lines.gates.rules import GateKey
from main_lines.handovers.actions import answer_handover, offer_order
from main_lines.handovers.rules import Verb
from main_lines.lines.access import get_line
from main_lines.lines.actions import move_d_day
from main_lines.numbers.actions import MetricDraft, define_metric
from main_lines.numbers.rules import Better
from main_lines.plans.access import milestones_of, needs_of
from main_lines.plans.actions import add_need, drop_baseline, drop_milestone, drop_need, keep_baseline, move_order, set_milestone
from main_lines.plans.chart import FILLED, LANE, SCALE_HEIGHT, Scale, chart_of
from main_lines.plans.past import Past, Pasts, plan_at
from main_lines.plans.queries import OPENED, baselines_of, d_day_move, plan_of
from main_lines.plans.replay import OrderThen, PlanThen
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import Draft, assign_task, cancel_task, draft_of, edit_task, sign_task, start_task, write_task, write_tasks
from main_lines.tasks.models import PLANNED, TaskOrder
from main_lines.tasks.pieces import file_piece
from main_lines.tasks.queries import line_tasks
from main_lines.tasks.rules import OFFSET_MOST
from tests.house import NOW
from tests.main_lines.conftest import D_DAY, OUTSIDE, Story, last_kinds
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound
from workspace.people.actions import add_site
from workspace.people.models import Member, Site
from workspace.work import Work


def test_need_when_added_twice_then_once_and_dropped_then_gone(work_as: Callable, write: Callable, story: Story) -> None:
    picture, page = write("主视觉"), write("页面")
    for said, kinds in (("once", ["main_lines.plan.need_added"]), ("twice", [])):
        with work_as("林悦") as work:
            add_need(work, page, picture)
            assert last_kinds(work) == kinds, said
    with work_as("林悦") as work:
        assert needs_of(work, story.line_id) == {page: [picture]}
        drop_need(work, page, picture)
        drop_need(work, page, picture)
        assert last_kinds(work) == ["main_lines.plan.need_dropped"]
    with work_as("林悦", writes=False) as work:
        assert needs_of(work, story.line_id) == {}
        told = {row.kind for row in line_feed(work, get_line(work, story.line_id)).rows}
        assert not [kind for kind in told if "need" in kind], "a playbook brings a hundred: they would push out what people read"


def test_need_when_it_closes_a_circle_then_refused_with_the_circle_named(work_as: Callable, write: Callable) -> None:
    first, second, third = write("选品"), write("主视觉"), write("页面")
    with work_as("林悦") as work:
        add_need(work, second, first)
        add_need(work, third, second)
    with work_as("林悦") as work, pytest.raises(Conflict) as refused:
        add_need(work, first, third)
    assert refused.value.message == "第 1 号单“选品” → 第 3 号单“页面” → 第 2 号单“主视觉” → 第 1 号单“选品”。请先去掉其中一处等待。"
    with work_as("林悦") as work, pytest.raises(Conflict, match="互相等待"):
        add_need(work, first, first)


def test_need_when_asked_by_somebody_else_then_refused(work_as: Callable, write: Callable) -> None:
    first, second = write("选品"), write("主视觉")
    with work_as("吴昊") as work, pytest.raises(NotAllowed):
        add_need(work, second, first)
    with work_as(OUTSIDE) as work, pytest.raises(NotFound):
        add_need(work, second, first)


def test_need_when_the_order_is_finished_then_refused(work_as: Callable, write: Callable) -> None:
    first, second = write("选品"), write("主视觉")
    with work_as("林悦") as work:
        cancel_task(work, second, reason="不做了")
    with work_as("林悦") as work, pytest.raises(Conflict, match="已经结束"):
        add_need(work, second, first)


def test_move_when_counted_from_d_day_then_it_still_is_and_pinned_stays_pinned(work_as: Callable, write: Callable) -> None:
    counted, pinned = write("选品", offset=-30), write("场地", offset=None, due_on=date(2026, 11, 1))
    with work_as("林悦") as work:
        assert move_order(work, counted, due=date(2026, 10, 10), days=4).due_offset == -32
        moved = move_order(work, pinned, due=date(2026, 11, 3))
        assert (moved.due_on, moved.due_offset) == (date(2026, 11, 3), None)
    with work_as("林悦", writes=False) as work:
        assert get_task(work, counted).days == 4


def test_move_when_too_far_from_d_day_then_refused_as_the_form_refuses_it(work_as: Callable, write: Callable) -> None:
    task_id = write("选品", offset=-30)
    with work_as("林悦") as work:
        assert move_order(work, task_id, due=D_DAY - timedelta(days=OFFSET_MOST)).due_offset == -OFFSET_MOST
        with pytest.raises(InvalidInput, match="离 D 日太远"):
            move_order(work, task_id, due=D_DAY - timedelta(days=OFFSET_MOST + 1))


def test_move_when_the_order_changed_meanwhile_then_refused(work_as: Callable, write: Callable) -> None:
    task_id = write("选品")
    with work_as("林悦", writes=False) as work:
        seen = get_task(work, task_id).mark
    with work_as("林悦") as work:
        move_order(work, task_id, due=date(2026, 10, 1))
    with work_as("林悦") as work, pytest.raises(Conflict, match="刚刚被修改"):
        move_order(work, task_id, due=date(2026, 10, 2), seen=seen)


def test_baseline_when_kept_then_compared_and_when_dropped_then_gone(work_as: Callable, write: Callable, story: Story) -> None:
    task_id = write("选品", offset=-30)
    with work_as("林悦", now=NOW + timedelta(hours=1)) as work:
        late = write_task(work, story.line_id, draft_of(get_task(work, task_id))).id
    with work_as("林悦", now=NOW + timedelta(hours=2)) as work:
        kept = keep_baseline(work, story.line_id, name="锁价前").id
    with work_as("林悦", now=NOW + timedelta(days=1)) as work:
        move_order(work, task_id, due=date(2026, 10, 20))
    with work_as("林悦", writes=False) as work:
        plan = plan_of(work, get_line(work, story.line_id), baseline=kept)
        then = date(2026, 10, 12)
        assert {row.task.id: (row.due_then, row.slip, row.new) for row in plan.rows} == {task_id: (then, 8, False), late: (then, 0, False)}
        plan = plan_of(work, get_line(work, story.line_id), baseline=OPENED)
        assert {row.task.id: (row.due_then, row.slip, row.new) for row in plan.rows} == {
            task_id: (then, 8, False),
            late: (None, None, True),
        }
    with work_as("苏航") as work, pytest.raises(NotAllowed):
        drop_baseline(work, kept)
    with work_as(OUTSIDE) as work, pytest.raises(NotFound):
        drop_baseline(work, kept)
    with work_as("林悦") as work:
        drop_baseline(work, kept)
        work.session.flush()
        assert [row.key for row in baselines_of(work, get_line(work, story.line_id))] == [OPENED]


def test_baseline_when_it_has_no_name_then_refused(work_as: Callable, story: Story) -> None:
    with work_as("林悦") as work, pytest.raises(InvalidInput):
        keep_baseline(work, story.line_id, name="  ")


def test_plan_when_the_first_is_late_then_the_chain_is_critical(work_as: Callable, write: Callable, story: Story) -> None:
    first, second, other = write("选品", offset=-40), write("主视觉", offset=-39), write("口播", offset=0)
    with work_as("林悦") as work:
        add_need(work, second, first)
    with work_as("林悦", now=datetime(2026, 10, 10, 4, tzinfo=UTC), writes=False) as work:
        plan = plan_of(work, get_line(work, story.line_id))
    assert [row.task.title for row in plan.critical] == ["选品", "主视觉"]
    assert (plan.ends, plan.late_by) == (date(2026, 10, 11), 8)
    assert [row.critical for row in plan.rows if row.task.id == other] == [False]


@pytest.mark.parametrize("seed", range(4))
def test_plan_at_any_instant_when_replayed_then_as_it_stood(seed: int, work_as: Callable, write: Callable, story: Story) -> None:
    """Whatever is done, the rows as they stood after each step equal the replay up to its instant."""
    chance = random.Random(seed)
    stood: list[tuple[datetime, object]] = []
    tasks = [write(f"单 {number}") for number in range(3)]
    for step in range(25):
        with work_as("林悦", now=NOW + timedelta(minutes=step + 1)) as work:
            _some_change(work, chance, tasks, story)
            work.session.flush()
            stood.append((work.now, _as_it_stands(work, story)))
    with work_as("林悦", writes=False) as work:
        line = get_line(work, story.line_id)
        for at, plan in stood:
            then = plan_at(work, line, at)
            found = {
                id: ({name: getattr(order, name) for name in PLANNED}, order.title, order.cancelled, order.needs)
                for id, order in then.orders.items()
            }
            assert (then.d_day, found) == plan


def test_plan_at_when_asked_again_then_kept_and_only_who_wrote_late_changes_it(work_as: Callable, write: Callable, story: Story) -> None:
    at = NOW + timedelta(minutes=10)
    write("主视觉")

    def asked() -> PlanThen:
        with work_as("林悦", writes=False, now=at + timedelta(minutes=1)) as work:
            return plan_at(work, get_line(work, story.line_id), at)

    first = asked()
    with work_as("林悦", now=at + timedelta(seconds=1)) as work:
        write_task(work, story.line_id, draft_of(get_task(work, next(iter(first.orders)))))
    assert asked() is first, "what came after that instant is not walked again with every look at the map"
    with work_as("林悦", now=at - timedelta(seconds=1)) as work:  # It began before that instant and commits after somebody looked.
        write_task(work, story.line_id, draft_of(get_task(work, next(iter(first.orders)))))
    assert (len(first.orders), len(asked().orders)) == (1, 2)


def test_plans_of_then_when_they_have_too_many_orders_then_those_asked_for_last_are_kept() -> None:
    order = OrderThen(1, "主视觉", "prepare", "design", None, None, None, 1)
    pasts = Pasts(orders_most=5)
    for name, orders in (("first", 2), ("second", 2)):
        pasts.keep((name, NOW), Past(PlanThen(orders={str(number): order for number in range(orders)}), 1, settled=True))
    assert pasts.get(("first", NOW))
    pasts.keep(("third", NOW), Past(PlanThen(orders={str(number): order for number in range(3)}), 1, settled=True))
    assert [name for name in ("first", "second", "third") if pasts.get((name, NOW))] == ["first", "third"]
    pasts.keep(("huge", NOW), Past(PlanThen(orders={str(number): order for number in range(9)}), 1, settled=True))
    assert [name for name in ("first", "third", "huge") if pasts.get((name, NOW))] == ["huge"]


def _some_change(work: Work, chance: random.Random, tasks: list[str], story: Story) -> None:
    task_id, other = chance.choice(tasks), chance.choice(tasks)
    order = get_task(work, task_id)
    changes: list[Callable[[], object]] = [
        lambda: tasks.append(write_task(work, story.line_id, Draft(f"单 {len(tasks)}", order.department_id)).id),
        lambda: move_d_day(work, story.line_id, date(2026, 11, 11) + timedelta(days=chance.randint(0, 20))),
        lambda: move_order(work, task_id, due=date(2026, 10, 1) + timedelta(days=chance.randint(0, 40)), days=chance.randint(1, 9)),
        lambda: edit_task(work, task_id, replace(draft_of(order), title=f"改名 {chance.random():.3f}")),
        lambda: edit_task(work, task_id, replace(draft_of(order), due_offset=None, due_on=date(2026, 11, chance.randint(1, 20)))),
        lambda: assign_task(work, task_id, story.id_of(chance.choice(["苏航", "赵宁"]))),
        lambda: add_need(work, task_id, other),
        lambda: drop_need(work, task_id, other),
        lambda: sign_task(work, task_id),
        lambda: start_task(work, task_id),
        lambda: file_piece(work, task_id, "草图"),
        lambda: _hand_over(work, task_id, story),
        lambda: cancel_task(work, task_id, reason="不做了"),
    ]
    try:
        chance.choice(changes[:-1] if chance.random() < 0.8 else changes)()
    except (Conflict, NotAllowed):
        pass  # What is refused changes nothing, which is compared too.


def _hand_over(work: Work, task_id: str, story: Story) -> None:
    """To the director, so that the actor may accept it too."""
    handover = offer_order(work, task_id, member_id=story.id_of("林悦"), note="由负责人接手")
    work.session.flush()
    answer_handover(work, handover.id, Verb.ACCEPT)


def _as_it_stands(work: Work, story: Story) -> object:
    needs = needs_of(work, story.line_id)
    orders = work.session.query(TaskOrder).filter_by(line_id=story.line_id)
    found = {
        order.id: (
            {name: getattr(order, name) for name in PLANNED}, order.title, order.state == "cancelled", set(needs.get(order.id, ())),
        )
        for order in orders
    }  # fmt: skip
    return get_line(work, story.line_id).d_day, copy.deepcopy(found)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    orders=st.lists(st.tuples(st.booleans(), st.integers(-60, 30), st.integers(1, 9)), min_size=1, max_size=8),
    days=st.integers(-5, 200).filter(bool),
)
def test_d_day_when_moved_then_every_date_that_is_not_pinned_moves_by_it_and_nothing_else(
    orders: list[tuple[bool, int, int]], days: int, work_as: Callable, story: Story
) -> None:
    with work_as("林悦") as work:
        line = get_line(work, story.line_id)
        department = work.session.query(Member).first().department_id
        drafts = [
            Draft(
                f"单 {offset}",
                department,
                due_offset=None if pinned else offset,
                due_on=line.d_day + timedelta(days=offset) if pinned else None,
                days=length,
            )
            for pinned, offset, length in orders
        ]
        ids = [order.id for order in write_tasks(work, line.id, drafts)]
        before = {row.id: row for row in line_tasks(work, line)}
        told = d_day_move(work, line, line.d_day + timedelta(days=days))
        move_d_day(work, line.id, line.d_day + timedelta(days=days))
        after = {row.id: row for row in line_tasks(work, line)}
    for id, (pinned, _offset, length) in zip(ids, orders, strict=True):
        due = before[id].due
        assert due
        assert after[id].due == (due if pinned else due + timedelta(days=days))
        assert after[id].days == length
    assert {moved.task.id: moved.due for moved in told.moved} == {
        id: row.due for id, row in after.items() if not row.pinned and not row.finished
    }
    assert {row.id for row in told.pinned} == {id for id, row in after.items() if row.pinned}


def test_d_day_when_it_is_about_to_move_then_gates_milestones_and_checklists_that_move_are_named(work_as: Callable, story: Story) -> None:
    with work_as("林悦") as work:
        line = get_line(work, story.line_id)
        work.session.add(GateRecord(line_id=line.id, key=GateKey.PLAN.value, passed_at=work.now, stood={}))
        set_milestone(work, line.id, name="过会", day=date(2026, 10, 12))
        department = work.session.query(Member).first().department_id
        city = work.session.query(Site).filter(Site.kind == "city").first()
        add_site(work, kind="store", name="试点店", parent_id=city.id)
        for title, due in (("开业检查", {"due_offset": -2}), ("当天检查", {"due_on": date(2026, 11, 1)})):
            open_check(work, line.id, CheckDraft(title, department, [("价签", Kind.TICK, None)], Scope.ALL, **due))
        define_metric(work, line.id, MetricDraft("GMV", "元", Better.HIGHER, True, date(2026, 11, 20), date(2026, 11, 30)))
        told = d_day_move(work, line, line.d_day + timedelta(days=10))
        assert [(one.name, one.before.isoformat(), one.after.isoformat()) for one in told.named] == [
            ("过会", "2026-10-12", "2026-10-22"), ("计划冻结", "2026-11-04", "2026-11-14"), ("开业检查", "2026-11-09", "2026-11-19"),
            ("放行决定", "2026-11-10", "2026-11-20"), ("执行收尾", "2026-11-14", "2026-11-24"),
            ("指标“GMV”开始", "2026-11-20", "2026-11-30"), ("复盘", "2026-11-21", "2026-12-01"),
            ("指标“GMV”截止", "2026-11-30", "2026-12-10"),
        ], "not what is passed or pinned"  # fmt: skip
        assert not any(one.over for one in told.named)
        assert [one.name for one in d_day_move(work, line, line.d_day - timedelta(days=60)).named if one.over][:2] == ["过会", "计划冻结"]


def test_milestone_when_set_by_the_director_then_it_moves_with_d_day_and_stands_on_the_chart(work_as: Callable, story: Story) -> None:
    with work_as("苏航") as work, pytest.raises(NotAllowed):
        set_milestone(work, story.line_id, name="过会", day=date(2026, 10, 12))
    with work_as("林悦") as work:
        milestone_id = set_milestone(work, story.line_id, name=" 过会 ", day=date(2026, 10, 12)).id
        assert last_kinds(work) == ["main_lines.plan.milestone_set"]
        move_d_day(work, story.line_id, date(2026, 11, 21))
        line, milestones = get_line(work, story.line_id), milestones_of(work, story.line_id)
        assert [(one.name, one.due_offset) for one in milestones] == [("过会", -30)]
        day = line.d_day + timedelta(days=milestones[0].due_offset)
        (mark,) = chart_of(plan_of(work, line), line.d_day, Scale.WEEKS, [(day, "过会")]).marks
        assert (mark.day, mark.before) == (date(2026, 10, 22), True)
        near = [(day + timedelta(days=number), "过会") for number in range(3)]
        chart = chart_of(plan_of(work, line), line.d_day, Scale.WHOLE, near)
        assert [mark.lane for mark in chart.marks] == [0, 1, 2], "names of days that are close stand above each other"
        assert chart.top == SCALE_HEIGHT + 2 * LANE
        for room in (100, FILLED, 1500):
            chart = chart_of(plan_of(work, line), line.d_day, Scale.WHOLE, near, room=room)
            assert 0 <= max(room, FILLED) - chart.width < chart.day, "the whole of a plan fills what is there and no more"
    with work_as(OUTSIDE) as work, pytest.raises(NotFound):
        drop_milestone(work, milestone_id)
    with work_as("林悦") as work:
        drop_milestone(work, milestone_id)
        assert milestones_of(work, story.line_id) == []
