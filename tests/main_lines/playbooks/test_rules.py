import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from main_lines.gates.rules import GateKey
from main_lines.lines.rules import LineKind, Phase
from main_lines.plans.rules import in_turn, way_between
from main_lines.playbooks.bodies import ContentBody, FileBody
from main_lines.playbooks.rules import (
    Changes,
    Content,
    Entry,
    Fault,
    Milestone,
    Timing,
    Trouble,
    changes_between,
    circles_in,
    faults_of,
    placed,
    press_for,
    press_into,
    pressed,
    without,
)
from main_lines.playbooks.shipped import PLAYBOOKS
from main_lines.playbooks.words import fault_words
from tests.main_lines.playbooks.plans import D_DAY, contents, whole


def entry(key: str, offset: int | None = -10, days: int = 1, *needs: str, title: str | None = None, department: str = "客服") -> Entry:
    return Entry(key, department, offset, days, key if title is None else title, "", Phase.PREPARE, needs)


FAULTS = {
    "nothing": ((), Fault(Trouble.NO_ORDERS), "还没有任务单"),
    "no title": ((entry("a", title=" "),), Fault(Trouble.NO_TITLE, ("a",)), "有一张任务单没有标题"),
    "no department": ((entry("a", department=""),), Fault(Trouble.NO_DEPARTMENT, ("a",), ("a",)), "“a”没有部门"),
    "twice": ((entry("a"), entry("a")), Fault(Trouble.SAME_KEY, ("a",)), "两张任务单的编号相同：a"),
    "unknown": ((entry("a", -10, 1, "z"),), Fault(Trouble.UNKNOWN_NEED, ("a",), ("a",)), "“a”等待的任务单不在手册里"),
    "circle": (
        (entry("a", -1, 1, "b"), entry("b", -2, 1, "c"), entry("c", -3, 1, "a")),
        Fault(Trouble.CIRCLE, ("a", "b", "c"), ("a", "b", "c")), "互相等待：a → b → c → a",
    ),
    "early": (
        (entry("a", -10, 3), entry("b", -8, 2, "a"), entry("c", -8, 3, "a")),
        Fault(Trouble.BEGINS_EARLY, ("c", "a"), ("c", "a")), "“c”在“a”到期之前就要开始",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("entries", "fault", "words"), FAULTS.values(), ids=FAULTS)
def test_faults_when_one_is_there_then_said_with_the_orders_named(entries: tuple[Entry, ...], fault: Fault, words: str) -> None:
    found = faults_of(Content(entries))
    assert fault in found
    assert fault_words(fault) == words
    assert [one for one in found if one.trouble is fault.trouble] == [fault], "said once"
    assert fault.fatal is (fault.trouble is not Trouble.BEGINS_EARLY)


def test_faults_when_a_department_has_no_orders_or_a_gate_no_name_then_said() -> None:
    found = faults_of(Content((entry("a"),), (Milestone(" ", -7),), ("客服", "直播")))
    assert [fault_words(fault) for fault in found] == ["D-7 的关口没有名称", "直播还没有任务单"]
    assert [fault.fatal for fault in found] == [True, False]
    (twice,) = faults_of(Content((entry("a"),), (Milestone("", -7, GateKey.GO), Milestone("", -1, GateKey.GO))))
    assert (fault_words(twice), twice.fatal) == ("关口“放行决定”写了两次", True)


def test_faults_when_dates_of_their_own_overlap_then_said() -> None:
    pinned = replace(entry("a", None), on=date(2027, 1, 5))
    after = replace(entry("b", None, 2, "a"), on=date(2027, 1, 6))
    assert [fault.trouble for fault in faults_of(Content((pinned, after)))] == [Trouble.BEGINS_EARLY]
    assert faults_of(Content((pinned, replace(after, days=1)))) == []


@pytest.mark.parametrize("playbook", PLAYBOOKS.values(), ids=lambda playbook: playbook.key)
def test_faults_when_a_playbook_is_shipped_then_none_and_it_has_gates(playbook) -> None:
    assert faults_of(playbook.content) == []
    assert len(playbook.gates) >= 3
    assert ContentBody.model_validate(ContentBody.values_of(playbook.content)).content() == playbook.content


def test_circles_when_there_are_two_then_both_and_a_long_chain_is_walked() -> None:
    assert circles_in({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}) == [["a", "b"], ["c", "d"]]
    assert circles_in({"a": ["a"]}) == [["a"]]
    chain = {str(number): [str(number + 1)] for number in range(1000)} | {"1000": []}
    assert circles_in(chain) == []


@settings(deadline=None, max_examples=25)
@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), unique=True)))
def test_circles_when_any_needs_then_found_exactly_when_there_is_one(needs: dict[str, list[str]]) -> None:
    found = circles_in(needs)
    known = {key: [need for need in listed if need in needs] for key, listed in needs.items()}
    assert bool(found) == any(way_between(known, need, key) for key, listed in known.items() for need in listed)
    for circle in found:
        assert all(circle[(at + 1) % len(circle)] in known[key] for at, key in enumerate(circle))


