"""Task orders as tables: export as filtered, a template to fill in, and import with a preview of what each row will do."""

import json
from datetime import date

import pydantic
from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from main_lines.lines.access import company_today, get_line
from main_lines.lines.models import MainLine
from main_lines.lines.queries import line_head
from main_lines.lines.words import PHASES
from main_lines.order_tables.actions import import_orders
from main_lines.order_tables.bodies import TableBody
from main_lines.order_tables.headings import TAKEN
from main_lines.order_tables.queries import header, known_of, orders_table
from main_lines.order_tables.reading import read_orders
from main_lines.order_tables.rules import COLUMNS_MOST, ROWS_MOST, OrderTable
from main_lines.order_tables.sending import Form, send_table
from main_lines.order_tables.words import HEADINGS, HINTS, fault_words
from main_lines.tasks.narrowing import Narrow
from main_lines.tasks.queries import line_tasks
from workspace.errors import InvalidInput, MainlineError
from workspace.i18n import _
from workspace.tables import FILE_BYTES_MAX, Table, read_table
from workspace.web import SIGNED_IN, Routes, request_work
from workspace.work import Work

pages = Routes("order_tables", __name__)

TEXT_MOST = 1_500_000
"""Bytes of a table that travels with the preview; a form may have two million."""


@pages.get("/lines/<line_id>/tasks/export", needs=SIGNED_IN)
def export_tasks(work: Work, line_id: str) -> Response:
    """The orders as the list shows them, narrowed down in the same way; ``form`` = csv or xlsx."""
    line, chosen = get_line(work, line_id), Narrow.asked(request.args)
    rows = [row for row in line_tasks(work, line) if chosen.keeps(row)]
    return send_table(_file_name(line, company_today(work)), *orders_table(work, line, rows), Form.asked(request.args.get("form", "")))


@pages.get("/lines/<line_id>/tasks/template", needs=SIGNED_IN)
def send_template(work: Work, line_id: str) -> Response:
    """An empty table with every column that is read; ``form`` = csv or xlsx."""
    get_line(work, line_id)
    return send_table(_("任务单导入表"), header(TAKEN), [], Form.asked(request.args.get("form", "")))


@pages.get("/lines/<line_id>/tasks/import", needs=SIGNED_IN)
def show_import(work: Work, line_id: str) -> str:
    """Where a table is brought, and what it may hold."""
    return _page(work, get_line(work, line_id))


@pages.post("/lines/<line_id>/tasks/import/preview", needs=SIGNED_IN, opens_work=False)
def show_preview(line_id: str) -> str | tuple[str, int]:
    """What each row of a table would do, and everything that is wrong with it. Nothing is written."""
    with request_work(writes=False) as work:
        get_line(work, line_id)
    try:
        table = _uploaded()  # Read outside any transaction: somebody else's file takes the time that it takes.
    except InvalidInput as error:
        with request_work(writes=False) as work:
            return _page(work, get_line(work, line_id), error=error), error.status
    with request_work(writes=False) as work:
        return _page(work, get_line(work, line_id), table=table)


@pages.post("/lines/<line_id>/tasks/import", needs=SIGNED_IN)
def submit_import(work: Work, line_id: str) -> Response | tuple[str, int]:
    """Carry out what the preview showed; with ``only_good`` without the rows that are wrong."""
    line = get_line(work, line_id)
    body = _brought()
    try:
        done = import_orders(
            work, line.id, body.table, only_good="only_good" in request.form, submit=request.form.get("then") == "submit", seen=body.seen
        )
    except MainlineError as error:
        work.session.rollback()
        return _page(work, get_line(work, line_id), table=body.table, error=error), error.status
    words = [_("已导入：新建 %(written)s 张，更新 %(changed)s 张", written=done.written, changed=done.changed)]
    words += [_("%(n)s 张需要重新签发", n=done.sign_again)] if done.sign_again else []
    words += [_("%(n)s 行有误，没有导入", n=done.left_out)] if done.left_out else []
    flash(" · ".join(words), "success")
    return redirect(f"/lines/{line.id}/tasks", code=303)


def _uploaded() -> Table:
    """What the file holds; InvalidInput with what is wrong with it."""
    file = request.files.get("file")
    content = file.stream.read(FILE_BYTES_MAX + 1) if file else b""
    if not file or not file.filename:
        raise InvalidInput(_("没有选择文件"), _("请选择一个 xlsx 或 csv 文件。"), fields={"file": _("请选择一个文件")})
    table = read_table(file.filename, content, max_rows=ROWS_MOST, max_columns=COLUMNS_MOST)
    if len(_carried(table, {}).encode()) > TEXT_MOST:
        raise InvalidInput(_("表格太大"), _("请分成几份导入。"), fields={"file": _("请分成几份导入")})
    return table


def _carried(table: Table, seen: dict[str, str]) -> str:
    """The table as the preview brings it back: nothing is kept here meanwhile."""
    return json.dumps({"header": table.header, "rows": table.rows, "seen": seen}, ensure_ascii=False)


def _brought() -> TableBody:
    try:
        return TableBody.model_validate_json(request.form.get("table", ""))
    except pydantic.ValidationError as error:
        raise InvalidInput(_("表格没有送达"), _("请重新上传文件。")) from error


def _page(work: Work, line: MainLine, *, table: Table | None = None, error: MainlineError | None = None) -> str:
    found: OrderTable | None = read_orders(table.header, table.rows, known_of(work, line)) if table else None
    seen = {row.order.id: row.order.mark for row in found.changed if row.order} if found else {}
    return render_template(
        "order_tables/import.html", head=line_head(work, line), found=found, carried=_carried(table, seen) if table else "",
        error=error, errors=getattr(error, "fields", {}), headings=HEADINGS, hints=HINTS, fault_words=fault_words, phases=PHASES,
        rows_most=ROWS_MOST,
    )  # fmt: skip


def _file_name(line: MainLine, today: date) -> str:
    return _("%(line)s 任务单 %(day)s", line=line.name, day=today.isoformat())
