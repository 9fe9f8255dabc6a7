"""From the text of a table to numbers: what each line says, and for each cell that does not fit what is wrong and how to mend it.

Nothing is guessed: a name that is not known is an error with the nearest known one. The same reading serves the preview and the
import itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from difflib import get_close_matches

from main_lines.numbers.columns import (
    NUMBER_HEADINGS,
    STOCK_HEADINGS,
    Column,
    columns_of,
    day_in,
    instant_in,
    metric_of,
    ratio_of,
    says_clock,
    value_in,
)
from main_lines.numbers.models import NAME_LENGTH, PLACE_LENGTH, SKU_LENGTH, SOURCE_LENGTH, UNIT_LENGTH
from main_lines.numbers.places import Misplaced, place_of_number, place_of_stock, short
from main_lines.numbers.rules import Aim
from workspace.i18n import _
from workspace.people.names import Names
from workspace.tables import Table

ROWS_MAX = 5000
COLUMNS_MAX = 40
NUMBERS_MAX = 20_000
METRICS_MAX = 40
NEAR_MOST = 100
"""Problems that name what might have been meant; nobody reads the rest, and to look for it takes time."""
_WHERE = (Column.CITY, Column.STORE_CODE, Column.STORE, Column.DEPARTMENT)
CLOCK_SLACK = timedelta(minutes=10)
"""How far ahead of ours the clock of whoever made the file may be."""


@dataclass(frozen=True)
class Problem:
    """line: as the spreadsheet counts it, 0 for the file as a whole. column: its heading, or empty."""

    line: int
    column: str
    words: str


@dataclass(frozen=True)
class Wanted:
    """A metric as a file names it; unit: only where the file says one."""

    name: str
    unit: str = ""


@dataclass(frozen=True)
class Entry:
    """One number. scope: as in MetricValue. line: where it stands, 0 when it comes from no table."""

    metric: str
    aim: Aim
    value: Decimal
    at: datetime
    day: date | None = None
    scope: str = ""
    line: int = 0

    @property
    def key(self) -> tuple[str, Aim, date | None, str]:
        return self.metric.casefold(), self.aim, self.day, self.scope


@dataclass(frozen=True)
class Item:
    """The stock of one SKU in one place. place: as the file calls it, empty for a store. scope: of a store, as in MetricValue."""

    sku: str
    name: str
    place: str
    quantity: Decimal
    safety: Decimal | None
    at: datetime
    line: int = 0
    scope: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.sku, self.scope or self.place


@dataclass(frozen=True)
class Known:
    """What a file may name. metrics: name -> unit. cities, stores, departments: by scope. may_define: new metrics and targets.

    at: as of when numbers are whose line does not say; now: nothing is of later.
    """

    metrics: Mapping[str, str]
    cities: Names
    stores: Names
    departments: Names
    may_define: bool
    at: datetime
    now: datetime
    zone: tzinfo


@dataclass
class Reading:
    """What a file says. new_metrics: to be defined with it, by their names in small letters."""

    entries: list[Entry] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    new_metrics: dict[str, Wanted] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, line: int, column: str, words: str) -> None:
        self.problems.append(Problem(line, column, words))


def read_numbers(table: Table, known: Known) -> Reading:
    """A line per number (指标, 目标, 实际) or a column per metric (GMV, 订单数, GMV目标), each with its day and place."""
    reading, columns = Reading(), columns_of(table.header, NUMBER_HEADINGS)
    reader = _Numbers(reading, known, table.header, columns)
    if Column.METRIC in columns:
        if not {Column.TARGET, Column.ACTUAL} & set(columns):
            reading.wrong(0, "", _("缺少“目标”或“实际”列，请补上其中一列。"))
            return reading
        for line, cells in table.rows:
            reader.read_long(line, cells)
    elif {Column.TARGET, Column.ACTUAL} & set(columns):
        reading.wrong(0, "", _("有“目标”或“实际”列，却没有“指标”列。请补上“指标”列，或把列名改成“GMV目标”这样。"))
        return reading
    else:
        metrics = reader.metric_columns()
        if not metrics and not reading.problems:
            reading.wrong(0, "", _("没有数值列：请写“指标、日期、目标、实际”几列，或让每个指标各占一列。"))
        if not metrics:
            return reading
        for line, cells in table.rows:
            reader.read_wide(line, cells, metrics)
    if not reading.entries and not reading.problems:
        reading.wrong(0, "", _("没有一个数值：数值格都是空的。"))
    if len(reading.entries) > NUMBERS_MAX:
        reading.wrong(0, "", _("超过 %(n)s 个数值，请分成几份导入。", n=NUMBERS_MAX))
    return reading


@dataclass(frozen=True)
class _Cell:
    """A column that holds numbers of a metric. unit: in which the file says that it counts, empty where it does not say."""

    index: int
    metric: str
    aim: Aim
    unit: str


class _Numbers:
    """Reads line by line into a Reading; knows which cells have been said before."""

    def __init__(self, reading: Reading, known: Known, header: tuple[str, ...], columns: dict[Column, int]) -> None:
        self.reading, self.known, self.header, self.columns = reading, known, header, columns
        self.metrics = {name.casefold(): name for name in known.metrics}
        self.units = {name.casefold(): unit for name, unit in known.metrics.items()}
        self.said: dict[tuple[str, Aim, date | None, str], int] = {}

    def metric_columns(self) -> list[_Cell]:
        """Every column that is not about the day or the place."""
        taken, found = set(self.columns.values()), []
        for index, heading in enumerate(self.header):
            if index in taken or not heading:
                continue
            name, unit, is_target = metric_of(heading)
            known = self._metric(0, heading, name, unit)
            if known is not None:
                found.append(_Cell(index, known, Aim.TARGET if is_target else Aim.ACTUAL, unit))
        self._one_unit(found)
        return found

    def _one_unit(self, cells: list[_Cell]) -> None:
        """Beside a column that counts in 万元, one of the same metric that says nothing may be meant so too: ten thousand times as much."""
        scaled = {cell.metric: cell for cell in cells if cell.unit and ratio_of(cell.unit, self.units[cell.metric.casefold()]) != 1}
        for cell in cells:
            if not cell.unit and (other := scaled.get(cell.metric)):
                heading = self.header[cell.index]
                words = _("“%(other)s”写了单位，“%(heading)s”没有写。请都写明单位。", other=self.header[other.index], heading=heading)
                self.reading.wrong(0, heading, words)

    def read_long(self, line: int, cells: tuple[str, ...]) -> None:
        heading, unit = self.header[self.columns[Column.METRIC]], self._cell(cells, Column.UNIT)
        name = self._cell(cells, Column.METRIC)
        wanted = [(self.columns[Column(aim.value)], aim) for aim in Aim if Column(aim.value) in self.columns]
        if not any(cells[index] for index, _aim in wanted):
            self.reading.wrong(line, "", _("这一行没有数值，请填写目标或实际，或删去这一行。"))
        found = []
        for index, aim in wanted:
            said = unit or metric_of(self.header[index])[1]
            metric = self._metric(line, heading, name, said)
            if metric is None:
                break
            found.append(_Cell(index, metric, aim, said))
        self._read(line, cells, found)

    def read_wide(self, line: int, cells: tuple[str, ...], metrics: list[_Cell]) -> None:
        self._read(line, cells, metrics)

    def _read(self, line: int, cells: tuple[str, ...], wanted: Iterable[_Cell]) -> None:
        day, scope, at = self._day(line, cells), self._scope(line, cells), self._at(line, cells)
        for cell in wanted:
            heading = self.header[cell.index]
            value = _number(self.reading, line, heading, cells[cell.index], cell.unit, self.units[cell.metric.casefold()])
            if value is None or scope is None or at is None:
                continue
            if cell.aim is Aim.TARGET and not self.known.may_define:
                self.reading.wrong(line, heading, _("只有主线负责人可以导入目标。请删去这一列，或请负责人导入。"))
                continue
            self._keep(Entry(cell.metric, cell.aim, value, at, day, scope, line), heading)

    def _keep(self, entry: Entry, heading: str) -> None:
        if entry.aim is Aim.ACTUAL and entry.day is not None and entry.day > entry.at.astimezone(self.known.zone).date():
            self.reading.wrong(entry.line, heading, _("%(day)s 还没有到，不会有实际值。请核对日期。", day=entry.day.isoformat()))
            return
        if entry.key in self.said:
            self.reading.wrong(entry.line, heading, _("第 %(line)s 行已经写过同一个数，请只留一处。", line=self.said[entry.key]))
            return
        self.said[entry.key] = entry.line
        self.reading.entries.append(entry)

    def _cell(self, cells: tuple[str, ...], column: Column) -> str:
        return cells[self.columns[column]] if column in self.columns else ""

    def _metric(self, line: int, heading: str, name: str, unit: str) -> str | None:
        name = " ".join(name.split())
        if not name:
            self.reading.wrong(line, heading, _("请写明是哪个指标。"))
            return None
        if found := self.metrics.get(name.casefold()):
            return found if self._counts_in(line, heading, found, unit) else None
        if not self.known.may_define:
            self.reading.wrong(line, heading, _unknown(self.reading, _("没有指标“%(name)s”", name=name), name, self.known.metrics))
            return None
        if len(name) > NAME_LENGTH or len(unit) > UNIT_LENGTH:
            self.reading.wrong(line, heading, _("指标名称最多 %(n)s 个字，单位最多 %(m)s 个字。", n=NAME_LENGTH, m=UNIT_LENGTH))
            return None
        if name.casefold() not in self.reading.new_metrics and len(self.metrics) >= METRICS_MAX:
            self.reading.wrong(line, heading, _("一条主线最多 %(n)s 个指标。", n=METRICS_MAX))
            return None
        self.metrics[name.casefold()], self.units[name.casefold()] = name, unit
        self.reading.new_metrics[name.casefold()] = Wanted(name, unit)
        return name

    def _counts_in(self, line: int, heading: str, metric: str, said: str) -> bool:
        unit = self.units[metric.casefold()]
        if not said or ratio_of(said, unit) is not None:
            return True
        words = _("“%(metric)s”的单位是%(unit)s，这里写的是%(said)s。请改成相同的单位。", metric=metric, unit=unit, said=short(said))
        self.reading.wrong(line, heading, words)
        return False

    def _day(self, line: int, cells: tuple[str, ...]) -> date | None:
        text = self._cell(cells, Column.DAY)
        try:
            return day_in(text)
        except ValueError:
            words = _("“%(said)s”不是日期。请写成 2026-11-11 这样。", said=short(text))
            self.reading.wrong(line, self.header[self.columns[Column.DAY]], words)
            return None

    def _at(self, line: int, cells: tuple[str, ...]) -> datetime | None:
        return _instant(self.reading, self.known, line, self.columns, self.header, cells)

    def _scope(self, line: int, cells: tuple[str, ...]) -> str | None:
        """The narrowest place that the line names; None when what it says does not fit."""
        said = {column: text for column in _WHERE if (text := self._cell(cells, column))}
        found = place_of_number(said, self.known.cities, self.known.stores, self.known.departments)
        if isinstance(found, Misplaced):
            _misplaced(self.reading, line, self.header[self.columns[found.column]], found)
            return None
        return found.key if found else ""


def _misplaced(reading: Reading, line: int, heading: str, found: Misplaced) -> None:
    words = found.words if found.known is None else _unknown(reading, found.words, found.said, found.known)
    reading.wrong(line, heading, words)


def _unknown(reading: Reading, title: str, name: str, names: Iterable[str]) -> str:
    """With what might have been meant."""
    names = list(names)
    near = get_close_matches(name, names, 1, 0.5) if len(reading.problems) < NEAR_MOST else []
    if near:
        return _("%(title)s，是不是“%(near)s”？", title=title, near=near[0])
    if not names:
        return _("%(title)s，还没有可用的名称。", title=title)
    return _("%(title)s，可用的有：%(names)s。", title=title, names=_("、").join(_some(names)))


def read_stock(table: Table, known: Known) -> Reading:
    """A line per SKU and place."""
    reading, columns = Reading(), columns_of(table.header, STOCK_HEADINGS)
    for column in (Column.SKU, Column.QUANTITY):
        if column not in columns:
            names = _("、").join(dict.fromkeys(name for name in STOCK_HEADINGS[column] if not name.islower()))
            reading.wrong(0, "", _("缺少“%(name)s”列（可以叫：%(names)s）。", name=STOCK_HEADINGS[column][0], names=names))
    if reading.problems:
        return reading
    said: dict[tuple[str, str], int] = {}
    for line, cells in table.rows:
        item = _item(reading, known, line, columns, table.header, cells)
        if item is None:
            continue
        earlier = said.setdefault(item.key, line)
        if earlier != line:
            words = _("第 %(line)s 行已经写过这个 SKU 在同一处的库存，请只留一处。", line=earlier)
            reading.wrong(line, table.header[columns[Column.SKU]], words)
            continue
        reading.items.append(item)
    return reading


def _item(
    reading: Reading, known: Known, line: int, columns: dict[Column, int], header: tuple[str, ...], cells: tuple[str, ...]
) -> Item | None:
    def cell(column: Column) -> str:
        return cells[columns[column]] if column in columns else ""

    before = len(reading.problems)
    sku, name, place = (" ".join(cell(column).split()) for column in (Column.SKU, Column.NAME, Column.PLACE))
    if not sku:
        reading.wrong(line, header[columns[Column.SKU]], _("请填写 SKU。"))
    for text, most, column in ((sku, SKU_LENGTH, Column.SKU), (name, SOURCE_LENGTH, Column.NAME), (place, PLACE_LENGTH, Column.PLACE)):
        if len(text) > most:
            reading.wrong(line, header[columns[column]], _("最多 %(n)s 个字", n=most))
    quantity = _number(reading, line, header[columns[Column.QUANTITY]], cell(Column.QUANTITY))
    if not cell(Column.QUANTITY):
        reading.wrong(line, header[columns[Column.QUANTITY]], _("请填写数量；没有货写 0。"))
    safety = _number(reading, line, header[columns[Column.SAFETY]], cell(Column.SAFETY)) if Column.SAFETY in columns else None
    if safety is not None and safety < 0:
        reading.wrong(line, header[columns[Column.SAFETY]], _("安全库存不能小于 0。"))
    at = _instant(reading, known, line, columns, header, cells)
    said = {column: text for column in (Column.PLACE, Column.STORE_CODE, Column.STORE) if (text := cell(column))}
    store = place_of_stock(said, known.cities, known.stores)
    if isinstance(store, Misplaced):
        _misplaced(reading, line, header[columns[store.column]], store)
        return None
    if len(reading.problems) > before or quantity is None or at is None:
        return None
    return Item(sku, name, "" if store else place, quantity, safety, at, line, store.key if store else "")


def _number(reading: Reading, line: int, heading: str, text: str, said: str = "", unit: str = "") -> Decimal | None:
    try:
        return value_in(text, said=said, unit=unit)
    except ValueError:
        reading.wrong(line, heading, _("“%(said)s”不是数值。请写成 1234.5、12.5%% 或 3.2万 这样。", said=short(text)))
        return None


def _instant(
    reading: Reading, known: Known, line: int, columns: dict[Column, int], header: tuple[str, ...], cells: tuple[str, ...]
) -> datetime | None:
    """As of when the line is; None when what it says is no time."""
    text = cells[columns[Column.AT]] if Column.AT in columns else ""
    try:
        at = instant_in(text, known.zone) or known.at
    except ValueError:
        words = _("“%(said)s”不是时间。请写成 2026-11-11 08:30 这样。", said=short(text))
        reading.wrong(line, header[columns[Column.AT]], words)
        return None
    if at > known.now + CLOCK_SLACK:
        if at.astimezone(known.zone).date() == known.now.astimezone(known.zone).date() and not says_clock(text):
            return known.now.replace(microsecond=0)  # "As of today" is as of now.
        reading.wrong(line, header[columns[Column.AT]], _("%(at)s 还没有到。请核对截至时间。", at=short(text)))
        return None
    return at.replace(microsecond=0)


def _some(names: Sequence[str], most: int = 6) -> Iterator[str]:
    yield from names[:most]
    if len(names) > most:
        yield "…"
