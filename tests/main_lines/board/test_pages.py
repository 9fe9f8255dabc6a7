import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, select

from main_lines.alerts.actions import raise_alert
from main_lines.alerts.rules import AlertKind, Severity
from main_lines.board.queries import PRESSING_SHOWN, ROWS_SHOWN, board_of, my_line_cards
from main_lines.gates.actions import pass_gate
from main_lines.gates.rules import GateKey
from main_lines.lines.access import get_line
from main_lines.lines.actions import name_signers, state_health
from main_lines.lines.rules import Health
from main_lines.numbers.actions import MetricDraft, define_metric, note_value
from main_lines.numbers.rules import Aim, Better
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import Draft, block_task, deliver_task, return_task, sign_task, start_task, submit_task, write_tasks
from main_lines.tasks.glances import counts_by_line, counts_of, line_glances
from main_lines.tasks.models import TaskEvent, TaskOrder
from main_lines.tasks.queries import line_tasks
from main_lines.tasks.record import record
from main_lines.tasks.rules import State
from tests.house import NOW
from tests.main_lines.conftest import D_DAY, Story
from tests.pages import OpenPage
from tests.pages import open_page as open_page
from tests.pages import site as site
from workspace.db import Database
from workspace.parts import Parts
from workspace.people.models import Member


def board(person, story: Story) -> str:
    return person.get(f"/lines/{story.line_id}/board/fragment").get_data(as_text=True)


def test_board_when_something_is_late_then_names_it_its_holder_and_the_days(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable, today: date
) -> None:
    task_id = write("主视觉", offset=None, due_on=today - timedelta(days=4))
    with work_as("林悦") as work:
        sign_task(work, task_id)
    person = signed_in("linyue")
    told = person.get(f"/api/lines/{story.line_id}/board").get_json()
    (pressing,) = told["pressing"]
    assert (pressing["title"], pressing["owner"], pressing["city"]) == ("主视觉", "苏航", "上海")
    assert pressing["late_days"] == 4
    assert told["health"] | {"reason": ""} == {"health": "amber", "source": "facts", "reason": "", "at": None}
    page = board(person, story)
    assert re.search(r"现在最要紧.*主视觉.*逾期 4 天.*苏航", page, re.S)


def test_board_when_read_by_a_program_then_it_says_what_the_map_shows(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable
) -> None:
    task_id = write("主视觉")
    with work_as("林悦") as work:
        start, end = work.now.date() - timedelta(days=1), work.now.date() + timedelta(days=1)
        metric = define_metric(work, story.line_id, MetricDraft("GMV", "万元", Better.HIGHER, True, start, end))
        note_value(work, metric.id, aim=Aim.ACTUAL, value=Decimal("12.5"))
        sign_task(work, task_id)
    told = signed_in("linyue").get(f"/api/lines/{story.line_id}/board").get_json()
    (number,) = told["numbers"]["metrics"]
    assert (number["name"], number["actual"], number["unit"], number["source"]["by"]) == ("GMV", 12.5, "万元", "林悦")
    assert [order["title"] for order in told["path"]["orders"]] == ["主视觉"]
    assert (told["path"]["slip"], told["path"]["baseline"]) == (0, "开启时")
    shanghai = next(city for city in told["cities"] if city["name"] == "上海")
    assert (shanghai["orders"], shanghai["percent"], shanghai["present"]) == (1, 0, None)


def test_board_when_nothing_was_said_then_unknown_and_not_green(signed_in: Callable, story: Story) -> None:
    assert signed_in("linyue").get(f"/api/lines/{story.line_id}/board").get_json()["health"]["health"] == "unknown"
    assert "负责人还没有给出判断" in board(signed_in("linyue"), story)


def test_board_when_the_judgement_is_a_day_old_then_grey(signed_in: Callable, work_as: Callable, story: Story) -> None:
    now = datetime.now(UTC)
    for hours, health, source in ((1, "green", "stated"), (25, "unknown", "stale")):
        with work_as("林悦", now=now - timedelta(hours=hours)) as work:
            state_health(work, story.line_id, health=Health.GREEN, reason=f"{hours} 小时前还好")
        shown = signed_in("suhang").get(f"/api/lines/{story.line_id}/board").get_json()["health"]
        assert (shown["health"], shown["source"]) == (health, source)


