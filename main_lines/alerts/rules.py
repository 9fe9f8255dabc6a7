"""Pure decisions about alerts: what a line is watched for, which causes stand, who is told when nobody answers. No clock.

A cause is named by its rule and its subject ("task:…", "gate:freeze", "stock:…"). While it stands there is one alert for it:

    cause      noted as standing    ->
    there      no                   raise
    there      yes                  nothing, also when somebody has closed its alert: it is raised anew only after it was gone
    gone       yes                  clear
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from main_lines.gates.rules import CLOSING, PHASE_OF, GateKey, Obstacle, obstacle_of
from main_lines.tasks.rules import OPEN, UNSIGNED, State, Tone, days_late, tone_of

MOST_OF_A_RULE = 50
"""Alerts of one rule that stand in a line at once. Whoever is three hundred orders behind reads no three hundred alerts."""
MOST_BY_HAND = 100


class AlertKind(StrEnum):
    STOCK = "stock"
    SALES = "sales"
    BLOCKED = "blocked"
    LATE = "late"
    SIGN_OFF = "sign_off"
    GATE = "gate"
    OTHER = "other"


class Severity(StrEnum):
    """Worst first. A critical alert stands on top of every page of its line and comes up in every open browser of its members."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


REPORTED = "reported"
"""Stands where a rule's name does for what a program reports under a subject of its own."""


class AlertRule(StrEnum):
    """What a line is watched for. The clock finds the first five; out of stock and sales come with imported numbers."""

    LATE = "late"
    NOT_STARTED = "not_started"
    BLOCKED = "blocked"
    SIGN_OFF = "sign_off"
    GATE = "gate"
    OUT_OF_STOCK = "out_of_stock"
    SALES = "sales_off_target"


TIMED = (AlertRule.LATE, AlertRule.NOT_STARTED, AlertRule.BLOCKED, AlertRule.SIGN_OFF, AlertRule.GATE)
KIND_OF = {
    AlertRule.LATE: AlertKind.LATE, AlertRule.NOT_STARTED: AlertKind.LATE, AlertRule.BLOCKED: AlertKind.BLOCKED,
    AlertRule.SIGN_OFF: AlertKind.SIGN_OFF, AlertRule.GATE: AlertKind.GATE, AlertRule.OUT_OF_STOCK: AlertKind.STOCK,
    AlertRule.SALES: AlertKind.SALES,
}  # fmt: skip


class Unit(StrEnum):
    """What a rule's threshold counts."""

    DAYS = "days"
    HOURS = "hours"
    PERCENT = "percent"
    NONE = "none"


LIMITS = {Unit.DAYS: (1, 90), Unit.HOURS: (1, 720), Unit.PERCENT: (1, 90), Unit.NONE: (0, 0)}
UNITS = {
    AlertRule.LATE: Unit.DAYS, AlertRule.NOT_STARTED: Unit.HOURS, AlertRule.BLOCKED: Unit.HOURS, AlertRule.SIGN_OFF: Unit.HOURS,
    AlertRule.GATE: Unit.DAYS, AlertRule.OUT_OF_STOCK: Unit.NONE, AlertRule.SALES: Unit.PERCENT,
}  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """How a line is watched by one rule. threshold: in the rule's unit."""

    on: bool
    threshold: int
    severity: Severity


DEFAULTS = {
    AlertRule.LATE: Setting(True, 1, Severity.WARNING),
    AlertRule.NOT_STARTED: Setting(True, 24, Severity.INFO),
    AlertRule.BLOCKED: Setting(True, 4, Severity.WARNING),
    AlertRule.SIGN_OFF: Setting(True, 24, Severity.WARNING),
    AlertRule.GATE: Setting(True, 3, Severity.CRITICAL),
    AlertRule.OUT_OF_STOCK: Setting(True, 0, Severity.CRITICAL),
    AlertRule.SALES: Setting(True, 20, Severity.WARNING),
}


