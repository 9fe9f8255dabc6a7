from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from main_lines.checks.rules import RollUp
from main_lines.tasks.rules import Tone
from main_lines.work.rules import (
    DAYS_A_WEEK,
    Carried,
    Level,
    Load,
    PlaceTally,
    days_in,
    days_left,
    department_loads,
    load_of,
    monday_of,
    span_of,
    weeks_from,
)

MONDAY = date(2026, 10, 19)
TODAY = MONDAY + timedelta(days=2)
WEEKS = weeks_from(TODAY, 6)


def on(days: int) -> date:
    return TODAY + timedelta(days=days)


def order(
    due: int | None, days: int = 1, *, begun: bool = False, owner: str | None = "suhang", department: str = "design", id: str = "1"
) -> Carried:
    return Carried(id, department, owner, None if due is None else on(due), days, begun)


orders = st.lists(
    st.builds(
        order, st.none() | st.integers(-20, 60), st.integers(1, 30), begun=st.booleans(), owner=st.sampled_from([None, "suhang", "chenmo"]),
        department=st.sampled_from(["design", "retail"]),
    ),
    max_size=12,
)  # fmt: skip
PEOPLE = {"suhang": "design", "chenmo": "design", "tangxin": "retail"}


def test_span_when_not_begun_then_all_its_days_from_today_at_the_earliest() -> None:
    assert span_of(order(10, 3), TODAY) == (on(8), on(10))
    assert span_of(order(1, 5), TODAY) == (TODAY, on(4)), "two days are left, five are needed"
    assert span_of(order(-9, 2), TODAY) == (TODAY, on(1)), "late work still has to be done"
    assert span_of(order(None), TODAY) is None


def test_span_when_begun_then_until_its_day() -> None:
    assert span_of(order(1, 5, begun=True), TODAY) == (TODAY, on(1))
    assert span_of(order(-3, 5, begun=True), TODAY) == (TODAY, TODAY)


def test_load_when_one_order_fills_the_week_then_a_hundred_percent() -> None:
    (load, following) = (load_of([order(11, 7)], week, TODAY, people=1) for week in WEEKS[1:3])
    assert (load.days, load.available, load.percent, load.level) == (5, 5, 100, Level.FULL)
    assert (load.open, load.due, following.days) == (1, 1, 0)
    assert load_of([order(11, 7)] * 2, WEEKS[1], TODAY, people=1).level is Level.HEAVY


def test_load_when_an_order_is_late_then_it_weighs_on_this_week_alone() -> None:
    loads = [load_of([order(-9, 2)], week, TODAY, people=1) for week in WEEKS]
    assert [(load.late, load.days) for load in loads] == [(1, 2)] + [(0, 0)] * 5


def test_load_when_nobody_is_there_then_no_percentage() -> None:
    assert Load(days=3).percent is None
    assert Load(days=3).level is Level.HEAVY
    assert Load().level is Level.NONE


@given(orders)
def test_loads_when_summed_then_departments_carry_everything_and_people_what_is_theirs(carried: list[Carried]) -> None:
    rows = {row.department_id: row for row in department_loads(carried, PEOPLE, WEEKS, TODAY)}
    assert set(rows) >= {"design", "retail"}
    for at, week in enumerate(WEEKS):
        whole = load_of(carried, week, TODAY, people=3)
        assert sum(row.weeks[at].days for row in rows.values()) == whole.days
        assert sum(row.weeks[at].available for row in rows.values()) == whole.available
        owned = load_of([one for one in carried if one.owner_id], week, TODAY, people=3)
        assert sum(loads[at].days for row in rows.values() for loads in row.people.values()) == owned.days
    assert sum(row.undated for row in rows.values()) == sum(one.due is None for one in carried)


@given(orders, orders)
def test_loads_when_work_is_added_then_nothing_gets_lighter(some: list[Carried], more: list[Carried]) -> None:
    for week in WEEKS:
        before, after = load_of(some, week, TODAY, people=2), load_of([*some, *more], week, TODAY, people=2)
        assert after.level >= before.level
        assert after.days >= before.days
        assert after.late >= before.late


@given(st.integers(-20, 60), st.integers(1, 60), st.booleans(), st.integers(0, 6))
def test_days_when_spread_over_weeks_then_none_is_lost_and_no_week_takes_more_than_it_has(
    due: int, days: int, begun: bool, weekday: int
) -> None:
    today = MONDAY + timedelta(days=weekday)
    span = span_of(Carried("1", "d", None, today + timedelta(days=due), days, begun), today)
    assert span is not None
    here = [days_in(span, week) for week in weeks_from(today, 30)]
    assert all(0 <= one <= days_left(week, today) for one, week in zip(here, weeks_from(today, 30), strict=True))
    assert 1 <= sum(here) <= (span[1] - span[0]).days + 1
    assert max(here) <= DAYS_A_WEEK


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_monday_when_asked_for_any_day_then_of_its_week(day: date) -> None:
    assert monday_of(day).weekday() == 0
    assert 0 <= (day - monday_of(day)).days < 7


places = st.lists(
    st.builds(
        lambda done, left, late, blocked, sheets, finished: PlaceTally(
            done, done + left, min(late, left), min(blocked, left), RollUp(sheets + finished, finished)
        ),
        *[st.integers(0, 5)] * 6,
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@given(places)
def test_places_when_rolled_up_then_a_hundred_means_all_and_trouble_shows(stores: list[PlaceTally]) -> None:
    city = sum(stores[1:], stores[0])
    assert city == sum(reversed(stores[:-1]), stores[-1])
    everything = city.total + city.sheets.stores
    assert (city.percent is None) == (everything == 0)
    assert (city.percent == 100) == (0 < everything == city.done + city.sheets.done)
    assert (city.tone is Tone.BLOCKED) == any(store.blocked for store in stores)


def test_place_when_nothing_is_to_be_done_then_unknown_and_not_done() -> None:
    assert PlaceTally().percent is None
    assert PlaceTally().tone is None
