from datetime import UTC, date, datetime, timedelta

import pytest

from main_lines.lines.rules import Advance, GateHold, Health, HealthSource, Phase, days_from, gate, shown_health

NOW = datetime(2026, 10, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("phase", "open_orders", "note", "decision"),
    [
        (Phase.PREPARE, 0, "", Advance(Phase.EXECUTE)),
        (Phase.EXECUTE, 0, "", Advance(Phase.REVIEW)),
        (Phase.REVIEW, 0, "", Advance(Phase.CLOSED)),
        (Phase.CLOSED, 0, "再关一次", GateHold.LINE_CLOSED),
        (Phase.PREPARE, 2, "", GateHold.NOTE_MISSING),
        (Phase.PREPARE, 2, "  ", GateHold.NOTE_MISSING),
        (Phase.PREPARE, 2, "门店两张转入执行", Advance(Phase.EXECUTE)),
    ],
)
def test_gate_when_asked_then_by_the_table(phase: Phase, open_orders: int, note: str, decision: Advance | GateHold) -> None:
    assert gate(phase, open_orders=open_orders, note=note) == decision


@pytest.mark.parametrize(("today", "days"), [(date(2026, 10, 22), -20), (date(2026, 11, 11), 0), (date(2026, 11, 14), 3)])
def test_days_from_when_counted_then_negative_before_d_day(today: date, days: int) -> None:
    assert days_from(date(2026, 11, 11), today) == days


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("stated", "at", "blocked", "late", "health", "source"),
    [
        pytest.param("", None, 0, 0, Health.UNKNOWN, HealthSource.NEVER, id="nobody spoke, nothing known: never green"),
        pytest.param("green", hours_ago(1), 0, 0, Health.GREEN, HealthSource.STATED, id="fresh green"),
        pytest.param("green", hours_ago(24), 0, 0, Health.GREEN, HealthSource.STATED, id="just fresh"),
        pytest.param("green", hours_ago(24.01), 0, 0, Health.UNKNOWN, HealthSource.STALE, id="older than a day turns grey"),
        pytest.param("red", hours_ago(48), 0, 0, Health.UNKNOWN, HealthSource.STALE, id="red turns grey too"),
        pytest.param("green", hours_ago(1), 0, 1, Health.AMBER, HealthSource.FACTS, id="late beats green"),
        pytest.param("green", hours_ago(1), 1, 1, Health.RED, HealthSource.FACTS, id="blocked beats green"),
        pytest.param("amber", hours_ago(1), 0, 3, Health.AMBER, HealthSource.STATED, id="amber agrees with late"),
        pytest.param("amber", hours_ago(1), 1, 0, Health.RED, HealthSource.FACTS, id="blocked beats amber"),
        pytest.param("red", hours_ago(1), 0, 0, Health.RED, HealthSource.STATED, id="the director may be gloomier than the facts"),
        pytest.param("red", hours_ago(1), 1, 0, Health.RED, HealthSource.STATED, id="red agrees with blocked"),
        pytest.param("", None, 0, 1, Health.AMBER, HealthSource.FACTS, id="facts speak when nobody does"),
        pytest.param("green", hours_ago(30), 1, 0, Health.RED, HealthSource.FACTS, id="facts speak when the word is stale"),
    ],
)
def test_shown_health_when_asked_then_by_the_table(
    stated: str, at: datetime | None, blocked: int, late: int, health: Health, source: HealthSource
) -> None:
    shown = shown_health(stated, at, blocked=blocked, late=late, now=NOW)
    assert (shown.health, shown.source) == (health, source)


def test_shown_health_when_not_said_freshly_then_never_green() -> None:
    """Over every combination: green only from a statement of the last 24 hours."""
    for stated in ("", "green", "amber", "red"):
        for hours in (0, 23, 25, 1000):
            for blocked in (0, 1):
                for late in (0, 1):
                    at = hours_ago(hours) if stated else None
                    shown = shown_health(stated, at, blocked=blocked, late=late, now=NOW)
                    if shown.health is Health.GREEN:
                        assert (stated, hours <= 24, blocked, late) == ("green", True, 0, 0)
