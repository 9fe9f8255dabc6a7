"""Versions thin out by age, what is held stays, and what went is told: in the catalogue, on the page, in the bucket's log."""

import base64
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from main_lines.approvals.actions import Draft, submit_request
from sync.core.manifest import EMPTY, manifest_bytes, manifest_digest
from sync.library.assets.models import Version
from sync.library.comments.actions import Draft as Said
from sync.library.comments.actions import add_comment, delete_comment
from sync.library.libraries.models import Library
from sync.library.recovery.rules import Note, read_line, read_note, rebuild
from sync.library.retention.access import plan_of
from sync.library.retention.actions import let_go_of_purged, set_plan, thin_assets
from sync.library.retention.jobs import thin_versions
from sync.library.retention.models import KeptVersion, RetentionEvent, RetentionPlan
from sync.library.retention.rules import Mode, Plan, Saved, gaps_between, versions_to_let_go
from sync.library.trash.actions import empty_trash
from tests.fakes.store import MemoryStore
from tests.house import member_named
from tests.sync.library.agents import delete
from tests.sync.library.conftest import Room
from tests.sync.library.test_trash import make_manager
from workspace.db import Database
from workspace.events.models import Event
from workspace.jobs.worker import JobRun
from workspace.parts import Parts
from workspace.work import open_work

Opens = Callable[..., Any]
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def aged(*days: float, held: tuple[int, ...] = ()) -> list[Saved]:
    """Versions 1, 2, … of these ages."""
    return [Saved(number, NOW - timedelta(days=age), number in held) for number, age in enumerate(days, start=1)]


@pytest.mark.parametrize(
    ("versions", "gone"),
    [
        pytest.param(aged(), [], id="none"),
        pytest.param(aged(4000), [], id="the_newest_stays_whatever_its_age"),
        pytest.param(aged(30, 29.99, 29.98, 1, 0), [], id="thirty_days_stay_whole"),
        pytest.param(aged(31.2, 31.1, 31.0, 0), [1, 2], id="last_of_a_day"),
        pytest.param(aged(42, 41, 40, 0), [], id="one_a_day_up_to_ninety_days"),
        pytest.param(aged(97, 96, 95, 94, 0), [1, 2, 3], id="last_of_a_week_monday_to_sunday"),
        pytest.param(aged(98, 97, 0), [], id="sunday_and_monday_are_two_weeks"),
        pytest.param(aged(114, 113, 112, 0), [2], id="a_week_is_cut_at_the_end_of_a_month"),
        pytest.param(aged(400, 395, 390, 0), [1, 2], id="last_of_a_month"),
        pytest.param(aged(400, 395, 390, 0, held=(1,)), [2], id="what_is_held_stays"),
        pytest.param(aged(31.9, 31.4, 0), [], id="days_are_those_of_the_company"),
    ],
)
def test_versions_to_let_go_when_of_an_age_then_as_the_plan_says(versions: list[Saved], gone: list[int]) -> None:
    assert versions_to_let_go(versions, Plan(), NOW, SHANGHAI) == gone


@pytest.mark.parametrize("mode", [Mode.ALL, Mode.PAUSED])
def test_versions_to_let_go_when_the_plan_keeps_all_then_none(mode: Mode) -> None:
    assert versions_to_let_go(aged(*range(1000, 0, -1)), Plan(mode), NOW, SHANGHAI) == []


ages = st.lists(st.tuples(st.floats(0, 1200), st.booleans()), max_size=40)
plans = st.lists(st.integers(1, 500), min_size=3, max_size=3).map(lambda days: Plan(Mode.THIN, *sorted(days)))


