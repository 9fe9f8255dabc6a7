"""After each thing that happens to a main line, whoever has its pages open sees what a fresh read would show.

``script/check-realtime --kinds`` does so for every kind of event, around the commits of the whole suite.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from sync.library.storage import ObjectStore
from tests.fakes.store import MemoryStore
from tests.house import Person, member_named
from tests.realtime.open_pages import OpenPages
from workspace.db import Database
from workspace.parts import Parts
from workspace.people.actions import add_department, add_member, add_site
from workspace.people.models import Department, Site
from workspace.work import open_work

PAGES = r"/(lines/<line_id>(/(board|plan|tasks|alerts|members))?|tasks|tasks/<task_id>)$"


@pytest.fixture(autouse=True)
def store(parts: Parts) -> Iterator[None]:
    """Jobs find a store, and do not wait for one."""
    made = MemoryStore()
    parts.provide(ObjectStore, lambda: made)
    yield
    made.close()


def test_pages_when_a_line_lives_then_those_who_look_see_what_is(
    company: Database, signed_in: Callable[[str], Person], run_jobs: Callable[[], int]
) -> None:
    director, designer, reader = signed_in("linyue"), signed_in("suhang"), signed_in("chenmo")
    with open_work(company, writes=False) as work:
        people = {name: member_named(work, name) for name in ("苏航", "陈墨", "赵宁")}
    owner = people["苏航"]
    line = made(director, "/api/lines", name="双十一大促", d_day="2027-11-11", members=[people["苏航"].id, people["陈墨"].id])
    order = {"department_id": owner.department_id, "owner_id": owner.id, "due_offset": -30, "checklist": "三视图"}
    task, needed, asked = (made(director, f"/api/lines/{line}/tasks", title=title, **order) for title in ("主视觉", "选品", "报名"))
    run_jobs()
    pages = OpenPages(reader, "chenmo", {"line_id": line, "task_id": task}, only=PAGES)
    assert len({fragment.page for fragment in pages.held}) >= 6, pages.held
    since = reader.get("/api/events?since=0").get_json()["head"]
    alert, stale = "", []
    for person, path, body in (
        (director, f"/api/tasks/{task}/moves", {"verb": "sign"}),
        (director, f"/api/tasks/{task}/needs", {"needs_id": needed}),
        (director, f"/api/tasks/{asked}/moves", {"verb": "submit"}),
        (director, f"/api/tasks/{asked}/moves", {"verb": "decline", "reason": "先定主推款"}),
        (designer, f"/api/tasks/{task}/check", {"index": 0, "done": True}),
        (designer, f"/api/tasks/{task}/moves", {"verb": "start"}),
        (designer, f"/api/tasks/{task}/moves", {"verb": "block", "reason": "样衣未到"}),
        (designer, f"/api/tasks/{task}/moves", {"verb": "unblock"}),
        (designer, f"/api/tasks/{task}/deliver", {"text": "https://example.com/kv"}),
        (director, f"/api/tasks/{task}/moves", {"verb": "return", "reason": "标题再大些"}),
        (director, f"/api/tasks/{task}/assign", {"owner_id": people["陈墨"].id}),
        (director, f"/api/lines/{line}/posts", {"text": "备用机位已就位"}),
        (director, f"/api/lines/{line}/alerts", {"kind": "blocked", "title": "样衣未到"}),
        (designer, "/api/alerts/{alert}/acknowledge", {}),
        (director, "/api/alerts/{alert}/close", {}),
        (director, f"/api/lines/{line}/health", {"health": "amber", "reason": "物流偏慢"}),
        (director, f"/api/lines/{line}/d-day", {"d_day": "2027-11-12"}),
        (director, f"/api/lines/{line}/members", {"member_id": people["赵宁"].id}),
    ):
        answer = person.post(path.replace("{alert}", alert), json=body)
        assert answer.status_code < 300, (path, answer.get_data(as_text=True))
        if path.endswith("/alerts"):
            alert = answer.get_json()["id"]
        run_jobs()
        events = reader.get(f"/api/events?since={since}").get_json()["events"]
        assert events, path
        since = events[-1]["seq"]
        stale += pages.after([(event["kind"], event["rooms"]) for event in events])
    assert not stale, "\n".join(map(str, stale))


def test_pages_of_many_lines_when_their_reader_joins_and_leaves_one_then_its_things_come_and_go(
    company: Database, signed_in: Callable[[str], Person], run_jobs: Callable[[], int]
) -> None:
    director, reader = signed_in("linyue"), signed_in("suhang")
    with open_work(company, writes=False) as work:
        suhang = member_named(work, "苏航")
    line = made(director, "/api/lines", name="双十一大促", d_day="2030-11-11", members=[])
    pages = OpenPages(reader, "suhang", {}, only=r"/(library|tasks|lines|notices)?$")
    assert len({fragment.page for fragment in pages.held}) == 5
    since = reader.get("/api/events?since=0").get_json()["head"]
    come = partial(director.post, f"/api/lines/{line}/members", json={"member_id": suhang.id})
    go = partial(director.client.delete, f"/api/lines/{line}/members/{suhang.id}", headers={"X-CSRF-Token": director.csrf()})
    for change in (
        come,
        lambda: director.post(f"/api/lines/{line}/tasks", json={
            "title": "主视觉", "department_id": suhang.department_id, "owner_id": suhang.id, "due_offset": 0}),
        go,
        come,  # And so do the notices of before.
        go,
    ):  # fmt: skip
        assert change().status_code < 300
        news = reader.get(f"/api/events?since={since}").get_json()
        since = news["head"]
        stale = pages.after([(event["kind"], [event["subject"], *event["rooms"]]) for event in news["events"]], left=news["left"])
        assert not stale, "\n".join(map(str, stale))
        run_jobs()
    assert not any("双十一大促" in shown for shown in pages.held.values())


def test_pages_when_the_company_grows_then_those_who_look_see_it(company: Database, signed_in: Callable[[str], Person]) -> None:
    director = signed_in("linyue")
    line = made(director, "/api/lines", name="双十一大促", d_day="2030-11-11", members=[])
    pages = OpenPages(director, "linyue", {"line_id": line})
    assert len(pages.held) > 20
    with open_work(company, writes=False) as work:
        suhang = member_named(work, "苏航")
        department, site = work.session.get_one(Department, suhang.department_id), work.session.get_one(Site, suhang.site_id)
    for grow in (
        lambda work: add_site(work, kind="city", name="成都"),
        lambda work: add_department(work, name="法务"),
        lambda work: add_member(work, login="xinren", name="新人", title="", password_hash="", department=department, site=site),
    ):
        with open_work(company) as work:
            grow(work)
            [event] = work.recorded
        assert "company" in event.rooms
        stale = pages.after([(str(event.kind), [event.subject, *event.rooms])])
        assert not stale, "\n".join(map(str, stale))


def test_pages_when_nobody_tells_them_then_it_is_noticed(company: Database, signed_in: Callable[[str], Person]) -> None:
    """The check itself: with the events kept from the reader, their pages are stale."""
    director = signed_in("linyue")
    line = made(director, "/api/lines", name="双十一大促", d_day="2027-11-11", members=[])
    pages = OpenPages(director, "linyue", {"line_id": line}, only="/lines/<line_id>$")
    made(director, f"/api/lines/{line}/posts", text="备用机位已就位")
    [stale] = pages.after([])
    assert stale.fragment.url.startswith(f"/lines/{line}/feed")
    assert pages.after([]) == []


def made(person: Person, path: str, **body: Any) -> str:
    answer = person.post(path, json=body)
    assert answer.status_code < 300, answer.get_data(as_text=True)
    return str(answer.get_json()["id"])
