import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from icalendar import Calendar

from main_lines.calendars.access import own_feeds
from main_lines.calendars.actions import make_feed, note_reading, stop_feed
from main_lines.calendars.ics import ics_of
from main_lines.calendars.queries import calendar_of
from main_lines.calendars.rules import Entry
from main_lines.gates.actions import move_gate, pass_gate, reopen_gate
from main_lines.gates.rules import GateKey
from main_lines.lines.actions import move_d_day, remove_line_member
from main_lines.tasks.actions import accept_task, cancel_task, deliver_task, sign_task, start_task
from tests.house import NOW
from tests.main_lines.conftest import D_DAY, Story
from workspace.db import Database
from workspace.errors import InvalidInput, NotFound
from workspace.settings import ROOT

HOSTILE = "换行\r\nBEGIN:VEVENT, 分号; 反斜杠\\ 与“长”" + "字" * 80


def by_uid(content: bytes) -> dict[str, object]:
    return {str(event["uid"]): event for event in Calendar.from_ical(content).walk("VEVENT")}


def test_ics_when_written_then_read_back_as_it_was() -> None:
    entries = [
        Entry("task-1", date(2026, 10, 12), HOSTILE, "备注", "/tasks/1", "任务单", 7, NOW),
        Entry("task-2", date(2026, 12, 31), "取消的", "", "/tasks/2", "任务单", 9, NOW, cancelled=True),
    ]
    content = ics_of(entries, name="主线 · 苏航", base_url="https://company.example")
    assert all(len(line) <= 75 for line in content.split(b"\r\n")), "folded as RFC 5545 asks"
    assert b"\nMETHOD" not in content, "nobody is invited"
    events = by_uid(content)
    assert list(events) == ["task-1@mainline", "task-2@mainline"]
    first, second = events.values()
    assert str(first["summary"]) == HOSTILE.replace("\r\n", "\n")
    assert first["dtstart"].dt == date(2026, 10, 12)
    assert (second["dtend"].dt, second["dtstart"].params["VALUE"]) == (date(2027, 1, 1), "DATE")
    assert (first["sequence"], str(first["status"]), str(second["status"])) == (7, "CONFIRMED", "CANCELLED")
    assert first["dtstamp"].dt == NOW
    assert str(first["url"]) == "https://company.example/tasks/1"


def test_calendar_when_read_then_own_orders_d_day_and_gates_and_nothing_of_others(work_as: Callable, write: Callable, story: Story) -> None:
    mine, theirs, undated = write("主视觉", offset=-30), write("选品", owner="吴昊", offset=-10), write("未定", offset=None)
    with work_as("苏航", writes=False) as work:
        entries = {entry.uid: entry for entry in calendar_of(work)}
    assert entries[f"task-{mine}"].day == D_DAY - timedelta(days=30)
    assert {f"task-{theirs}", f"task-{undated}"}.isdisjoint(entries)
    assert entries[f"dday-{story.line_id}"].day == D_DAY
    assert entries[f"gate-{story.line_id}-freeze"].day == D_DAY - timedelta(days=7)
    with work_as("林悦") as work:
        move_gate(work, story.line_id, GateKey.FREEZE, offset=-9)
    with work_as("苏航", writes=False) as work:
        moved = next(entry for entry in calendar_of(work) if entry.uid == f"gate-{story.line_id}-freeze")
    assert (moved.day, moved.sequence > entries[moved.uid].sequence) == (D_DAY - timedelta(days=9), True)


def test_calendar_when_something_changes_then_the_same_id_and_a_higher_sequence(work_as: Callable, write: Callable, story: Story) -> None:
    task = write("主视觉", offset=-30)

    def entry() -> Entry:
        with work_as("苏航", writes=False) as work:
            return next(entry for entry in calendar_of(work) if entry.uid == f"task-{task}")

    before = entry()
    with work_as("林悦") as work:
        move_d_day(work, story.line_id, D_DAY + timedelta(days=2))
    moved = entry()
    assert (moved.day, moved.sequence > before.sequence) == (before.day + timedelta(days=2), True)
    with work_as("林悦") as work:
        cancel_task(work, task, reason="不做了")
    assert entry().cancelled
    assert entry().sequence > moved.sequence
    with work_as("苏航", writes=False, now=NOW + timedelta(days=40)) as work:
        assert f"task-{task}" not in {entry.uid for entry in calendar_of(work)}


