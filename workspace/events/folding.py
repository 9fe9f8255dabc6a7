"""What one act did many times over is told in one row that unfolds: forty signatures, or the orders of a playbook. Pure.

The events stay as they are, and so do their numbers, by which pages go on: a row stands where its newest event stands and reaches down to
its first. Features say beside their kinds which of them fold, and how the row reads.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import NamedTuple

from workspace.events.kinds import EventKind

FOLD_FROM = 3
"""Two are read as quickly one by one."""


class Mark(NamedTuple):
    """Where an event stands, without what it says. act: the same for all that one commit did: when, and by whom."""

    seq: int
    kind: str
    act: tuple[object, str | None]


@dataclass(frozen=True)
class Row:
    """One row of a feed. seq, first: its newest and its earliest event. head: the event that tells of it.

    count, kind: how many events of which kind it unfolds to; 1 for an event by itself. words: "" for those of the head.
    """

    seq: int
    first: int
    head: int
    kind: str
    count: int = 1
    words: str = ""


_WORDS: dict[str, str] = {}
_TOLD_BY: dict[str, tuple[str, tuple[str, ...], str]] = {}


def fold_as(kind: EventKind, words: str) -> None:
    """words: a source text that may use ``n``, ``actor`` and the facts of the newest of them."""
    _WORDS[kind.value] = words


def fold_under(kind: EventKind, of: EventKind, *also: EventKind, words: str = "") -> None:
    """Where an act holds this kind, it tells of all events of ``of`` and ``also`` in it, and unfolds to the former.

    words: as in ``fold_as``, for when there are as many of each; "" when the event of this kind says it itself.
    """
    _TOLD_BY[kind.value] = (of.value, tuple(one.value for one in also), words)


def folds(kind: str) -> bool:
    """Whether events of this kind may be told in a row with others."""
    return kind in _WORDS or any(kind in (by, of, *also) for by, (of, also, _words) in _TOLD_BY.items())


def folded(marks: Iterable[Mark]) -> list[Row]:
    """marks: the newest first, as the rows are."""
    rows: list[Row] = []
    for _act, run in groupby(marks, key=lambda mark: mark.act):
        rows += sorted(_rows_of(list(run)), key=lambda row: row.seq, reverse=True)
    return rows


def _rows_of(run: Sequence[Mark]) -> list[Row]:
    by_kind: dict[str, list[int]] = defaultdict(list)
    for mark in run:
        by_kind[mark.kind].append(mark.seq)
    rows = []
    for kind, (of, also, words) in sorted(_TOLD_BY.items(), key=lambda item: bool(item[1][2])):  # Who says it itself comes first.
        many = len(by_kind.get(of, ()))
        if kind in by_kind and many >= FOLD_FROM and (not words or all(len(by_kind.get(one, ())) == many for one in also)):
            seqs = [seq for one in {kind, of, *also} for seq in by_kind.get(one, ())]
            rows.append(Row(max(seqs), min(seqs), by_kind[kind][0], of, many, words))
            for one in {kind, of, *also}:
                by_kind.pop(one, None)
    for kind, seqs in by_kind.items():
        if kind in _WORDS and len(seqs) >= FOLD_FROM:
            rows.append(Row(max(seqs), min(seqs), max(seqs), kind, len(seqs), _WORDS[kind]))
        else:
            rows += [Row(seq, seq, seq, kind) for seq in seqs]
    return rows


def newest_page(rows: Sequence[Row], least: int) -> Sequence[Row]:
    """The newest of them, at least so many, down to where no row that follows reaches up into the page."""
    return rows[: next((place for place in _cuts(rows) if place >= least), len(rows))]


def oldest_page(rows: Sequence[Row], least: int) -> Sequence[Row]:
    """The oldest of them in the same way, the newest first all the same."""
    return rows[max((place for place in _cuts(rows) if place <= len(rows) - least), default=0) :]


def _cuts(rows: Sequence[Row]) -> list[int]:
    """Before which rows a page may begin: where everything above was later than everything from there on."""
    lowest = list(accumulate((row.first for row in rows), min))
    return [place for place in range(1, len(rows)) if rows[place].seq < lowest[place - 1]]