@given(ages, plans, st.integers(0, 800))
def test_versions_to_let_go_when_any_then_newest_held_and_young_stay_and_it_does_not_matter_when_it_ran(
    drawn: list[tuple[float, bool]], plan: Plan, later_days: int
) -> None:
    ordered = sorted(drawn, reverse=True)
    versions = [Saved(number, NOW - timedelta(days=age), held) for number, (age, held) in enumerate(ordered, start=1)]
    later = NOW + timedelta(days=later_days)
    gone = set(versions_to_let_go(versions, plan, NOW, SHANGHAI))
    left = [version for version in versions if version.number not in gone]
    for version in versions:
        if version.held or version.number == len(versions) or NOW - version.at <= timedelta(days=plan.all_days):
            assert version in left
    months = {version.at.astimezone(SHANGHAI).strftime("%Y-%m") for version in versions}
    assert {version.at.astimezone(SHANGHAI).strftime("%Y-%m") for version in left} == months, "no month is left without a version"
    assert versions_to_let_go(left, plan, NOW, SHANGHAI) == []
    at_once = {version.number for version in versions} - set(versions_to_let_go(versions, plan, later, SHANGHAI))
    in_two = {version.number for version in left} - set(versions_to_let_go(left, plan, later, SHANGHAI))
    assert at_once == in_two


@pytest.mark.parametrize(
    ("plan", "possible"),
    [(Plan(), True), (Plan(Mode.THIN, 1, 1, 1), True), (Plan(Mode.THIN, 0, 90, 365), False), (Plan(Mode.THIN, 30, 20, 365), False)],
)
def test_plan_when_its_days_do_not_grow_then_not_possible(plan: Plan, possible: bool) -> None:
    assert plan.is_possible is possible


@pytest.mark.parametrize(("numbers", "gaps"), [([], []), ([1, 2], []), ([1, 4, 5, 7], [(2, 3), (6, 6)]), ([3], [(1, 2)])])
def test_gaps_when_numbers_are_missing_then_named(numbers: list[int], gaps: list[tuple[int, int]]) -> None:
    assert gaps_between(numbers) == gaps


# --- in a library -------------------------------------------------------------------------------------------------------


def save_aged(room: Room, database: Database, name: str, *days: float) -> str:
    """A file with a version of each age; returns its id."""
    node_id, now = "", datetime.now(UTC)
    for number, _age in enumerate(days, start=1):
        answer = room.su.save(room.id, room.root, name, f"{name} {number}".encode(), node=node_id, base=number - 1)
        node_id = answer.node.id
    with database.session(writes=True) as session:
        for number, age in enumerate(days, start=1):
            which = update(Version).where(Version.node_id == node_id, Version.number == number)
            session.execute(which.values(at=now - timedelta(days=age)))
        session.commit()
    return node_id


def numbers_of(database: Database, node_id: str) -> list[int]:
    with open_work(database, writes=False) as work:
        return list(work.session.scalars(select(Version.number).where(Version.node_id == node_id).order_by(Version.number)))


def job_run(database: Database, parts: Parts) -> JobRun:
    return JobRun(database, parts, 1, "test", threading.Event())


def test_thinning_when_versions_are_old_then_gone_from_catalogue_and_told(
    room: Room, company: Database, parts: Parts, memory: MemoryStore, signed_in: Any, run_jobs: Any
) -> None:
    node_id = save_aged(room, company, "kv.psd", 800, 799.9, 799.8, 100, 0)
    lonely = save_aged(room, company, "alt.psd", 900)
    run_jobs()
    thin_versions(job_run(company, parts))
    assert numbers_of(company, node_id) == [3, 4, 5]
    assert numbers_of(company, lonely) == [1]
    with open_work(company, writes=False) as work:
        facts = work.session.scalars(select(Event.facts).where(Event.kind == str(RetentionEvent.THINNED))).one()
    assert facts["count"] == 2
    page = signed_in("suhang").get(f"/library/assets/{node_id}/keeping").get_data(as_text=True)
    assert "版本 1–2 已按保留规则合并" in page
    assert signed_in("suhang").get(f"/library/assets/{node_id}/versions/1/content").status_code == 404
    run_jobs()
    rebuilt = rebuild_from(memory, room)
    assert sorted(number for node, number in rebuilt.versions if node == node_id) == [3, 4, 5]
    with open_work(company, writes=False) as work:
        assert rebuilt.seq == work.session.get_one(Library, room.id).seq, "a note has a number like any change"


