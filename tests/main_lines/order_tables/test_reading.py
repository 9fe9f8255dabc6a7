import time
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from main_lines.lines.rules import Phase
from main_lines.order_tables.cells import cell_of
from main_lines.order_tables.headings import Column, column_of
from main_lines.order_tables.queries import header
from main_lines.order_tables.reading import CIRCLES_TOLD, NEAR_MOST, NEEDS_MOST, read_orders
from main_lines.order_tables.rules import Existing, Known, OrderTable, Person, Why
from workspace.people.names import Named, Names

SUHANG = Person("m1", "苏航", "suhang", "design")
ZHANGS = (Person("m2", "张伟", "zhangwei", "service"), Person("m3", "张伟", "zhangwei2", "store"))
PLACES = Names([
    Named("sh", "上海"), Named("gz", "广州"), Named("a", "人民店", "上海", "SH-1"), Named("b", "人民店", "广州"),
    Named("lone", "天河店", "广州"),
])  # fmt: skip
WRITTEN = {
    "title": "主视觉", "requirements": "横竖各一", "phase": Phase.PREPARE, "department_id": "design", "owner_id": "m1", "site_id": None,
    "due_offset": -30, "due_on": None, "days": 5, "checklist": ["横版", "竖版"],
    "expected": ["主图"], "involved": ["stock"],
}  # fmt: skip


def order(id: str = "o1", number: int = 1, *, needs: Sequence[str] = (), **changed: Any) -> Existing:
    facts = {"is_open": True, "cancelled": False, "signed": True, "may_edit": True, "may_rewrite": True}
    written = {**WRITTEN, **{name: value for name, value in changed.items() if name in WRITTEN}}
    facts |= {name: value for name, value in changed.items() if name not in WRITTEN}
    return Existing(id=id, number=number, title=written["title"], mark="m", written=written, needs=frozenset(needs), **facts)


def known(*orders: Existing) -> Known:
    return Known(
        departments=Names([Named("design", "设计策划"), Named("service", "客服"), Named("stock", "物流仓储")]), places=PLACES,
        members=[SUHANG, *ZHANGS], others=frozenset({"何青"}), orders=orders, phase=Phase.PREPARE,
    )  # fmt: skip


def read(text: str, *orders: Existing) -> OrderTable:
    """A table written as lines of cells between bars; the first is the header and line 1."""
    lines = [[cell.strip().replace("⏎", "\n") for cell in line.split("|")] for line in text.strip().splitlines()]
    return read_orders(lines[0], list(enumerate(lines[1:], 2)), known(*orders))


def faults(found: OrderTable) -> list[tuple[int, Column | None, Why]]:
    return [(fault.row, fault.column, fault.why) for fault in found.all_faults]


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("标题", Column.TITLE), (" 任务名称 *", Column.TITLE), ("Title", Column.TITLE), ("截止（D-30 或日期）", Column.DUE),
        ("Due date:", Column.DUE),
        ("部门", Column.DEPARTMENT), ("Person in charge", Column.OWNER), ("ＤＥＰＴ", Column.DEPARTMENT), ("颜色", None), ("", None),
        ("单号", Column.NUMBER), ("Order no.", Column.NUMBER), ("序号", None), ("编号", None), ("No.", None), ("ID", None),
    ],
)  # fmt: skip
def test_heading_when_written_loosely_then_known(heading: str, column: Column | None) -> None:
    assert column_of(heading) is column


@pytest.mark.parametrize(
    ("cell", "offset", "on"),
    [
        ("D-30", -30, None), ("d+3", 3, None), ("D", 0, None), ("Ｄ－３０", -30, None), ("D日", 0, None), ("D 日前 30 天", -30, None),
        ("-7", -7, None), ("2026-10-12", None, date(2026, 10, 12)), ("2026/1/2", None, date(2026, 1, 2)),
        ("2026年10月12日", None, date(2026, 10, 12)), ("2026-10-12 00:00:00", None, date(2026, 10, 12)), ("", None, None),
    ],
)  # fmt: skip
def test_due_when_written_as_people_write_it_then_understood(cell: str, offset: int | None, on: date | None) -> None:
    found = read(f"标题|部门|截止\n甲|客服|{cell}")
    assert faults(found) == []
    assert (found.rows[0].written["due_offset"], found.rows[0].written["due_on"]) == (offset, on)


