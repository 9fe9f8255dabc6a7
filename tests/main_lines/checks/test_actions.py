"""A checklist out to four stores, as its people use it. 赵宁 (客服) is the line's only member in 成都; nobody is in a store."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from main_lines.checks.access import get_check, get_sheet
from main_lines.checks.actions import CheckDraft, add_stores, close_check, fill_item, open_check, remind_missing, reopen_check
from main_lines.checks.models import StoreCheck, StoreSheet
from main_lines.checks.queries import CheckPage, check_page, my_sheets, open_checks
from main_lines.checks.reactions import remind_of_the_day
from main_lines.checks.rules import Kind, Scope
from main_lines.lines.access import get_line
from main_lines.lines.actions import add_line_member
from main_lines.tasks.actions import sign_task
from main_lines.work.queries import now_count
from tests.house import NOW
from tests.main_lines.conftest import Story, last_kinds
from workspace.db import Database
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound
from workspace.jobs.worker import JobRun
from workspace.notices.models import Notice
from workspace.people.actions import add_site
from workspace.people.models import Member, Site
from workspace.work import open_work

ITEMS = [("价签检查", Kind.TICK, -3), ("扫码枪数量", Kind.NUMBER, -3), ("橱窗说明", Kind.TEXT, None)]


@pytest.fixture
def check_id(work_as: Callable, story: Story) -> str:
    with work_as("林悦") as work:
        return open_check(work, story.line_id, draft(story)).id


def draft(story: Story, **more: object) -> CheckDraft:
    wanted = {
        "title": "开业前检查",
        "department_id": story.people["赵宁"].department_id,
        "items": ITEMS,
        "scope": Scope.ALL,
        "due_offset": -1,
    }
    return CheckDraft(**wanted | more)  # type: ignore[arg-type]


def page_of(work_as: Callable, check_id: str, name: str = "林悦", **more: object) -> CheckPage:
    with work_as(name, writes=False, **more) as work:
        return check_page(work, get_check(work, check_id))


def sheet_of(work_as: Callable, check_id: str, store: str) -> str:
    with work_as("林悦", writes=False) as work:
        query = select(StoreSheet.id).join(Site, Site.id == StoreSheet.site_id).where(StoreSheet.check_id == check_id, Site.name == store)
        return work.session.scalars(query).one()


def fill(work_as: Callable, sheet_id: str, *answers: str, name: str = "赵宁") -> list[str]:
    with work_as(name) as work:
        for number, answer in enumerate(answers, 1):
            fill_item(work, sheet_id, str(number), answer)
        return last_kinds(work)


def told(work_as: Callable, url: str) -> set[str]:
    with work_as("林悦", writes=False) as work:
        query = select(Member.name).join(Notice, Notice.member_id == Member.id).where(Notice.url == url, Notice.asks)
        return set(work.session.scalars(query))


def test_check_when_sent_out_then_a_sheet_for_each_store_and_who_is_near_is_asked(
    work_as: Callable, run_jobs: Callable, story: Story, check_id: str
) -> None:
    page = page_of(work_as, check_id)
    assert [(city.city, [row.store for row in city.sheets]) for city in page.cities] == [
        ("北京", ["三里屯店"]), ("上海", ["淮海路店"]), ("广州", ["天河城店"]), ("成都", ["春熙路店"]),
    ]  # fmt: skip
    assert (page.row.whole.stores, page.row.whole.done, set(page.unmanned)) == (4, 0, {"三里屯店", "淮海路店", "天河城店"})
    run_jobs()
    assert told(work_as, f"/sheets/{sheet_of(work_as, check_id, '春熙路店')}") == {"赵宁"}, "who has one alone is led right to it"
    with work_as("赵宁", writes=False) as work:
        (mine,) = my_sheets(work)
        assert (mine.store, mine.line_name, mine.due) == ("春熙路店", "双十一大促", date(2026, 11, 8))
        assert now_count(work) == 0
    with work_as("赵宁", writes=False, now=datetime(2026, 11, 8, 2, tzinfo=UTC)) as work:
        assert now_count(work) == 1, "its first item is due today"
    for name in ("苏航", "何青"):
        with work_as(name, writes=False) as work:
            assert my_sheets(work) == []


def test_sheet_when_the_last_item_is_answered_then_done_and_open_again_when_it_is_taken_back(
    work_as: Callable, check_id: str, story: Story
) -> None:
    sheet_id = sheet_of(work_as, check_id, "春熙路店")
    assert fill(work_as, sheet_id, "true", "20") == ["main_lines.sheet.filled"] * 2
    assert fill(work_as, sheet_id, "true", "20", "红色横幅") == ["main_lines.sheet.filled", "main_lines.sheet.done"], (
        "what stands is not said again"
    )
    page = page_of(work_as, check_id)
    assert (page.row.whole.done, page.missing) == (1, ["三里屯店", "淮海路店", "天河城店"])
    (row,) = next(city for city in page.cities if city.city == "成都").sheets
    assert (row.done_by, row.done_at) == ("赵宁", NOW)
    with work_as("林悦", writes=False) as work:
        assert {roll.done for roll in open_checks(work, get_line(work, story.line_id)).by_store.values()} == {0, 1}
    assert fill(work_as, sheet_id, "") == ["main_lines.sheet.cleared"]
    assert page_of(work_as, check_id).row.whole.done == 0


def test_sheet_when_two_phones_answer_otherwise_then_the_second_learns_of_it(work_as: Callable, check_id: str) -> None:
    sheet_id = sheet_of(work_as, check_id, "春熙路店")
    fill(work_as, sheet_id, "true", "20")
    with pytest.raises(Conflict, match="赵宁") as refused, work_as("林悦") as work:
        fill_item(work, sheet_id, "2", "18", seen=0)
    assert (refused.value.code, refused.value.facts["n"]) == ("sheet_changed", 1)
    with work_as("赵宁") as work:
        fill_item(work, sheet_id, "2", "21", seen=0)  # One's own, typed on before the first was answered.
    with work_as("林悦") as work:
        fill_item(work, sheet_id, "2", "18", seen=2)
        assert get_sheet(work, sheet_id).answers["2"]["value"] == "18"


@pytest.mark.parametrize(("name", "error"), [("苏航", NotAllowed), ("何青", NotFound)])
def test_sheet_when_filled_in_by_somebody_else_then_refused(work_as: Callable, check_id: str, name: str, error: type[Exception]) -> None:
    with pytest.raises(error), work_as(name) as work:
        fill_item(work, sheet_of(work_as, check_id, "春熙路店"), "1", "true")


@pytest.mark.parametrize(("key", "text"), [("2", "二十把"), ("9", "true"), ("3", "字" * 501)])
def test_sheet_when_the_answer_does_not_fit_then_a_sentence(work_as: Callable, check_id: str, key: str, text: str) -> None:
    with pytest.raises(InvalidInput) as refused, work_as("赵宁") as work:
        fill_item(work, sheet_of(work_as, check_id, "春熙路店"), key, text)
    assert refused.value.fields


def test_check_when_stores_open_later_then_they_get_it(
    work_as: Callable, run_jobs: Callable, company: Database, story: Story, check_id: str
) -> None:
    with work_as("林悦") as work:
        shanghai = work.session.scalars(select(Site.id).where(Site.name == "上海")).one()
        by_hand = open_check(work, story.line_id, draft(story, title="只此一家", scope=Scope.STORES, chosen=[_store(work, "淮海路店")])).id
        by_city = open_check(work, story.line_id, draft(story, title="上海各店", scope=Scope.CITIES, chosen=[shanghai])).id
    with open_work(company, parts=work.parts) as work:
        add_site(work, kind="store", name="静安寺店", parent_id=shanghai)
    run_jobs()
    assert [page_of(work_as, one).row.whole.stores for one in (check_id, by_city, by_hand)] == [5, 2, 1]
    with work_as("林悦") as work:
        assert add_stores(work, by_hand, [_store(work, "静安寺店"), _store(work, "淮海路店")]) == ["静安寺店"]
    with pytest.raises(NotAllowed), work_as("赵宁") as work:
        add_stores(work, by_hand, [])


def _store(work: object, name: str) -> str:
    return work.session.scalars(select(Site.id).where(Site.name == name)).one()  # type: ignore[attr-defined]


def test_check_when_closed_with_stores_missing_then_only_for_a_reason_and_nothing_is_filled_in_any_more(
    work_as: Callable, check_id: str
) -> None:
    with pytest.raises(InvalidInput) as refused, work_as("林悦") as work:
        close_check(work, check_id)
    assert "reason" in refused.value.fields
    with work_as("林悦") as work:
        close_check(work, check_id, reason="三家装修")
    for act in (
        lambda work: fill_item(work, sheet_of(work_as, check_id, "春熙路店"), "1", "true"),
        lambda work: close_check(work, check_id),
    ):
        with pytest.raises(Conflict), work_as("林悦") as work:
            act(work)
    assert page_of(work_as, check_id).closed_reason == "三家装修"


def test_check_when_reopened_then_filled_in_on_and_stores_that_opened_meanwhile_have_it(
    work_as: Callable, run_jobs: Callable, company: Database, story: Story, check_id: str
) -> None:
    sheet_id = sheet_of(work_as, check_id, "春熙路店")
    fill(work_as, sheet_id, "true")
    run_jobs()
    with work_as("林悦") as work:
        shanghai = work.session.scalars(select(Site.id).where(Site.name == "上海")).one()
        close_check(work, check_id, reason="三家装修")
    with open_work(company, parts=work.parts) as work:
        add_site(work, kind="store", name="静安寺店", parent_id=shanghai)
    run_jobs()
    assert page_of(work_as, check_id).row.whole.stores == 4
    with pytest.raises(NotAllowed), work_as("赵宁") as work:
        reopen_check(work, check_id)
    with work_as("林悦", writes=False) as work:
        asked = select(func.count()).where(Notice.url == f"/sheets/{sheet_id}", Notice.asks)
        before = work.session.scalar(asked)
    with work_as("林悦") as work:
        reopen_check(work, check_id)
        assert last_kinds(work) == ["main_lines.check.reopened"]
    run_jobs()
    page = page_of(work_as, check_id)
    assert (page.row.closed_at, page.closed_reason, page.row.whole.stores, page.row.whole.begun) == (None, "", 5, 1)
    with work_as("林悦", writes=False) as work:
        assert work.session.scalar(asked) == before + 1, "who is missing is asked again"
    fill(work_as, sheet_id, "true", "20", "红色横幅")
    with pytest.raises(Conflict), work_as("林悦") as work:
        reopen_check(work, check_id)


def test_reminder_when_sent_then_who_is_missing_is_asked_once_an_hour(
    work_as: Callable, run_jobs: Callable, check_id: str, story: Story
) -> None:
    with work_as("林悦") as work:
        add_line_member(work, story.line_id, story.id_of("唐欣"))
        assert len(remind_missing(work, check_id)) == 4
    with pytest.raises(Conflict), work_as("林悦") as work:
        remind_missing(work, check_id)
    run_jobs()
    assert told(work_as, f"/sheets/{sheet_of(work_as, check_id, '春熙路店')}") == {"赵宁"}, "唐欣 is of another department"


def test_reminder_of_the_day_when_due_then_sent_once(work_as: Callable, company: Database, check_id: str) -> None:
    def reminded_on() -> object:
        with open_work(company, writes=False) as work:
            return work.session.get_one(StoreCheck, check_id).reminded_on

    with work_as("林悦", writes=False) as work:
        parts = work.parts
    at = datetime(2026, 11, 8, 0, 30, tzinfo=UTC)

    class Run(JobRun):
        def open_work(self, **options: object) -> object:  # type: ignore[override]
            return open_work(company, parts=parts, now=at)

    run = Run(company, parts, 1, "test", None)  # type: ignore[arg-type]
    remind_of_the_day(run)
    assert reminded_on() is None, "half past eight in the morning"
    at = datetime(2026, 11, 8, 2, tzinfo=UTC)
    remind_of_the_day(run)
    assert reminded_on() == at.date()


def test_check_when_sent_out_from_a_signed_order_then_its_owner_may_and_nobody_else(
    work_as: Callable, write: Callable, story: Story
) -> None:
    task_id = write("门店物料", owner="苏航")
    for name in ("苏航", "赵宁"):
        with pytest.raises(NotAllowed), work_as(name) as work:
            open_check(work, story.line_id, draft(story, task_id=task_id))
    with work_as("林悦") as work:
        sign_task(work, task_id)
    with work_as("苏航") as work:
        assert open_check(work, story.line_id, draft(story, task_id=task_id)).task_id == task_id
    with pytest.raises(InvalidInput), work_as("林悦") as work:
        open_check(work, story.line_id, draft(story, scope=Scope.CITIES, chosen=["0" * 26]))