def test_calendar_when_a_line_is_over_then_only_what_came_about(work_as: Callable, write: Callable, story: Story) -> None:
    open_one, done = write("没做完", offset=-30), write("做完了", offset=-20)
    with work_as("林悦") as work:
        sign_task(work, done)
    with work_as("苏航") as work:
        start_task(work, done)
        deliver_task(work, done, "稿件")
    with work_as("林悦") as work:
        accept_task(work, done)
        pass_gate(work, story.line_id, GateKey.GO, note="按计划")
        pass_gate(work, story.line_id, GateKey.WRAP, note="按计划")

    def uids() -> set[str]:
        with work_as("苏航", writes=False) as work:
            return {entry.uid for entry in calendar_of(work)}

    assert {f"task-{open_one}", f"task-{done}", f"dday-{story.line_id}", f"gate-{story.line_id}-freeze"} <= uids()
    with work_as("林悦") as work:
        pass_gate(work, story.line_id, GateKey.REVIEW, note="按计划")
    assert uids() == {f"task-{done}", *(f"gate-{story.line_id}-{key}" for key in ("go", "wrap", "review"))}
    with work_as("林悦") as work:
        reopen_gate(work, story.line_id, GateKey.REVIEW, reason="还有一单")
    assert {f"task-{open_one}", f"dday-{story.line_id}"} <= uids()


def test_feed_when_fetched_without_a_session_then_as_its_member_may_see_it_now(
    signed_in: Callable, visitor, work_as: Callable, write: Callable, story: Story, company: Database
) -> None:
    with work_as("林悦") as work:
        move_d_day(work, story.line_id, datetime.now(UTC).date() + timedelta(days=60))
    write("绝密主视觉", offset=-30)
    with work_as("苏航") as work:
        token = make_feed(work, name="手机")
    assert token not in str([vars(feed) for feed in _feeds(work_as)]), "its hash alone is kept"
    answer = visitor.get(f"/calendar/{token}.ics")
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    assert {str(event["summary"]) for event in by_uid(answer.get_data()).values()} >= {"绝密主视觉", "D 日：双十一大促"}
    assert visitor.get(f"/calendar/{token}.ics", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert _feeds(work_as)[0].read_at is not None
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    told = visitor.get(f"/calendar/{token}.ics")
    assert (told.status_code, by_uid(told.get_data())) == (200, {})
    with work_as("苏航") as work:
        stop_feed(work, own_feeds(work)[0].id)
    assert visitor.get(f"/calendar/{token}.ics").status_code == 404
    assert visitor.get("/calendar/nothing.ics").status_code == 404


def _feeds(work_as: Callable) -> list:
    with work_as("苏航", writes=False) as work:
        return own_feeds(work)


def test_feed_when_read_again_within_the_hour_then_nothing_is_written(work_as: Callable, company: Database) -> None:
    with work_as("苏航") as work:
        make_feed(work, name="手机")
    feed = _feeds(work_as)[0]
    for minutes, noted in ((0, 0), (30, 0), (90, 90)):
        note_reading(company, _feeds(work_as)[0], NOW + timedelta(minutes=minutes))
        assert _feeds(work_as)[0].read_at == NOW + timedelta(minutes=noted), minutes
    assert feed.read_at is None


def test_feeds_when_there_are_too_many_or_it_is_another_members_then_refused(work_as: Callable) -> None:
    with work_as("苏航") as work:
        for number in range(10):
            make_feed(work, name=f"设备 {number}")
            work.session.flush()
        with pytest.raises(InvalidInput, match="太多"):
            make_feed(work, name="又一台")
        feed_id = own_feeds(work)[0].id
    with work_as("吴昊") as work, pytest.raises(NotFound):
        stop_feed(work, feed_id)


def test_calendar_page_when_an_address_is_made_then_shown_once_and_limited(signed_in: Callable, visitor) -> None:
    person = signed_in("suhang")
    assert person.post("/calendar", data={"name": ""}).status_code == 422
    page = person.post("/calendar", data={"name": "手机"}).get_data(as_text=True)
    address = page.split("http://localhost/calendar/")[1].split(".ics")[0]
    assert f"webcal://localhost/calendar/{address}.ics" in page
    assert address not in person.get("/calendar").get_data(as_text=True)
    answers = [visitor.get(f"/calendar/{address}.ics").status_code for _time in range(61)]
    assert (set(answers[:60]), answers[60]) == ({200}, 429)


def test_addresses_when_they_are_secrets_then_the_shipped_proxy_logs_none(app: Flask) -> None:
    shipped = (ROOT / "deploy" / "nginx" / "mainline.conf").read_text("utf-8")
    unlogged = re.findall(r"location ~ (\S+) \{\s+access_log off;", shipped)
    secret = [rule.rule for rule in app.url_map.iter_rules() if any(name.endswith("token") for name in rule.arguments)]
    assert "/calendar/<feed_token>.ics" in secret
    assert [path for path in secret if not any(re.match(pattern, path) for pattern in unlogged)] == []
