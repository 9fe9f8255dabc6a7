from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from main_lines.lines.access import get_line
from main_lines.lines.actions import move_d_day
from main_lines.tasks import actions
from main_lines.tasks.access import count_open_orders, get_task
from main_lines.tasks.actions import Draft
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.queries import line_tasks, my_work, task_row
from main_lines.tasks.record import OFTEN
from main_lines.tasks.rules import State
from tests.house import NOW
from tests.main_lines.conftest import OUTSIDE, Story, last_kinds
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyRequests


def state_of(work_as: Callable, task_id: str) -> str:
    with work_as("林悦", writes=False) as work:
        return get_task(work, task_id).state


def test_order_when_it_goes_its_way_then_every_step_is_recorded(work_as: Callable, write: Callable) -> None:
    task_id = write()
    steps = [
        ("林悦", lambda work: actions.submit_task(work, task_id), "submitted", "waiting"),
        ("林悦", lambda work: actions.sign_task(work, task_id), "signed", "ready"),
        ("苏航", lambda work: actions.start_task(work, task_id), "started", "in_progress"),
        ("苏航", lambda work: actions.deliver_task(work, task_id, "https://example.com/a"), "delivered", "delivered"),
        ("林悦", lambda work: actions.return_task(work, task_id, reason="主标题太小"), "returned", "returned"),
        ("苏航", lambda work: actions.deliver_task(work, task_id, "改好了"), "delivered", "delivered"),
        ("林悦", lambda work: actions.accept_task(work, task_id), "accepted", "accepted"),
        ("林悦", lambda work: actions.close_task(work, task_id), "closed", "closed"),
    ]
    for name, step, kind, state in steps:
        with work_as(name) as work:
            step(work)
            assert last_kinds(work) == [f"main_lines.task.{kind}"]
        assert state_of(work_as, task_id) == state


def test_decline_when_not_to_be_signed_like_this_then_back_to_its_writer_with_the_reason(work_as: Callable, write: Callable) -> None:
    task_id = write()
    with work_as("林悦") as work:
        actions.submit_task(work, task_id)
    with pytest.raises(NotAllowed), work_as("苏航") as work:
        actions.decline_task(work, task_id, reason="先定主推款")
    with work_as("林悦") as work:
        actions.decline_task(work, task_id, reason="先定主推款")
        assert [(str(one.kind), one.facts["reason"]) for one in work.recorded] == [("main_lines.task.declined", "先定主推款")]
    assert state_of(work_as, task_id) == "draft"


def test_start_when_unsigned_then_refused_by_name(work_as: Callable, write: Callable) -> None:
    task_id = write()
    with pytest.raises(Conflict) as refused, work_as("苏航") as work:
        actions.start_task(work, task_id)
    assert refused.value.code == "task_unsigned"
    assert state_of(work_as, task_id) == "draft"


@pytest.mark.parametrize(("name", "refusal"), [("苏航", NotAllowed), ("赵宁", NotAllowed), (OUTSIDE, NotFound)])
def test_sign_when_not_the_director_then_refused(work_as: Callable, write: Callable, name: str, refusal: type[Exception]) -> None:
    task_id = write()
    with pytest.raises(refusal), work_as(name) as work:
        actions.sign_task(work, task_id)
    assert state_of(work_as, task_id) == "draft"


def signed(work_as: Callable, write: Callable, **more: object) -> str:
    task_id = write(**more)
    with work_as("林悦") as work:
        actions.sign_task(work, task_id)
    return task_id


def rewritten(work, task_id: str, **changes: object) -> Draft:
    order = work.session.get_one(TaskOrder, task_id)
    fields = {"title": order.title, "department_id": order.department_id, "requirements": order.requirements, "owner_id": order.owner_id,
              "due_offset": order.due_offset, "due_on": order.due_on} | changes  # fmt: skip
    return Draft(**fields)


