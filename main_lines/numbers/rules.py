"""Pure decisions about the numbers of a main line: which values count, how much of a target is expected by now, what is off it.

A figure is one value: of a day or of the whole time so far, of the whole line or of one city, store or department. Values of one
kind are never mixed with values of another, so that nothing is counted twice: a figure of the whole line counts before those of its
cities, cities before stores, stores before departments; and of days and of the whole time that which was said last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

FRESH = timedelta(hours=24)
SCOPE_KINDS = ("city", "store", "department")
VALUE_MOST = Decimal(10) ** 13
PLACES = Decimal("0.0001")


class Aim(StrEnum):
    TARGET = "target"
    ACTUAL = "actual"


class Better(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"


class Verdict(StrEnum):
    """off: beyond what the metric's rule allows. behind: short of what is expected, within the rule. on: as expected or better."""

    NO_ACTUAL = "no_actual"
    NO_TARGET = "no_target"
    NOT_BEGUN = "not_begun"
    OFF = "off"
    BEHIND = "behind"
    ON = "on"


class Figure(Protocol):
    """A value that counts now. at: as of when. scope: empty for the whole line, else "city:ID" and the like."""

    @property
    def day(self) -> date | None: ...
    @property
    def scope(self) -> str: ...
    @property
    def value(self) -> Decimal: ...
    @property
    def at(self) -> datetime: ...


FigureT = TypeVar("FigureT", bound=Figure)


@dataclass(frozen=True)
class Kind:
    """How the values of a metric are meant. adds: those of days and places add up (sales); else each stands for itself (a rate).

    start, end: first and last day of the time for which the target is set. alert_below: percent of what is expected under which
    everybody is told; None never.
    """

    adds: bool
    better: Better
    start: date
    end: date
    alert_below: int | None = None


@dataclass(frozen=True)
class Standing(Generic[FigureT]):
    """Target against actual. percent: of the target. pace: of what is expected by now, over 100 is always better.

    at: as of when the newest counted value is; stale: older than a day. used: the values that were counted.
    """

    verdict: Verdict
    actual: Decimal | None = None
    target: Decimal | None = None
    expected: Decimal | None = None
    percent: int | None = None
    pace: int | None = None
    at: datetime | None = None
    stale: bool = False
    used: Sequence[FigureT] = ()


def standing(kind: Kind, targets: Sequence[FigureT], actuals: Sequence[FigureT], *, now: datetime, zone: tzinfo) -> Standing[FigureT]:
    """How a metric stands. Every figure is the newest of its kind."""
    counted, planned = counting(actuals), counting(targets)
    actual = total(kind, counted)
    at = max((figure.at for figure in counted), default=None)
    basis = as_of(counted, zone) or now
    target = total(kind, planned, on=basis.astimezone(zone).date())
    if actual is None or at is None:
        return Standing(Verdict.NO_ACTUAL, target=target, expected=expected(kind, planned, basis, zone), used=counted)
    stale = now - at > FRESH
    if target is None:
        return Standing(Verdict.NO_TARGET, actual=actual, at=at, stale=stale, used=counted)
    due = expected(kind, planned, basis, zone)
    pace = pace_of(kind.better, actual, due)
    verdict = _verdict(pace, kind.alert_below)
    return Standing(verdict, actual, target, due, _percent(actual, target), pace, at, stale, counted)


def counting(figures: Sequence[FigureT]) -> list[FigureT]:
    """Those that count; see the module."""
    whole = [figure for figure in figures if not figure.scope]
    if whole:
        return _said_last(whole)
    for kind in SCOPE_KINDS:
        scopes = sorted({figure.scope for figure in figures if figure.scope.startswith(f"{kind}:")})
        if scopes:
            return [one for scope in scopes for one in _said_last([figure for figure in figures if figure.scope == scope])]
    return []


def _said_last(figures: Sequence[FigureT]) -> list[FigureT]:
    """Of one scope: its days, or its one value of the whole time, whichever was said last."""
    days = [figure for figure in figures if figure.day is not None]
    others = [figure for figure in figures if figure.day is None]
    if not days or not others:
        return list(figures)
    return days if max(figure.at for figure in days) >= max(figure.at for figure in others) else others


def total(kind: Kind, figures: Sequence[Figure], *, on: date | None = None) -> Decimal | None:
    """One number for all of them. None when there is none, or when rates of several places would have to be averaged.

    on: for a rate that has a value per day, the day whose value is meant; the last one before it counts on.
    """
    if not figures:
        return None
    if kind.adds:
        return sum((figure.value for figure in figures), Decimal(0))
    if len({figure.scope for figure in figures}) > 1:
        return None
    past = [figure for figure in figures if on is None or figure.day is None or figure.day <= on]
    return max(past or figures, key=lambda figure: (figure.day or date.min, figure.at)).value


