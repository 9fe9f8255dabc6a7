from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from main_lines.gates.actions import pass_gate
from main_lines.gates.rules import GateKey
from main_lines.handovers.actions import answer_handover, offer_order
from main_lines.handovers.rules import Verb
from main_lines.lines.access import get_line
from main_lines.lines.actions import open_line
from main_lines.lines.rules import LineKind
from main_lines.numbers.actions import MetricDraft, define_metric, note_value
from main_lines.numbers.rules import Aim, Better
from main_lines.plans.actions import keep_baseline
from main_lines.retrospectives.actions import drop_conclusion, edit_conclusion, write_conclusion
from main_lines.retrospectives.queries import retrospective_of
from main_lines.retrospectives.rules import Answer, ConclusionKind, Hand
from main_lines.tasks.actions import (
    Draft,
    block_task,
    deliver_task,
    return_task,
    sign_task,
    start_task,
    submit_task,
    unblock_task,
    write_tasks,
)
from tests.house import NOW
from tests.main_lines.conftest import D_DAY, Story, last_kinds
from workspace.errors import Conflict, NotAllowed
from workspace.tables import read_table


def live_through(work_as: Callable, task: str) -> None:
    """Sent on day 0, signed a day later, begun two days after that, handed in, returned after five hours, handed in again."""
    steps = [
        ("苏航", timedelta(), lambda work: submit_task(work, task)),
        ("林悦", timedelta(days=1), lambda work: sign_task(work, task)),
        ("苏航", timedelta(days=3), lambda work: start_task(work, task)),
        ("苏航", timedelta(days=15), lambda work: deliver_task(work, task, "稿一")),
        ("林悦", timedelta(days=15, hours=5), lambda work: return_task(work, task, reason="标题压到利益点")),
        ("苏航", timedelta(days=16), lambda work: deliver_task(work, task, "稿二")),
    ]
    for name, after, step in steps:
        with work_as(name, now=NOW + after) as work:
            step(work)


def test_retrospective_when_an_order_has_lived_then_its_slip_and_waits_are_told(
    signed_in: Callable, work_as: Callable, write: Callable, story: Story
) -> None:
    task = write("主视觉", offset=(NOW.date() + timedelta(days=10) - D_DAY).days)
    live_through(work_as, task)
    with work_as("苏航", now=NOW + timedelta(days=17), writes=False) as work:
        page = retrospective_of(work, get_line(work, story.line_id))
    order = page.by_id[task]
    assert (order.slip, order.returns, order.done) == (6, 1, NOW.date() + timedelta(days=16))
    assert order.waits == {
        Hand.SIGN_OFF: timedelta(days=1), Hand.HAND_OVER: timedelta(days=2), Hand.ACCEPTANCE: timedelta(days=1, hours=5),
        Hand.REWORK: timedelta(hours=19),
    }  # fmt: skip
    assert [one.order_id for one in page.suggestions] == [task]
    with work_as("苏航") as work:
        write_conclusion(work, story.line_id, kind=ConclusionKind.IMPROVE, text="样衣要提前两周到")
    person, here = signed_in("suhang"), f"/lines/{story.line_id}/retrospective"
    for url in (here, f"{here}/print"):
        told = person.get(url).get_data(as_text=True)
        for words in ("晚 6 天", "标题压到利益点", "样衣要提前两周到", "等接手"):
            assert words in told, (url, words)
    sent = read_table("x.xlsx", person.get(f"{here}/export").get_data(), max_rows=10, max_columns=60)
    assert sent.rows[0][1][:2] == ("1", "主视觉")
    assert person.get(f"/api{here}").get_json()["orders"][0]["slip"] == 6


def test_conclusion_when_changed_then_by_its_writer_or_the_director_and_nothing_said_is_lost(work_as: Callable, story: Story) -> None:
    with work_as("苏航") as work:
        found = write_conclusion(work, story.line_id, kind=ConclusionKind.GOOD, text="提前锁价").id
        assert last_kinds(work) == ["main_lines.conclusion.written"]
    with work_as("吴昊") as work, pytest.raises(NotAllowed):
        edit_conclusion(work, found, text="别的", seen=1)
    with work_as("林悦") as work:
        edit_conclusion(work, found, text="提前锁价，少了争议", seen=1)
        assert work.recorded[0].facts["text"] == "提前锁价，少了争议"
    with work_as("苏航") as work, pytest.raises(Conflict):
        edit_conclusion(work, found, text="又改", seen=1)
    with work_as("苏航") as work:
        drop_conclusion(work, found)
        assert work.recorded[0].facts["text"] == "提前锁价，少了争议"


