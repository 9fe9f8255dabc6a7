"""Which versions of a file go as it grows older. Pure: versions and a plan in, numbers out.

    age of a version                      what stays
    up to ``all_days``                    every version
    then up to ``daily_days``             the last one of each day
    then up to ``weekly_days``            the last one of each week, Monday to Sunday, cut at the end of a month
    older                                 the last one of each month

The newest version stays always, and so does what is held: pinned by an approval or a delivery, or kept by hand. Days, weeks and months
are those of the calendar in the company's time zone and lie within each other, so what stays does not depend on when the job ran.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum

DAYS_MOST = 36_500
LABEL_LENGTH = 60


class Mode(Enum):
    """all: nothing is thinned. paused: nothing is let go at all, not even what has left the trash, until a manager decides.

    A recovered library is paused: what its approvals had pinned is not known any more.
    """

    THIN = "thin"
    ALL = "all"
    PAUSED = "paused"


@dataclass(frozen=True)
class Plan:
    """See module; days of age, each at least as many as the one before."""

    mode: Mode = Mode.THIN
    all_days: int = 30
    daily_days: int = 90
    weekly_days: int = 365

    @property
    def is_possible(self) -> bool:
        return 1 <= self.all_days <= self.daily_days <= self.weekly_days <= DAYS_MOST


@dataclass(frozen=True)
class Saved:
    """A version of one file. held: kept by somebody, whatever its age."""

    number: int
    at: datetime
    held: bool = False


def versions_to_let_go(versions: Sequence[Saved], plan: Plan, now: datetime, zone: tzinfo) -> list[int]:
    """Numbers of the versions of one file that the plan does not keep, in their order."""
    if plan.mode is not Mode.THIN or not versions:
        return []
    newest = max(version.number for version in versions)
    last: dict[tuple[date, ...], int] = {}
    for version in versions:
        place = _place_of(version.at, plan, now, zone)
        if place is not None:
            last[place] = max(last.get(place, 0), version.number)
    staying = {newest, *last.values(), *(version.number for version in versions if version.held)}
    old = (version for version in versions if _place_of(version.at, plan, now, zone) is not None)
    return sorted(version.number for version in old if version.number not in staying)


def thinned_before(plan: Plan, now: datetime) -> datetime:
    """Nothing younger than this is looked at."""
    return now - timedelta(days=plan.all_days)


def gaps_between(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """(first, last) of each run of numbers that is missing below a number that is there; numbers begin at 1."""
    found, expected = [], 1
    for number in sorted(numbers):
        if number > expected:
            found.append((expected, number - 1))
        expected = number + 1
    return found


def _place_of(at: datetime, plan: Plan, now: datetime, zone: tzinfo) -> tuple[date, ...] | None:
    """(month), (month, week) or (month, week, day) that a version shares; None while every version stays."""
    age, day = now - at, at.astimezone(zone).date()
    if age <= timedelta(days=plan.all_days):
        return None
    month, week = day.replace(day=1), day - timedelta(days=day.weekday())
    if age <= timedelta(days=plan.daily_days):
        return month, week, day
    return (month, week) if age <= timedelta(days=plan.weekly_days) else (month,)
