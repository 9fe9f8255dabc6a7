import html
import io
import json
import re
from collections.abc import Callable

import pytest

from main_lines.lines.access import get_line
from main_lines.order_tables.actions import import_orders
from main_lines.order_tables.queries import orders_table
from main_lines.plans.access import needs_of
from main_lines.plans.actions import add_need
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import sign_task
from main_lines.tasks.queries import line_tasks
from main_lines.tasks.rules import State
from tests.main_lines.conftest import Story
from workspace.errors import Conflict, InvalidInput
from workspace.tables import Table, read_table
from workspace.work import Work


def table(*lines: str) -> Table:
    cells = [tuple(cell.strip() for cell in line.split("|")) for line in lines]
    return Table(cells[0], list(enumerate(cells[1:], 2)))


def exported(work: Work, line_id: str) -> Table:
    line = get_line(work, line_id)
    header, rows = orders_table(work, line, line_tasks(work, line))
    return Table(tuple(header), [(number, tuple(cells)) for number, cells in enumerate(rows, 2)])


def test_import_when_rows_are_good_then_written_linked_and_sent_for_signature(work_as: Callable, write: Callable, story: Story) -> None:
    first = write("选品")
    rows = table("标题|负责人|截止|工期|清单|等待", "主视觉|苏航|D-45|5||1", "页面|苏航|2026-10-12|3||主视觉、选品")
    with work_as("林悦") as work:
        assert import_orders(work, story.line_id, rows, submit=True).written == 2
    with work_as("林悦", writes=False) as work:
        by_title = {row.title: row for row in line_tasks(work, get_line(work, story.line_id))}
        assert [by_title["主视觉"].number, by_title["页面"].number] == [2, 3]
        assert by_title["主视觉"].state is State.WAITING
        assert by_title["页面"].pinned
        needs = needs_of(work, story.line_id)
        assert set(needs[by_title["页面"].id]) == {by_title["主视觉"].id, first}


def test_import_when_a_row_is_wrong_then_nothing_is_written_unless_the_good_ones_are_asked_for(work_as: Callable, story: Story) -> None:
    rows = table("标题|部门", "主视觉|设计策划", "页面|没有这个部门")
    with work_as("林悦") as work, pytest.raises(InvalidInput, match="1 处需要修改"):
        import_orders(work, story.line_id, rows)
    with work_as("林悦") as work:
        assert line_tasks(work, get_line(work, story.line_id)) == []
        done = import_orders(work, story.line_id, rows, only_good=True)
    assert (done.written, done.left_out) == (1, 1)


def test_export_when_imported_again_then_nothing_changes_and_nothing_is_doubled(work_as: Callable, write: Callable, story: Story) -> None:
    first, second = write("选品"), write("=1+1 主视觉", checklist=["横版", "竖版"], owner=None)
    with work_as("林悦") as work:
        add_need(work, second, first)
    with work_as("林悦") as work, pytest.raises(InvalidInput, match="没有要导入的内容"):
        import_orders(work, story.line_id, exported(work, story.line_id))


def test_export_when_changed_and_imported_then_updates_by_number_and_asks_for_a_new_signature(
    work_as: Callable, write: Callable, story: Story
) -> None:
    first, second = write("选品"), write("主视觉")
    with work_as("林悦") as work:
        sign_task(work, first)
        add_need(work, second, first)
    with work_as("林悦") as work:
        rows = exported(work, story.line_id)
        seen = {first: get_task(work, first).mark, second: get_task(work, second).mark}
    by_number = {cells[0]: (line, list(cells)) for line, cells in rows.rows}
    requirements, due, needs = (list(rows.header).index(name) for name in ("要求", "截止", "等待"))
    by_number["1"][1][requirements] = "横竖各二"
    by_number["2"][1][due] = "2026-10-12"
    by_number["2"][1][needs] = ""
    changed = Table(rows.header, [(line, tuple(cells)) for line, cells in by_number.values()])
    with work_as("林悦") as work:
        done = import_orders(work, story.line_id, changed, seen=seen)
    assert (done.written, done.changed, done.sign_again) == (0, 2, 1)
    with work_as("林悦", writes=False) as work:
        assert get_task(work, first).state == State.WAITING
        assert get_task(work, second).due_on is not None
        assert needs_of(work, story.line_id) == {}
    by_number["1"][1][requirements] = "横竖各三"
    with work_as("林悦") as work, pytest.raises(Conflict, match="刚刚被修改"):
        import_orders(work, story.line_id, Table(rows.header, [(2, tuple(by_number["1"][1]))]), seen=seen)