def rebuild_from(memory: MemoryStore, room: Room) -> Any:
    bodies = {body for found in memory.list(f"log/{room.id}/") for body in memory.get(found.key).splitlines()}
    notes = [note for body in bodies if (note := read_note(body)) is not None]
    lines = [read_line(body) for body in bodies if b'"seq":' in body and read_note(body) is None and "library" not in json.loads(body)]
    return rebuild(room.root, NOW, lines, notes)


@pytest.mark.parametrize(("saved_h", "numbers", "left"), [(0, [2, 3], 0), (2, [2, 3], 0), (0, [2, 2, 3], 0), (2, [2, 2, 3], 1)])
def test_rebuild_when_a_version_was_forgotten_then_gone_unless_a_catalogue_brought_back_saved_it(
    saved_h: int, numbers: list[int], left: int
) -> None:
    """saved_h: how long after the note, by the clock. A number that comes twice is that of two catalogues."""
    digest = manifest_digest(EMPTY)
    saved = {
        "seq": numbers[0], "at": (NOW + timedelta(hours=saved_h)).isoformat(), "device": None, "node": "n", "parent": "root", "name": "a",
        "kind": "file", "version": 1, "digest": digest, "size_bytes": 0, "modified_at": NOW.isoformat(), "author": "", "author_id": None,
        "head_of": None, "deleted": False, "manifest": base64.b64encode(manifest_bytes(EMPTY)).decode(),
    }  # fmt: skip
    other = saved | {"node": "m", "at": NOW.isoformat()}
    lines = [read_line(json.dumps(line).encode()) for line in (saved, other)[: numbers.count(2)]]
    rebuilt = rebuild("root", NOW, lines, [Note(numbers[-1], NOW, "", forgot=(("n", 1, digest),))])
    assert sum(node == "n" for node, _number in rebuilt.versions) == left


def test_thinning_when_kept_by_hand_or_submitted_then_the_version_stays(
    room: Room, company: Database, parts: Parts, signed_in: Any, work_as: Opens
) -> None:
    node_id = save_aged(room, company, "kv.psd", 800, 799.9, 799.8, 799.7, 0)
    su = signed_in("suhang")
    assert su.post(f"/library/assets/{node_id}/versions/1/keeping", data={"label": "客户定稿"}).status_code == 303
    pin_in_an_approval(work_as, node_id, 2)
    thin_versions(job_run(company, parts))
    assert numbers_of(company, node_id) == [1, 2, 4, 5]
    page = su.get(f"/library/assets/{node_id}/keeping?version=2").get_data(as_text=True)
    assert "客户定稿" in page
    assert "版本 2 送审过、交付过或有批注" in page
    assert su.post(f"/library/assets/{node_id}/versions/1/release").status_code == 303
    thin_versions(job_run(company, parts))
    assert numbers_of(company, node_id) == [2, 4, 5]


def test_thinning_when_somebody_commented_then_the_version_stays_until_that_is_taken_back(
    room: Room, company: Database, parts: Parts, work_as: Opens
) -> None:
    node_id = save_aged(room, company, "kv.psd", 800, 799.9, 799.8, 0)
    with work_as("陈墨") as work:
        comment = add_comment(work, node_id, 2, Said("标题太小", key="one"))
    thin_versions(job_run(company, parts))
    assert numbers_of(company, node_id) == [2, 3, 4]
    with work_as("陈墨") as work:
        delete_comment(work, comment.id)
    thin_versions(job_run(company, parts))
    assert numbers_of(company, node_id) == [3, 4]


def pin_in_an_approval(work_as: Opens, node_id: str, number: int) -> None:
    with work_as("苏航") as work:
        draft = Draft(title="主视觉定稿", to=(member_named(work, "陈墨").id,), asset_id=node_id, version=number)
        submit_request(work, "asset_sign_off", draft)


