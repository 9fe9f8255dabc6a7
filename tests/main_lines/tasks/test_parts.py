"""Departments involved, the checklist, and many orders at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import event

from main_lines.lines.models import MainLine
from main_lines.lines.rules import FIRST_DAY, LAST_DAY
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import assign_task, check_item, draft_of, edit_task, move_item, sign_task
from main_lines.tasks.bulk import assign_tasks, done_of, shift_tasks, sign_tasks
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.queries import involved_tasks
from tests.house import NOW
from tests.main_lines.conftest import OUTSIDE, Story
from workspace.db import Database
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound
from workspace.parts import Parts

HTMX = {"HX-Request": "true"}


def test_involved_when_signed_then_their_department_sees_it_and_is_told(
    work_as: Callable, write: Callable, story: Story, run_jobs: Callable, signed_in: Callable
) -> None:
    service = story.people["赵宁"].department_id
    task_id = write(involved=[service, story.people["苏航"].department_id])
    with work_as("林悦", writes=False) as work:
        assert get_task(work, task_id).involved == [service], "who carries it out is not beside themselves"
    with work_as("赵宁", writes=False) as work:
        assert involved_tasks(work) == [], "a draft concerns nobody else"
    with work_as("林悦") as work:
        sign_task(work, task_id)
    run_jobs()
    with work_as("赵宁", writes=False) as work:
        assert [row.id for row in involved_tasks(work)] == [task_id]
    assert [row["id"] for row in signed_in("zhaoning").get("/api/tasks/involved").get_json()["tasks"]] == [task_id]
    assert "主视觉" in signed_in("zhaoning").get("/notices").get_data(as_text=True)
    page = signed_in("wuhao").get(f"/lines/{story.line_id}/tasks/rows?department={service}").get_data(as_text=True)
    assert "主视觉" in page, "the list of a department has what it takes part in"
    for name in ("苏航", "吴昊", OUTSIDE):
        with work_as(name, writes=False) as work:
            assert involved_tasks(work) == [], name


def test_checklist_when_ticked_then_says_who_and_when_and_keeps_it_through_an_edit(work_as: Callable, write: Callable) -> None:
    task_id = write(checklist=["横版", "竖版", "归档"])
    with work_as("苏航") as work:
        item = check_item(work, task_id, 1, done=True).checklist[1]
        assert (item["text"], item["done"], item["by"], item["at"]) == ("竖版", True, "苏航", NOW.isoformat())
    with work_as("林悦") as work:
        sign_task(work, task_id)
    with work_as("苏航") as work:
        order = move_item(work, task_id, 2, to=0)
        assert [item["text"] for item in order.checklist] == ["归档", "横版", "竖版"]
        assert (order.state, order.checklist[2]["by"]) == ("ready", "苏航"), "another order asks for nothing new"
        assert [item["text"] for item in move_item(work, task_id, 0, to=-1).checklist] == ["归档", "横版", "竖版"]
    with work_as("林悦") as work:
        draft = draft_of(get_task(work, task_id))
        draft.checklist.append("方图")
        order = edit_task(work, task_id, draft)
        assert (order.state, order.checklist[2]["by"]) == ("waiting", "苏航")
    with work_as("吴昊") as work, pytest.raises(NotAllowed):
        move_item(work, task_id, 0, to=1)


def test_checklist_when_moved_by_a_button_then_focus_can_stay(signed_in: Callable, write: Callable) -> None:
    task_id = write(checklist=["横版", "竖版"])
    person = signed_in("suhang")
    before = person.get(f"/tasks/{task_id}").get_data(as_text=True)
    after = person.post(f"/tasks/{task_id}/checklist", {"index": "1", "to": "0"}, headers=HTMX).get_data(as_text=True)
    buttons = {part.split('"')[0] for part in before.split('id="chevron-up-')[1:]}
    assert len(buttons) == 2
    assert buttons == {part.split('"')[0] for part in after.split('id="chevron-up-')[1:]}
    assert after.index("竖版") < after.index("横版")


def test_bulk_when_some_are_refused_then_the_others_are_done_and_each_says_why(work_as: Callable, write: Callable, story: Story) -> None:
    first, changed, finished = write("一"), write("二"), write("三")
    with work_as("林悦") as work:
        marks = {id: get_task(work, id).mark for id in (first, changed, finished)}
        sign_task(work, finished)
        edit_task(work, changed, replace(draft_of(get_task(work, changed)), title="二改"))
    with work_as("林悦") as work:
        outcomes = {one.id: one.refused for one in sign_tasks(work, {**marks, "0" * 26: ""})}
        assert done_of(sign_tasks(work, {first: ""})) == 0, "it is signed already"
    assert outcomes[first] == ""
    assert "修改过" in outcomes[changed]
    assert "状态" in outcomes[finished]
    assert "没有找到" in outcomes["0" * 26]
    with work_as("林悦", writes=False) as work:
        assert [get_task(work, id).state for id in (first, changed)] == ["ready", "draft"]


def test_bulk_when_days_are_shifted_then_what_counts_from_d_day_goes_on_counting(work_as: Callable, write: Callable) -> None:
    counted, pinned, open_end = write("一", offset=-10), write("二", offset=None, due_on=date(2026, 10, 20)), write("三", offset=None)
    with work_as("林悦") as work:
        outcomes = {one.id: one.refused for one in shift_tasks(work, [counted, pinned, open_end], days=3)}
        assert (outcomes[counted], outcomes[pinned]) == ("", "")
        assert "截止日" in outcomes[open_end]
        orders = {id: work.session.get_one(TaskOrder, id) for id in (counted, pinned)}
        assert (orders[counted].due_offset, orders[pinned].due_on) == (-7, date(2026, 10, 23))
        assert "离 D 日太远" in shift_tasks(work, [counted], days=-365)[0].refused


def test_bulk_when_a_day_would_leave_the_calendar_then_refused_and_where_it_was(work_as: Callable, write: Callable) -> None:
    """The form of an order takes no other day either: with such a one it could not be changed any more."""
    first, last = (write(offset=None, due_on=day) for day in (FIRST_DAY, LAST_DAY))
    with work_as("林悦") as work:
        for task_id, days in ((first, -1), (last, 1)):
            assert "截止日太远" in shift_tasks(work, [task_id], days=days)[0].refused
            assert shift_tasks(work, [task_id], days=-days)[0].refused == ""
        assert get_task(work, last).due_on == LAST_DAY - timedelta(days=1)


def test_bulk_when_assigned_by_a_member_then_only_their_own_go_along(work_as: Callable, write: Callable, story: Story) -> None:
    mine, other = write("一"), write("二", owner="吴昊")
    with work_as("苏航") as work:
        outcomes = {one.id: bool(one.refused) for one in assign_tasks(work, [mine, other], owner_id=story.id_of("赵宁"))}
    assert outcomes == {mine: False, other: True}
    with work_as("林悦") as work, pytest.raises(InvalidInput):
        assign_tasks(work, [], owner_id=story.id_of("赵宁"))


def test_bulk_when_sent_from_the_list_then_the_list_says_what_became_of_it(signed_in: Callable, write: Callable, story: Story) -> None:
    task_id = write()
    director, url = signed_in("linyue"), f"/lines/{story.line_id}/tasks/bulk"
    listed = director.get(f"/lines/{story.line_id}/tasks").get_data(as_text=True)
    seen = listed.split(f'value="{task_id}:')[1].split('"')[0]
    assert director.post(url, {"orders": f"{task_id}:{seen}", "act": "sign"}).status_code == 303
    assert "已处理 1 张" in director.get(f"/lines/{story.line_id}/tasks").get_data(as_text=True)
    told = director.post(f"/api{url}", json={"orders": [task_id], "act": "sign"}).get_json()
    assert (told["done"], bool(told["orders"][0]["refused"])) == (0, True)
    assert director.post(url, {"orders": "0" * 26, "act": "sign"}).status_code == 404


def test_frozen_when_the_plan_is_then_the_owner_of_the_words_asks_the_director(work_as: Callable, write: Callable) -> None:
    task_id = write(by="苏航")
    with work_as("林悦") as work:
        work.session.get_one(MainLine, sign_task(work, task_id).line_id).frozen_at = work.now
    with work_as("苏航") as work, pytest.raises(Conflict) as refused:
        edit_task(work, task_id, replace(draft_of(get_task(work, task_id)), title="改名"))
    assert (refused.value.code, str(refused.value.title)) == ("task_frozen", "计划已经冻结")
    with work_as(OUTSIDE) as work, pytest.raises(NotFound):
        assign_task(work, task_id, "0" * 26)


def test_orders_when_signed_at_once_then_each_asks_the_database_little(
    signed_in: Callable, story: Story, write: Callable, parts: Parts
) -> None:
    """What is open to the signer, and which orders are of the line, is none of each signature's business."""
    orders, director, asked = [write(f"单 {number}") for number in range(8)], signed_in("linyue"), []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    event.listen(parts.get(Database).engine, "before_cursor_execute", note)
    counts = []
    for chosen in (orders[:2], orders[2:]):
        asked.clear()
        assert director.post(f"/lines/{story.line_id}/tasks/bulk", data={"act": "sign", "orders": chosen}).status_code == 303
        counts.append(len(asked))
    assert (counts[1] - counts[0]) / 4 <= 10
