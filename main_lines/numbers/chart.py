"""What the chart of a metric draws: points of time and value for its target and its actual. Pure.

Times are the company's wall clock without a zone, so that every reader sees the days on which the company counts.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from itertools import accumulate
from typing import Any

from main_lines.numbers.rules import Figure, Kind, Standing

Point = tuple[str, float]


def chart_of(kind: Kind, targets: Sequence[Figure], standing: Standing[Any], grown: Sequence[Any], zone: tzinfo) -> dict[str, Any]:
    """target, actual: points in the order of time. adds: whether they grow towards the target, or stand each for itself.

    grown: every value that was ever said of the whole time so far; it is drawn when the actual is such a value.
    """
    if not kind.adds and len({figure.scope for figure in standing.used}) > 1:
        return {"target": [], "actual": [], "adds": False}  # Rates of several places have no common line.
    days = [figure for figure in standing.used if figure.day is not None]
    actual = _by_day(kind, days, standing.at, zone) if days else _as_said(grown, zone)
    return {"target": _target(kind, targets, actual), "actual": actual, "adds": kind.adds}


def _by_day(kind: Kind, figures: Sequence[Figure], at: datetime | None, zone: tzinfo | None) -> list[Point]:
    """At the end of each day, the present one at the time of its value; what adds up has grown until then."""
    sums: dict[date, Decimal] = {}
    for figure in figures:
        if figure.day is not None:
            sums[figure.day] = sums.get(figure.day, Decimal(0)) + figure.value if kind.adds else figure.value
    days = sorted(sums)
    values = list(accumulate(sums[day] for day in days)) if kind.adds else [sums[day] for day in days]
    points = [(_end(day), float(value)) for day, value in zip(days, values, strict=True)]
    if points and at is not None and days[-1] == at.astimezone(zone).date():
        points[-1] = (_wall(at, zone), points[-1][1])
    return [(_start(days[0]), 0.0), *points] if kind.adds and points else points


def _as_said(grown: Sequence[Any], zone: tzinfo) -> list[Point]:
    """Each value from when it was first said to when it was last said again."""
    points: list[Point] = []
    for figure in grown:
        for moment in dict.fromkeys((figure.since, figure.at)):
            points.append((_wall(moment, zone), float(figure.value)))
    return sorted(points, key=lambda point: point[0])


def _target(kind: Kind, targets: Sequence[Figure], actual: Sequence[Point]) -> list[Point]:
    if not targets:
        return []
    days = sorted({figure.day for figure in targets if figure.day is not None})
    if days:
        return _by_day(kind, targets, None, None)
    whole = float(sum((figure.value for figure in targets), Decimal(0)))
    first = min([_start(kind.start), *(point[0] for point in actual[:1])])
    return [(_start(kind.start), 0.0), (_end(kind.end), whole)] if kind.adds else [(first, whole), (_end(kind.end), whole)]


def _wall(at: datetime, zone: tzinfo | None) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _start(day: date) -> str:
    return datetime.combine(day, time.min).strftime("%Y-%m-%d %H:%M")


def _end(day: date) -> str:
    return _start(day + timedelta(days=1))