def as_of(figures: Sequence[Figure], zone: tzinfo) -> datetime | None:
    """The instant up to which the values reach: the end of their last day, when that is over, else when the newest was said."""
    if not figures:
        return None
    at = max(figure.at for figure in figures)
    days = [figure.day for figure in figures if figure.day is not None]
    if days and max(days) < at.astimezone(zone).date():
        return _midnight(max(days) + timedelta(days=1), zone)
    return at


def expected(kind: Kind, targets: Sequence[Figure], at: datetime, zone: tzinfo) -> Decimal | None:
    """What the target comes to by ``at``: its days until then, the present one by the hour; without days a straight line."""
    today = at.astimezone(zone).date()
    if not kind.adds:
        return None if today < kind.start else total(kind, targets, on=today)
    if not targets:
        return None
    came = Decimal(0)
    for figure in targets:
        first, last = (figure.day, figure.day) if figure.day is not None else (kind.start, kind.end)
        came += figure.value * _elapsed(first, last, at, zone)
    return came


def _elapsed(first: date, last: date, at: datetime, zone: tzinfo) -> Decimal:
    """The part of the time from the beginning of ``first`` to the end of ``last`` that is over, 0 to 1."""
    start, end = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
    part = Decimal((at - start).total_seconds()) / Decimal((end - start).total_seconds())
    return min(max(part, Decimal(0)), Decimal(1))


def pace_of(better: Better, actual: Decimal, due: Decimal | None) -> int | None:
    """Percent of what is expected; for what should be low (cost) the other way round. None while nothing is expected yet."""
    if due is None or due <= 0:
        return None
    if better is Better.HIGHER:
        return _percent(actual, due)
    return 1000 if actual * 10 <= due else _percent(due, actual)


def _verdict(pace: int | None, alert_below: int | None) -> Verdict:
    if pace is None:
        return Verdict.NOT_BEGUN
    if alert_below is not None and pace < alert_below:
        return Verdict.OFF
    return Verdict.ON if pace >= 100 else Verdict.BEHIND


def _percent(part: Decimal, whole: Decimal) -> int | None:
    """Rounded down, so that 100 means all of it; at most 1000, beyond which it says nothing."""
    if whole <= 0:
        return None
    return max(min(int(part * 100 / whole), 1000), -1000)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone)


def told_below(own: int | None, *, watched: bool, tolerance: int) -> int | None:
    """Percent of what is expected under which a metric is off: its own, or what its line tolerates; None never.

    own: 0 never, None as the line says. watched, tolerance: whether and by how many percent the line's rule lets it fall short.
    """
    if own == 0 or not watched:
        return None
    return own if own is not None else 100 - tolerance


# --- one value after another ------------------------------------------------------------------------------------------


class Replaced(StrEnum):
    """What a value does to the one before it of the same kind."""

    FIRST = "first"
    SAME = "same"
    CHANGED = "changed"
    OLDER = "older"


def replaces(before: tuple[Decimal, datetime] | None, value: Decimal, at: datetime) -> Replaced:
    """The newest value by its own time counts, however late an older one arrives; of two of one time, the one that came last."""
    if before is None:
        return Replaced.FIRST
    if at < before[1]:
        return Replaced.OLDER
    return Replaced.SAME if before[0] == value else Replaced.CHANGED


# --- stock ------------------------------------------------------------------------------------------------------------


class Supply(StrEnum):
    OUT = "out"
    LOW = "low"
    ENOUGH = "enough"


def supply_of(quantity: Decimal, safety: Decimal | None) -> Supply:
    """Out at nothing or less; low below the safety quantity, where one is known."""
    if quantity <= 0:
        return Supply.OUT
    return Supply.LOW if safety is not None and quantity < safety else Supply.ENOUGH


class Call(StrEnum):
    """What a stock import does about the alert of its line."""

    RAISE = "raise"
    KEEP = "keep"
    CLEAR = "clear"


def stock_call(before: Iterable[tuple[str, Supply]], after: Iterable[tuple[str, Supply]]) -> Call:
    """Everybody is called again only when something got worse: news of what they know already teaches them not to look.

    before, after: what is out or low, by SKU and place.
    """
    known, short = dict(before), dict(after)
    if not short:
        return Call.CLEAR
    worse = (key for key, supply in short.items() if key not in known or (supply is Supply.OUT and known[key] is Supply.LOW))
    return Call.RAISE if next(worse, None) is not None else Call.KEEP


def rounded(value: Decimal) -> Decimal:
    """As it is kept: four places."""
    return value.quantize(PLACES, ROUND_HALF_UP)