@pytest.mark.parametrize(
    ("row", "column", "why", "near"),
    [
        ("|客服||||", Column.TITLE, Why.TITLE_MISSING, ""), ("长" * 121 + "|客服||||", Column.TITLE, Why.TOO_LONG, ""),
        ("甲|||||", Column.DEPARTMENT, Why.DEPARTMENT_MISSING, ""),
        ("甲|物流仓||||", Column.DEPARTMENT, Why.DEPARTMENT_UNKNOWN, "物流仓储"),
        ("甲|客服|苏行|||", Column.OWNER, Why.OWNER_UNKNOWN, "苏航"), ("甲|客服|何青|||", Column.OWNER, Why.OWNER_OUTSIDE, ""),
        ("甲|客服|张伟|||", Column.OWNER, Why.OWNER_TWO, "张伟（zhangwei）、张伟（zhangwei2）"),
        ("甲|客服||下周|| ", Column.DUE, Why.DUE_BAD, ""), ("甲|客服||2026-02-30||", Column.DUE, Why.DUE_BAD, ""),
        ("甲|客服||D-999||", Column.DUE, Why.DUE_FAR, ""), ("甲|客服|||0|", Column.DAYS, Why.DAYS_BAD, ""),
        ("甲|客服|||三|", Column.DAYS, Why.DAYS_BAD, ""), ("甲|客服||||乙", Column.NEEDS, Why.NEED_UNKNOWN, ""),
        ("甲|客服||||甲", Column.NEEDS, Why.NEED_ITSELF, ""),
    ],
)  # fmt: skip
def test_row_when_something_is_wrong_then_that_cell_is_named(row: str, column: Column, why: Why, near: str) -> None:
    found = read(f"标题|部门|负责人|截止|工期|等待\n{row}")
    assert faults(found) == [(2, column, why)]
    assert found.all_faults[0].near == near


def test_rows_when_many_things_are_wrong_then_all_are_told_at_once() -> None:
    found = read("部门|标题|负责人|截止\n客服||谁|某天\n没有|乙||D-3\n客服|丙||D-3")
    assert {(row, column) for row, column, _why in faults(found)} == {
        (2, Column.TITLE), (2, Column.OWNER), (2, Column.DUE), (3, Column.DEPARTMENT)
    }  # fmt: skip
    assert [row.row for row in found.new] == [4]


def test_table_when_it_names_nothing_we_know_then_refused_as_a_whole() -> None:
    assert faults(read("颜色|大小\n红|大")) == [(0, None, Why.NO_COLUMNS)]
    assert faults(read("标题|任务|部门\n甲|甲|客服")) == [(0, Column.TITLE, Why.TWO_COLUMNS)]
    assert faults(read("标题|部门\n |")) == [(0, None, Why.NO_ROWS)]
    assert read("标题|部门|颜色\n甲|客服|红").passed_over == ["颜色"]


def test_owner_when_named_with_login_or_alone_then_found_and_gives_the_department() -> None:
    found = read("标题|负责人\n甲|张伟（zhangwei2）\n乙|@suhang\n丙|ZHANGWEI")
    assert faults(found) == []
    assert [(row.written["owner_id"], row.written["department_id"]) for row in found.rows] == [
        ("m3", "store"),
        ("m1", "design"),
        ("m2", "service"),
    ]


def test_needs_when_named_by_number_title_or_row_then_found() -> None:
    found = read("标题|部门|等待\n乙、丙|客服|1\n丁|客服|乙、丙⏎第1号单\n戊|客服|丁、1", order())
    assert faults(found) == []
    assert [row.needs for row in found.rows] == [{"o1"}, {"row:2", "o1"}, {"row:3", "o1"}]


