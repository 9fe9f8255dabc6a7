"""Folding: every event is told by exactly one row, pages never cut an act, and what is not said to fold stands by itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event as sa_event

from main_lines.playbooks.models import PlaybookEvent
from main_lines.tasks.models import TaskEvent
from workspace.db import Database
from workspace.events.access import newest_told
from workspace.events.folding import FOLD_FROM, Mark, Row, folded, newest_page, oldest_page
from workspace.parts import Parts

START = datetime(2026, 11, 1, tzinfo=UTC)
KINDS = (TaskEvent.WRITTEN, TaskEvent.SUBMITTED, TaskEvent.SIGNED, TaskEvent.BLOCKED, PlaybookEvent.USED)


def marks_of(*acts: list[str]) -> list[Mark]:
    """Acts as they came, each a list of kinds; the newest first."""
    marks: list[Mark] = []
    for number, kinds in enumerate(acts):
        marks += [Mark(len(marks) + place, str(kind), (START + timedelta(minutes=number), "a")) for place, kind in enumerate(kinds, 1)]
    return marks[::-1]


ACTS = st.lists(st.lists(st.sampled_from(KINDS), min_size=1, max_size=9), max_size=9)


@pytest.mark.parametrize(
    ("kinds", "rows"),
    [
        ([TaskEvent.SIGNED] * 40, [(40, 1, "%(actor)s 签发了 %(n)s 张任务单")]),
        ([TaskEvent.SIGNED] * 2, [(1, 2, ""), (1, 1, "")]),
        ([TaskEvent.BLOCKED] * 5, [(1, seq, "") for seq in (5, 4, 3, 2, 1)]),
        ([TaskEvent.WRITTEN, TaskEvent.SUBMITTED] * 3, [(3, 1, "%(actor)s 起草了 %(n)s 张任务单并送签")]),
        ([*[TaskEvent.WRITTEN, TaskEvent.SUBMITTED] * 3, PlaybookEvent.USED], [(3, 1, "")]),
        ([PlaybookEvent.USED, TaskEvent.WRITTEN], [(1, 2, ""), (1, 1, "")]),
    ],
    ids=["many", "two", "not-said-to-fold", "drafted-and-sent", "playbook", "small-playbook"],
)
def test_act_when_folded_then_one_row_for_what_it_did_many_times(kinds: list[str], rows: list[tuple[int, int, str]]) -> None:
    assert [(row.count, row.first, row.words) for row in folded(marks_of(kinds))] == rows


def test_playbook_when_folded_then_its_own_event_tells_of_it() -> None:
    acts = [[TaskEvent.WRITTEN, TaskEvent.SUBMITTED] * 71 + [PlaybookEvent.USED], [TaskEvent.SIGNED]]
    used = Row(143, 1, 143, "main_lines.task.written", 71)
    assert folded(marks_of(*acts)) == [Row(144, 144, 144, "main_lines.task.signed"), used]


@given(ACTS)
def test_rows_when_folded_then_newest_first_and_each_event_in_one(acts: list[list[str]]) -> None:
    marks = marks_of(*acts)
    rows = folded(marks)
    assert [row.seq for row in rows] == sorted({row.seq for row in rows}, reverse=True)
    for row in rows:
        inside = {mark.act for mark in marks if row.first <= mark.seq <= row.seq}
        assert len(inside) == 1, "a row tells of one act"
        assert row.count == 1 or row.count >= FOLD_FROM
        assert row.count == 1 or row.count == sum(mark.kind == row.kind for mark in marks if mark.act in inside)
    told = sum(row.count for row in rows if row.count == 1)
    assert told <= len(marks)


@given(ACTS, st.integers(1, 6))
def test_pages_when_walked_either_way_then_every_row_once_and_no_act_cut(acts: list[list[str]], least: int) -> None:
    rows = folded(marks_of(*acts))
    down, rest = [], list(rows)
    while rest:
        page = newest_page(rest, least)
        assert len(page) >= min(least, len(rest))
        down, rest = [*down, *page], rest[len(page) :]
        assert not rest or min(row.first for row in page) > rest[0].seq
    up, rest = [], list(rows)
    while rest:
        page = oldest_page(rest, least)
        assert len(page) >= min(least, len(rest))
        up, rest = [*page, *up], rest[: len(rest) - len(page)]
        assert not rest or max(row.seq for row in page) < min(row.first for row in rest)
    assert down == up == rows


def test_page_when_an_act_did_much_that_does_not_fold_then_it_is_not_read_to_its_end(work_as: Callable, parts: Parts) -> None:
    with work_as("林悦") as work:
        for number in range(300):
            work.record(TaskEvent.BLOCKED, subject="task:1", rooms=["company"], title=f"第 {number} 件", reason="等")
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    sa_event.listen(parts.get(Database).engine, "before_cursor_execute", note)
    with work_as("林悦", writes=False) as work:
        asked.clear()
        page = newest_told(work, rooms=["company"], limit=20)
    assert (len(page.rows), page.more) == (20, True)
    assert len(asked) == 2, "where and what they are, and what they say"