@pytest.mark.parametrize("change", [{"requirements": "再加一张方图"}, {"title": "主视觉与方图"}, {"checklist": ["横版"]}])
def test_edit_when_requirements_of_a_signed_order_change_then_signed_again(work_as: Callable, write: Callable, change: dict) -> None:
    task_id = signed(work_as, write)
    with work_as("苏航") as work:
        actions.start_task(work, task_id)
    with work_as("林悦") as work:
        actions.edit_task(work, task_id, rewritten(work, task_id, **change))
    with work_as("林悦", writes=False) as work:
        order = get_task(work, task_id)
        assert (order.state, order.revision, order.signed_revision) == ("waiting", 2, 1)
    with pytest.raises(Conflict), work_as("苏航") as work:
        actions.deliver_task(work, task_id, "旧要求的成果")
    with work_as("林悦") as work:
        actions.sign_task(work, task_id)
    with work_as("林悦", writes=False) as work:
        assert get_task(work, task_id).signed_revision == 2


def test_edit_when_only_the_day_changes_then_the_signature_holds(work_as: Callable, write: Callable) -> None:
    task_id = signed(work_as, write)
    with work_as("林悦") as work:
        actions.edit_task(work, task_id, rewritten(work, task_id, due_offset=None, due_on=date(2026, 10, 20)))
        assert work.recorded[-1].facts["sign_again"] is False
    assert state_of(work_as, task_id) == "ready"


def test_edit_when_nothing_changes_then_nothing_is_recorded(work_as: Callable, write: Callable) -> None:
    task_id = signed(work_as, write)
    with work_as("林悦") as work:
        actions.edit_task(work, task_id, rewritten(work, task_id))
        assert work.recorded == []


def test_edit_when_by_its_owner_then_refused(work_as: Callable, write: Callable) -> None:
    """Who does the work does not rewrite what was asked."""
    task_id = signed(work_as, write)
    with pytest.raises(NotAllowed), work_as("苏航") as work:
        actions.edit_task(work, task_id, rewritten(work, task_id, requirements="少做一点"))


def test_start_when_nobody_owns_it_then_a_member_of_the_department_takes_it(work_as: Callable, write: Callable, story: Story) -> None:
    task_id = signed(work_as, write, owner=None)
    with pytest.raises(NotAllowed), work_as("赵宁") as work:
        actions.start_task(work, task_id)
    with work_as("苏航") as work:
        actions.start_task(work, task_id)
    with work_as("林悦", writes=False) as work:
        assert get_task(work, task_id).owner_id == story.id_of("苏航")


def test_block_when_said_then_shown_with_its_reason_until_delivered(work_as: Callable, write: Callable) -> None:
    task_id = signed(work_as, write)
    with work_as("苏航") as work:
        actions.block_task(work, task_id, reason="等模特排期")
    with pytest.raises(Conflict), work_as("苏航") as work:
        actions.start_task(work, task_id)
    with work_as("林悦", writes=False) as work:
        row = task_row(work, get_task(work, task_id))
        assert (row.shown_state, row.blocked_reason) == ("blocked", "等模特排期")
    with work_as("苏航") as work:
        actions.deliver_task(work, task_id, "改用棚拍")
    with work_as("林悦", writes=False) as work:
        assert get_task(work, task_id).blocked_at is None
    with work_as("苏航") as work:
        actions.block_task(work, task_id, reason="没有人验收")
    with work_as("林悦") as work:
        actions.accept_task(work, task_id)
        row = task_row(work, get_task(work, task_id))
        assert (row.shown_state, row.blocked_reason) == ("accepted", "")


@pytest.mark.parametrize("verb", [actions.block_task, actions.cancel_task, actions.decline_task])
def test_reason_when_missing_then_asked_for(work_as: Callable, write: Callable, verb: Callable) -> None:
    task_id = write()
    with work_as("林悦") as work:
        actions.submit_task(work, task_id)
    with pytest.raises(InvalidInput) as refused, work_as("林悦") as work:
        verb(work, task_id, reason="  ")
    assert "reason" in refused.value.fields


def test_owner_when_not_in_the_line_then_refused(work_as: Callable, story: Story) -> None:
    owner = story.people[OUTSIDE]
    draft = Draft(title="预算", department_id=owner.department_id, owner_id=owner.id)
    with pytest.raises(NotFound), work_as("林悦") as work:
        actions.write_task(work, story.line_id, draft)