def test_import_when_uploaded_then_previewed_first_and_carried_out_after(
    signed_in: Callable, work_as: Callable, write: Callable, story: Story
) -> None:
    write("选品")
    person, here = signed_in("linyue"), f"/lines/{story.line_id}/tasks"
    file = "Title,Department,Due,Colour\n主视觉,设计策划,D-30,red\n页面,没有,某天,\n".encode()
    answer = person.post(f"{here}/import/preview", data={"file": (io.BytesIO(file), "plan.csv")}, content_type="multipart/form-data")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    for words in ("没有“没有”这个部门", "看不懂截止日“某天”", "没有用到的列：Colour", "只导入无误的 1 行"):
        assert words in html.unescape(page), words
    carried = html.unescape(re.search(r'<textarea name="table" hidden>(.*?)</textarea>', page, re.DOTALL).group(1))
    assert json.loads(carried)["rows"][0][1][0] == "主视觉"
    refused = person.post(f"{here}/import", data={"table": carried})
    assert refused.status_code == 422
    assert "什么都没有导入" in refused.get_data(as_text=True)
    assert person.post(f"{here}/import", data={"table": carried, "only_good": "true"}).status_code == 303
    assert "主视觉" in person.get(here).get_data(as_text=True)
    assert person.post(f"{here}/import", data={"table": "nonsense"}).status_code == 422
    assert person.post(f"{here}/import/preview", data={}).status_code == 422
    for form in ("xlsx", "csv"):
        sent = person.get(f"{here}/export?form={form}&phase=prepare")
        read = read_table(f"x.{form}", sent.get_data(), max_rows=100, max_columns=60)
        assert [cells[1] for _line, cells in read.rows] == ["选品", "主视觉"]
        assert "attachment" in sent.headers["Content-Disposition"]
    assert person.get(f"{here}/template").status_code == 200


@pytest.mark.parametrize("title", ["=选品", "＝选品", "＠全员 选品", "－选品"])
def test_export_when_a_title_is_like_a_formula_then_it_runs_nothing_and_comes_back_as_it_was(
    signed_in: Callable, story: Story, write: Callable, title: str
) -> None:
    write(title)
    person, here = signed_in("linyue"), f"/lines/{story.line_id}/tasks"
    sent = person.get(f"{here}/export?form=csv").get_data()
    assert f",'{title}," in sent.decode("utf-8-sig")
    read = read_table("x.csv", sent, max_rows=100, max_columns=60)
    told = person.post(f"/api{here}/import", json={"header": read.header, "rows": read.rows, "dry_run": True}).get_json()
    assert (told["changed"], told["faults"]) == (0, [])


def test_import_when_through_the_api_then_a_dry_run_tells_and_writes_nothing(signed_in: Callable, story: Story) -> None:
    person, url = signed_in("linyue"), f"/api/lines/{story.line_id}/tasks/import"
    body = {"header": ["标题", "部门"], "rows": [[2, ["主视觉", "设计策划"]], [3, ["页面", "没有"]]]}
    told = person.post(url, json={**body, "dry_run": True}).get_json()
    assert (told["written"], told["left_out"], told["faults"][0]["row"]) == (1, 1, 3)
    refused = person.post(url, json=body)
    assert refused.status_code == 422
    assert refused.get_json()["error"]["facts"]["faults"][0]["why"] == "department_unknown"
    assert person.get(f"/api/lines/{story.line_id}/tasks").get_json()["tasks"] == []
    assert person.post(url, json={**body, "only_good": True}).get_json()["written"] == 1


def test_preview_when_an_empty_cell_would_clear_something_then_said_before(signed_in: Callable, write: Callable, story: Story) -> None:
    write("选品")
    person, here = signed_in("linyue"), f"/lines/{story.line_id}/tasks/import/preview"

    def preview(text: str) -> str:
        data = {"file": (io.BytesIO(text.encode()), "plan.csv")}
        return person.post(here, data=data, content_type="multipart/form-data").get_data(as_text=True)

    assert "2 处现有内容将被清空" in preview("任务单号,标题,负责人,截止\n1,选品会,,\n")
    assert "将被清空" not in preview("任务单号,标题\n1,选品会\n")