def test_board_when_read_by_a_member_then_without_the_directors_desk(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable
) -> None:
    task_id = write()
    with work_as("苏航") as work:
        submit_task(work, task_id)
    assert "等我处理" in board(signed_in("linyue"), story)
    page = signed_in("suhang").get(f"/lines/{story.line_id}/board").get_data(as_text=True)
    assert "等我处理" not in page
    assert 'value="sign"' not in page
    assert 'id="gate"' not in page


def test_board_when_others_are_named_to_sign_then_their_desk_holds_the_order_and_not_the_directors(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable
) -> None:
    task_id = write()
    with work_as("林悦") as work:
        name_signers(work, story.line_id, department_id="", member_ids=[story.id_of("赵宁")])
    with work_as("苏航") as work:
        submit_task(work, task_id)
    director = signed_in("linyue")
    assert director.get(f"/api/lines/{story.line_id}/board").get_json()["for_me"] == []
    assert "没有等您签发或验收的" in board(director, story)
    signer = signed_in("zhaoning")
    (order,) = signer.get(f"/api/lines/{story.line_id}/board").get_json()["for_me"]
    assert order["id"] == task_id
    assert 'value="sign"' in board(signer, story)


def test_board_when_what_is_late_waits_for_a_signature_then_who_signs_holds_it(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable, today: date
) -> None:
    write("主视觉", offset=None, due_on=today - timedelta(days=4))
    with work_as("苏航") as work:
        submit_task(work, work.session.scalars(select(TaskOrder.id)).one())
    wall = f"/lines/{story.line_id}/wall/fragment"
    assert "逾期 4 天 · 待林悦签发" in board(signed_in("suhang"), story)
    assert re.search(r'class="wall-who">林悦<small>由苏航执行', signed_in("suhang").get(wall).get_data(as_text=True))
    with work_as("林悦") as work:
        name_signers(work, story.line_id, department_id="", member_ids=[story.id_of("赵宁"), story.id_of("吴昊")])
    assert re.search(r"逾期 4 天 · 待(赵宁、吴昊|吴昊、赵宁)签发", board(signed_in("suhang"), story))


def test_state_when_returned_then_its_icon_is_not_that_of_late(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable
) -> None:
    task_id = write("脚本")
    with work_as("林悦") as work:
        sign_task(work, task_id)
    with work_as("苏航") as work:
        start_task(work, task_id)
        deliver_task(work, task_id, "稿件")
    with work_as("林悦") as work:
        return_task(work, task_id, reason="重写")
    cell = re.search(
        r'class="map-state">.*?</span>', signed_in("linyue").get(f"/lines/{story.line_id}/wall/fragment").get_data(as_text=True)
    )
    assert cell
    assert "arrow-back-up" in cell[0]


def test_board_when_in_english_then_lists_have_commas(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable, today: date
) -> None:
    write("晚了", offset=None, due_on=today - timedelta(days=4))
    blocked = write("受阻")
    with work_as("林悦") as work:
        sign_task(work, blocked)
    with work_as("苏航") as work:
        start_task(work, blocked)
        block_task(work, blocked, reason="等")
    person = signed_in("linyue")
    person.get("/language/en")
    assert re.search(r"1 blocked, \d late", board(person, story))


@pytest.mark.browser
def test_map_when_on_a_phone_then_what_presses_and_who_holds_it_stand_on_the_first_screen(
    open_page: OpenPage, work_as: Callable, story: Story, write: Callable, today: date
) -> None:
    late = write("主视觉", offset=None, due_on=today - timedelta(days=4))
    with work_as("林悦") as work:
        sign_task(work, late)
        raise_alert(work, story.line_id, kind=AlertKind.STOCK, severity=Severity.CRITICAL, title="首批可售库存不足", detail="两行\n的说明")
    page = open_page(f"/lines/{story.line_id}/board", phone=True)
    box = page.locator(".map-area-press .map-act").first.bounding_box()
    bar = page.locator(".tabbar").bounding_box()
    assert box
    assert bar
    assert box["y"] + box["height"] <= bar["y"]
    done = page.locator(".map-done").bounding_box()
    assert done
    assert box["y"] < done["y"], "what can wait stands below"


