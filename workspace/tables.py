"""Tables that people bring along and take away: xlsx and csv read into rows of text, and written so that nothing in them runs.

What is read comes from anybody's machine. A file is bounded by its size, by what it unpacks to, by its tags, rows and columns
before a parser sees it; entities are refused by defusedxml, which openpyxl uses where it is installed. Read outside a transaction:
a large file takes a second. The only importer of openpyxl.
"""

import csv
import io
import re
import warnings
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from xml.etree.ElementTree import ParseError

from workspace.errors import InvalidInput
from workspace.i18n import _

FILE_BYTES_MAX = 8 * 1024 * 1024
UNPACKED_BYTES_MAX = 32 * 1024 * 1024
PARTS_MAX = 1000
TAGS_MAX = 1_000_000
"""Of all parts together, and as many attributes: each becomes an object in memory."""
EMPTY_LINES_MAX = 50_000
MERGED_MAX = 20_000
CELL_LENGTH_MAX = 10_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"

Value = str | int | float | Decimal | date | datetime | None

_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet would take for a formula; one for Chinese or Japanese takes the wide signs for the narrow ones."""
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*%?")
# What openpyxl lets through of a file that is damaged, or made to be.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, ParseError, EOFError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError,
    OverflowError, NotImplementedError, RuntimeError, AssertionError,
)  # fmt: skip


class BadTable(InvalidInput):
    """A file that cannot be read as a table; ``reason`` says what is wrong and how to mend it, in the reader's language."""

    def __init__(self, reason: str) -> None:
        super().__init__(_("读不出这张表格"), reason, fields={"file": reason})
        self.reason = reason


@dataclass(frozen=True)
class Table:
    """header: the first line that is not empty, without blanks around. rows: (line as the spreadsheet counts it, from 1; cells).

    Every row has as many cells as the header; lines without any text are left out.
    """

    header: tuple[str, ...]
    rows: list[tuple[int, tuple[str, ...]]]


