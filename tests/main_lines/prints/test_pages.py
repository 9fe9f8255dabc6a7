from collections.abc import Callable
from dataclasses import replace

from main_lines.prints.queries import record_of
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import block_task, draft_of, edit_task, sign_task
from tests.main_lines.conftest import Story


def test_task_when_printed_then_every_signature_with_its_mark_and_what_stands_now(
    signed_in: Callable, work_as: Callable, write: Callable, story: Story
) -> None:
    task = write("主视觉", checklist=["横版"])
    with work_as("林悦") as work:
        sign_task(work, task)
    with work_as("林悦") as work:
        edit_task(work, task, replace(draft_of(get_task(work, task)), requirements="横竖各二"))
    with work_as("林悦", writes=False) as work:
        record = record_of(work, get_task(work, task))
    assert [(sign.name, sign.revision, sign.current) for sign in record.signatures] == [("林悦", 1, False)]
    page = signed_in("suhang").get(f"/tasks/{task}/print").get_data(as_text=True)
    assert "现行要求尚未签发" in page
    with work_as("林悦") as work:
        sign_task(work, task)
        block_task(work, task, reason="样衣未到")
    page = signed_in("suhang").get(f"/tasks/{task}/print").get_data(as_text=True)
    for words in ("横竖各二", "签发第 2 稿", "现行", "样衣未到", record.signatures[0].mark, "css/print.css"):
        assert words in page, words
    assert "sidebar" not in page
    assert page.index("起草了任务单") < page.index("报告任务单"), "oldest first"


def test_plan_when_printed_then_each_department_with_its_orders(signed_in: Callable, write: Callable, story: Story) -> None:
    write("主视觉"), write("选品", owner="吴昊", offset=-40)
    page = signed_in("suhang").get(f"/lines/{story.line_id}/plan/print").get_data(as_text=True)
    for words in ("主视觉", "选品", "设计策划", "关键路径", "D-30", "2026-11-11"):
        assert words in page, words