@pytest.mark.parametrize("mode", [Mode.THIN, Mode.PAUSED])
def test_trash_when_emptied_then_its_versions_go_unless_paused(
    room: Room, company: Database, parts: Parts, memory: MemoryStore, work_as: Opens, run_jobs: Any, mode: Mode
) -> None:
    node = room.su.save(room.id, room.root, "旧.psd", b"1").node
    kept = room.su.save(room.id, room.root, "留.psd", b"2").node
    room.su.ops(room.id, delete(node.id, 1))
    with work_as("林悦", now=datetime.now(UTC)) as work:
        make_manager(work, room)
    with work_as("苏航", now=datetime.now(UTC)) as work:
        empty_trash(work, room.id)
        set_plan(work, room.id, Plan(mode))
    thin_versions(job_run(company, parts))
    assert numbers_of(company, node.id) == ([] if mode is Mode.THIN else [1])
    assert numbers_of(company, kept.id) == [1]
    run_jobs()
    rebuilt = rebuild_from(memory, room)
    assert rebuilt.nodes[node.id].purged_at is not None, "recovered, it is not in the trash again"
    if mode is Mode.THIN:
        back = room.chen.save(room.id, room.root, "旧.psd", b"offline", node=node.id, base=1)
        assert (back.outcome, back.node.version) == ("applied", 2), "an offline edit is never lost"
        run_jobs()
        assert rebuild_from(memory, room).nodes[node.id].purged_at is None


def test_thinning_when_an_asset_was_brought_back_meanwhile_then_its_versions_stay(room: Room, company: Database, work_as: Opens) -> None:
    node = room.su.save(room.id, room.root, "kv.psd", b"1").node
    with work_as("林悦", now=datetime.now(UTC)) as work:
        assert let_go_of_purged(work, room.id, [node.id]) == 0
        assert thin_assets(work, room.id, [node.id]) == 0
        work.recorded.clear()
    assert numbers_of(company, node.id) == [1]


# --- plan and keeping by browser ------------------------------------------------------------------------------------------


def test_plan_when_changed_by_who_manages_then_in_force_and_told(room: Room, signed_in: Any, work_as: Opens) -> None:
    url = f"/library/{room.id}/retention"
    lin, su = signed_in("linyue"), signed_in("suhang")
    page = lin.get(url).get_data(as_text=True)
    assert "最近 30 天的所有版本都保留" in page
    assert "保存规则" not in page
    form = {"mode": "thin", "all_days": "60", "daily_days": "120", "weekly_days": "400"}
    assert lin.post(url, data=form).status_code == 403
    assert su.post(url, data=form).status_code == 403, "who edits does not manage"
    assert signed_in("zhaoning").get(url).status_code == 404
    with work_as("林悦") as work:
        make_manager(work, room)
    wrong = su.post(url, data={**form, "daily_days": "10"})
    assert wrong.status_code == 422
    assert 'value="10"' in wrong.get_data(as_text=True), "nothing typed is lost"
    assert su.post(url, data={**form, "all_days": "二"}).status_code == 422
    assert su.post(url, data={**form, "mode": "x"}).status_code == 422
    assert su.post(url, data=form).status_code == 303
    with work_as("林悦", writes=False) as work:
        assert plan_of(work, room.id) == Plan(Mode.THIN, 60, 120, 400)
        assert work.session.get_one(RetentionPlan, room.id).mode == "thin"
    assert "最近 60 天的所有版本都保留" in lin.get(url).get_data(as_text=True)


def test_keeping_when_one_may_only_see_then_refused_and_nobody_else_knows(room: Room, signed_in: Any, work_as: Opens) -> None:
    node = room.su.save(room.id, room.root, "kv.psd", b"1").node
    url = f"/library/assets/{node.id}/versions/1"
    lin, stranger, su = signed_in("linyue"), signed_in("zhaoning"), signed_in("suhang")
    assert lin.post(f"{url}/keeping", data={"label": "x"}).status_code == 403
    assert stranger.post(f"{url}/keeping", data={"label": "x"}).status_code == 404
    assert stranger.get(f"/library/assets/{node.id}/keeping").status_code == 404
    assert su.post(f"{url}/keeping", data={"label": "长" * 61}).status_code == 422
    assert su.post(f"/library/assets/{node.id}/versions/9/keeping").status_code == 404
    assert "客户定稿" in su.post(f"{url}/keeping", data={"label": "客户定稿"}, headers={"HX-Request": "true"}).get_data(as_text=True)
    with work_as("林悦", writes=False) as work:
        assert [(row.number, row.label) for row in work.session.scalars(select(KeptVersion))] == [(1, "客户定稿")]
