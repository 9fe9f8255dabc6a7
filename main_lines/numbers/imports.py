"""A file on its way in: brought, looked at line by line, confirmed. Nothing of it counts before, and all of it does after.

What was brought is kept as text; it is read again when it is confirmed, against the metrics, places and numbers of then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import NamedTuple

from sqlalchemy import delete, or_

from main_lines.lines.access import get_line, is_director
from main_lines.lines.models import MainLine
from main_lines.numbers.access import company_zone, current_figures, current_stock, get_draft, metrics_of, places_of
from main_lines.numbers.actions import Origin, Taken, same_file, take_numbers, take_stock
from main_lines.numbers.models import SOURCE_LENGTH, NumberDraft
from main_lines.numbers.queries import SourceRow, sources_by_id
from main_lines.numbers.reading import CLOCK_SLACK, Known, Problem, Reading, read_numbers, read_stock
from main_lines.numbers.rules import Aim, Replaced, replaces
from workspace.db import new_id
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.tables import Table
from workspace.work import Work

WHATS = ("numbers", "stock")
DRAFTS_KEPT = timedelta(days=1)
LINES_SHOWN = 200
PROBLEMS_SHOWN = 100


@dataclass(frozen=True)
class Brought:
    """A file that was read outside the transaction. digest: of its bytes."""

    name: str
    digest: str
    table: Table

    @property
    def kind(self) -> str:
        return "xlsx" if PurePath(self.name).suffix.lower() in (".xlsx", ".xlsm") else "csv"


def bring_file(work: Work, line_id: str, brought: Brought, *, what: str, at: datetime | None = None) -> NumberDraft:
    """Keep it until its bearer confirms it. at: as of when its numbers are; now, when nobody says. Their earlier drafts go."""
    line = get_line(work, line_id)
    if at is not None and at > work.now + CLOCK_SLACK:
        raise InvalidInput(_("这个时间还没有到"), fields={"at": _("数据截至的时间不能晚于现在")})
    mine = (NumberDraft.by_id == work.actor.member_id) & (NumberDraft.line_id == line.id)
    work.session.execute(delete(NumberDraft).where(or_(mine, NumberDraft.made_at < work.now - DRAFTS_KEPT)))
    draft = NumberDraft(
        id=new_id(), line_id=line.id, by_id=work.actor.member_id, what=what, kind=brought.kind, name=_short_name(brought.name),
        digest=brought.digest, header=list(brought.table.header), rows=[[number, *cells] for number, cells in brought.table.rows],
        at=at or work.now, made_at=work.now,
    )  # fmt: skip
    work.session.add(draft)
    work.session.flush()
    return draft


def _short_name(name: str) -> str:
    """The last part of what the browser calls it; its end is kept, where the day often stands."""
    name = PurePath(name.replace("\\", "/")).name or "?"
    return name if len(name) <= SOURCE_LENGTH else f"…{name[1 - SOURCE_LENGTH :]}"


def known_in(work: Work, line: MainLine, *, at: datetime) -> Known:
    """What a file may name in this line, for whoever brings it."""
    places = places_of(work)
    return Known(
        {metric.name: metric.unit for metric in metrics_of(work, line.id, archived=True)}, places.cities, places.stores, places.departments,
        is_director(work, line.id), at, work.now, company_zone(work),
    )  # fmt: skip


def read_draft(work: Work, line: MainLine, draft: NumberDraft) -> Reading:
    table = Table(tuple(draft.header), [(row[0], tuple(row[1:])) for row in draft.rows])
    known = known_in(work, line, at=draft.at)
    return read_stock(table, known) if draft.what == "stock" else read_numbers(table, known)


def confirm_draft(work: Work, draft_id: str) -> tuple[NumberDraft, Taken]:
    """All of it, or InvalidInput and nothing."""
    draft = get_draft(work, draft_id)
    line = get_line(work, draft.line_id, lock=True)
    reading = read_draft(work, line, draft)
    if reading.problems:
        raise InvalidInput(_("文件里有 %(n)s 处需要修改", n=len(reading.problems)), _("请按提示修改文件后重新上传，没有导入任何数。"))
    origin = Origin(draft.kind, draft.at, draft.name, draft.digest)
    if draft.what == "stock":
        taken = take_stock(work, line, reading.items, origin)
    else:
        taken = take_numbers(work, line, reading.entries, origin, define=reading.new_metrics.values())
    work.session.delete(draft)
    return draft, taken


def drop_draft(work: Work, draft_id: str) -> NumberDraft:
    draft = get_draft(work, draft_id)
    work.session.delete(draft)
    return draft


class Change(NamedTuple):
    """A line of the preview. unit: of its metric."""

    line: int
    what: str
    where: str
    value: Decimal
    before: Decimal | None
    outcome: Replaced
    aim: Aim | None = None
    unit: str = ""


@dataclass(frozen=True)
class Preview:
    """What confirming would do. already: the import of the very same file, which makes this one do nothing."""

    draft: NumberDraft
    changes: Sequence[Change]
    problems: Sequence[Problem]
    more_problems: int
    counts: dict[str, int]
    new_metrics: Sequence[str]
    already: SourceRow | None

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def fits(self) -> bool:
        return not self.problems and self.already is None


def preview_of(work: Work, draft: NumberDraft) -> Preview:
    line = get_line(work, draft.line_id)
    reading = read_draft(work, line, draft)
    changes = _stock_changes(work, line, reading) if draft.what == "stock" else _number_changes(work, line, reading)
    counts = {outcome.value: sum(change.outcome is outcome for change in changes) for outcome in Replaced}
    # What changes something is looked at first.
    order = (Replaced.CHANGED, Replaced.OLDER, Replaced.FIRST, Replaced.SAME)
    shown = sorted(changes, key=lambda change: (order.index(change.outcome), change.line))[:LINES_SHOWN]
    problems = sorted(reading.problems, key=lambda problem: problem.line)
    earlier = same_file(work, line.id, draft.what, draft.digest)
    return Preview(
        draft, shown, problems[:PROBLEMS_SHOWN], max(len(problems) - PROBLEMS_SHOWN, 0), counts,
        [wanted.name for wanted in reading.new_metrics.values()], sources_by_id(work, [earlier.id])[0] if earlier else None,
    )  # fmt: skip


def _number_changes(work: Work, line: MainLine, reading: Reading) -> list[Change]:
    metrics = {metric.name.casefold(): metric for metric in metrics_of(work, line.id, archived=True)}
    named = {metrics[entry.metric.casefold()].id for entry in reading.entries if entry.metric.casefold() in metrics}
    current = {(one.metric_id, one.aim, one.day, one.scope): one for one in current_figures(work, named)}
    names = places_of(work).names()
    found = []
    for entry in reading.entries:
        metric = metrics.get(entry.metric.casefold())
        before = current.get((metric.id, entry.aim.value, entry.day, entry.scope)) if metric else None
        where = _("、").join(part for part in (entry.day.isoformat() if entry.day else "", names.get(entry.scope, "")) if part)
        unit = metric.unit if metric else reading.new_metrics[entry.metric.casefold()].unit
        outcome = replaces((before.value, before.at) if before else None, entry.value, entry.at)
        found.append(Change(entry.line, entry.metric, where, entry.value, before.value if before else None, outcome, entry.aim, unit))
    return found


def _stock_changes(work: Work, line: MainLine, reading: Reading) -> list[Change]:
    current = {one.key: one for one in sorted(current_stock(work, line.id), key=lambda one: (one.at, one.id))}
    found, names = [], places_of(work).names()
    for item in reading.items:
        before = current.get(item.key)
        outcome = replaces((before.quantity, before.at) if before else None, item.quantity, item.at)
        what = " ".join(part for part in (item.sku, item.name) if part)
        where = names.get(item.scope, item.place)
        found.append(Change(item.line, what, where, item.quantity, before.quantity if before else None, outcome))
    return found