def test_assign_when_handed_over_then_the_department_goes_along(work_as: Callable, write: Callable, story: Story) -> None:
    task_id = signed(work_as, write)
    with work_as("苏航") as work:
        actions.assign_task(work, task_id, story.id_of("赵宁"))
    with work_as("赵宁", writes=False) as work:
        row = task_row(work, get_task(work, task_id))
        assert (row.owner_name, row.department_name, row.city_name) == ("赵宁", "客服", "成都")
    with pytest.raises(NotAllowed), work_as("苏航") as work:
        actions.assign_task(work, task_id, story.id_of("苏航"))


def test_check_item_when_ticked_then_counted(work_as: Callable, write: Callable) -> None:
    task_id = write(checklist=["横版", "竖版"])
    with work_as("苏航") as work:
        actions.check_item(work, task_id, 1, done=True)
        assert (work.recorded[-1].facts["done"], work.recorded[-1].facts["all"]) == (1, 2)
    with pytest.raises(NotAllowed), work_as("赵宁") as work:
        actions.check_item(work, task_id, 0, done=True)


def test_d_day_when_moved_then_offsets_follow_and_pinned_dates_stay(work_as: Callable, write: Callable, story: Story) -> None:
    write("跟随", offset=-10)
    write("固定", offset=None, due_on=date(2026, 10, 20))
    write("未定", offset=None)
    with work_as("林悦") as work:
        move_d_day(work, story.line_id, date(2026, 11, 16))
    with work_as("林悦", writes=False) as work:
        due = {row.title: row.due for row in line_tasks(work, get_line(work, story.line_id))}
    assert due == {"跟随": date(2026, 11, 6), "固定": date(2026, 10, 20), "未定": None}


def test_numbers_when_written_then_count_within_the_line(work_as: Callable, write: Callable, story: Story) -> None:
    write("一")
    write("二")
    with work_as("林悦", writes=False) as work:
        assert sorted(row.number for row in line_tasks(work, get_line(work, story.line_id))) == [1, 2]


def test_count_open_orders_when_asked_then_by_phase(work_as: Callable, write: Callable, story: Story) -> None:
    write("一")
    done = write("二")
    with work_as("林悦") as work:
        actions.cancel_task(work, done, reason="不做了")
        assert count_open_orders(work, story.line_id, "prepare") == 1
        assert count_open_orders(work, story.line_id, "execute") == 0


def test_my_work_when_asked_then_each_sees_their_own(work_as: Callable, write: Callable) -> None:
    signed(work_as, write, title="今天到期", offset=-41)  # D-41 is 1 October, the day of the fixture.
    signed(work_as, write, title="本周到期", offset=-37)
    signed(work_as, write, title="以后", offset=-10)
    write("还在写")
    waiting = write("等签发")
    with work_as("苏航") as work:
        actions.submit_task(work, waiting)
    with work_as("苏航", writes=False) as work:
        mine = my_work(work)
        assert [row.title for row in mine.today] == ["今天到期"]
        assert [row.title for row in mine.week] == ["本周到期"]
        assert [row.title for row in mine.later] == ["以后"]
        assert [row.title for row in mine.with_others] == ["等签发"]
        assert [row.title for row in mine.drafts] == ["还在写"]
        assert mine.to_sign == []
    with work_as("林悦", writes=False) as work:
        mine = my_work(work)
        assert [row.title for row in mine.to_sign] == ["等签发"]
        assert mine.count == 1
    for name in ("赵宁", OUTSIDE):
        with work_as(name, writes=False) as work:
            assert my_work(work).count == 0


def test_states_when_stored_then_the_database_knows_no_others(work_as: Callable, write: Callable) -> None:
    """The column's CHECK is made from the enum: a foreign value cannot be stored."""
    task_id = write()
    foreign = update(TaskOrder).where(TaskOrder.id == task_id).values(state="lost")
    with pytest.raises(IntegrityError), work_as("林悦") as work:
        work.session.execute(foreign)
    assert State(state_of(work_as, task_id)) is State.DRAFT


def mark_of(work_as: Callable, task_id: str) -> str:
    with work_as("林悦", writes=False) as work:
        return get_task(work, task_id).mark