@dataclass(frozen=True)
class Watched:
    """An order as the rules see it. due: None without a due day; due_ends: the instant at which that day is over."""

    id: str
    title: str
    phase: str
    state: State
    state_at: datetime
    blocked_at: datetime | None = None
    blocked_reason: str = ""
    due: date | None = None
    due_ends: datetime | None = None
    holder: str = ""

    @property
    def subject(self) -> str:
        return f"task:{self.id}"


@dataclass(frozen=True)
class Cause:
    """Why there is to be an alert. since: the instant or day it counts from. count: orders that hold a gate. weight: its seconds."""

    rule: AlertRule
    subject: str
    title: str = ""
    holder: str = ""
    since: date | None = None
    why: str = ""
    count: int = 0
    weight: float = 0

    @property
    def key(self) -> tuple[str, str]:
        return self.rule.value, self.subject


Settings = Mapping[AlertRule, Setting]


def causes_of(order: Watched, settings: Settings, *, now: datetime, today: date) -> list[Cause]:
    """What is wrong with one order now. Late takes the place of not started: one cause, one alert."""
    if order.state not in OPEN:
        return []
    found = []

    def wrong(rule: AlertRule, since: date | None, weight: float, why: str = "") -> None:
        found.append(Cause(rule, order.subject, order.title, order.holder, since, why, weight=weight))

    def longer_than(rule: AlertRule, since: datetime | None) -> bool:
        return settings[rule].on and since is not None and now - since >= timedelta(hours=settings[rule].threshold)

    if order.blocked_at is not None and longer_than(AlertRule.BLOCKED, order.blocked_at):
        wrong(AlertRule.BLOCKED, order.blocked_at, (now - order.blocked_at).total_seconds(), order.blocked_reason)
    if order.state is State.WAITING and longer_than(AlertRule.SIGN_OFF, order.state_at):
        wrong(AlertRule.SIGN_OFF, order.state_at, (now - order.state_at).total_seconds())
    late = days_late(order.due, order.state, today)
    if settings[AlertRule.LATE].on and late >= settings[AlertRule.LATE].threshold:
        wrong(AlertRule.LATE, order.due, timedelta(days=late).total_seconds())
    elif settings[AlertRule.NOT_STARTED].on and _not_begun(order) and order.due_ends is not None:
        left = order.due_ends - now
        if left <= timedelta(hours=settings[AlertRule.NOT_STARTED].threshold):
            wrong(AlertRule.NOT_STARTED, order.due, -left.total_seconds())
    return found


def _not_begun(order: Watched) -> bool:
    return order.state in UNSIGNED or order.state is State.READY


def gate_in_sight(gate: GateKey, day: date, settings: Settings, *, today: date) -> bool:
    """Whether the rule looks at a gate: ``threshold`` days before its day and, since a line may do without an inner gate, no longer
    than that after it. The gate with which a phase closes is looked at until it is passed.
    """
    setting = settings[AlertRule.GATE]
    near = timedelta(days=setting.threshold)
    closes = CLOSING[PHASE_OF[gate]] is gate
    return setting.on and day - near <= today and (closes or today <= day + near)


def gate_cause(gate: GateKey, day: date, orders: Iterable[Watched], settings: Settings, *, today: date) -> Cause | None:
    """Why a gate that is in sight cannot be passed: what stands in its way; before its day without orders that are merely not done yet."""
    if not gate_in_sight(gate, day, settings, today=today):
        return None
    found = [obstacle_of(gate, _as_gates_see(order, today)) for order in orders]
    count = sum(one is not None and (one is not Obstacle.OPEN or today >= day) for one in found)
    return Cause(AlertRule.GATE, f"gate:{gate.value}", since=day, count=count) if count else None


@dataclass(frozen=True)
class _Order:
    phase: str
    state: State
    tone: Tone
    late_days: int
    due: date | None


