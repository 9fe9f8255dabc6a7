"""What the columns of imported files are called, in whatever language, and how their cells are read. Pure.

The first name of each column is the one that templates and exports carry.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from main_lines.numbers.rules import VALUE_MOST, rounded


class Column(StrEnum):
    METRIC = "metric"
    UNIT = "unit"
    DAY = "day"
    CITY = "city"
    STORE_CODE = "store_code"
    STORE = "store"
    DEPARTMENT = "department"
    TARGET = "target"
    ACTUAL = "actual"
    AT = "at"
    SKU = "sku"
    NAME = "name"
    PLACE = "place"
    QUANTITY = "quantity"
    SAFETY = "safety"


NUMBER_HEADINGS: dict[Column, tuple[str, ...]] = {
    Column.METRIC: ("指标", "metric", "指标名称"),
    Column.UNIT: ("单位", "unit"),
    Column.DAY: ("日期", "day", "date", "统计日期", "天"),
    Column.CITY: ("城市", "city"),
    Column.STORE_CODE: ("门店编码", "store code", "门店编号", "门店代码", "店铺编码", "店铺编号", "店号"),
    Column.STORE: ("门店", "store", "店铺", "门店名称", "店铺名称"),
    Column.DEPARTMENT: ("部门", "department"),
    Column.TARGET: ("目标", "target", "目标值"),
    Column.ACTUAL: ("实际", "actual", "实际值", "完成", "完成值"),
    Column.AT: ("截至", "as of", "截至时间", "更新时间", "时间", "time"),
}
STOCK_HEADINGS: dict[Column, tuple[str, ...]] = {
    Column.SKU: ("SKU", "sku", "货号", "商品编码", "商家编码", "条码", "sku编码"),
    Column.NAME: ("名称", "name", "品名", "商品名称", "商品"),
    Column.PLACE: ("仓库", "place", "warehouse", "城市", "city", "仓", "地点"),
    Column.STORE_CODE: NUMBER_HEADINGS[Column.STORE_CODE],
    Column.STORE: NUMBER_HEADINGS[Column.STORE],
    Column.QUANTITY: ("数量", "quantity", "库存", "可用库存", "可售库存", "库存数量", "stock"),
    Column.SAFETY: ("安全库存", "safety quantity", "safety", "安全数量", "预警库存"),
    Column.AT: NUMBER_HEADINGS[Column.AT],
}
_TARGET_MARKS = ("目标", "target")
_UNIT_BEHIND = re.compile(r"(.+?)\s*[（(]\s*([^（()）]{1,10})\s*[)）]")
_UNITS = {"万": Decimal(10**4), "亿": Decimal(10**8), "k": Decimal(1000), "m": Decimal(10**6)}
_UNIT_SCALES = {"千": Decimal(1000), "百万": Decimal(10**6), "万": Decimal(10**4), "亿": Decimal(10**8)}
_NUMBER = re.compile(r"([+-]?)[¥$€]?(\d[\d,]*\.?\d*|\.\d+)(万|亿|k|m)?(?:元|%)?", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?|[\d.]+")
_NOTHING = ("", "-", "—", "--", "/", "n/a", "无")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９．，－＋％￥：／", "0123456789.,-+%¥:/")
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?:\s*日)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_TIME = re.compile(r"[T\s]+(\d{1,2}):(\d{2})(?::(\d{2}))?")


def columns_of(header: tuple[str, ...], headings: Mapping[Column, tuple[str, ...]]) -> dict[Column, int]:
    """Which column stands where; of two with the same meaning the first counts."""
    found: dict[Column, int] = {}
    for index, cell in enumerate(header):
        name = _UNIT_BEHIND.sub(r"\1", cell).strip().casefold()
        for column, names in headings.items():
            if name in {one.casefold() for one in names}:
                found.setdefault(column, index)
    return found


def metric_of(heading: str) -> tuple[str, str, bool]:
    """A column of its own for a metric: its name, its unit in brackets, and whether it holds its target (“GMV目标（万元）”)."""
    unit = ""
    if match := _UNIT_BEHIND.fullmatch(heading.strip()):
        heading, unit = match[1], match[2].strip()
    name = heading.strip()
    for mark in _TARGET_MARKS:
        if name.casefold().endswith(mark) and len(name) > len(mark):
            return name[: -len(mark)].rstrip(" -_·"), unit, True
        if name.casefold().startswith(mark) and len(name) > len(mark):
            return name[len(mark) :].lstrip(" -_·"), unit, True
    return name, unit, False


def number_in(text: str) -> Decimal | None:
    """1,234.5 · ¥1,234 · 12.5% · 3.2万 · １２; None for a cell that says there is none. ValueError for anything else.

    12.5% is 12.5: the unit of a rate is %.
    """
    value, scale = _taken_apart(text)
    return None if value is None else _kept(value * scale)


def value_in(text: str, *, said: str, unit: str) -> Decimal | None:
    """The same, counted in ``unit``. said: the unit in which the file says that it counts; a cell that says 万 itself needs none.

    ValueError also for what cannot be counted so; see ``ratio_of``.
    """
    value, scale = _taken_apart(text)
    if value is None:
        return None
    ratio = ratio_of(said or unit, unit)
    if ratio is None:
        raise ValueError(text)
    return _kept(value * ratio if scale == 1 else value * scale / _scale_of(unit)[0])


def ratio_of(said: str, unit: str) -> Decimal | None:
    """How many of ``unit`` one of ``said`` is: 10000 元 are one 万元. None for units of different things; no unit counts in ones."""
    (said_scale, said_thing), (scale, thing) = _scale_of(said), _scale_of(unit)
    if said_thing and thing and said_thing != thing:
        return None
    return said_scale / scale


def _scale_of(unit: str) -> tuple[Decimal, str]:
    """万元 is (10000, 元)."""
    unit = unit.translate(_FULL_WIDTH).strip().casefold()
    scale = next((scale for scale in _UNIT_SCALES if unit.startswith(scale)), "")
    return _UNIT_SCALES.get(scale, Decimal(1)), unit.removeprefix(scale)


def _taken_apart(text: str) -> tuple[Decimal | None, Decimal]:
    """The digits, and by how much they count: 3.2万 is (3.2, 10000)."""
    text = text.translate(_FULL_WIDTH).replace(" ", "").strip()
    if text.casefold() in _NOTHING:
        return None, Decimal(1)
    match = _NUMBER.fullmatch(text)
    if match is None or not _GROUPED.fullmatch(match[2]):
        raise ValueError(text)
    try:
        return Decimal(match[1] + match[2].replace(",", "")), _UNITS.get((match[3] or "").casefold(), Decimal(1))
    except InvalidOperation as error:
        raise ValueError(text) from error


def _kept(value: Decimal) -> Decimal:
    if abs(value) > VALUE_MOST:
        raise ValueError(value)
    return rounded(value)


def day_in(text: str) -> date | None:
    """2026-11-11 · 2026/11/1 · 2026年11月1日 · 20261111, also with a time behind. ValueError for anything else."""
    text = text.translate(_FULL_WIDTH).strip()
    if not text:
        return None
    match = _COMPACT.fullmatch(text) or _DAY.match(text)
    if match is None or not (match.end() == len(text) or _TIME.fullmatch(text[match.end() :])):
        raise ValueError(text)
    day = date(int(match[1]), int(match[2]), int(match[3]))
    if not 2000 <= day.year <= 2199:
        raise ValueError(text)
    return day


def says_clock(text: str) -> bool:
    """Whether a day comes with a time behind it."""
    return _TIME.search(text.translate(_FULL_WIDTH)) is not None


def instant_in(text: str, zone: tzinfo) -> datetime | None:
    """A day with a time as read on a clock of the company; a day alone means its end. ValueError for anything else."""
    text = text.translate(_FULL_WIDTH).strip()
    day = day_in(text)
    if day is None:
        return None
    clock = _TIME.search(text)
    hour, minute, second = (int(part or 0) for part in clock.groups()) if clock else (23, 59, 59)
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone).astimezone(UTC)
