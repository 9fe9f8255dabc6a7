"""The judge of journals: it must find each of the faults that the cuts are made to provoke."""

from typing import Any

import pytest

from tests.realtime.judge import Happened, judge

LINE = "line:1"


def happened(seq: int, *rooms: str, **changed: dict[str, list[str]]) -> Happened:
    return Happened(seq, float(seq), rooms, changed)


STAYS = [happened(1, LINE), happened(2, "line:2"), happened(3, "company")]
GOES = [happened(1, LINE), happened(2, LINE, leave={"a": [LINE]}), happened(3, LINE), happened(4, "company")]
RETURNS = [*GOES, happened(5, LINE, join={"a": [LINE]}), happened(6, LINE)]
GOES_AGAIN = [*RETURNS, happened(7, LINE, leave={"a": [LINE]})]


def got(*entries: tuple[Any, ...] | int) -> list[list[Any]]:
    """An event by its number, at once when alone; a purge by its room, the instant and up to which event it holds."""
    rows = [entry if isinstance(entry, tuple) else (entry, entry + 0.5) for entry in entries]
    return [["purge" if isinstance(row[0], str) else "event", *row] for row in rows]


@pytest.mark.parametrize(
    ("events", "journal"),
    [
        (STAYS, got(1, 3)),
        (GOES, got(1, (LINE, 2.5, 2), 4)),
        (GOES, got((LINE, 2.5, 2), 4)),
        (RETURNS, got(1, (LINE, 2.5, 2), 4, 5, 6)),
        (RETURNS, got(1, (LINE, 5.2, 2), 4, 5, 6)),
        (GOES_AGAIN, got(1, 4, (LINE, 7.6, 2), (5, 7.6), (6, 7.6), (LINE, 7.7, 7))),
        (RETURNS, got((1, 9.0), (2, 9.0), (3, 9.0), (4, 9.0), (5, 9.0), (6, 9.0))),
    ],
    ids=["stays", "goes", "was cut and goes", "returns", "purge overtaken", "purge told late", "cut all the while, the past is theirs"],
)
def test_judge_when_the_promise_was_kept_then_nothing_is_found(events: list[Happened], journal: list[list[Any]]) -> None:
    verdict = judge("a", ["company", LINE], events, journal)
    assert not verdict, verdict
    assert verdict.due


@pytest.mark.parametrize(
    ("events", "journal", "fault", "found"),
    [
        (STAYS, got(1), "missed", [3]),
        (STAYS, got(1, 1, 3), "doubled", [1]),
        (STAYS, got(3, 1), "disordered", [1]),
        (STAYS, got(1, 2, 3), "leaked", [2]),
        (GOES, got(1, (LINE, 2.5, 2), 3, 4), "leaked", [3]),
        (GOES, got(1, 2, (LINE, 2.5, 2), 4), "leaked", [2]),
        (GOES, got((LINE, 2.5, 2), (1, 3.5), 4), "leaked", [1]),
        (RETURNS, got((LINE, 2.5, 2), (3, 4.0), 4, 5, 6), "leaked", [3]),
        (GOES_AGAIN, got(1, 4, (LINE, 7.6, 7), (5, 7.6), (6, 7.7)), "leaked", [5, 6]),
        (GOES, got(1, 4), "unpurged", [LINE]),
        (GOES_AGAIN, got(1, (LINE, 7.6, 2), 4), "unpurged", [LINE]),
        (GOES, got(1, (LINE, 1.5, 1), 4), "unpurged", [LINE]),
    ],
)
def test_judge_when_the_promise_was_broken_then_it_is_named(
    events: list[Happened], journal: list[list[Any]], fault: str, found: list[Any]
) -> None:
    assert set(getattr(judge("a", ["company", LINE], events, journal), fault)) == set(found)