def _as_gates_see(order: Watched, today: date) -> _Order:
    late = days_late(order.due, order.state, today)
    tone = tone_of(order.state, blocked=order.blocked_at is not None, late=late > 0)
    return _Order(order.phase, order.state, tone, late, order.due)


@dataclass(frozen=True)
class Changes:
    """What is to be done so that alerts and causes agree again."""

    to_raise: tuple[Cause, ...] = ()
    to_clear: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.to_raise or self.to_clear)


def changes(causes: Iterable[Cause], standing: Collection[tuple[str, str]], *, most: int = MOST_OF_A_RULE) -> Changes:
    """standing: rule and subject of every cause that was noted and not yet gone. The worst are raised first when there are too many."""
    found = {cause.key: cause for cause in causes}
    kept = [key for key in standing if key in found]
    room = {rule: most - sum(key[0] == rule.value for key in kept) for rule in AlertRule}
    fresh = []
    for cause in sorted((cause for key, cause in found.items() if key not in kept), key=lambda cause: (-cause.weight, cause.key)):
        if room[cause.rule] > 0:
            room[cause.rule] -= 1
            fresh.append(cause)
    return Changes(tuple(fresh), tuple(sorted(key for key in standing if key not in found)))


class Step(StrEnum):
    """The stair of an alert that not everybody has acknowledged, lowest first."""

    REMIND = "remind"
    HEAD = "head"
    DIRECTOR = "director"
    EVERYONE = "everyone"


@dataclass(frozen=True)
class Stair:
    """Minutes from raising an alert to each step; 0 leaves the step out."""

    remind: int = 0
    head: int = 0
    director: int = 0
    everyone: int = 0

    def minutes(self, step: Step) -> int:
        return int(getattr(self, step.value))

    def times(self, raised_at: datetime) -> list[tuple[Step, datetime]]:
        return [(step, raised_at + timedelta(minutes=self.minutes(step))) for step in Step if self.minutes(step)]

    def due(self, raised_at: datetime, taken: Collection[Step], now: datetime) -> list[Step]:
        """Steps whose time has come and that were not taken."""
        return [step for step, at in self.times(raised_at) if step not in taken and at <= now]

    def next_at(self, raised_at: datetime, taken: Collection[Step]) -> datetime | None:
        """When the next step is due, None when there is none left."""
        return min((at for step, at in self.times(raised_at) if step not in taken), default=None)

    def out_of_turn(self) -> list[Step]:
        """Steps that would come no later than one below them."""
        used = [step for step in Step if self.minutes(step)]
        return [step for below, step in pairwise(used) if self.minutes(step) <= self.minutes(below)]


STAIRS = {Severity.CRITICAL: Stair(5, 15, 30, 60), Severity.WARNING: Stair(60, 240, 480, 1440), Severity.INFO: Stair()}
LONGEST_STEP_MINUTES = 7 * 24 * 60


def people_of(
    step: Step, *, missing: Collection[str], heads: Mapping[str, str], directors: Collection[str], everyone: Collection[str],
    owner_id: str | None = None,
) -> set[str]:  # fmt: skip
    """Whom a step tells. missing: who has not acknowledged. heads: member -> the one above them who is in the line; where nobody is
    known, the director stands in. owner_id: of the order that the alert is about, whose head is told too.
    """
    match step:
        case Step.REMIND:
            return set(missing)
        case Step.HEAD:
            asked = {*missing, *([owner_id] if owner_id else [])}
            return {heads[member] for member in asked if member in heads} or set(directors)
        case Step.DIRECTOR:
            return set(directors)
        case Step.EVERYONE:
            return set(everyone)


def head_of(member_id: str, managers: Mapping[str, str | None], inside: Collection[str]) -> str | None:
    """The nearest one above a member who is in the line: a manager outside must not learn that it exists."""
    above, seen = managers.get(member_id), {member_id}
    while above is not None and above not in seen:
        if above in inside:
            return above
        seen.add(above)
        above = managers.get(above)
    return None
