from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from main_lines.plans.actions import add_need
from main_lines.tasks.actions import block_task, deliver_task, sign_task, start_task, submit_task
from main_lines.work.queries import load_view, mine_of, now_count
from tests.main_lines.conftest import Story


@pytest.fixture
def signed(work_as: Callable, write: Callable) -> Callable[..., str]:
    def made(title: str, **more: object) -> str:
        task_id = write(title, **more)
        with work_as("林悦") as work:
            sign_task(work, task_id)
        return task_id

    return made


def test_mine_when_things_lie_with_others_then_says_with_whom_and_since_when(
    work_as: Callable, signed: Callable, write: Callable, run_jobs: Callable
) -> None:
    visual, selection, delivered = signed("主视觉"), signed("双十一选品", owner="吴昊"), signed("海报")
    submitted, late = write("横幅"), signed("过期的", offset=-60)
    with work_as("苏航") as work:
        add_need(work, visual, selection)
        start_task(work, delivered)
        deliver_task(work, delivered, "https://example.com/poster")
        submit_task(work, submitted)
    with work_as("苏航", writes=False) as work:
        mine = mine_of(work)
        assert [row.title for row in mine.overdue] == ["过期的"]
        assert {(row.kind, row.title, *row.on, row.what) for row in mine.waiting} == {
            ("need", "主视觉", "吴昊", "双十一选品"), ("acceptance", "海报", "林悦", ""), ("signature", "横幅", "林悦", ""),
        }  # fmt: skip
        assert now_count(work) == 1, "only what is overdue; the rest has time or lies with others"
    with work_as("林悦", writes=False) as work:
        assert ([row.title for row in mine_of(work).to_sign], now_count(work)) == (["横幅"], 2)
    with work_as("吴昊") as work:
        deliver_task(work, selection, "选品表")
        assert late
    with work_as("苏航", writes=False) as work:
        assert "need" not in {row.kind for row in mine_of(work).waiting}, "it was handed in"


def test_mine_when_many_orders_wait_for_a_signature_then_not_asked_for_one_by_one(work_as: Callable, write: Callable) -> None:
    def asked_for() -> int:
        with work_as("苏航", writes=False) as work:
            asked: list[str] = []
            event.listen(work.session.get_bind(), "before_cursor_execute", note := lambda _c, _u, sql, *_rest: asked.append(sql))
            waiting = mine_of(work).waiting
            event.remove(work.session.get_bind(), "before_cursor_execute", note)
        assert {tuple(row.on) for row in waiting} == {("林悦",)}
        return len(asked)

    counts = []
    for more in (1, 8):
        task_ids = [write(f"单 {number}") for number in range(more)]
        with work_as("苏航") as work:
            for task_id in task_ids:
                submit_task(work, task_id)
        counts.append(asked_for())
    assert counts[0] == counts[1]


def test_mine_when_shown_then_each_row_carries_what_a_thumb_does(signed_in: Callable, signed: Callable, work_as: Callable) -> None:
    task_id = signed("主视觉", checklist=["横版"])
    page = signed_in("suhang").get("/tasks").get_data(as_text=True)
    assert 'value="start"' in page
    assert 'value="block"' in page
    assert f'/tasks/{task_id}/check"' in page
    with work_as("苏航") as work:
        start_task(work, task_id)
        block_task(work, task_id, reason="样衣未到")
    page = signed_in("suhang").get("/tasks/rows").get_data(as_text=True)
    assert f'action="/tasks/{task_id}/deliver"' in page
    assert 'value="unblock"' in page
    assert "样衣未到" in page


def test_draft_when_shown_among_ones_work_then_sent_and_not_blocked(signed_in: Callable, write: Callable) -> None:
    write("主视觉", by="苏航")
    page = signed_in("suhang").get("/tasks").get_data(as_text=True)
    assert 'value="submit"' in page
    assert 'value="block"' not in page, "nothing holds up what nobody may begin"


def test_load_when_read_then_only_lines_one_is_in_and_narrowed_down_to_people(
    signed_in: Callable, signed: Callable, work_as: Callable, story: Story, today: date
) -> None:
    for title in ("主视觉", "海报", "横幅"):
        signed(title, offset=None, due_on=today + timedelta(days=13), days=7)
    design = story.people["苏航"].department_id
    with work_as("林悦", writes=False, now=datetime.now(UTC)) as work:
        view = load_view(work)
        row = next(row for name, row in view.rows if name == "设计策划")
        assert view.names_of(row.overloaded) == ["苏航"]
    person = signed_in("linyue")
    page = person.get("/tasks/load").get_data(as_text=True)
    assert "排得太满：苏航" in page
    week = (today + timedelta(days=13)).isoformat()
    assert "主视觉" in person.get(f"/tasks/load/{design}?week={week}").get_data(as_text=True)
    outside = signed_in("heqing")
    assert "苏航" not in outside.get("/tasks/load").get_data(as_text=True)
    assert "主视觉" not in outside.get(f"/tasks/load/{design}?week={week}&line={story.line_id}").get_data(as_text=True)


def test_cities_when_read_then_ready_late_and_there_and_what_nobody_knows_is_not_green(
    signed_in: Callable, signed: Callable, story: Story, today: date
) -> None:
    signed("主视觉", offset=None, due_on=today - timedelta(days=4))
    person = signed_in("linyue")
    cities = {city["name"]: city for city in person.get(f"/api/lines/{story.line_id}/cities").get_json()["cities"]}
    shanghai, chengdu = cities["上海"], cities["成都"]
    assert (shanghai["percent"], shanghai["late"], shanghai["people"]) == (0, 1, ["苏航"])
    assert (chengdu["percent"], chengdu["orders"], chengdu["people"], chengdu["present"]) == (None, 0, ["赵宁"], None)
    page = person.get(f"/lines/{story.line_id}/cities").get_data(as_text=True)
    assert "到岗未知" in page
    assert "逾期 1" in person.get(f"/lines/{story.line_id}/board/fragment").get_data(as_text=True)