def test_needs_when_they_close_a_circle_then_every_row_on_it_is_told() -> None:
    found = read("标题|部门|等待\n甲|客服|乙\n乙|客服|丙\n丙|客服|甲\n丁|客服|甲")
    assert [(row, why) for row, _column, why in faults(found) if why is Why.CIRCLE] == [(2, Why.CIRCLE), (3, Why.CIRCLE), (4, Why.CIRCLE)]
    assert next(fault.value for fault in found.all_faults if fault.row == 2) == "甲 → 乙 → 丙 → 甲"
    assert (5, Column.NEEDS, Why.NEED_BAD) in faults(found), "who waits for what will not be there"


def test_needs_when_a_large_table_has_a_circle_then_told_at_once() -> None:
    """Each row waits for all before it: to look for a way back from each of them grew with the fourth power of their number."""
    rows = ["a0|客服|a1", "a1|客服|a0", *(f"a{n}|客服|{'、'.join(f'a{m}' for m in range(2, n))}" for n in range(2, 450))]
    began = time.process_time()
    found = read("\n".join(["标题|部门|等待", *rows]))
    assert time.process_time() - began < 10
    assert [(row, why) for row, _column, why in faults(found)] == [(2, Why.CIRCLE), (3, Why.CIRCLE)]


def test_needs_when_there_are_more_circles_than_are_told_then_no_row_of_them_is_good() -> None:
    rows = [f"a{n}|客服|a{n + 1 if n % 2 == 0 else n - 1}" for n in range(3 * CIRCLES_TOLD)]
    found = read("\n".join(["标题|部门|等待", *rows]))
    assert [why for _row, _column, why in faults(found)] == [Why.CIRCLE] * len(rows)
    assert (found.all_faults[0].value, found.all_faults[-1].value) == ("a0 → a1 → a0", f"a{3 * CIRCLES_TOLD - 1} → …")


def test_needs_when_one_order_has_too_many_then_said() -> None:
    rows = ["甲|客服|" + "、".join(f"a{n}" for n in range(NEEDS_MOST + 1))]
    assert faults(read("\n".join(["标题|部门|等待", *rows]))) == [(2, Column.NEEDS, Why.TOO_MANY)]


def test_needs_when_the_other_row_is_wrong_then_so_is_all_that_waits_for_it() -> None:
    found = read("标题|部门|等待\n甲|没有|\n乙|客服|甲\n丙|客服|乙\n丁|客服|")
    assert [(row, why) for row, _column, why in faults(found)] == [(2, Why.DEPARTMENT_UNKNOWN), (3, Why.NEED_BAD), (4, Why.NEED_BAD)]
    assert [row.title for row in found.new] == ["丁"]


def test_number_when_the_order_exists_then_only_what_differs_changes() -> None:
    found = read("单号|标题|截止|清单\n1|主视觉|D-25|横版⏎竖版", order())
    assert [(change.column, change.before, change.after) for change in found.changed[0].changes] == [(Column.DUE, "D-30", "D-25")]
    assert not found.changed[0].sign_again
    found = read("单号|要求\n1|横竖各二", order())
    assert found.changed[0].sign_again
    assert read("单号|标题|要求\n1|主视觉|横竖各一", order(requirements="横竖各一\r\n")).same, "another line end is no change"


@pytest.mark.parametrize(
    ("facts", "why"),
    [({"may_edit": False}, Why.NOT_YOURS), ({"is_open": False}, Why.FINISHED), ({"may_rewrite": False}, Why.HANDED_IN)],
)
def test_number_when_the_order_may_not_be_changed_then_told_unless_nothing_changes(facts: dict[str, bool], why: Why) -> None:
    assert faults(read("单号|标题\n1|新标题", order(**facts))) == [(2, None, why)]
    assert faults(read("单号|标题\n1|主视觉", order(**facts))) == []