def test_conclusion_when_sent_by_form_then_shown_and_nonsense_refused(signed_in: Callable, story: Story) -> None:
    person, here = signed_in("suhang"), f"/lines/{story.line_id}/retrospective"
    assert person.post(f"{here}/conclusions", data={"kind": "next", "text": "D-40 前定样衣"}).status_code == 303
    assert "D-40 前定样衣" in person.get(f"{here}/conclusions").get_data(as_text=True)
    assert person.post(f"{here}/conclusions", data={"kind": "bad", "text": "x"}).status_code == 422


def test_retrospective_when_the_line_was_opened_empty_then_filled_from_events_all_the_same(
    signed_in: Callable, work_as: Callable, story: Story
) -> None:
    """Nothing is called newer than a plan that there was not; blocks, handovers and numbers are told too."""
    with work_as("林悦", now=NOW - timedelta(days=1)) as work:
        members = [story.id_of(name) for name in ("苏航", "赵宁")]
        line_id = open_line(work, name="年货节", kind=LineKind.PROMOTION, d_day=D_DAY, member_ids=members).id
    with work_as("林悦") as work:
        first = Draft("主视觉", story.people["苏航"].department_id, owner_id=members[0], due_offset=(NOW.date() - D_DAY).days + 10)
        task, other = (order.id for order in write_tasks(work, line_id, [first, replace(first, title="详情页")]))
    live_through(work_as, task)
    draft = MetricDraft("GMV", "万元", Better.HIGHER, True, NOW.date(), D_DAY)
    steps = [
        ("林悦", timedelta(days=2), lambda work: sign_task(work, submit_task(work, other).id)),
        ("苏航", timedelta(days=3), lambda work: block_task(work, other, reason="样衣没有到")),
        ("苏航", timedelta(days=5), lambda work: unblock_task(work, other)),
    ]
    for name, after, step in steps:
        with work_as(name, now=NOW + after) as work:
            step(work)
    with work_as("苏航", now=NOW + timedelta(days=6)) as work:
        offer = offer_order(work, other, department_id=story.people["赵宁"].department_id, note="接着做").id
    with work_as("赵宁", now=NOW + timedelta(days=7)) as work:
        answer_handover(work, offer, Verb.DECLINE, reason="人手不够")
    with work_as("林悦", now=NOW + timedelta(days=8)) as work:
        note_value(work, define_metric(work, line_id, draft).id, aim=Aim.TARGET, value=Decimal(500))
    with work_as("苏航", now=NOW + timedelta(days=17), writes=False) as work:
        page = retrospective_of(work, get_line(work, line_id))
    order = page.by_id[task]
    assert (order.slip, order.added, order.planned) == (6, False, NOW.date() + timedelta(days=10))
    (blocked,), (offered,) = page.found.blockages, page.found.hand_overs
    assert (blocked.order_id, blocked.reason, blocked.length, blocked.over) == (other, "样衣没有到", timedelta(days=2), True)
    assert (offered.answer, offered.reason, offered.after) == (Answer.REFUSED, "人手不够", timedelta(days=1))
    person, here = signed_in("suhang"), f"/lines/{line_id}/retrospective"
    for url in (here, f"{here}/print"):
        told = person.get(url).get_data(as_text=True)
        assert "后来新增" not in told
        for words in ("样衣没有到", "没有接收 · 1 天后 · 人手不够", "GMV", "500万元"):
            assert words in told, (url, words)
    with work_as("林悦", now=NOW + timedelta(days=18)) as work:
        keep_baseline(work, line_id, name="定稿")
    with work_as("苏航", now=NOW + timedelta(days=19), writes=False) as work:
        assert retrospective_of(work, get_line(work, line_id)).baseline.name == "定稿", "the first plan that there was"


def test_retrospective_when_the_line_is_over_then_nothing_waits_or_gets_later(work_as: Callable, write: Callable, story: Story) -> None:
    task = write("主视觉", offset=(NOW.date() + timedelta(days=10) - D_DAY).days)
    with work_as("林悦") as work:
        sign_task(work, task)
    with work_as("林悦", now=NOW + timedelta(days=14)) as work:
        for key in (GateKey.GO, GateKey.WRAP, GateKey.REVIEW):
            pass_gate(work, story.line_id, key, note="不做了")
    for days in (14, 90):
        with work_as("苏航", now=NOW + timedelta(days=days), writes=False) as work:
            page = retrospective_of(work, get_line(work, story.line_id))
        assert (page.by_id[task].slip, page.by_id[task].waits) == (4, {Hand.HAND_OVER: timedelta(days=14)}), days
        assert page.suggestions == [], "nobody knows how long it would have taken"
