"""The forecast against a slow second way of saying it: all chains, one by one."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from main_lines.plans.chart import LANES_MOST, lanes_of
from main_lines.plans.rules import (
    Forecast,
    Planned,
    all_waiting_for,
    circle_through,
    circling,
    critical_path,
    forecast,
    in_turn,
    way_between,
)

TODAY = date(2026, 10, 20)


def on(days: int) -> date:
    return TODAY + timedelta(days=days)


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[Planned], dict[str, list[str]]]:
    """Up to eight orders; needs only point to earlier ones, so there is no circle. Listed in any order."""
    count = draw(st.integers(1, 8))
    orders = [
        Planned(
            str(number), draw(st.none() | st.integers(-10, 30).map(on)), draw(st.integers(1, 6)), draw(st.booleans()),
            draw(st.integers(0, 4)) == 0,
        )
        for number in range(count)
    ]  # fmt: skip
    needs = {str(number): draw(st.lists(st.sampled_from([str(n) for n in range(number)]), unique=True)) for number in range(1, count)}
    return draw(st.permutations(orders)), needs


def ready_of(id: str, orders: dict[str, Planned], needs: dict[str, list[str]]) -> date:
    order = orders[id]
    held = [ready_of(need, orders, needs) for need in needs.get(id, []) if not orders[need].handed_in]
    if order.begun:
        return max([order.due or TODAY, TODAY, *held])
    return max([order.due or TODAY, on(order.days - 1), *(day + timedelta(days=order.days) for day in held)])


def latest_of(id: str, orders: dict[str, Planned], needs: dict[str, list[str]]) -> date | None:
    later = [other for other in orders if id in needs.get(other, []) and not orders[other].handed_in]
    limits = [(latest_of(other, orders, needs), orders[other].days) for other in later]
    days = [limit - timedelta(days=days) for limit, days in limits if limit]
    own = orders[id].due
    return min([*days, *([own] if own else [])], default=None)


@settings(deadline=None)
@given(plans())
def test_forecast_when_compared_with_all_chains_then_the_same(plan: tuple[list[Planned], dict[str, list[str]]]) -> None:
    listed, needs = plan
    orders = {order.id: order for order in listed}
    found = forecast(listed, needs, TODAY)
    assert found.keys() == {order.id for order in listed if not order.handed_in}
    for id, said in found.items():
        assert said.ready == ready_of(id, orders, needs)
        limit = latest_of(id, orders, needs)
        assert said.slack == (None if limit is None else (limit - said.ready).days)


@settings(deadline=None)
@given(plans())
def test_critical_path_when_any_then_a_whole_chain_of_needs_through_the_least_slack(
    plan: tuple[list[Planned], dict[str, list[str]]],
) -> None:
    listed, needs = plan
    found = forecast(listed, needs, TODAY)
    path = critical_path(found)
    slacks = [said.slack for said in found.values() if said.slack is not None]
    assert bool(path) == bool(slacks)
    if path:
        assert min(slacks) in [found[id].slack for id in path]
        assert path[-1] not in {said.driver for said in found.values()}
        assert all(before in needs[after] and found[after].driver == before for before, after in itertools.pairwise(path))
        assert found[path[0]].driver is None


@settings(deadline=None)
@given(plans())
def test_forecast_when_the_first_of_the_critical_path_takes_longer_then_the_end_moves_with_it(
    plan: tuple[list[Planned], dict[str, list[str]]],
) -> None:
    listed, needs = plan
    before = forecast(listed, needs, TODAY)
    path = critical_path(before)
    first = next((order for order in listed if path and order.id == path[0]), None)
    if first is None or len(path) < 2 or first.begun or first.due is None:
        return
    longer = [
        Planned(order.id, before[first.id].ready + timedelta(days=3), order.days, order.begun) if order is first else order
        for order in listed
    ]
    assert forecast(longer, needs, TODAY)[path[-1]].ready == before[path[-1]].ready + timedelta(days=3)


def test_forecast_when_an_order_waits_for_a_late_one_then_it_is_late_with_it() -> None:
    orders = [Planned("主图", on(-2), 3), Planned("页面", on(1), 2), Planned("投放", on(5), 1)]
    needs = {"页面": ["主图"], "投放": ["页面"]}
    assert forecast(orders, needs, TODAY) == {
        "主图": Forecast(on(2), -4, None),
        "页面": Forecast(on(4), -3, "主图"),
        "投放": Forecast(on(5), 0, None),
    }


def test_forecast_when_begun_then_on_time_until_its_day_is_over() -> None:
    assert forecast([Planned("a", on(3), 9, begun=True)], {}, TODAY)["a"] == Forecast(on(3), 0, None)
    assert forecast([Planned("a", on(-3), 9, begun=True)], {}, TODAY)["a"] == Forecast(TODAY, -3, None)


@pytest.mark.parametrize(
    ("needs", "way"),
    [
        ({}, []),
        ({"a": ["b"], "b": ["c"], "c": ["d"]}, ["a", "b", "c", "d"]),
        ({"a": ["b", "c"], "b": ["e"], "e": ["d"], "c": ["d"]}, ["a", "c", "d"]),
    ],
)
def test_way_between_when_asked_then_the_shortest_with_both_ends(needs: dict[str, list[str]], way: list[str]) -> None:
    assert way_between(needs, "a", "d") == way


def test_way_between_when_an_order_would_need_itself_then_itself() -> None:
    assert way_between({}, "a", "a") == ["a"]


@given(st.dictionaries(st.sampled_from("abcdefg"), st.sets(st.sampled_from("abcdefgh"), max_size=3)))
def test_circles_when_any_needs_are_given_then_through_just_those_that_come_back_to_themselves(needs: dict[str, set[str]]) -> None:
    left = circling(needs)
    for order, own in needs.items():
        ways = [way for need in own if (way := way_between(needs, need, order))]
        found = circle_through(left, order)
        assert len(found) == (min(map(len, ways)) + 1 if ways else 0)
        assert all(later in needs[earlier] for earlier, later in itertools.pairwise(found))


def test_in_turn_when_orders_need_each_other_then_they_are_named() -> None:
    with pytest.raises(ValueError, match=r"\['a', 'b'\]"):
        in_turn(["a", "b", "c"], {"a": ["b"], "b": ["a"]})


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=12))
def test_names_of_days_when_they_stand_close_then_none_covers_another(places: list[tuple[int, int]]) -> None:
    spans = [(start, start + width) for start, width in places]
    lanes = lanes_of(spans)
    for (one, lane), (other, its_lane) in itertools.combinations(zip(spans, lanes, strict=True), 2):
        assert lane is None or lane != its_lane or one[1] <= other[0] or other[1] <= one[0]
    for span, lane in zip(spans, lanes, strict=True):
        there = {its for other, its in zip(spans, lanes, strict=True) if its is not None and other[0] < span[1] and span[0] < other[1]}
        assert lane is not None or len(there) == LANES_MOST, "a name is left out only where every lane is taken"


def test_names_of_days_when_they_stand_apart_then_all_in_the_lowest_lane() -> None:
    assert lanes_of([(0, 10), (10, 20), (30, 40)]) == [0, 0, 0]


@settings(deadline=None)
@given(plans())
def test_all_that_wait_when_found_at_once_then_those_from_which_a_way_leads(plan: tuple[list[Planned], dict[str, list[str]]]) -> None:
    orders, needs = plan
    for order in orders:
        assert all_waiting_for(needs, order.id) == {other.id for other in orders if way_between(needs, other.id, order.id)}
