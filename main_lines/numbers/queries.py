"""The numbers of a main line as pages show them: target against actual with source and time, what a file would change, stock."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, case, func, select

from main_lines.alerts.access import setting_of
from main_lines.alerts.rules import AlertRule
from main_lines.lines.models import MainLine
from main_lines.numbers.access import (
    FigureRow,
    StockRow,
    company_zone,
    current_figures,
    current_stock,
    figures_to_count,
    metrics_of,
    places_of,
    running_totals,
)
from main_lines.numbers.chart import chart_of
from main_lines.numbers.models import Metric, MetricValue, NumberSource, StockCount
from main_lines.numbers.rules import (
    FRESH,
    SCOPE_KINDS,
    Aim,
    Better,
    Kind,
    Standing,
    Supply,
    Verdict,
    counting,
    standing,
    supply_of,
    told_below,
)
from workspace.people.models import Member
from workspace.work import Work

SOURCES_SHOWN = 12
HISTORY_SHOWN = 60
STOCK_SHOWN = 500


@dataclass(frozen=True)
class SourceRow:
    """Where numbers came from. count, changed: how many there were, and how many said something else than before."""

    id: str
    what: str
    kind: str
    name: str
    by: str
    at: datetime
    noted_at: datetime
    count: int
    changed: int


@dataclass(frozen=True)
class MetricRow:
    """A metric and how it stands. source: of the newest number that is counted, None when there is none. start, end: of its time.

    told_below: percent of what is expected under which everybody is told, None never.
    """

    id: str
    name: str
    unit: str
    better: Better
    adds: bool
    told_below: int | None
    start: date
    end: date
    archived: bool
    standing: Standing[FigureRow]
    source: SourceRow | None
    chart: dict[str, Any]

    @property
    def shown_tone(self) -> Verdict | None:
        """None when what is known is older than a day: a stale number is grey, whatever it said."""
        return None if self.standing.stale else self.standing.verdict


def kinds_of(work: Work, line: MainLine, metrics: Iterable[Metric]) -> dict[str, Kind]:
    """How the values of each metric are meant, by its id: its time from D-day, and when everybody is told."""
    rule = setting_of(work, line.id, AlertRule.SALES)
    kinds = {}
    for metric in metrics:
        start, end = (line.d_day + timedelta(days=offset) for offset in (metric.start_offset, metric.end_offset))
        below = told_below(metric.alert_below, watched=rule.on, tolerance=rule.threshold)
        kinds[metric.id] = Kind(metric.adds, Better(metric.better), start, end, below)
    return kinds


def metric_rows(work: Work, line: MainLine, metrics: Sequence[Metric] | None = None, *, charts: bool = False) -> list[MetricRow]:
    """The metrics that are shown, or these. The caller has loaded the line through access. charts: with what draws them."""
    metrics = metrics_of(work, line.id) if metrics is None else metrics
    ids = [metric.id for metric in metrics]
    figures: dict[tuple[str, str], list[FigureRow]] = defaultdict(list)
    for figure in figures_to_count(work, {metric.id: metric.adds for metric in metrics}):
        figures[figure.metric_id, figure.aim].append(figure)
    grown: dict[str, list[FigureRow]] = defaultdict(list)
    if charts:
        for figure in running_totals(work, ids):
            grown[figure.metric_id].append(figure)
    zone, kinds = company_zone(work), kinds_of(work, line, metrics) if metrics else {}
    stands = {
        id: standing(kind, figures[id, Aim.TARGET.value], figures[id, Aim.ACTUAL.value], now=work.now, zone=zone)
        for id, kind in kinds.items()
    }
    newest = {id: max(found.used, key=lambda figure: figure.at).source_id for id, found in stands.items() if found.used}
    sources = {row.id: row for row in sources_by_id(work, set(newest.values()))}
    return [
        MetricRow(
            metric.id, metric.name, metric.unit, Better(metric.better), metric.adds, kind.alert_below, kind.start, kind.end,
            metric.archived_at is not None, stands[metric.id], sources.get(newest.get(metric.id, "")),
            chart_of(kind, counting(figures[metric.id, Aim.TARGET.value]), stands[metric.id], grown[metric.id], zone) if charts else {},
        )
        for metric in metrics
        for kind in [kinds[metric.id]]
    ]  # fmt: skip


_SOURCE = select(
    NumberSource.id, NumberSource.what, NumberSource.kind, NumberSource.name, Member.name.label("by"), NumberSource.at,
    NumberSource.noted_at, NumberSource.count, NumberSource.changed,
).join(Member, Member.id == NumberSource.by_id)  # fmt: skip


def sources_by_id(work: Work, ids: Collection[str]) -> list[SourceRow]:
    if not ids:
        return []
    return [SourceRow(*row) for row in work.session.execute(_SOURCE.where(NumberSource.id.in_(ids)))]


def sources_of(work: Work, line_id: str, *, most: int = SOURCES_SHOWN) -> list[SourceRow]:
    """What came last, newest first."""
    query = _SOURCE.where(NumberSource.line_id == line_id).order_by(NumberSource.id.desc()).limit(most)
    return [SourceRow(*row) for row in work.session.execute(query)]


# --- one metric -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScopeRow:
    """What is said of one day or place: its target and actual as they count now, with what each replaced. name: of the place."""

    day: date | None
    name: str
    target: FigureRow | None
    actual: FigureRow | None
    source: SourceRow | None


@dataclass(frozen=True)
class SaidRow:
    """One number that was said, and whether it counts."""

    aim: Aim
    day: date | None
    name: str
    value: Decimal
    former: Decimal | None
    at: datetime
    current: bool
    source: SourceRow


@dataclass(frozen=True)
class MetricPage:
    row: MetricRow
    scopes: Sequence[ScopeRow]
    history: Sequence[SaidRow]


def metric_page(work: Work, line: MainLine, metric: Metric) -> MetricPage:
    """The metric, every number that counts by day and place, and the last ones that were said."""
    row = metric_rows(work, line, [metric], charts=True)[0]
    names = places_of(work).names()
    figures = current_figures(work, [metric.id])
    sources = {found.id: found for found in sources_by_id(work, {figure.source_id for figure in figures})}
    cells: dict[tuple[date | None, str], dict[str, FigureRow]] = defaultdict(dict)
    for figure in figures:
        cells[figure.day, figure.scope][figure.aim] = figure
    scopes = [
        ScopeRow(day, _place(names, scope), said.get("target"), said.get("actual"), sources.get(_newest(said).source_id))
        for (day, scope), said in sorted(cells.items(), key=lambda cell: (cell[0][0] or date.max, cell[0][1]), reverse=True)
    ]
    return MetricPage(row, scopes, _history(work, metric.id, names))


def _newest(said: dict[str, FigureRow]) -> FigureRow:
    """The actual, where there is one: it is what moves."""
    return said.get("actual") or said["target"]


def _place(names: dict[str, str], scope: str) -> str:
    return names.get(scope, "—") if scope else ""


def _history(work: Work, metric_id: str, names: dict[str, str]) -> list[SaidRow]:
    query = select(MetricValue).where(MetricValue.metric_id == metric_id).order_by(MetricValue.id.desc()).limit(HISTORY_SHOWN)
    values = work.session.scalars(query).all()
    sources = {found.id: found for found in sources_by_id(work, {value.source_id for value in values})}
    return [
        SaidRow(
            Aim(value.aim), value.day, _place(names, value.scope), value.value, value.former, value.at, value.current,
            sources[value.source_id],
        )
        for value in values
    ]  # fmt: skip


def export_rows(work: Work, line: MainLine) -> list[tuple[Any, ...]]:
    """Every number that counts, a line per metric, day and place, in the columns of the template: it can be imported again."""
    metrics = {metric.id: metric for metric in metrics_of(work, line.id)}
    places = places_of(work)
    names, zone = places.names(), company_zone(work)
    cells: dict[tuple[str, str, str], dict[str, FigureRow]] = defaultdict(dict)
    for figure in current_figures(work, list(metrics)):
        cells[figure.metric_id, figure.day.isoformat() if figure.day else "", figure.scope][figure.aim] = figure
    rows: list[tuple[Any, ...]] = []
    for (metric_id, _day, scope), said in sorted(cells.items()):
        metric, figure = metrics[metric_id], _newest(said)
        store = places.stores.by_key(scope)
        where = [names.get(scope, "") if scope.startswith(f"{kind}:") else "" for kind in SCOPE_KINDS]
        where.insert(1, store.code if store else "")
        values = [said[aim].value if aim in said else None for aim in ("target", "actual")]
        rows.append((metric.name, metric.unit, figure.day, *where, *values, figure.at.astimezone(zone)))
    return rows


# --- the battle map ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StockSummary:
    """at: as of when the newest count is; None while no stock was ever imported."""

    out: int
    low: int
    total: int
    at: datetime | None
    stale: bool = False


@dataclass(frozen=True)
class Summary:
    """What the battle map shows of a line's numbers."""

    rows: Sequence[MetricRow]
    stock: StockSummary

    @property
    def empty(self) -> bool:
        return not self.rows and not self.stock.total


