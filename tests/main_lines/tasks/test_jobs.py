from collections.abc import Callable

from tests.main_lines.conftest import Story
from workspace.search.actions import index_document
from workspace.search.queries import find


def test_orders_when_they_were_indexed_by_less_then_found_by_all_that_is_written_in_them(
    work_as: Callable, run_jobs: Callable, write: Callable, story: Story
) -> None:
    task_id = write("主视觉", checklist=["裁切安全区"], expected=["竖版海报"])

    def found(words: str) -> list[str]:
        with work_as("苏航", writes=False) as work:
            return [thing.url for thing in find(work, words)]

    with work_as("林悦") as work:
        index_document(work, subject=f"task:{task_id}", room=story.room, title="主视觉", url=f"/tasks/{task_id}", note="双十一大促")
    assert found("安全区") == []
    with work_as("林悦") as work:
        work.after_commit("main_lines.index_orders")
    run_jobs()
    assert [found(words) for words in ("主视觉", "横竖各一", "安全区", "竖版海报")] == [[f"/tasks/{task_id}"]] * 4
