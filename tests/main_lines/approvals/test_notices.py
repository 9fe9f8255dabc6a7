"""Who is told when an approval moves, and what becomes of the notice."""

import threading
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

import wiring
from main_lines.approvals import reactions
from main_lines.approvals.actions import (
    Draft,
    approve_request,
    comment_request,
    copy_request,
    recall_request,
    reject_request,
    remind_holders,
    return_request,
    submit_request,
    transfer_step,
)
from main_lines.approvals.reactions import tell_people
from main_lines.lines.actions import open_line, remove_line_member
from main_lines.lines.rules import LineKind
from tests.house import Person
from tests.main_lines.approvals.conftest import LEAVE, Clerk, WorkAs, later
from workspace.db import Database
from workspace.errors import NotFound
from workspace.jobs.worker import JobRun
from workspace.notices.actions import read_notice
from workspace.notices.models import Notice
from workspace.notices.queries import list_notices, unread_count
from workspace.parts import Parts

SignedIn = Callable[[str], Person]
RunJobs = Callable[[], int]


@pytest.fixture
def told(work_as: WorkAs, run_jobs: RunJobs) -> Callable[[str], list[tuple[str, bool]]]:
    """The unread notices of a person as (last word of the kind, asks), newest first."""

    def of(name: str) -> list[tuple[str, bool]]:
        run_jobs()
        with work_as(name, writes=False) as work:
            return [(row.kind.rsplit(".", 1)[1], row.asks) for row in list_notices(work, unread_only=True)]

    return of


def test_notice_when_it_travels_then_whose_turn_it_is_is_asked(
    clerk: Clerk, work_as: WorkAs, told: Callable[[str], list[tuple[str, bool]]]
) -> None:
    approval_id = clerk.submit("陈墨")
    assert told("陈墨") == [("submitted", True)]
    assert told("苏航") == []
    with work_as("陈墨", now=later(1)) as work:
        approve_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"), to=[clerk.id_of("林悦")])
    assert told("林悦") == [("passed_on", True)]
    assert told("苏航") == [("passed_on", False)]
    with work_as("林悦", now=later(2)) as work:
        transfer_step(work, approval_id, step_id=clerk.step(approval_id, "林悦"), to=clerk.id_of("何青"))
    assert told("何青") == [("transferred", True)]
    with work_as("苏航", now=later(3)) as work:
        remind_holders(work, approval_id)
    assert told("何青") == [("reminded", True), ("transferred", True)]
    with work_as("何青", now=later(4)) as work:
        return_request(work, approval_id, step_id=clerk.step(approval_id, "何青"), reason="请改")
    assert told("苏航")[0] == ("returned", True)


def test_notice_when_decided_copied_or_commented_then_the_others_hear(
    clerk: Clerk, work_as: WorkAs, told: Callable[[str], list[tuple[str, bool]]]
) -> None:
    approval_id = clerk.submit("陈墨")
    with work_as("苏航", now=later(1)) as work:
        copy_request(work, approval_id, to=[clerk.id_of("赵宁")])
    assert told("赵宁") == [("copied", False)]
    with work_as("苏航", now=later(2)) as work:
        copy_request(work, approval_id, to=[clerk.id_of("吴昊")])
    assert told("赵宁") == [("copied", False)], "a second copy concerns only who got it"
    with work_as("赵宁", now=later(3)) as work:
        comment_request(work, approval_id, words="收到")
    assert told("吴昊")[0] == ("commented", False)
    with work_as("陈墨", now=later(4)) as work:
        reject_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"), reason="不行")
    assert told("苏航")[0] == ("rejected", False)


def test_notice_when_recalled_then_the_holders_hear(clerk: Clerk, work_as: WorkAs, told: Callable[[str], list[tuple[str, bool]]]) -> None:
    approval_id = clerk.submit("陈墨")
    told("陈墨")
    with work_as("苏航", now=later(1)) as work:
        recall_request(work, approval_id)
    assert told("陈墨")[0] == ("recalled", False)


def test_notice_when_the_reaction_runs_again_then_not_told_twice(
    clerk: Clerk, work_as: WorkAs, run_jobs: RunJobs, company: Database, parts: Parts
) -> None:
    clerk.submit("陈墨")
    run_jobs()
    with work_as("陈墨", writes=False) as work:
        seq = work.session.scalars(select(Notice.seq)).one()
    tell_people(JobRun(company, parts, 2, "again", threading.Event()), seq)
    with work_as("陈墨", writes=False) as work:
        assert unread_count(work) == 1


def test_product_when_composed_then_the_reactions_are_registered() -> None:
    """The tests here import them anyway; a worker has them only through the composition."""
    assert reactions in wiring.REGISTERS


def test_notices_page_when_opened_then_leads_on_and_is_read(clerk: Clerk, signed_in: SignedIn, run_jobs: RunJobs) -> None:
    approval_id = clerk.submit("陈墨")
    run_jobs()
    person = signed_in("chenmo")
    listed = person.get("/api/notices").get_json()
    assert listed["unread"] == 1
    notice = listed["notices"][0]
    assert (notice["url"], notice["asks"]) == (f"/approvals/{approval_id}", True)
    assert "国庆请假" in person.get("/notices").get_data(as_text=True)
    opened = person.post(f"/notices/{notice['id']}/open")
    assert (opened.status_code, opened.location) == (303, f"/approvals/{approval_id}")
    assert person.get("/api/notices").get_json()["unread"] == 0
    assert signed_in("suhang").post(f"/notices/{notice['id']}/open").status_code == 404


def test_notice_when_the_approval_is_dealt_with_then_read(clerk: Clerk, signed_in: SignedIn, run_jobs: RunJobs) -> None:
    approval_id = clerk.submit("陈墨")
    run_jobs()
    person = signed_in("chenmo")
    person.post(f"/approvals/{approval_id}/finish", data={"step": clerk.step(approval_id, "陈墨"), "key": "k"})
    assert person.get("/api/notices").get_json()["unread"] == 0


def test_all_when_marked_as_read_then_only_ones_own(clerk: Clerk, work_as: WorkAs, signed_in: SignedIn, run_jobs: RunJobs) -> None:
    clerk.submit("陈墨", "林悦")
    run_jobs()
    assert signed_in("chenmo").post("/api/notices/read").get_json() == {"read": 1}
    with work_as("林悦") as work:
        assert unread_count(work) == 1
        with pytest.raises(NotFound):
            read_notice(work, "0" * 26)


def test_notice_when_its_reader_leaves_the_line_then_an_approval_stays_theirs(
    work_as: WorkAs, clerk: Clerk, run_jobs: Callable[[], int]
) -> None:
    with work_as("林悦") as work:
        line = open_line(work, name="双十一大促", kind=LineKind.PROMOTION, d_day=date(2026, 11, 11), member_ids=[clerk.id_of("陈墨")])
        to = (clerk.id_of("陈墨"),)
        approval_id = submit_request(work, "leave", Draft(title="请假", values=LEAVE, to=to, line_id=line.id)).approval_id
    run_jobs()
    with work_as("林悦") as work:
        remove_line_member(work, line.id, clerk.id_of("陈墨"))
    with work_as("陈墨", writes=False) as work:
        urls = {row.url for row in list_notices(work)}
        assert f"/approvals/{approval_id}" in urls
        assert not any(url.startswith("/lines/") for url in urls)