def test_columns_when_departments_take_part_and_deliverables_are_named_then_read_and_signed_again_for_new_ones_alone() -> None:
    found = read("单号|参与部门|交付物|清单\n1|物流仓储、客服|主图|竖版⏎横版", order())
    assert [change.column for change in found.changed[0].changes] == [Column.INVOLVED, Column.CHECKLIST]
    assert not found.changed[0].sign_again, "the same lines in another order ask for nothing new"
    assert read("单号|交付物\n1|主图⏎详情页", order()).changed[0].sign_again
    assert faults(read("标题|部门|参与部门\n甲|客服|物流、客服")) == [(2, Column.INVOLVED, Why.DEPARTMENT_UNKNOWN)]
    assert faults(read("单号|要求\n1|新的", order(may_rewrite=False, frozen=True))) == [(2, None, Why.FROZEN)]


def test_number_when_it_is_wrong_then_told() -> None:
    found = read("单号|标题\n7|甲\n一|乙\n1|丙\n1|丁", order())
    assert [why for _row, _column, why in faults(found) if why in (Why.NUMBER_UNKNOWN, Why.NUMBER_BAD, Why.NUMBER_TWICE)] == [
        Why.NUMBER_UNKNOWN, Why.NUMBER_BAD, Why.NUMBER_TWICE, Why.NUMBER_TWICE,
    ]  # fmt: skip


def test_rows_when_they_are_counted_in_a_column_of_their_own_then_no_order_is_written_over() -> None:
    found = read("序号|标题|部门\n1|会场页面|客服", order())
    assert (found.passed_over, [row.title for row in found.new], found.changed) == (["序号"], ["会场页面"], [])


def test_store_when_two_are_called_so_then_its_city_is_asked_for_unless_the_order_is_there_already() -> None:
    found = read("标题|部门|城市\n甲|客服|人民店\n乙|客服|广州 人民店\n丙|客服|天河店\n丁|客服|人名店")
    assert faults(found) == [(2, Column.CITY, Why.CITY_TWO), (5, Column.CITY, Why.CITY_UNKNOWN)]
    assert found.all_faults[0].near == "上海 人民店（SH-1）、广州 人民店"
    assert [row.written["site_id"] for row in found.new] == ["b", "lone"]
    assert read("单号|城市\n1|人民店", order(site_id="b")).same
    coded = read("标题|部门|城市\n甲|客服|ｓｈ-1\n乙|客服|SH-2")
    assert [row.written["site_id"] for row in coded.new] == ["a"]
    assert [(fault.why, fault.near) for fault in coded.all_faults] == [(Why.CITY_UNKNOWN, "SH-1")]
    assert cell_of(Column.CITY, {"site_id": "b"}, known()) == "广州 人民店", "as an export says it, so that it is found again"


def test_names_when_a_large_table_has_none_that_are_known_then_near_ones_are_looked_for_only_for_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []
    monkeypatch.setattr("main_lines.order_tables.reading.get_close_matches", lambda name, *_rest, **_more: looked.append(name) or [])
    rows = [(n, (f"甲{n}", f"没有{n}", f"谁{n % 3}")) for n in range(2, 2002)]
    found = read_orders(["标题", "部门", "负责人"], rows, known())
    assert len(found.bad) == 2000
    assert len(looked) == NEAR_MOST


def test_new_row_when_an_open_order_has_its_title_then_noted() -> None:
    assert read("标题|部门\n主视觉|客服", order()).new[0].same_as == 1


@given(st.lists(st.lists(st.text(max_size=12), min_size=4, max_size=4), max_size=6))
def test_rows_when_they_hold_anything_then_read_without_a_crash(cells: list[list[str]]) -> None:
    found = read_orders(["单号", "标题", "截止", "等待"], list(enumerate(cells, 2)), known(order()))
    assert all(row.faults or row.title for row in found.rows)


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_headings_when_exported_in_a_language_then_read_back(app: Flask, locale: str) -> None:
    with app.test_request_context(f"/?lang={locale}"):
        assert [column_of(heading) for heading in header()] == [*Column]
