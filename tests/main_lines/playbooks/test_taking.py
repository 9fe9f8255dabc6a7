"""A main line as a playbook: what goes into it and what does not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings

from main_lines.lines.rules import Phase
from main_lines.playbooks.rules import Content, Milestone, Timing, placed, press_for
from main_lines.playbooks.taking import Choice, Order, Pinned, take
from tests.main_lines.playbooks.plans import D_DAY, contents

PEOPLE = {"苏航": "设计策划", "赵宁": "客服", "赵宁宁": "物流仓储"}


def order(number: int, title: str = "主视觉", **more: object) -> Order:
    return replace(
        Order(f"id{number}", number, title, "横竖各一", (), "设计策划", Phase.PREPARE, -30, None, 2, cancelled=False), **more
    )  # fmt: skip


def test_take_when_saved_then_dates_are_offsets_and_keys_are_numbers() -> None:
    taken = take([order(1), order(2, needs=("id1",))], D_DAY, Choice(), people={}, gates=[Milestone("复盘", 9), Milestone("锁版", -7)])
    assert [(one.key, one.offset, one.days, one.needs) for one in taken.content.entries] == [("n1", -30, 2, ()), ("n2", -30, 2, ("n1",))]
    assert [gate.name for gate in taken.content.gates] == ["锁版", "复盘"]


def test_take_when_dates_are_pinned_then_as_chosen() -> None:
    pinned = order(1, offset=None, on=D_DAY - timedelta(days=5))
    offsets = take([pinned], D_DAY, Choice(), people={})
    dates = take([pinned], D_DAY, Choice(Pinned.DATES), people={})
    assert [(one.offset, one.on) for one in offsets.content.entries] == [(-5, None)]
    assert [(one.offset, one.on) for one in dates.content.entries] == [(None, D_DAY - timedelta(days=5))]
    assert (offsets.pinned, dates.dated) == (1, ["主视觉"])
    far = take([order(1, offset=None, on=date(2020, 1, 1)), order(2, offset=-900)], D_DAY, Choice(), people={})
    assert [one.offset for one in far.content.entries] == [None, None], "too far from D-day to count from it"


def test_take_when_an_order_was_cancelled_then_left_out_and_what_waited_goes_through_it() -> None:
    orders = [order(1), order(2, "取消的", cancelled=True, needs=("id1",)), order(3, needs=("id2",))]
    taken = take(orders, D_DAY, Choice(), people={})
    assert [(one.key, one.needs) for one in taken.content.entries] == [("n1", ()), ("n3", ("n1",))]
    assert taken.left_out == ["取消的"]
    assert len(take(orders, D_DAY, Choice(cancelled=True), people={}).content.entries) == 3


def test_take_when_people_are_named_then_their_department_stands_there_unless_kept() -> None:
    written = order(1, "苏航的主视觉", requirements="请赵宁宁核对，赵宁确认", checklist=("苏航签字",))
    taken = take([written], D_DAY, Choice(), people=PEOPLE)
    (one,) = taken.content.entries
    assert (one.title, one.requirements, one.checklist) == ("设计策划的主视觉", "请物流仓储核对，客服确认", ("设计策划签字",))
    assert taken.names == {"苏航": 2, "赵宁宁": 1, "赵宁": 1}
    (kept,) = take([written], D_DAY, Choice(keep_names=frozenset({"苏航"})), people=PEOPLE).content.entries
    assert kept.title == "苏航的主视觉"
    (longer,) = take([written], D_DAY, Choice(keep_names=frozenset({"赵宁宁"})), people=PEOPLE).content.entries
    assert longer.requirements == "请赵宁宁核对，客服确认", "a shorter name is no part of one that is kept"


@settings(deadline=None, max_examples=25)
@given(contents())
def test_take_when_the_line_was_opened_from_a_playbook_then_opening_again_at_the_same_day_gives_the_same_dates(content: Content) -> None:
    orders = [
        Order(one.key, number, one.title, one.requirements, one.checklist, one.department, one.phase, one.offset, one.on, one.days, False,
              one.needs)
        for number, one in enumerate(content.entries, 1)
    ]  # fmt: skip
    for choice in (Choice(Pinned.DATES), Choice(Pinned.OFFSETS)):
        taken = take(orders, D_DAY, choice, people={}).content
        then, now = (days(one) for one in (content, taken))
        assert now == then
        names = {f"n{number}": one.key for number, one in enumerate(content.entries, 1)}
        assert [tuple(names[need] for need in one.needs) for one in taken.entries] == [one.needs for one in content.entries]


def days(content: Content) -> list[tuple[date | None, date | None]]:
    today = date(2020, 1, 1)
    shown: Callable[[int], int] = press_for(content, D_DAY, today, Timing.KEEP)
    return [(one.due, one.start) for one in placed(content.entries, D_DAY, today, shown)]
