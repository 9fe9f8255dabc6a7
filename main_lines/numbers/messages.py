"""What programs send: the same reading as of files, item by item, and all of it or nothing."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from main_lines.lines.access import get_line
from main_lines.numbers.actions import Origin, Taken, take_numbers, take_stock
from main_lines.numbers.bodies import NumberIn, NumbersBody, StockIn
from main_lines.numbers.columns import NUMBER_HEADINGS, STOCK_HEADINGS, Column
from main_lines.numbers.imports import known_in
from main_lines.numbers.reading import CLOCK_SLACK, Known, Problem, read_numbers, read_stock
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.tables import Table
from workspace.work import Work

_NUMBERS = (Column.METRIC, Column.DAY, Column.CITY, Column.STORE, Column.DEPARTMENT, Column.TARGET, Column.ACTUAL, Column.AT)
_STOCK = (Column.SKU, Column.NAME, Column.PLACE, Column.STORE, Column.QUANTITY, Column.SAFETY, Column.AT)


def receive(work: Work, line_id: str, body: NumbersBody, *, name: str) -> tuple[Taken, Taken]:
    """Numbers and stock of one message. name: of the pass, or of whoever sent it. InvalidInput names every item that does not fit."""
    line = get_line(work, line_id, lock=True)
    if not body.numbers and not body.stock:
        raise InvalidInput(_("没有一个数值"), _("请在 numbers 或 stock 中至少写一项。"))
    if body.at is not None and body.at > work.now + CLOCK_SLACK:
        raise InvalidInput(_("这个时间还没有到"), fields={"at": _("数据截至的时间不能晚于现在")})
    known = known_in(work, line, at=body.at or work.now)
    origin = Origin("api", known.at, name)
    numbers = read_numbers(_table(NUMBER_HEADINGS, _NUMBERS, body.numbers, known), known) if body.numbers else None
    stock = read_stock(_table(STOCK_HEADINGS, _STOCK, body.stock, known), known) if body.stock else None
    problems = [*_named("numbers", numbers.problems if numbers else ()), *_named("stock", stock.problems if stock else ())]
    if problems:
        raise InvalidInput(_("有 %(n)s 处需要修改", n=len(problems)), _("没有收下任何数，请修改后再发送。"), problems=problems[:100])
    nothing = Taken(0, 0, 0)
    taken = take_numbers(work, line, numbers.entries, origin, define=numbers.new_metrics.values()) if numbers else nothing
    return taken, take_stock(work, line, stock.items, origin) if stock else nothing


def _table(
    headings: dict[Column, tuple[str, ...]], columns: Sequence[Column], items: Sequence[NumberIn] | Sequence[StockIn], known: Known
) -> Table:
    """The items as lines of text, numbered from 1."""
    rows = [tuple(_text(getattr(item, column.value), known) for column in columns) for item in items]
    return Table(tuple(headings[column][0] for column in columns), list(enumerate(rows, 1)))


def _text(value: Any, known: Known) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(known.zone).strftime("%Y-%m-%d %H:%M:%S")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _named(what: str, problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Items are counted from 0, as the sender's list is."""
    return [
        {"list": what, "item": problem.line - 1 if problem.line else None, "field": problem.column, "words": problem.words}
        for problem in problems
    ]
