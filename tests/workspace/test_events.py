"""Events over HTTP: only what one may see now, in order, and the audit page."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from main_lines.alerts.models import AlertEvent
from tests.house import NOW, Person, member_named
from workspace.db import Database
from workspace.events.access import ROOMS_AT_ONCE, events_from, newest_events, visible_events
from workspace.parts import Parts
from workspace.people.models import PeopleEvent
from workspace.phrases import facts_of, phrase
from workspace.realtime_line import TICKET_PURPOSE
from workspace.secrets import SigningKey
from workspace.work import head_seq, open_work


def record(database: Database, *rooms: str) -> None:
    with open_work(database, now=NOW) as work:
        work.record(PeopleEvent.SITE_ADDED, subject="site:x", rooms=rooms, name="武汉")


def test_events_when_room_is_not_theirs_then_absent(signed_in: Callable[[str], Person], company: Database) -> None:
    person = signed_in("suhang")
    head = person.get("/api/events?since=0").get_json()["head"]
    with open_work(company, writes=False) as work:
        mine = f"member:{member_named(work, '苏航').id}"
    record(company, mine)
    record(company, "member:somebody-else")
    record(company, "audit", mine)
    page = person.get(f"/api/events?since={head}").get_json()
    assert [event["seq"] for event in page["events"]] == [head + 1, head + 3]
    assert [event["prev"] for event in page["events"]] == [head, head + 1]
    assert [event["rooms"] for event in page["events"]] == [[mine], [mine]]
    assert page["head"] == head + 3


def test_events_when_a_room_was_left_meanwhile_then_told_to_purge_it_and_nothing_else(
    signed_in: Callable[[str], Person], company: Database
) -> None:
    """Nobody could tell a browser that was away; and it sees the event as little as any other of that room."""
    person = signed_in("suhang")
    head = person.get("/api/events?since=0").get_json()["head"]
    with open_work(company, now=NOW) as work:
        me, other = (member_named(work, name).id for name in ("苏航", "陈墨"))
        leaves = {me: ["line:left", "company"], other: ["line:other"]}
        work.record(PeopleEvent.SITE_ADDED, subject="site:x", rooms=["line:left"], leaves=leaves, name="武汉")
    page = person.get(f"/api/events?since={head}").get_json()
    assert (page["events"], page["left"]) == ([], ["line:left"])
    assert person.get(f"/api/events?since={head + 1}").get_json()["left"] == []


def test_events_when_committed_after_the_rooms_were_read_then_they_wait_for_the_next_page(company: Database) -> None:
    """Among them may be one that opens a room: whoever was handed a later one would never ask for it."""
    for room in ("company", "line:1", "company"):
        record(company, room)
    with open_work(company, writes=False) as work:
        head = head_seq(work)
        found = visible_events(work, since=head - 3, until=head - 1, limit=9, rooms={"company"})
    assert [event.seq for event in found] == [head - 2]


def test_audit_when_not_allowed_then_refused_and_when_allowed_then_in_words(signed_in: Callable[[str], Person], company: Database) -> None:
    record(company, "company")
    assert signed_in("suhang").get("/audit").status_code == 403
    page = signed_in("guanli").get("/audit").get_data(as_text=True)
    assert "添加了地点“武汉”" in page


def test_audit_when_shown_then_every_area_has_a_word(signed_in: Callable[[str], Person]) -> None:
    page = signed_in("guanli").get("/audit").get_data(as_text=True)
    areas = dict(re.findall(r'<option value="([a-z_]+\.[a-z_]+)">([^<]+)</option>', page))
    assert areas["main_lines.task"] == "任务单"
    assert [area for area, word in areas.items() if area == word] == []


def test_audit_when_filtered_then_only_that(signed_in: Callable[[str], Person]) -> None:
    page = signed_in("guanli").get("/audit?kind=workspace.role").get_data(as_text=True)
    assert "设定了角色" in page
    assert "添加了成员" not in page


def test_ticket_when_taken_then_holds_the_rooms_of_now(signed_in: Callable[[str], Person], parts: Parts) -> None:
    ticket = signed_in("suhang").post("/api/realtime/ticket", json={}).get_json()
    grant = parts.get(SigningKey).read(TICKET_PURPOSE, ticket["ticket"], max_age_s=60)
    assert grant["head"] == ticket["head"] > 0
    assert {"company", f"member:{grant['member']}"} <= set(grant["rooms"])
    assert "audit" not in grant["rooms"]


def test_audit_when_a_line_is_closed_to_the_auditor_then_not_a_trace(signed_in: Callable[[str], Person], company: Database) -> None:
    record(company, "line:secret")
    page = signed_in("guanli").get("/audit").get_data(as_text=True)
    assert "武汉" not in page


def test_newest_events_when_of_several_rooms_then_each_once_in_order_and_no_more_than_asked(company: Database) -> None:
    rooms = [f"line:{number}" for number in range(ROOMS_AT_ONCE + 2)]
    for some in (rooms[:1], rooms[:2], rooms[-1:], rooms, ["line:other"]):
        record(company, *some)
    with open_work(company, writes=False) as work:
        head = head_seq(work)
        assert [row.seq for row in newest_events(work, rooms=rooms, limit=3)] == [head - 1, head - 2, head - 3]
        assert [row.seq for row in newest_events(work, rooms=rooms, limit=9, before=head - 1)] == [head - 2, head - 3, head - 4]
        assert [row.seq for row in events_from(work, rooms=rooms, since=head - 3, limit=2)] == [head - 3, head - 2]
        assert newest_events(work, rooms=[], limit=3) == newest_events(work, rooms=rooms, limit=9, kinds=["main_lines."]) == []


def plans_of(database: Database, **asked: Any) -> list[str]:
    """How SQLite finds the newest events of these."""
    if not database.is_sqlite:
        pytest.skip("reads SQLite's plan")
    said: list[tuple[str, tuple]] = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _cursor, sql, values, *_rest: said.append((sql, values)))
    with open_work(database, writes=False) as work:
        newest_events(work, rooms=["line:1", "library:1"], limit=30, **asked)
        plans = [
            str(work.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all())
            for sql, values in list(said)
            if "event_room" in sql
        ]
    assert plans
    return plans


def test_newest_events_when_of_several_rooms_then_the_database_sorts_nothing(company: Database) -> None:
    """A line and its library have a hundred thousand events: whoever opens the feed must not wait for all of them."""
    plans = plans_of(company, without=["workspace."])
    assert not [plan for plan in plans if "TEMP B-TREE FOR ORDER BY" in plan or "SCAN event_room" in plan]


def test_newest_events_when_of_a_rare_kind_then_its_room_is_not_walked(company: Database) -> None:
    """A hundred thousand saves lie behind the three alerts of a line."""
    plans = plans_of(company, kinds=["main_lines.alert."])
    assert not [plan for plan in plans if "ix_event_room_room_seq" in plan or "SCAN event_room" in plan]
    assert "ix_event_kind" in str(plans)


@pytest.mark.parametrize("rare", [-1, 10_000], ids=["rooms are walked", "found by kind"])
def test_newest_events_when_of_some_kinds_then_the_same_whichever_way(
    company: Database, rare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workspace.events.access.RARE", rare)
    for kind, *rooms in (
        (PeopleEvent.SITE_ADDED, "line:1"), (PeopleEvent.STORE_RENAMED, "line:1", "line:2"), (PeopleEvent.MEMBER_ADDED, "line:1"),
        (PeopleEvent.SITE_ADDED, "line:2"), (PeopleEvent.SITE_ADDED, "line:3"), (PeopleEvent.STORE_RENAMED, "line:1"),
    ):  # fmt: skip
        with open_work(company, now=NOW) as work:
            work.record(kind, subject="site:x", rooms=rooms, name="武汉")
    asked: dict[str, Any] = {"rooms": ["line:1", "line:2"], "kinds": ["workspace.site."]}
    with open_work(company, writes=False) as work:
        head = head_seq(work)
        assert [row.seq for row in newest_events(work, limit=9, **asked)] == [head, head - 2, head - 4, head - 5]
        assert [row.seq for row in newest_events(work, limit=2, before=head, **asked)] == [head - 2, head - 4]
        assert [row.seq for row in newest_events(work, limit=9, without=["workspace.site.added"], **asked)] == [head, head - 4]
        assert [row.seq for row in events_from(work, since=head - 4, limit=2, **asked)] == [head - 4, head - 2]
        assert newest_events(work, limit=9, rooms=["line:1"], kinds=["main_lines."]) == []


def test_sentence_when_a_fact_has_quotes_then_single_ones_inside_those_of_the_sentence() -> None:
    kept = phrase("“%(order)s”逾期 %(n)s 天", order="主“视觉”", n=3)
    assert AlertEvent.CLOSED.sentence(facts_of(title=kept) | {"actor": "林悦"}) == "林悦 解除了预警“‘主‘视觉’’逾期 3 天”"
    assert AlertEvent.RAISED.sentence({"actor": "林悦", "kind_words": "缺货", "title": "“样衣”缺货"}) == "林悦 发出缺货预警：“样衣”缺货"
