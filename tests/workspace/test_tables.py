"""Tables from anybody's machine: what they say is read, what they try is refused; what goes out runs nothing."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from workspace import tables
from workspace.tables import CELL_LENGTH_MAX, FILE_BYTES_MAX, BadTable, as_typed, read_table, write_csv, write_table

HEADER = ("指标", "日期", "实际")
CONTENT_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>{more}</Types>'
)
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORKBOOK = f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>'
RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)


def package(rows: str, *, before: str = "") -> bytes:
    """An xlsx by hand, so that it can hold what no program writes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", CONTENT_TYPES.format(more=""))
        made.writestr("xl/workbook.xml", WORKBOOK)
        made.writestr("xl/_rels/workbook.xml.rels", RELS)
        made.writestr("xl/worksheets/sheet1.xml", f"{before}<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>")
    return out.getvalue()


def cell(text: str, more: str = "") -> str:
    return f'<c t="inlineStr" {more}><is><t>{text}</t></is></c>'


def read(content: bytes, name: str = "a.xlsx", *, rows: int = 100, columns: int = 10):
    return read_table(name, content, max_rows=rows, max_columns=columns)


def refused(content: bytes, name: str = "a.xlsx", **bounds: int) -> str:
    with pytest.raises(BadTable) as caught:
        read(content, name, **bounds)
    return caught.value.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_csv_when_in_any_usual_encoding_then_read(encoding: str) -> None:
    table = read('\r\n指标, 日期 ,实际,\r\nGMV,2026-11-11,"1,200"\r\n\r\n订单数,,5,\r\n'.encode(encoding), "日报.csv")
    assert table.header == HEADER
    assert table.rows == [(3, ("GMV", "2026-11-11", "1,200")), (5, ("订单数", "", "5"))], "lines are counted as a spreadsheet does"


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_csv_when_divided_otherwise_then_read(delimiter: str) -> None:
    assert read(f"a{delimiter}b\n1{delimiter}2\n".encode(), "a.txt").rows == [(2, ("1", "2"))]


def test_xlsx_when_written_then_read_back_in_words() -> None:
    rows = [
        ("GMV", date(2026, 11, 11), Decimal("1200.50")), ("订单数", datetime(2026, 11, 11, 8, 30, tzinfo=UTC), 0.1 + 0.2),
        (None, None, None), ("转化率", "", 10**15),
    ]  # fmt: skip
    table = read(write_table(HEADER, rows))
    assert table.header == HEADER
    assert table.rows == [
        (2, ("GMV", "2026-11-11", "1200.5")), (3, ("订单数", "2026-11-11 08:30", "0.3")), (5, ("转化率", "", "1000000000000000")),
    ]  # fmt: skip


def test_xlsx_when_a_number_is_shown_as_percent_then_read_as_shown() -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["转化率"])
    book.active.append([0.125])
    book.active["A2"].number_format = "0.00%"
    hidden = book.create_sheet("隐藏", 0)
    hidden.append(["不看"])
    hidden.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    assert read(out.getvalue()).rows == [(2, ("12.5%",))]


