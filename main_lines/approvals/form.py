"""Checking a filled form against a template's fields. Pure: values in, values and faults out.

Field: {"name", "label", "type": text | area | money | date | choice, "required", "options" for choice}. A value is kept as
text: money as a decimal with two places, a date as YYYY-MM-DD.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from workspace.events.kinds import N_

TEXT_LENGTH = 200
AREA_LENGTH = 4000
MOST_MONEY = Decimal("999999999.99")


class Fault(StrEnum):
    MISSING = N_("请填写此项")
    TOO_LONG = N_("内容太长")
    NOT_MONEY = N_("请填写大于 0、最多两位小数的金额")
    NOT_DATE = N_("日期格式不对")
    NOT_OFFERED = N_("请从选项中选择")
    BEFORE_START = N_("结束日期早于开始日期")


@dataclass(frozen=True)
class Filled:
    values: dict[str, str]
    faults: dict[str, Fault]


def check_form(fields: Sequence[Mapping[str, Any]], raw: Mapping[str, str]) -> Filled:
    """Only the template's own fields are read; anything else that was sent is ignored."""
    values: dict[str, str] = {}
    faults: dict[str, Fault] = {}
    for field in fields:
        name = field["name"]
        checked = _checked(field, str(raw.get(name) or "").strip())
        if isinstance(checked, Fault):
            faults[name] = checked
        else:
            values[name] = checked
    if values.get("from") and values.get("to") and values["to"] < values["from"]:
        faults["to"] = Fault.BEFORE_START
    return Filled(values, faults)


def amount_of(values: Mapping[str, str], amount_field: str | None) -> Decimal | None:
    text = values.get(amount_field or "")
    return Decimal(text) if text else None


def _checked(field: Mapping[str, Any], text: str) -> str | Fault:
    if not text:
        return Fault.MISSING if field["required"] else ""
    kind = field["type"]
    if kind == "money":
        return _money(text)
    if kind == "date":
        return _date(text)
    if kind == "choice":
        return text if text in field["options"] else Fault.NOT_OFFERED
    return text if len(text) <= (AREA_LENGTH if kind == "area" else TEXT_LENGTH) else Fault.TOO_LONG


def _money(text: str) -> str | Fault:
    try:
        amount = Decimal(text.replace(",", "").replace("，", ""))
    except InvalidOperation:
        return Fault.NOT_MONEY
    if not amount.is_finite() or not 0 < amount <= MOST_MONEY or amount != amount.quantize(Decimal("0.01")):
        return Fault.NOT_MONEY
    return f"{amount:.2f}"


def _date(text: str) -> str | Fault:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return Fault.NOT_DATE
