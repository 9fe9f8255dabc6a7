from collections.abc import Callable

from sqlalchemy import select

from main_lines.plans.actions import add_need
from main_lines.tasks.actions import deliver_task, sign_task
from workspace.notices.models import Notice
from workspace.people.models import Member


def test_order_when_its_last_need_is_handed_in_then_its_owner_is_asked(work_as: Callable, write: Callable, run_jobs: Callable) -> None:
    first, second, page = write("选品", owner="赵宁"), write("主视觉", owner="苏航"), write("页面", owner="吴昊")
    with work_as("林悦") as work:
        for need in (first, second):
            add_need(work, page, need)
            sign_task(work, need)

    def asked() -> list[str]:
        run_jobs()
        with work_as("林悦", writes=False) as work:
            query = select(Member.name).join(Notice, Notice.member_id == Member.id).where(Notice.url == f"/tasks/{page}", Notice.asks)
            return list(work.session.scalars(query))

    with work_as("赵宁") as work:
        deliver_task(work, first, "选品表")
    assert asked() == [], "it still waits for the other"
    with work_as("苏航") as work:
        deliver_task(work, second, "主图")
    assert asked() == ["吴昊"]