def merged_sheet(*merged: str, rows: list[list[object]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(row)
    for one in merged:
        book.active.merge_cells(one)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_xlsx_when_text_is_merged_over_lines_then_it_stands_in_each_and_a_title_is_passed_over() -> None:
    rows: list[list[object]] = [
        ["双十一日报", None, None], ["城市", "门店", "GMV"], ["上海", "南京西路店", 1], [None, "徐汇店", 2], [None, None, None],
        ["广州", None, 3],
    ]  # fmt: skip
    table = read(merged_sheet("A1:C1", "A3:A5", rows=rows))
    assert table.header == ("城市", "门店", "GMV")
    assert table.rows == [(3, ("上海", "南京西路店", "1")), (4, ("上海", "徐汇店", "2")), (6, ("广州", "", "3"))]


def test_xlsx_when_a_number_is_merged_over_lines_then_refused_where_nobody_could_say_whose_it_is() -> None:
    content = merged_sheet("B2:B3", rows=[["城市", "GMV"], ["上海", 7], ["广州", None]])
    assert read(content).rows == [(2, ("上海", "7")), (3, ("广州", ""))]
    with pytest.raises(BadTable) as caught:
        read_table("a.xlsx", content, max_rows=9, max_columns=9, merged_numbers=False)
    assert "第 2 行有一个数合并到了下面几行" in caught.value.reason


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd|'/c calc'!A0", "@SUM(A1)", "\tx", "\n=1+1", "＝1+1", "＋cmd", "－1+1", "＠SUM(A1)"])
def test_writing_when_text_looks_like_a_formula_then_it_stays_text(text: str) -> None:
    from openpyxl import load_workbook

    written = write_table(("a", text), [("b", text)])
    sheet = load_workbook(io.BytesIO(written)).active
    assert [one.data_type for row in sheet.rows for one in row] == ["s"] * 4
    assert sheet["B2"].value == text
    assert sheet["B2"].quotePrefix
    [_header, [cell]] = csv.reader(io.StringIO(write_csv(("a",), [(text,)]).decode("utf-8-sig"), newline=""))
    assert (cell[0], as_typed(cell)) == ("'", text)


def test_writing_when_a_csv_has_numbers_then_they_stay_numbers() -> None:
    assert write_csv(("a", "b"), [("-12.5", -3)]).decode("utf-8-sig").split() == ["a,b", "-12.5,-3"]


def test_csv_when_millions_of_cells_are_empty_then_none_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight megabytes of line ends kept a thread for nine seconds."""
    looked_at: list[object] = []
    monkeypatch.setattr(tables, "_trimmed", lambda line: looked_at.append(line) or tuple(line))
    assert read(b"a\n" + b"\n" * 100_000 + b"," * 100_000 + b"\nb\n", "a.csv").rows == [(100_003, ("b",))]
    assert len(looked_at) == 2


def test_xlsx_when_it_unpacks_to_far_more_then_refused() -> None:
    bomb = package(f"<row>{cell('x' * 34_000_000)}</row>")
    assert len(bomb) < 100_000
    assert "太大" in refused(bomb)


@pytest.mark.parametrize("piece", ["<c/>", '<c r="A1" s="1"/>'], ids=["tags", "attributes"])
def test_xlsx_when_it_holds_a_million_cells_then_refused(piece: str) -> None:
    assert "太大" in refused(package(f"<row>{piece * 1_000_001}</row>"))


def test_xlsx_when_it_defines_entities_then_refused() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    assert "损坏" in refused(package(f"<row>{cell('&b;')}</row>", before=bomb))


def test_xlsx_when_its_rows_are_numbered_to_the_end_then_refused() -> None:
    assert "空行" in refused(package(f'<row r="1">{cell("a")}</row><row r="1048576">{cell("b")}</row>'))


@pytest.mark.parametrize(
    "row", ['<row><c s="99" t="n"><v>1</v></c></row>', '<row><c t="s"><v>7</v></c></row>', "<row><c t=\"b\"><v>x</v></c></row>", "<row>"],
    ids=["style", "string", "boolean", "torn"],
)  # fmt: skip
def test_xlsx_when_what_it_names_is_not_there_then_refused_in_words(row: str) -> None:
    assert "损坏" in refused(package(row))


def test_table_when_beyond_its_bounds_then_says_where() -> None:
    assert "2 行" in refused(b"a\n1\n2\n3\n", "a.csv", rows=2)
    assert "第 1 行超过 2 列" in refused(b"a,b,c\n1,2,3\n", "a.csv", columns=2)
    assert "第 1 行超过 2 列" in refused(write_table(("a", "b", "c"), [("1",)]), columns=2)
    assert "第 2 行比表头多出几格" in refused(b"a,b\n1,2,3\n", "a.csv")
    assert "第 2 行有一格" in refused(f"a\n{'x' * (CELL_LENGTH_MAX + 1)}\n".encode(), "a.csv")
    assert "MB" in refused(b"a" * (FILE_BYTES_MAX + 1), "a.csv")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"), ("a.xlsx", b"PK\x03\x04torn", "损坏"), ("a.xlsx", b"a,b\n1,2", "损坏"),
        ("a.csv", b"", "空的"), ("a.csv", b"\x00\x01\x02", "编码"), ("a.csv", b"a,b\n", "只有表头"), ("a.csv", b"\n\n", "没有内容"),
        ("a.csv", b"\x80\xff\xfe\x81", "编码"),
    ],
    ids=["old", "torn", "named", "empty", "binary", "header", "blank", "noise"],
)  # fmt: skip
def test_file_when_it_is_no_table_then_says_what_to_do(name: str, content: bytes, said: str) -> None:
    assert said in refused(content, name)
