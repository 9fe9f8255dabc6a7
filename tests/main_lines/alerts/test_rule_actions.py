"""Alerts with a cause: one at a time, gone by themselves, told up the stair."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from main_lines.alerts import actions, reactions
from main_lines.alerts.actions import (
    acknowledge_alert,
    acknowledge_all,
    clear_by_rule,
    close_alert,
    escalate_alert,
    raise_alert,
    raise_by_rule,
    remind_missing,
    report_alert,
    save_rules,
    watch_line,
)
from main_lines.alerts.models import Alert
from main_lines.alerts.queries import alert_page, open_alerts
from main_lines.alerts.rules import DEFAULTS, AlertKind, AlertRule, Setting, Severity, Stair, Step
from main_lines.alerts.watching import alerts_to_escalate
from main_lines.gates.actions import pass_gate
from main_lines.gates.queries import gate_row
from main_lines.gates.rules import GateKey
from main_lines.lines.actions import move_d_day, remove_line_member
from main_lines.lines.models import MainLine
from main_lines.tasks.actions import block_task, deliver_task, sign_task, start_task
from tests.house import NOW
from tests.main_lines.conftest import OUTSIDE, Story, last_kinds
from workspace.db import Database
from workspace.errors import Conflict, NotAllowed, NotFound
from workspace.jobs.models import Job
from workspace.jobs.registry import JOBS
from workspace.jobs.worker import put_periodic
from workspace.notices.models import Notice
from workspace.parts import Parts
from workspace.people.models import Member
from workspace.work import Work, open_work

LATER = NOW + timedelta(days=60)  # The story's D-day is over by then.


@pytest.fixture
def as_system(company: Database, parts: Parts) -> Callable:
    return lambda now=NOW: open_work(company, parts=parts, now=now)


@pytest.fixture
def standing(work_as: Callable, story: Story) -> Callable[[], list[tuple[str, str]]]:
    def read() -> list[tuple[str, str]]:
        with work_as("林悦", writes=False) as work:
            return [(row.rule, row.title) for row in open_alerts(work, story.line_id)]

    return read


def stock(work: Work, story: Story, title: str = "主推款缺货") -> str | None:
    return raise_by_rule(work, story.line_id, "out_of_stock", "stock:1001", title, "可用 12 件")


def told(work_as: Callable, url: str) -> set[str]:
    with work_as("林悦", writes=False) as work:
        query = select(Member.name).join(Notice, Notice.member_id == Member.id).where(Notice.url == url, Notice.read_at.is_(None))
        return set(work.session.scalars(query))


def test_cause_when_raised_again_then_the_alert_that_stands(work_as: Callable, story: Story, standing: Callable) -> None:
    with work_as("吴昊") as work:
        first = stock(work, story)
    with work_as("苏航") as work:
        assert stock(work, story, "还是缺货") == first
        assert last_kinds(work) == []
    assert standing() == [("out_of_stock", "主推款缺货")]


def test_cause_when_gone_then_its_alert_closes_and_only_then_comes_back(work_as: Callable, story: Story, standing: Callable) -> None:
    with work_as("吴昊") as work:
        first = stock(work, story)
    with work_as("林悦") as work:
        close_alert(work, first)
    with work_as("吴昊") as work:
        assert stock(work, story) == first, "somebody has closed it, and its cause stands"
    assert standing() == []
    with work_as("吴昊") as work:
        assert clear_by_rule(work, story.line_id, "out_of_stock", "stock:1001")
        assert last_kinds(work) == ["main_lines.alert.cleared"]
        assert not clear_by_rule(work, story.line_id, "out_of_stock", "stock:1001")
    with work_as("吴昊") as work:
        assert stock(work, story) not in (None, first)
    assert len(standing()) == 1


def test_cause_when_two_are_written_at_once_then_the_database_takes_one(work_as: Callable, story: Story) -> None:
    with work_as("吴昊") as work:
        first = work.session.get(Alert, stock(work, story))
        values = {column.key: getattr(first, column.key) for column in Alert.__table__.columns}
    with work_as("吴昊", writes=False) as work:
        work.session.add(Alert(**values | {"id": "another"}))
        with pytest.raises(IntegrityError):
            work.session.flush()


def test_rule_when_switched_off_then_nothing_is_raised_and_what_stood_is_closed(
    work_as: Callable, story: Story, standing: Callable
) -> None:
    with work_as("吴昊") as work:
        stock(work, story)
    off = {AlertRule.OUT_OF_STOCK: Setting(False, 0, Severity.CRITICAL)}
    with pytest.raises(NotAllowed), work_as("苏航") as work:
        save_rules(work, story.line_id, rules=off, stairs={})
    with work_as("林悦") as work:
        save_rules(work, story.line_id, rules=off, stairs={})
    assert standing() == []
    with work_as("吴昊") as work:
        assert stock(work, story) is None
    with work_as("林悦") as work:
        save_rules(work, story.line_id, rules={AlertRule.OUT_OF_STOCK: DEFAULTS[AlertRule.OUT_OF_STOCK]}, stairs={})
        assert stock(work, story)


def test_rule_when_more_come_than_anybody_reads_then_no_more_are_raised(
    work_as: Callable, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MOST_OF_A_RULE", 2)
    with work_as("吴昊") as work:
        raised = [raise_by_rule(work, story.line_id, AlertRule.OUT_OF_STOCK, f"stock:{n}", f"款 {n}") for n in range(3)]
    assert [bool(one) for one in raised] == [True, True, False]


def test_rule_when_asked_by_an_outsider_then_the_line_is_absent(work_as: Callable, story: Story) -> None:
    for verb in (lambda work: stock(work, story), lambda work: clear_by_rule(work, story.line_id, "out_of_stock", "stock:1001")):
        with pytest.raises(NotFound), work_as(OUTSIDE) as work:
            verb(work)


def test_clock_when_orders_fall_behind_then_raises_each_once_and_clears_what_is_over(
    work_as: Callable, as_system: Callable, story: Story, write: Callable, standing: Callable
) -> None:
    late, blocked, _unsigned = write("主视觉", offset=-20), write("页面", offset=None), write("脚本", offset=None)
    for task_id in (late, blocked):
        with work_as("林悦") as work:
            sign_task(work, task_id)
        with work_as("苏航") as work:
            start_task(work, task_id)
    with work_as("苏航") as work:
        block_task(work, blocked, reason="等样衣")
    then = NOW + timedelta(days=24)
    with as_system(then) as work:
        assert watch_line(work, story.line_id) == 2
    assert standing() == [("blocked", "页面"), ("late", "主视觉")]
    with as_system(then) as work:
        assert watch_line(work, story.line_id) == 0
    with work_as("林悦", writes=False) as work:
        rows = open_alerts(work, story.line_id)
        assert [row.about for row in rows] == [f"/tasks/{blocked}", f"/tasks/{late}"]
        assert "等样衣" in rows[0].detail
        assert "苏航" in rows[0].detail
    with work_as("苏航", now=then) as work:
        deliver_task(work, late, "主图")
    with as_system(then) as work:
        assert watch_line(work, story.line_id) == 1
    assert standing() == [("blocked", "页面")]
    with as_system(LATER) as work:  # D-1 is over, and orders are open.
        watch_line(work, story.line_id)
    assert [rule for rule, _title in standing()] == ["gate", "blocked"], "the worst is on top"
    with work_as("林悦") as work:
        assert gate_row(work, work.session.get_one(MainLine, story.line_id), GateKey.GO).alerts == [], "it stands in no gate's way"
        pass_gate(work, story.line_id, GateKey.GO, note="转入执行")
    with as_system(LATER) as work:
        watch_line(work, story.line_id)
    assert [rule for rule, _title in standing()] == ["blocked"]


def test_jobs_when_their_time_comes_then_lines_are_watched_and_stairs_climbed(
    work_as: Callable, company: Database, run_jobs: Callable, story: Story, write: Callable, standing: Callable
) -> None:
    """Lines of which nothing is to be said get no job."""
    task_id = write("主视觉", offset=-300)
    with work_as("林悦") as work:
        sign_task(work, task_id)
        save_rules(work, story.line_id, rules={AlertRule.GATE: Setting(False, 3, Severity.INFO)}, stairs={})
    with company.session(writes=True) as session:
        session.execute(delete(Job))
        session.commit()
    for name in ("main_lines.watch_lines", "main_lines.escalate_alerts"):
        assert put_periodic(company, JOBS[name], NOW)
    run_jobs()
    assert standing() == [("late", "主视觉")]
    with work_as("吴昊") as work:
        alert_id = raise_alert(work, story.line_id, kind=AlertKind.STOCK, title="缺货").id
    assert put_periodic(company, JOBS["main_lines.escalate_alerts"], NOW + timedelta(minutes=5))
    assert put_periodic(company, JOBS["main_lines.watch_lines"], NOW + timedelta(minutes=5))
    run_jobs()
    with work_as("林悦", writes=False) as work:
        assert [step["step"] for step in work.session.get_one(Alert, alert_id).escalations] == list(Step)
    assert len(standing()) == 2


def test_clock_when_an_order_is_handed_in_or_d_day_moves_then_the_alert_goes_with_the_event(
    work_as: Callable, run_jobs: Callable, story: Story, write: Callable, standing: Callable
) -> None:
    first, second = write("主视觉", offset=-300), write("页面", offset=-299)
    with work_as("林悦") as work:
        sign_task(work, first)
        sign_task(work, second)
        save_rules(work, story.line_id, rules={AlertRule.GATE: Setting(False, 3, Severity.INFO)}, stairs={})
    run_jobs()
    assert standing() == [("late", "主视觉"), ("late", "页面")], "new rules are looked at with their event"
    with work_as("林悦", writes=False) as work:
        url = f"/alerts/{open_alerts(work, story.line_id)[0].id}"
    assert told(work_as, url) == {"林悦", "苏航", "赵宁", "吴昊"}
    with work_as("苏航") as work:
        deliver_task(work, first, "主图")
    run_jobs()
    assert standing() == [("late", "页面")]
    assert told(work_as, url) == set(), "nobody is asked any more"
    with work_as("林悦") as work:
        move_d_day(work, story.line_id, NOW.date() + timedelta(days=2000))
    run_jobs()
    assert standing() == []


def test_report_when_sent_again_by_a_program_then_the_same_alert(signed_in: Callable, story: Story) -> None:
    person, url = signed_in("wuhao"), f"/api/lines/{story.line_id}/alerts"
    body = {"kind": "stock", "severity": "critical", "title": "A 仓断货", "subject": "erp:1001"}
    first = person.post(url, json=body)
    again = person.post(url, json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert person.post(f"{url}/clear", json={"subject": "erp:1001"}).get_json() == {"count": 1}
    assert person.post(f"{url}/clear", json={"subject": "erp:1001"}).get_json() == {"count": 0}
    assert person.post(url, json=body).status_code == 201
    for wrong in ({"severity": "deadly"}, {"subject": "x" * 121}, {"title": ""}):
        assert person.post(url, json=body | wrong).status_code == 422


def test_report_when_too_many_stand_then_refused(work_as: Callable, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST_BY_HAND", 1)
    with work_as("吴昊") as work:
        first, _new = report_alert(work, story.line_id, subject="erp:1", kind=AlertKind.OTHER, title="一")
    with work_as("吴昊") as work:
        assert report_alert(work, story.line_id, subject="erp:1", kind=AlertKind.OTHER, title="一")[0].id == first.id
    with pytest.raises(Conflict), work_as("吴昊") as work:
        raise_alert(work, story.line_id, kind=AlertKind.OTHER, title="二")


def test_stair_when_nobody_answers_then_climbed_in_turn_and_told_once(
    work_as: Callable, as_system: Callable, run_jobs: Callable, story: Story
) -> None:
    with work_as("吴昊") as work:
        alert = raise_alert(work, story.line_id, kind=AlertKind.STOCK, title="缺货", severity=Severity.CRITICAL)
        assert alert.escalates_at == NOW + timedelta(minutes=5)
    with work_as("苏航", now=NOW + timedelta(minutes=1)) as work:
        acknowledge_alert(work, alert.id)
    with as_system(NOW + timedelta(minutes=5)) as work:
        assert alerts_to_escalate(work) == [alert.id]
    climbed = []
    for minutes in (4, 5, 6, 15, 100):
        with as_system(NOW + timedelta(minutes=minutes)) as work:
            climbed.append(escalate_alert(work, alert.id))
    assert climbed == [None, Step.REMIND, None, Step.HEAD, Step.EVERYONE]
    with work_as("林悦", writes=False) as work:
        page = alert_page(work, work.session.get_one(Alert, alert.id))
        assert [(row.taken, row.missing) for row in page.stair] == [(True, 2)] * 4
        assert page.stair[0].told == sorted(["林悦", "赵宁"])
        assert page.stair[1].told == ["林悦"], "the one above them who is in the line"
        assert [len(row.told) for row in page.stair[2:]] == [1, 4], "taken at once, and each says whom it told"
        assert [one.card.name for one in page.seen] == ["吴昊", "苏航"]
        assert work.session.get_one(Alert, alert.id).escalates_at is None
    run_jobs()
    assert told(work_as, f"/alerts/{alert.id}") == {"林悦", "苏航", "赵宁", "吴昊"}


def test_stair_when_all_have_acknowledged_or_left_then_not_climbed(work_as: Callable, as_system: Callable, story: Story) -> None:
    with work_as("吴昊") as work:
        alert = raise_alert(work, story.line_id, kind=AlertKind.STOCK, title="缺货")
    for name in ("林悦", "赵宁"):
        with work_as(name) as work:
            assert acknowledge_all(work, story.line_id) == 1
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    with as_system(LATER) as work:
        assert alerts_to_escalate(work) == []
        assert escalate_alert(work, alert.id) is None
    with work_as("林悦", writes=False) as work:
        assert alert_page(work, work.session.get_one(Alert, alert.id)).stair == []


def test_stair_when_its_times_change_then_alerts_that_stand_go_by_the_new_ones(work_as: Callable, story: Story) -> None:
    with work_as("吴昊") as work:
        alert = raise_alert(work, story.line_id, kind=AlertKind.STOCK, title="缺货")
    with work_as("林悦") as work:
        save_rules(work, story.line_id, rules={}, stairs={Severity.WARNING: Stair(remind=7)})
    with work_as("林悦", writes=False) as work:
        assert work.session.get_one(Alert, alert.id).escalates_at == NOW + timedelta(minutes=7)


def test_missing_when_reminded_by_hand_then_told_and_not_again_at_once(work_as: Callable, run_jobs: Callable, story: Story) -> None:
    with work_as("吴昊") as work:
        alert = raise_alert(work, story.line_id, kind=AlertKind.STOCK, title="缺货")
    with work_as("林悦") as work:
        acknowledge_alert(work, alert.id)
    with pytest.raises(NotAllowed), work_as("苏航") as work:
        remind_missing(work, alert.id)
    with work_as("林悦") as work:
        assert remind_missing(work, alert.id) == 2
    with pytest.raises(Conflict), work_as("林悦", now=NOW + timedelta(minutes=9)) as work:
        remind_missing(work, alert.id)
    run_jobs()
    assert told(work_as, f"/alerts/{alert.id}") == {"苏航", "赵宁"}


def test_many_alerts_of_one_rule_when_raised_then_the_director_alone_is_told_one_by_one(
    work_as: Callable, run_jobs: Callable, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "ALL_ARE_TOLD", 0)
    with work_as("吴昊") as work:
        alert_id = stock(work, story)
    run_jobs()
    assert told(work_as, f"/alerts/{alert_id}") == {"林悦"}
