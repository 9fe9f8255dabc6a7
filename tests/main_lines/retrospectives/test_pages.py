from collections.abc import Callable
from datetime import timedelta

import pytest

from main_lines.lines.access import get_line
from main_lines.retrospectives.actions import drop_conclusion, edit_conclusion, write_conclusion
from main_lines.retrospectives.queries import retrospective_of
from main_lines.retrospectives.rules import ConclusionKind, Hand
from main_lines.tasks.actions import deliver_task, return_task, sign_task, start_task, submit_task
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
