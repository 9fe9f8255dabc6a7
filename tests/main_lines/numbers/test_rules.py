"""What counts, what is expected by now and what is off it: cases in both directions."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main_lines.numbers.chart import chart_of
from main_lines.numbers.rules import (
    Better,
    Call,
    Kind,
    Replaced,
    Supply,
    Verdict,
    counting,
    expected,
    replaces,
    standing,
    stock_call,
    supply_of,
    told_below,
    total,
)
from main_lines.numbers.words import amount

ZONE = ZoneInfo("Asia/Shanghai")
START, END = date(2026, 11, 1), date(2026, 11, 10)
NOON = datetime(2026, 11, 6, 4, tzinfo=UTC)  # 12:00 in Shanghai on the sixth of ten days.
SALES = Kind(True, Better.HIGHER, START, END, 90)
COST = Kind(True, Better.LOWER, START, END, 90)
RATE = Kind(False, Better.HIGHER, START, END, 90)


@dataclass(frozen=True)
class Said:
    value: Decimal
    at: datetime = NOON
    day: date | None = None
    scope: str = ""


def said(value: float, day: int | None = None, scope: str = "", at: datetime = NOON) -> Said:
    return Said(Decimal(str(value)), at, date(2026, 11, day) if day else None, scope)


def stands(kind: Kind, targets: list[Said], actuals: list[Said], now: datetime = NOON):
    return standing(kind, targets, actuals, now=now, zone=ZONE)


@pytest.mark.parametrize(
    ("figures", "sum_of_them"),
    [
        ([said(5), said(3, scope="city:a"), said(4, scope="department:a")], 5),
        ([said(3, scope="city:a"), said(4, scope="city:b"), said(9, scope="store:a"), said(9, scope="department:a")], 7),
        ([said(9, scope="store:a"), said(1, scope="department:a")], 9),
        ([said(1, 1), said(2, 2), said(9, at=NOON - timedelta(hours=1))], 3),
        ([said(1, 1), said(2, 2), said(9, at=NOON + timedelta(hours=1))], 9),
        ([said(1, 1, "city:a"), said(7, scope="city:b"), said(8, scope="city:a", at=NOON - timedelta(hours=1))], 8),
    ],
    ids=["whole first", "cities next", "stores before departments", "days said last", "total said last", "each city by itself"],
)
def test_figures_when_of_several_kinds_then_nothing_is_counted_twice(figures: list[Said], sum_of_them: int) -> None:
    assert total(SALES, counting(figures)) == sum_of_them


def test_rates_when_of_several_places_then_no_average_is_invented() -> None:
    assert total(RATE, counting([said(3, scope="city:a"), said(5, scope="city:b")])) is None
    assert total(RATE, counting([said(3, 1), said(5, 4), said(4, 2)])) == 5, "the last day's"


@pytest.mark.parametrize(
    ("actual", "verdict", "pace"),
    [(550, Verdict.ON, 100), (549, Verdict.BEHIND, 99), (495, Verdict.BEHIND, 90), (494, Verdict.OFF, 89), (1100, Verdict.ON, 200)],
)
def test_sales_when_half_of_the_time_is_over_then_measured_by_the_straight_line(actual: int, verdict: Verdict, pace: int) -> None:
    found = stands(SALES, [said(1000)], [said(actual)])
    assert (found.expected, found.verdict, found.pace) == (550, verdict, pace)


def test_cost_when_more_than_its_share_is_spent_then_off() -> None:
    assert stands(COST, [said(1000)], [said(612)]).verdict is Verdict.OFF
    assert stands(COST, [said(1000)], [said(600)]).verdict is Verdict.BEHIND
    assert stands(COST, [said(1000)], [said(400)]).verdict is Verdict.ON
    assert stands(COST, [said(1000)], [said(0)]).pace == 1000


def test_target_when_set_per_day_then_its_days_count_and_the_present_one_by_the_hour() -> None:
    targets = [said(10, 5), said(100, 6), said(1000, 7)]
    assert expected(SALES, targets, NOON, ZONE) == 60
    assert stands(SALES, targets, [said(70)]).target == 1110


def test_actual_when_of_days_that_are_over_then_compared_with_their_end_and_not_with_now() -> None:
    """A report of yesterday that comes at noon would else lack half a day."""
    found = stands(SALES, [said(1000)], [said(100, day) for day in range(1, 6)])
    assert (found.expected, found.verdict) == (500, Verdict.ON)
    assert stands(SALES, [said(1000)], [said(100, day) for day in range(1, 7)]).expected == 550, "the present day is not over"


def test_rate_when_compared_then_with_the_target_itself() -> None:
    assert stands(RATE, [said(4)], [said(3.5)]).verdict is Verdict.OFF
    assert stands(RATE, [said(4)], [said(4, 6)]).verdict is Verdict.ON
    assert stands(RATE, [said(9, 7), said(4, 6), said(2, 1)], [said(4)]).target == 4, "of its day"


def test_standing_when_something_is_missing_then_says_what() -> None:
    assert stands(SALES, [said(5)], []).verdict is Verdict.NO_ACTUAL
    assert stands(SALES, [], [said(5)]).verdict is Verdict.NO_TARGET
    early = datetime(2026, 10, 1, tzinfo=UTC)
    assert stands(SALES, [said(5)], [said(0, at=early)], early).verdict is Verdict.NOT_BEGUN


def test_standing_when_a_day_old_then_stale() -> None:
    assert not stands(SALES, [said(5)], [said(5)], NOON + timedelta(hours=24)).stale
    assert stands(SALES, [said(5)], [said(5)], NOON + timedelta(hours=24, seconds=1)).stale


@pytest.mark.parametrize(
    ("own", "watched", "below"), [(None, True, 80), (None, False, None), (0, True, None), (95, True, 95), (95, False, None)]
)
def test_rule_when_set_by_line_and_metric_then_the_metric_decides_unless_nobody_watches(
    own: int | None, watched: bool, below: int | None
) -> None:
    assert told_below(own, watched=watched, tolerance=20) == below


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30), st.integers(0, 10 * 24 * 60))
def test_expected_when_time_goes_on_then_never_falls_and_ends_at_the_target(days: list[int], minutes: int) -> None:
    targets = [Said(Decimal(value), day=START + timedelta(days=number)) for number, value in enumerate(days)]
    begin = datetime(2026, 11, 1, tzinfo=ZONE)
    at = begin + timedelta(minutes=minutes)
    came = expected(SALES, targets, at, ZONE)
    later = expected(SALES, targets, at + timedelta(hours=1), ZONE)
    assert came is not None
    assert later is not None
    assert 0 <= came <= later <= sum(days)
    assert expected(SALES, targets, begin + timedelta(days=31), ZONE) == sum(days)
    assert expected(SALES, targets, begin, ZONE) == 0


@pytest.mark.parametrize(
    ("value", "hours", "outcome"),
    [(5, 1, Replaced.SAME), (6, 1, Replaced.CHANGED), (6, 0, Replaced.CHANGED), (6, -1, Replaced.OLDER), (5, -1, Replaced.OLDER)],
)
def test_value_when_another_was_said_then_the_newest_by_its_own_time_counts(value: int, hours: int, outcome: Replaced) -> None:
    assert replaces((Decimal(5), NOON), Decimal(value), NOON + timedelta(hours=hours)) is outcome
    assert replaces(None, Decimal(value), NOON) is Replaced.FIRST


@pytest.mark.parametrize(
    ("quantity", "safety", "supply"),
    [(0, None, Supply.OUT), (-3, 5, Supply.OUT), (4, 5, Supply.LOW), (5, 5, Supply.ENOUGH), (1, None, Supply.ENOUGH), (0, 0, Supply.OUT)],
)
def test_stock_when_counted_then_out_low_or_enough(quantity: int, safety: int | None, supply: Supply) -> None:
    assert supply_of(Decimal(quantity), None if safety is None else Decimal(safety)) is supply


OUT, LOW = Supply.OUT, Supply.LOW


@pytest.mark.parametrize(
    ("before", "after", "call"),
    [
        ({}, {"a": LOW}, Call.RAISE), ({"a": LOW}, {"a": LOW}, Call.KEEP), ({"a": LOW}, {"a": OUT}, Call.RAISE),
        ({"a": OUT}, {"a": LOW}, Call.KEEP), ({"a": OUT, "b": LOW}, {"b": LOW}, Call.KEEP), ({"a": OUT}, {"b": LOW}, Call.RAISE),
        ({"a": OUT}, {}, Call.CLEAR), ({}, {}, Call.CLEAR),
    ],
)  # fmt: skip
def test_alert_when_stock_comes_then_everybody_is_called_only_if_something_got_worse(
    before: dict[str, Supply], after: dict[str, Supply], call: Call
) -> None:
    assert stock_call(before.items(), after.items()) is call


def test_chart_when_days_add_up_then_it_grows_to_the_target() -> None:
    figures = [said(10, 2), said(5, 1)]
    drawn = chart_of(SALES, [said(100)], stands(SALES, [said(100)], figures), [], ZONE)
    assert drawn["actual"] == [("2026-11-01 00:00", 0.0), ("2026-11-02 00:00", 5.0), ("2026-11-03 00:00", 15.0)]
    assert drawn["target"] == [("2026-11-01 00:00", 0.0), ("2026-11-11 00:00", 100.0)]
    today = chart_of(SALES, [], stands(SALES, [], [said(1, 6)]), [], ZONE)
    assert today["actual"][-1] == ("2026-11-06 12:00", 1.0), "the present day ends now"


@pytest.mark.parametrize(("value", "words"), [("4.47", "4.47单"), ("999.5", "999.5单"), ("2241.14", "2,241单"), ("120000", "12万单")])
def test_amount_when_large_then_without_a_fraction(value: str, words: str) -> None:
    assert amount(Decimal(value), "单") == words