def test_board_when_something_is_late_then_one_click_reminds_its_holder(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable, today: date
) -> None:
    task_id = write(offset=None, due_on=today - timedelta(days=4))
    with work_as("林悦") as work:
        sign_task(work, task_id)
    asks, director = f'action="/tasks/{task_id}/remind"', signed_in("linyue")
    assert asks in board(director, story)
    assert asks not in board(signed_in("suhang"), story), "nobody reminds themselves"
    back = f"/lines/{story.line_id}/board"
    assert director.post(f"/tasks/{task_id}/remind", data={"back": back}).location == back
    page = board(director, story)
    assert asks not in page
    assert "提醒过" in page


def test_cell_when_its_content_changes_then_its_id_does(signed_in: Callable, work_as: Callable, story: Story, write: Callable) -> None:
    """The page lights up what has an id it did not have before: a changed cell is a new one, the others keep theirs."""
    first, _second = write("主视觉"), write("话术", owner="赵宁")
    person = signed_in("linyue")

    def cells() -> set[str]:
        return set(re.findall(r'id="(cell-[^"]+)"', board(person, story)))

    before = cells()
    with work_as("苏航") as work:
        block_task(work, first, reason="等素材")
    after = cells()
    assert len(before) == len(after) == 6
    assert len(after - before) == 1
    assert "blocked" in (after - before).pop()


@pytest.mark.parametrize("path", ["board", "wall"])
def test_map_when_shown_then_it_listens_to_its_room_alone(signed_in: Callable, story: Story, path: str) -> None:
    page = signed_in("linyue").get(f"/lines/{story.line_id}/{path}").get_data(as_text=True)
    assert f'data-refresh-room="{story.room}"' in page
    assert f'data-refresh-url="/lines/{story.line_id}/{path}/fragment"' in page
    assert "data-room-page" in page, "a removed member's browser leaves the page"


def test_alerts_when_raised_then_n_of_m_on_the_map(signed_in: Callable, work_as: Callable, story: Story) -> None:
    with work_as("吴昊") as work:
        alert_id = raise_alert(work, story.line_id, kind=AlertKind.STOCK, title="主推款缺货").id
    person = signed_in("suhang")
    assert "1 / 4" in board(person, story)
    assert person.post(f"/alerts/{alert_id}/acknowledge", data={"back": f"/lines/{story.line_id}/board"}).status_code == 303
    assert "2 / 4" in board(person, story)
    assert "确认收到" not in board(person, story)


def test_board_when_more_presses_than_it_shows_then_counted_named_by_the_api_and_no_order_is_read_whole(
    signed_in: Callable, work_as: Callable, story: Story
) -> None:
    now = datetime.now(UTC)
    with work_as("苏航") as work:
        me = work.session.get_one(Member, work.actor.member_id)
        days = range(2, ROWS_SHOWN + 6)
        late = [Draft(f"单 {n}", me.department_id, owner_id=me.id, due_on=now.date() - timedelta(days=n)) for n in days]
        write_tasks(work, story.line_id, late, submit=True)
    whole: list[TaskOrder] = []

    def note(order: TaskOrder, _context: object) -> None:
        whole.append(order)

    event.listen(TaskOrder, "load", note)
    with work_as("林悦", writes=False, now=now) as work:
        found = board_of(work, get_line(work, story.line_id))
        my_line_cards(work)
    event.remove(TaskOrder, "load", note)
    titles = [draft.title for draft in late[::-1]]
    assert [row.title for row in found.pressing] == titles[:ROWS_SHOWN]
    assert (found.pressing_count, len(found.asking), len(found.for_me), found.rest_to_sign) == (len(late), len(late), ROWS_SHOWN, True)
    assert whole == [], "a map of ten thousand orders adds up columns"
    director = signed_in("linyue")
    assert f"还有 {len(late) - PRESSING_SHOWN} 张" in board(director, story)
    told = director.get(f"/api/lines/{story.line_id}/board").get_json()
    assert [order["title"] for order in told["pressing"]] == titles
    assert len(told["for_me"]) == len(late)