def summary_of(work: Work, line: MainLine) -> Summary:
    """Target against actual, with source and time, and how the stock is. The caller has loaded the line through access."""
    return Summary(metric_rows(work, line), stock_summary(work, line.id))


# --- stock ------------------------------------------------------------------------------------------------------------

_OUT = StockCount.quantity <= Decimal(0)
_LOW = and_(StockCount.quantity > Decimal(0), StockCount.safety.is_not(None), StockCount.quantity < StockCount.safety)
_STOCK_SUMMARY = select(
    func.coalesce(func.sum(case((_OUT, 1), else_=0)), 0), func.coalesce(func.sum(case((_LOW, 1), else_=0)), 0), func.count(),
    func.max(StockCount.at),
)  # fmt: skip


def stock_summary(work: Work, line_id: str) -> StockSummary:
    out, low, total, at = work.session.execute(_STOCK_SUMMARY.where(StockCount.line_id == line_id, StockCount.current.is_(True))).one()
    return StockSummary(int(out), int(low), int(total), at, stale=at is not None and work.now - at > FRESH)


@dataclass(frozen=True)
class SupplyRow:
    row: StockRow
    supply: Supply
    source: SourceRow | None


@dataclass(frozen=True)
class StockPage:
    """What is out first, then what is low, each with the least left first. more: how many are not shown."""

    rows: Sequence[SupplyRow]
    more: int


def stock_page(work: Work, line_id: str, *, short_only: bool = False, query: str = "", most: int = STOCK_SHOWN) -> StockPage:
    """query: part of a SKU, name or place, or of a store's code."""
    wanted = query.strip().casefold()
    rows = [
        (row, supply)
        for row in current_stock(work, line_id)
        for supply in [supply_of(row.quantity, row.safety)]
        if not (short_only and supply is Supply.ENOUGH) and wanted in f"{row.sku}\n{row.name}\n{row.place}\n{row.code}".casefold()
    ]
    rows.sort(key=lambda one: (list(Supply).index(one[1]), one[0].quantity - (one[0].safety or 0), one[0].sku))
    sources = {source.id: source for source in sources_by_id(work, {row.source_id for row, _supply in rows[:most]})}
    return StockPage([SupplyRow(row, supply, sources.get(row.source_id)) for row, supply in rows[:most]], max(len(rows) - most, 0))


def short_stock(rows: Iterable[StockRow]) -> dict[str, Supply]:
    """What is out or low, by SKU and place."""
    found = {"\n".join(row.key): supply_of(row.quantity, row.safety) for row in rows}
    return {key: supply for key, supply in found.items() if supply is not Supply.ENOUGH}