def test_sign_when_the_order_was_changed_since_it_was_read_then_refused(work_as: Callable, write: Callable) -> None:
    task_id = write(by="苏航")
    with work_as("苏航") as work:
        actions.submit_task(work, task_id)
    seen = mark_of(work_as, task_id)
    with work_as("苏航") as work:
        actions.edit_task(work, task_id, rewritten(work, task_id, requirements="只要竖版"))
    with pytest.raises(Conflict) as refused, work_as("林悦") as work:
        actions.sign_task(work, task_id, seen=seen)
    assert refused.value.code == "task_changed"
    with work_as("林悦") as work:
        actions.sign_task(work, task_id, seen=mark_of(work_as, task_id))
    assert state_of(work_as, task_id) == "ready"


def test_accept_when_something_else_was_handed_in_since_then_refused(work_as: Callable, write: Callable) -> None:
    task_id = signed(work_as, write)
    with work_as("苏航") as work:
        actions.deliver_task(work, task_id, "第一稿")
    seen = mark_of(work_as, task_id)
    with work_as("苏航") as work:
        actions.deliver_task(work, task_id, "第二稿")
    with pytest.raises(Conflict), work_as("林悦") as work:
        actions.accept_task(work, task_id, seen=seen)
    assert state_of(work_as, task_id) == "delivered"


def test_edit_when_somebody_else_was_quicker_then_nothing_of_theirs_is_lost(work_as: Callable, write: Callable, story: Story) -> None:
    task_id = signed(work_as, write)
    seen = mark_of(work_as, task_id)
    with work_as("林悦", writes=False) as work:
        stale = rewritten(work, task_id, due_offset=-20)
    with work_as("林悦") as work:
        actions.assign_task(work, task_id, story.id_of("吴昊"))
    with pytest.raises(Conflict), work_as("林悦") as work:
        actions.edit_task(work, task_id, stale, seen=seen)
    with work_as("林悦", writes=False) as work:
        assert get_task(work, task_id).owner_id == story.id_of("吴昊")


def test_mark_when_nothing_written_or_handed_in_changes_then_the_same(work_as: Callable, write: Callable) -> None:
    task_id = signed(work_as, write)
    seen = mark_of(work_as, task_id)
    with work_as("苏航") as work:
        actions.start_task(work, task_id)
        actions.block_task(work, task_id, reason="等素材")
    assert mark_of(work_as, task_id) == seen


def test_reason_when_longer_than_its_column_then_refused_or_shortened(work_as: Callable, write: Callable) -> None:
    """SQLite would keep it, PostgreSQL would not."""
    task_id = signed(work_as, write)
    with pytest.raises(InvalidInput) as refused, work_as("苏航") as work:
        actions.block_task(work, task_id, reason="等" * 301)
    assert "300" in refused.value.fields["reason"]
    with work_as("苏航") as work:
        actions.deliver_task(work, task_id, "第一稿")
    with work_as("林悦") as work:
        actions.give_back(work, get_task(work, task_id), by="陈墨", reason="改" * 900)
        assert len(get_task(work, task_id).returned_reason) == 500


def test_checklist_when_the_order_is_finished_then_stays(work_as: Callable, write: Callable) -> None:
    task_id = signed(work_as, write, checklist=["横版"])
    with work_as("苏航") as work:
        actions.deliver_task(work, task_id, "成果")
    with work_as("林悦") as work:
        actions.accept_task(work, task_id)
    with pytest.raises(Conflict), work_as("苏航") as work:
        actions.check_item(work, task_id, 0, done=True)


def test_block_when_said_again_and_again_then_refused_until_an_hour_is_over(work_as: Callable, write: Callable, story: Story) -> None:
    task_id = signed(work_as, write)
    for _time in range(OFTEN):
        with work_as("苏航") as work:
            actions.block_task(work, task_id, reason="样衣未到")
            actions.unblock_task(work, task_id)
    with pytest.raises(TooManyRequests), work_as("苏航") as work:
        actions.block_task(work, task_id, reason="样衣未到")
    with work_as("苏航", now=NOW + timedelta(hours=1, minutes=1)) as work:
        actions.block_task(work, task_id, reason="样衣未到")