def test_board_when_looked_at_again_then_the_database_is_asked_nothing_twice(
    signed_in: Callable, story: Story, write: Callable, parts: Parts
) -> None:
    write()
    director, asked = signed_in("linyue"), []
    board(director, story)

    def note(_connection: object, _cursor: object, statement: str, values: object, _context: object, _many: bool) -> None:
        asked.append((statement, str(values)))

    event.listen(parts.get(Database).engine, "before_cursor_execute", note)
    board(director, story)
    assert [statement for statement, times in Counter(asked).items() if times > 1] == []


def test_counts_when_the_database_adds_up_what_is_alike_then_as_when_each_order_is_looked_at(
    work_as: Callable, story: Story, write: Callable
) -> None:
    today = NOW.date()
    for due in ({"offset": (today - D_DAY).days - 3}, {"offset": None, "due_on": today - timedelta(days=4)}, {"offset": None}):
        for state in (State.WAITING, State.IN_PROGRESS, State.DELIVERED, State.ACCEPTED, State.CANCELLED, State.RETURNED):
            for blocked in (False, True):
                task_id = write(**due)
                with work_as("林悦") as work:
                    order = get_task(work, task_id)
                    order.state, order.blocked_at, order.blocked_reason = state.value, work.now if blocked else None, "等" * blocked
                    record(work, TaskEvent.STARTED, order)
    with work_as("林悦", writes=False) as work:
        line = get_line(work, story.line_id)
        counts = counts_of(line_tasks(work, line))
        assert counts_by_line(work) == {line.id: counts}
        assert counts_of(line_glances(work, line)) == counts
    assert (counts.total, counts.done, counts.waiting, counts.late) == (30, 6, 6, 12)
    assert counts.blocked == 12


def test_gate_when_orders_are_open_then_a_reason_is_asked_for(signed_in: Callable, story: Story, write: Callable) -> None:
    write()
    director = signed_in("linyue")
    refused = director.post(f"/api/lines/{story.line_id}/gate", json={"note": ""})
    assert (refused.status_code, list(refused.get_json()["error"]["facts"]["fields"])) == (422, ["note"])
    assert director.post(f"/api/lines/{story.line_id}/gate", json={"note": "转入执行"}).get_json() == {"phase": "execute"}
    assert "转入执行" in director.get(f"/lines/{story.line_id}").get_data(as_text=True)


def test_lines_when_listed_then_with_countdown_and_counts(signed_in: Callable, story: Story, write: Callable) -> None:
    write()
    (line,) = signed_in("suhang").get("/api/lines").get_json()["lines"]
    assert (line["name"], line["d_day"], line["counts"]["total"], line["counts"]["done"]) == ("双十一大促", "2026-11-11", 1, 0)
    page = signed_in("suhang").get("/lines").get_data(as_text=True)
    assert "双十一大促" in page
    assert "/lines/new" not in page, "only who may open lines is offered it"


def test_line_when_over_then_neither_pressing_in_lists_nor_reminding_on_its_map(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable, today: date
) -> None:
    task_id = write("主视觉", offset=None, due_on=today - timedelta(days=4))
    with work_as("林悦") as work:
        sign_task(work, task_id)
    director, reminds = signed_in("linyue"), f'action="/tasks/{task_id}/remind"'
    assert reminds in board(director, story)
    assert "1 张逾期" in director.get("/lines/rows").get_data(as_text=True)
    with work_as("林悦") as work:
        for key in (GateKey.GO, GateKey.WRAP, GateKey.REVIEW):
            pass_gate(work, story.line_id, key, note="不做了")
    assert reminds not in board(director, story)
    assert "没有了结的" in board(director, story)
    page = director.get("/lines/rows").get_data(as_text=True)
    assert "已结束" in page
    assert "张逾期" not in page
    assert "有风险" not in page


def test_lines_when_there_are_none_then_says_what_to_do(signed_in: Callable) -> None:
    assert "/lines/new" in signed_in("linyue").get("/lines").get_data(as_text=True)
    page = signed_in("heqing").get("/lines").get_data(as_text=True)
    assert "您还不在任何主线中" in page
    assert "/lines/new" not in page