@settings(deadline=None, max_examples=25)
@given(contents(), st.sets(st.sampled_from([f"o{number}" for number in range(9)])))
def test_without_when_orders_are_left_out_then_who_waited_for_whom_through_them_still_does(content: Content, gone: set[str]) -> None:
    before = {one.key: one.needs for one in content.entries}
    kept = without(content.entries, gone)
    after = {one.key: one.needs for one in kept}
    assert list(after) == [key for key in before if key not in gone]
    assert set(in_turn(after, after)) == set(after)
    for one in after:
        for other in after:
            if one != other:
                assert bool(way_between(before, one, other)) == bool(way_between(after, one, other))


@settings(deadline=None, max_examples=25)
@given(contents(), st.integers(0, 130))
def test_pressed_when_any_then_it_begins_today_and_nothing_else_is_lost(content: Content, lead_days: int) -> None:
    begins = [one.begins for one in content.entries if one.begins is not None]
    first = min(begins, default=0)
    press = press_into(content.entries, lead_days)
    after = pressed(content.entries, press)
    if first >= -lead_days:
        assert after == content.entries, "what fits is left alone"
        return
    assert min(one.begins for one in after if one.begins is not None) == -lead_days, "the first begins today, none before"
    for before, now in zip(content.entries, after, strict=True):
        assert replace(now, offset=before.offset, days=before.days) == before, "only days change"
        if before.offset is None or now.offset is None:
            assert now == before
            continue
        assert now.offset >= before.offset
        assert now.days >= 1
        assert (before.offset < 0) == (now.offset < 0) or lead_days == 0, "before D-day stays before it while there is a day"
    dated = [(one.offset, now.offset) for one, now in zip(content.entries, after, strict=True) if one.offset is not None]
    assert [now for _one, now in sorted(dated)] == sorted(now for _one, now in dated), "what came first still does"


@settings(deadline=None, max_examples=25)
@given(contents(), st.integers(-400, 400))
def test_placed_when_d_day_is_later_then_everything_unpinned_is_later_by_as_much(content: Content, days: int) -> None:
    moved = D_DAY + timedelta(days=days)
    here, there = (
        placed(content.entries, day, date(2020, 1, 1), press_for(content, day, date(2020, 1, 1), Timing.KEEP)) for day in (D_DAY, moved)
    )
    for one, other in zip(here, there, strict=True):
        if one.entry.on is not None or one.due is None or one.start is None:
            assert (one.due, one.start) == (other.due, other.start)
        else:
            assert (other.due, other.start) == (one.due + timedelta(days=days), one.start + timedelta(days=days))


def test_placed_when_d_day_is_near_then_late_and_begun_are_told_apart() -> None:
    entries = (entry("over", -10, 2), entry("begun", -3, 9), entry("ahead", -1))
    today = D_DAY - timedelta(days=5)
    content = Content(entries)
    kept = placed(entries, D_DAY, today, press_for(content, D_DAY, today, Timing.KEEP))
    assert [(one.late, one.begun) for one in kept] == [(True, False), (False, True), (False, False)]
    now = placed(entries, D_DAY, today, press_for(content, D_DAY, today, Timing.TODAY))
    assert [(one.late, one.begun) for one in now] == [(False, False)] * 3
    assert min(one.start for one in now if one.start) == today


@settings(deadline=None, max_examples=25)
@given(contents())
def test_file_when_written_and_read_then_the_same_playbook(content: Content) -> None:
    values = json.loads(json.dumps(FileBody.values_for("年货节", LineKind.PROMOTION, content, D_DAY), ensure_ascii=False))
    body = FileBody.model_validate(values)
    assert body.content() == whole(content)
    assert (body.name, body.kind) == ("年货节", LineKind.PROMOTION)


def test_changes_when_orders_come_go_and_change_then_named() -> None:
    before = Content((entry("a"), entry("b"), entry("c")))
    after = Content((entry("a"), entry("c", -9), entry("d")))
    assert changes_between(before, after) == Changes(added=("d",), removed=("b",), changed=("c",))
    assert changes_between(before, Content(before.entries[::-1])).others
    assert changes_between(before, before) == Changes()
