"""What people write in a table of task orders, in Chinese or English: headings, phases, days, numbers. Pure."""

import re
import unicodedata
from enum import StrEnum


class Column(StrEnum):
    NUMBER = "number"
    TITLE = "title"
    REQUIREMENTS = "requirements"
    PHASE = "phase"
    DEPARTMENT = "department"
    INVOLVED = "involved"
    OWNER = "owner"
    CITY = "city"
    DUE = "due"
    DAYS = "days"
    CHECKLIST = "checklist"
    EXPECTED = "expected"
    NEEDS = "needs"
    STATE = "state"
    DUE_DAY = "due_day"
    LATE = "late"


TOLD = frozenset({Column.STATE, Column.DUE_DAY, Column.LATE})
"""Columns of an export that tell how an order stands. Nobody can change that in a table: an import passes over them."""
TAKEN = tuple(column for column in Column if column not in TOLD)

# 序号, 编号, No. and the like count the rows of somebody's own table: to take them for the numbers of orders would write over others.
_WRITTEN: dict[Column, tuple[str, ...]] = {
    Column.NUMBER: ("单号", "任务单号", "number", "order no", "order no.", "order number"),
    Column.TITLE: ("标题", "任务", "任务名称", "名称", "任务单", "事项", "工作内容", "title", "task", "name", "task order", "subject"),
    Column.REQUIREMENTS: ("要求", "任务要求", "说明", "描述", "备注", "requirements", "requirement", "description", "details", "notes"),
    Column.PHASE: ("阶段", "phase", "stage"),
    Column.DEPARTMENT: ("负责部门", "部门", "责任部门", "department", "dept", "team"),
    Column.INVOLVED: ("参与部门", "协作部门", "配合部门", "departments involved", "involved", "taking part"),
    Column.OWNER: ("负责人", "责任人", "执行人", "owner", "assignee", "responsible", "in charge", "person in charge"),
    Column.CITY: ("城市", "地点", "city", "place", "site"),
    Column.DUE: ("截止", "截止日", "期限", "完成时间", "due", "deadline", "due date", "d-day offset"),
    Column.DAYS: ("工期", "天数", "需要几天", "days", "duration", "working days"),
    Column.CHECKLIST: ("清单", "检查项", "检查清单", "checklist", "check list"),
    Column.EXPECTED: ("交付物", "应交付", "要交付", "deliverables", "deliverable", "expected"),
    Column.NEEDS: ("等待", "前置", "前置任务", "依赖", "needs", "waits for", "depends on", "predecessors", "dependencies"),
    Column.STATE: ("状态", "state", "status"),
    Column.DUE_DAY: ("到期日", "截止日期", "due day", "due on"),
    Column.LATE: ("逾期天数", "逾期", "days late", "overdue"),
}
_REMARK = re.compile(r"[（(\[【].*?[)）\]】]")
_LOOSE = re.compile(r"[\s:：*＊_]+")
_COLUMNS: dict[str, Column] = {}


def column_of(heading: str) -> Column | None:
    """The column that a heading stands for; capitals, spaces, stars and remarks in brackets do not matter."""
    return _COLUMNS.get(_plain(heading))


def _plain(heading: str) -> str:
    return _LOOSE.sub(" ", _REMARK.sub(" ", unicodedata.normalize("NFKC", heading))).strip().casefold()


_COLUMNS.update({_plain(text): column for column, texts in _WRITTEN.items() for text in texts})

PHASE_WORDS = {
    "前期筹备": "prepare", "前期": "prepare", "筹备": "prepare", "prepare": "prepare", "preparation": "prepare", "before": "prepare",
    "中期执行": "execute", "中期": "execute", "执行": "execute", "execute": "execute", "execution": "execute", "during": "execute",
    "后期监督": "review", "后期": "review", "监督": "review", "review": "review", "after": "review",
}  # fmt: skip

OFFSET = re.compile(r"^d(?:日|-day)?\s*([+-]?\s*\d{1,4})?$|^([+-]?\d{1,3})$", re.IGNORECASE)
"""D-30, D+3, D, or the number alone."""
OFFSET_IN_WORDS = re.compile(r"^d\s*日\s*(前|后)\s*(\d{1,4})\s*天$", re.IGNORECASE)
BEFORE = "前"
DAY = re.compile(r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[\sT]+0{1,2}:00(?::00(?:\.0+)?)?)?$")
"""2026-10-12, 2026/10/12, 2026年10月12日; a spreadsheet may add a midnight."""
NUMBER = re.compile(r"^(?:#|第)?\s*(\d{1,9})(?:\.0+)?\s*(?:号|号单)?$")
DAYS = re.compile(r"^(\d{1,9})(?:\.0+)?\s*(?:天|days?)?$", re.IGNORECASE)