def read_table(name: str, content: bytes, *, max_rows: int, max_columns: int, merged_numbers: bool = True) -> Table:
    """The first visible sheet of an xlsx, or a csv in UTF-8, UTF-16 or GBK; which one it is the content says, not the name.

    Dates come as 2026-11-11 (with a time: 2026-11-11 08:30), numbers without grouping, percentages as 12.5%. BadTable otherwise.
    The text of a cell that is merged over several lines stands in each of them, a title that is merged over the columns is passed
    over. merged_numbers: whether a number may be merged over lines, and then stands in the first; nobody can tell whose it is.
    """
    if not content:
        raise BadTable(_("文件是空的。"))
    if len(content) > FILE_BYTES_MAX:
        raise BadTable(_("文件超过 %(n)s MB，请删去多余的列和工作表，或分成几份。", n=FILE_BYTES_MAX // 1024**2))
    if content.startswith(_OLD_OFFICE):
        raise BadTable(_("这是旧版 Excel（.xls）或加了密码的文件，请另存为不加密的 .xlsx 或 CSV。"))
    lines: Iterable[tuple[int, Sequence[str]]]
    if content.startswith(_ZIP):
        lines = _sheet(content, max_columns, merged_numbers=merged_numbers)
    elif PurePath(name).suffix.lower() in (".xlsx", ".xlsm"):
        raise BadTable(_("文件已损坏，请用表格软件打开并重新保存。"))
    else:
        lines = enumerate(_csv(content), 1)
    return _table(lines, max_rows, max_columns)


def _table(lines: Iterable[tuple[int, Sequence[str]]], max_rows: int, max_columns: int) -> Table:
    header: tuple[str, ...] = ()
    rows: list[tuple[int, tuple[str, ...]]] = []
    for number, line in lines:
        cells = _trimmed(line) if any(line) else ()  # Of millions of empty cells none is looked at.
        if not cells:
            continue
        if len(cells) > max_columns:
            raise BadTable(_("第 %(line)s 行超过 %(n)s 列，请只留下需要的列。", line=number, n=max_columns))
        if any(len(cell) > CELL_LENGTH_MAX for cell in cells):
            raise BadTable(_("第 %(line)s 行有一格超过 %(n)s 个字。", line=number, n=CELL_LENGTH_MAX))
        if not header:
            header = cells
            continue
        if len(cells) > len(header):
            raise BadTable(_("第 %(line)s 行比表头多出几格，请补上列名或删去多出的格。", line=number))
        if len(rows) == max_rows:
            raise BadTable(_("超过 %(n)s 行，请分成几份导入。", n=max_rows))
        rows.append((number, cells + ("",) * (len(header) - len(cells))))
    if not header:
        raise BadTable(_("表格里没有内容。"))
    if not rows:
        raise BadTable(_("只有表头，没有数据行。"))
    return Table(header, rows)


def _trimmed(cells: Iterable[str]) -> tuple[str, ...]:
    """Without blanks around each and without empty cells at the end."""
    found = [_UNPRINTABLE.sub("", cell).replace("\u3000", " ").strip() for cell in cells]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


# --- csv --------------------------------------------------------------------------------------------------------------


def _csv(content: bytes) -> Iterator[list[str]]:
    text = _decoded(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",\t;", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise BadTable(_("CSV 的格式不对（多半是引号没有成对），请用表格软件打开并重新保存。")) from error


def _decoded(content: bytes) -> str:
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeError:
            continue
        if "\0" not in text:
            return text
    raise BadTable(_("这不是 xlsx，也不是 UTF-8 或 GBK 编码的 CSV。请在表格软件中另存为 .xlsx 再上传。"))


# --- xlsx -------------------------------------------------------------------------------------------------------------


def _sheet(content: bytes, max_columns: int, *, merged_numbers: bool) -> Iterator[tuple[int, list[str]]]:
    """Lines of the first visible sheet. One column more than wanted is read, so that a table that is too wide is noticed."""
    from openpyxl import load_workbook  # Not needed by most processes, and a tenth of a second to load.

    try:
        _check_package(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # About styles and extensions that nobody here asks for.
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            sheet = next((one for one in book.worksheets if one.sheet_state == "visible"), None)
            if sheet is None:
                raise BadTable(_("没有可见的工作表。"))
            sheet.reset_dimensions()  # What a file says of its size may be a lie.
            merged = _Merged(_package_part(content, sheet._worksheet_path), numbers=merged_numbers)
            empty = 0
            for number, cells in enumerate(sheet.iter_rows(max_col=max_columns + 1), 1):
                line = merged.filled(number, [_text(cell) for cell in cells], [isinstance(cell.value, int | float) for cell in cells])
                empty = 0 if any(line) else empty + 1
                if empty > EMPTY_LINES_MAX:
                    raise BadTable(_("中间有太多空行，请删去空行后再上传。"))
                yield number, line
            book.close()
    except BadTable:
        raise
    except _DAMAGED as error:
        raise BadTable(_("文件已损坏，请用表格软件打开并重新保存。")) from error


def _package_part(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return package.read(name)


class _Merged:
    """The merged cells of a sheet, which openpyxl does not tell while it reads line by line."""

    def __init__(self, sheet: bytes, *, numbers: bool) -> None:
        self._from: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for number, found in enumerate(_MERGED.finditer(sheet)):
            if number == MERGED_MAX:
                raise BadTable(_("合并的单元格太多，请取消合并后再上传。"))
            left, top, right, bottom = found.groups()
            self._from[int(top)].append((_index(left), _index(right), int(bottom)))
        self._over: dict[int, tuple[int, str]] = {}
        self._numbers, self._begun = numbers, False

    def filled(self, number: int, line: list[str], are_numbers: Sequence[bool]) -> list[str]:
        """The line with what is merged into it from above; nothing of it when it is a title, or has no text of its own."""
        if not any(line):
            return line
        here = [merged for merged in self._from.get(number, ()) if merged[0] < len(line) and line[merged[0]]]
        if not self._begun and sum(map(bool, line)) == 1 and any(right > left for left, right, _last in here):
            return [""] * len(line)
        self._begun = True
        found = [text or self._from_above(number, column) for column, text in enumerate(line)]
        for left, _right, last in here:
            if last > number:
                if not are_numbers[left]:
                    self._over[left] = (last, line[left])
                elif not self._numbers:
                    raise BadTable(_("第 %(line)s 行有一个数合并到了下面几行，看不出属于哪一行。请取消合并，每行各写一个数。", line=number))
        return found

    def _from_above(self, number: int, column: int) -> str:
        last, text = self._over.get(column, (0, ""))
        return text if number <= last else ""


def _index(letters: bytes) -> int:
    """A is 0, AA is 26."""
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


def _check_package(content: bytes) -> None:
    """Unpack it once in small pieces: a few kilobytes can hold gigabytes, and a million tags are a hundred megabytes of objects."""
    tags = attributes = unpacked = 0
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        if len(package.infolist()) > PARTS_MAX:
            raise BadTable(_("文件里的部件太多，请把数据复制到一个新的表格再上传。"))
        for info in package.infolist():
            with package.open(info) as part:
                while piece := part.read(256 * 1024):
                    unpacked += len(piece)
                    tags += piece.count(b"<")
                    attributes += piece.count(b"=")
                    if unpacked > UNPACKED_BYTES_MAX or max(tags, attributes) > TAGS_MAX:
                        raise BadTable(_("表格太大，请只留下需要的行、列和工作表，去掉图片和格式。"))


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        return _number_text(value, percent="%" in (cell.number_format or ""))
    if isinstance(value, datetime):
        midnight = value.time() == time.min
        return value.date().isoformat() if midnight else value.replace(microsecond=0).isoformat(" ").removesuffix(":00")
    return str(value)


def _number_text(value: int | float, *, percent: bool) -> str:
    """As typed: what is stored as 0.30000000000000004 was 0.3, and as 0.125 under a percent format 12.5%."""
    number = Decimal(format(value, ".15g")) if isinstance(value, float) else Decimal(value)
    shown = format((number * 100 if percent else number).normalize(), "f")
    return f"{shown}%" if percent else shown


# --- writing ----------------------------------------------------------------------------------------------------------


def write_table(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """An xlsx with one sheet. Text that begins like a formula is marked as text: it is shown as it is and never run."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    def cell(sheet: Any, value: Value, *, bold: bool = False) -> Any:
        if isinstance(value, datetime):
            value = value.replace(tzinfo=None, microsecond=0)
        if isinstance(value, str):
            value = _UNPRINTABLE.sub("", value)[:CELL_LENGTH_MAX]
        made = WriteOnlyCell(sheet, value)
        if isinstance(value, str):
            made.data_type = "s"
            made.quotePrefix = value.startswith(_RUNS)
        if bold:
            made.font = Font(bold=True)
        return made

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    for index, name in enumerate(header):
        sheet.column_dimensions[_letters(index)].width = max(12, min(40, 2 * len(name) + 4))
    sheet.append([cell(sheet, name, bold=True) for name in header])
    for row in rows:
        sheet.append([cell(sheet, value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """UTF-8 with the mark by which Excel knows it. A csv has no types: text that begins like a formula gets an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([inert(name) for name in header])
    writer.writerows([inert(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def inert(value: Value) -> Value:
    """As it may stand in a csv; see ``write_csv``."""
    if isinstance(value, str) and value.startswith(_RUNS) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def as_typed(text: str) -> str:
    """A cell without the apostrophe that ``inert`` has put before it."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_RUNS) else text


def _letters(index: int) -> str:
    """0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
