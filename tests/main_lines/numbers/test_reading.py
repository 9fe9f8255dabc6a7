"""Files as people make them: both forms are read, and every cell that does not fit is named with what to do."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from main_lines.numbers.columns import NUMBER_HEADINGS, STOCK_HEADINGS, Column, columns_of, day_in, instant_in, metric_of, number_in
from main_lines.numbers.reading import NEAR_MOST, Known, Reading, read_numbers, read_stock
from main_lines.numbers.rules import Aim
from workspace.people.names import Named, Names
from workspace.tables import read_table

NOW = datetime(2026, 11, 6, 4, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
CITIES = Names([Named("city:sh", "上海"), Named("city:gz", "广州")])
STORES = Names([
    Named("store:nj", "南京西路店", "上海", "SH-0123"), Named("store:a", "人民店", "上海", "SH-0200"),
    Named("store:b", "人民店", "广州", "GZ-0001"), Named("store:c", "东站店", "广州", "GZ-0002"), Named("store:d", "东站店", "广州"),
])  # fmt: skip
KNOWN = Known(
    {"GMV": "万元", "订单数": ""}, CITIES, STORES, Names([Named("department:kf", "客服")]), True, NOW, NOW, ZONE
)  # fmt: skip


def read(text: str, *, may_define: bool = True, stock: bool = False) -> Reading:
    table = read_table("a.csv", text.encode(), max_rows=100, max_columns=20)
    known = Known(**{**vars(KNOWN), "may_define": may_define})
    return read_stock(table, known) if stock else read_numbers(table, known)


def said(reading: Reading) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.column, problem.words) for problem in reading.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.5", "1234.5"), ("¥1,234", "1234"), ("12.5%", "12.5"), ("3.2万", "32000"), ("1.5亿", "150000000"), ("１２", "12"),
        ("-3", "-3"), ("+7", "7"), ("2k", "2000"), (".5", "0.5"), ("1 200", "1200"), ("86元", "86"), ("0.00004", "0"),
    ],
)  # fmt: skip
def test_number_when_written_as_people_do_then_read(text: str, value: str) -> None:
    assert number_in(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", " ", "-", "—", "N/A", "无"])
def test_number_when_the_cell_says_there_is_none_then_none(text: str) -> None:
    assert number_in(text) is None


@pytest.mark.parametrize("text", ["12a", "1,23", "#N/A", "1.2.3", "=1+1", "1e5", "nan", "inf", "99999999999999", "12,34,567", "--5", "万"])
def test_number_when_it_is_none_then_refused_and_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        number_in(text)


@pytest.mark.parametrize(
    "text", ["2026-11-01", "2026/11/1", "2026年11月1日", "20261101", "2026.11.01", "2026-11-01 08:30", "２０２６-11-01"]
)
def test_day_when_written_in_any_usual_way_then_read(text: str) -> None:
    assert day_in(text) == date(2026, 11, 1)


@pytest.mark.parametrize("text", ["11-01", "2026-13-01", "2026-02-30", "1999-01-01", "45962", "昨天", "2026-11-01x"])
def test_day_when_it_is_none_then_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        day_in(text)


def test_instant_when_only_a_day_is_said_then_its_end() -> None:
    assert instant_in("2026-11-01 08:30", ZONE) == datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
    assert instant_in("2026-11-01", ZONE) == datetime(2026, 11, 1, 15, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("heading", "meaning"),
    [
        ("GMV", ("GMV", "", False)), ("GMV（万元）", ("GMV", "万元", False)), ("GMV目标", ("GMV", "", True)),
        ("目标GMV (元)", ("GMV", "元", True)), ("Orders target", ("Orders", "", True)), ("目标", ("目标", "", False)),
    ],
)  # fmt: skip
def test_heading_when_a_metric_has_its_own_column_then_taken_apart(heading: str, meaning: tuple[str, str, bool]) -> None:
    assert metric_of(heading) == meaning


def test_columns_when_named_in_another_language_then_known() -> None:
    assert columns_of(("Metric", "Date", "ACTUAL"), NUMBER_HEADINGS) == {Column.METRIC: 0, Column.DAY: 1, Column.ACTUAL: 2}
    assert columns_of(("货号", "可用库存（件）"), STOCK_HEADINGS) == {Column.SKU: 0, Column.QUANTITY: 1}


def test_table_when_a_line_is_a_number_then_read() -> None:
    reading = read("指标,日期,城市,目标,实际\ngmv,2026-11-05,上海,100,90\n订单数,,,,7\n")
    assert reading.problems == []
    assert [(one.metric, one.aim, one.value, one.day, one.scope, one.line) for one in reading.entries] == [
        ("GMV", Aim.TARGET, 100, date(2026, 11, 5), "city:sh", 2), ("GMV", Aim.ACTUAL, 90, date(2026, 11, 5), "city:sh", 2),
        ("订单数", Aim.ACTUAL, 7, None, "", 3),
    ]  # fmt: skip


def test_table_when_a_metric_has_its_own_column_then_read_and_new_ones_are_named() -> None:
    reading = read("日期,GMV,花费（元）,GMV目标\n2026-11-05,90,12,100\n2026-11-04,80,,\n")
    assert reading.problems == []
    assert {name: wanted.unit for name, wanted in reading.new_metrics.items()} == {"花费": "元"}
    assert [(one.metric, one.aim.value, int(one.value)) for one in reading.entries] == [
        ("GMV", "actual", 90), ("花费", "actual", 12), ("GMV", "target", 100), ("GMV", "actual", 80),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("指标,实际\nGMV,很多\n", 2, "实际", "“很多”不是数值"),
        ("指标,日期,实际\nGMV,昨天,1\n", 2, "日期", "“昨天”不是日期"),
        ("指标,日期,实际\nGMV,2026-11-07,1\n", 2, "实际", "还没有到"),
        ("指标,城市,实际\nGMV,上每,1\n", 2, "城市", "没有找到“上每”"),
        ("指标,城市,实际\nGMV,上海市,1\n", 2, "城市", "是不是“上海”"),
        ("指标,城市,部门,实际\nGMV,上海,客服,1\n", 2, "部门", "不能同时写"),
        ("指标,门店,实际\nGMV,人民店,1\n", 2, "门店", "有多家叫“人民店”：上海 人民店（SH-0200）、广州 人民店（GZ-0001）。请写门店编码"),
        ("指标,城市,门店,实际\nGMV,广州,东站店,1\n", 2, "门店", "有多家叫“东站店”：广州 东站店（GZ-0002）、广州 东站店。请写门店编码"),
        ("指标,门店编码,实际\nGMV,SH-0124,1\n", 2, "门店编码", "没有门店编码“SH-0124”，是不是“SH-0123”"),
        ("指标,门店编码,实际\nGMV,人民店,1\n", 2, "门店编码", "没有门店编码“人民店”，可用的有：SH-0123"),
        ("指标,门店,实际\nGMV,SH-0124,1\n", 2, "门店", "没有找到“SH-0124”，是不是“SH-0123”"),
        ("指标,门店编码,门店,实际\nGMV,SH-0123,人民店,1\n", 2, "门店", "编码 SH-0123 是“上海 南京西路店”，不是“人民店”"),
        ("指标,城市,门店编码,实际\nGMV,广州,SH-0123,1\n", 2, "城市", "编码 SH-0123 是“上海 南京西路店”，不在广州"),
        ("指标,门店编码,部门,实际\nGMV,SH-0123,客服,1\n", 2, "部门", "不能同时写"),
        ("指标,城市,门店,实际\nGMV,广州,南京西路店,1\n", 2, "门店", "广州没有“南京西路店”，只有：上海 南京西路店（SH-0123）"),
        ("指标,单位,实际\nGMV,件,1\n", 2, "指标", "单位是万元，这里写的是件"),
        ("日期,GMV（单）\n2026-11-05,1\n", 0, "GMV（单）", "单位是万元，这里写的是单"),
        ("指标,实际\n,1\n", 2, "指标", "请写明是哪个指标"),
        ("指标,实际\nGMV,\n", 2, "", "没有数值"),
        ("指标,实际\nGMV,1\n订单数,1\nGMV,2\n", 4, "实际", "第 2 行已经写过"),
        ("指标,实际,截至\nGMV,1,2026-11-06 23:00\n", 2, "截至", "还没有到"),
        ("指标,实际,截至\nGMV,1,刚才\n", 2, "截至", "不是时间"),
        ("指标,日期\nGMV,2026-11-01\n", 0, "", "缺少“目标”或“实际”列"),
        ("日期,GMV,目标\n2026-11-01,1,2\n", 0, "", "没有“指标”列"),
        ("日期,城市\n2026-11-01,上海\n", 0, "", "没有数值列"),
        ("日期,GMV\n2026-11-01,\n", 0, "", "没有一个数值"),
        ("日期,GMV,GMV\n2026-11-01,1,2\n", 2, "GMV", "第 2 行已经写过"),
        ("日期,GMV（元）,GMV目标\n2026-11-05,90,100\n", 0, "GMV目标", "“GMV（元）”写了单位，“GMV目标”没有写"),
    ],
)  # fmt: skip
def test_table_when_a_cell_does_not_fit_then_says_where_and_how_to_mend(text: str, line: int, column: str, words: str) -> None:
    found = said(read(text))
    assert len(found) == 1, found
    assert found[0][:2] == (line, column)
    assert words in found[0][2]


def test_store_when_two_are_called_so_then_its_city_decides_in_its_column_or_before_its_name() -> None:
    reading = read("指标,城市,门店,实际\nGMV,广州,人民店,1\n订单数,,上海 人民店,2\nGMV,,南京西路店,3\n")
    assert reading.problems == []
    assert [one.scope for one in reading.entries] == ["store:b", "store:a", "store:nj"]


def test_store_when_named_by_its_code_then_found_in_either_column_and_under_a_name_that_it_had_before() -> None:
    lines = (",,sh-0123,1", ",GZ-0002,,2", "上海,SH-0200,人民店,3", ",ＧＺ-0001,从前的店名,4")
    reading = read("指标,城市,门店编码,门店,实际\n" + "".join(f"GMV,{line}\n" for line in lines))
    assert reading.problems == []
    assert [one.scope for one in reading.entries] == ["store:nj", "store:c", "store:a", "store:b"]
    wide = read("日期,店号,GMV\n2026-11-05,SH-0123,90\n")
    assert [(one.metric, one.scope) for one in wide.entries] == [("GMV", "store:nj")]


@pytest.mark.parametrize(
    ("heading", "cell", "value"),
    [
        ("GMV", "12", "12"), ("GMV（万元）", "12", "12"), ("GMV（元）", "1203400", "120.34"),
        ("GMV（亿元）", "1.5", "15000"), ("GMV", "3.2万", "3.2"),
        ("GMV（元）", "3.2万", "3.2"), ("订单数（万）", "3", "30000"),
    ],
)  # fmt: skip
def test_number_when_the_file_counts_in_another_unit_then_it_is_the_same_number(heading: str, cell: str, value: str) -> None:
    name, _bracket, unit = heading.partition("（")
    for text in (f"日期,{heading}\n2026-11-05,{cell}\n", f"指标,单位,实际\n{name},{unit.rstrip('）')},{cell}\n"):
        reading = read(text)
        assert reading.problems == []
        assert [one.value for one in reading.entries] == [Decimal(value)]


def test_names_when_a_large_file_has_none_that_are_known_then_near_ones_are_looked_for_only_as_far_as_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []
    monkeypatch.setattr("main_lines.numbers.reading.get_close_matches", lambda name, *_rest: looked.append(name) or [])
    text = "指标,门店,实际\n" + "".join(f"GMV,没有{n}店,{n}\n" for n in range(3000))
    reading = read_numbers(read_table("a.csv", text.encode(), max_rows=5000, max_columns=20), KNOWN)
    assert len(reading.problems) == 3000
    assert len(looked) == NEAR_MOST


def test_table_when_brought_by_a_member_then_neither_targets_nor_new_metrics() -> None:
    found = said(read("指标,目标,实际\nGMV,1,1\nGMVV,,1\n", may_define=False))
    assert found[0][:2] == (2, "目标")
    assert "负责人" in found[0][2]
    assert found[1][:2] == (3, "指标")
    assert "是不是“GMV”" in found[1][2]


def test_time_when_a_line_says_today_then_now() -> None:
    assert read("指标,实际,截至\nGMV,1,2026-11-06\n").entries[0].at == NOW
    assert read("指标,实际,截至\nGMV,1,2026年11月06日\n").entries[0].at == NOW
    assert read("指标,实际\nGMV,1\n").entries[0].at == NOW
    assert read("指标,实际,截至\nGMV,1,2026-11-06 11:00\n").entries[0].at == NOW - timedelta(hours=1)


def test_stock_when_read_then_by_sku_and_place() -> None:
    reading = read("SKU,名称,仓库,数量,安全库存\nA-1,大衣,上海仓,0,50\nA-1,大衣,广州仓,80,\n", stock=True)
    assert reading.problems == []
    assert [(one.sku, one.place, int(one.quantity), one.safety) for one in reading.items] == [
        ("A-1", "上海仓", 0, 50),
        ("A-1", "广州仓", 80, None),
    ]


def test_stock_when_it_does_not_fit_then_says_where() -> None:
    found = said(read("SKU,仓库,数量,安全库存\n,A,1,\nA-1,A,,\nA-2,A,1,-1\nA-3,A,3,\nA-3,A,4,\n", stock=True))
    assert [(line, column) for line, column, _words in found] == [(2, "SKU"), (3, "数量"), (4, "安全库存"), (6, "SKU")]
    assert "缺少“数量”列" in said(read("SKU\nA\n", stock=True))[0][2]


def test_stock_when_a_store_is_named_by_code_or_name_then_it_is_that_store_and_a_warehouse_is_what_it_is_called() -> None:
    lines = (",sh-0123,", ",,南京西路店", "SH-0123,,", "广州,,人民店", "上海,,", "上海仓,,", "从前,,", "广州 人民店,GZ-0001,人民店")
    reading = read("SKU,仓库,门店编码,门店,数量\n" + "".join(f"A-{n},{line},1\n" for n, line in enumerate(lines)), stock=True)
    assert reading.problems == []
    assert [one.key[1] for one in reading.items] == [
        "store:nj", "store:nj", "store:nj", "store:b", "上海", "上海仓", "从前", "store:b",
    ]  # fmt: skip
    assert [one.place for one in reading.items] == ["", "", "", "", "上海", "上海仓", "从前", ""]


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        (",SH-0124,", "门店编码", "没有门店编码“SH-0124”，是不是“SH-0123”"),
        (",,人民店", "门店", "有多家叫“人民店”：上海 人民店（SH-0200）、广州 人民店（GZ-0001）。请写门店编码"),
        (",,没有这家店", "门店", "没有找到“没有这家店”"),
        ("人民店,,", "仓库", "有多家叫“人民店”"),
        ("上海仓,SH-0123,", "仓库", "不能同时写"),
        ("广州,SH-0123,", "仓库", "不在广州"),
        (",SH-0123,人民店", "门店", "不是“人民店”"),
    ],
)
def test_stock_when_its_store_does_not_fit_then_says_where_and_how_to_mend(line: str, column: str, words: str) -> None:
    [found] = said(read(f"SKU,仓库,门店编码,门店,数量\nA-1,{line},1\n", stock=True))
    assert found[:2] == (2, column)
    assert words in found[2]


def test_stock_when_one_store_is_named_in_two_ways_then_it_is_there_twice() -> None:
    [found] = said(read("SKU,门店,数量\nA-1,SH-0123,1\nA-1,南京西路店,2\n", stock=True))
    assert found[:2] == (3, "SKU")
