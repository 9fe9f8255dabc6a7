"""Importing a file in the browser: bring it, look at what it would change, confirm. And the templates to fill in."""

from datetime import UTC, date, timedelta
from typing import Any

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from main_lines.lines.access import company_today, get_line
from main_lines.lines.queries import line_head
from main_lines.numbers import imports
from main_lines.numbers.access import Places, company_zone, digest_of, get_draft, metrics_of, places_of
from main_lines.numbers.bodies import instant_of
from main_lines.numbers.columns import NUMBER_HEADINGS, STOCK_HEADINGS
from main_lines.numbers.imports import WHATS, Brought
from main_lines.numbers.pages import EXPORTED, EXPORTED_STOCK, WORDS
from main_lines.numbers.reading import COLUMNS_MAX, ROWS_MAX
from sync.library.content.sending import disposition
from workspace.errors import InvalidInput, MainlineError
from workspace.i18n import _
from workspace.tables import CSV, XLSX, BadTable, Value, read_table, write_csv, write_table
from workspace.web import SIGNED_IN, Routes, request_work
from workspace.work import Work

pages = Routes("number_imports", __name__)

_NUMBERS = EXPORTED[:-1]
MINUTE = "%Y-%m-%dT%H:%M"
"""How a form says a minute."""


@pages.get("/lines/<line_id>/numbers/import", needs=SIGNED_IN)
def show_import(work: Work, line_id: str) -> str:
    """The form to bring a file; ``show=stock`` for stock, else numbers. ``at``: as of when, which a first try has said."""
    return _form(work, line_id, request.args.get("show", ""), at=request.args.get("at", ""))


@pages.post("/lines/<line_id>/numbers/import", needs=SIGNED_IN, opens_work=False)
def submit_file(line_id: str) -> Any:
    """Read the file outside any transaction and keep it until it is confirmed."""
    what = request.form.get("what", "")
    with request_work(writes=False) as work:
        get_line(work, line_id)
    try:
        brought = _brought()
        with request_work(writes=True) as work:
            draft = imports.bring_file(work, line_id, brought, what=what if what in WHATS else WHATS[0], at=_as_of(work))
            address = f"/numbers/drafts/{draft.id}"
    except InvalidInput as error:
        with request_work(writes=False) as work:
            return _form(work, line_id, what, error, at=request.form.get("at", "")), error.status
    return redirect(address, code=303)


@pages.get("/numbers/drafts/<draft_id>", needs=SIGNED_IN)
def show_draft(work: Work, draft_id: str) -> str:
    """What the file would change, line by line, and everything in it that does not fit."""
    return _preview(work, draft_id)


@pages.post("/numbers/drafts/<draft_id>/confirm", needs=SIGNED_IN)
def submit_confirmation(work: Work, draft_id: str) -> Response | tuple[str, int]:
    """Take all of the file."""
    try:
        draft, taken = imports.confirm_draft(work, draft_id)
    except InvalidInput as error:
        return _preview(work, draft_id, error), error.status
    flash(_("已导入 %(n)s 个数，其中改动 %(m)s 个", n=taken.count, m=taken.changed), "success")
    return redirect(f"/lines/{draft.line_id}/{'stock' if draft.what == 'stock' else 'numbers'}", code=303)


@pages.post("/numbers/drafts/<draft_id>/drop", needs=SIGNED_IN)
def submit_drop(work: Work, draft_id: str) -> Response:
    """Leave it; nothing was imported."""
    draft = imports.drop_draft(work, draft_id)
    return redirect(f"/lines/{draft.line_id}/numbers/import?show={draft.what}", code=303)


@pages.get("/lines/<line_id>/numbers/template", needs=SIGNED_IN)
def send_template(work: Work, line_id: str) -> FlaskResponse:
    """A table to fill in, with this line's own metrics; ``show=stock`` for stock, ``kind=csv`` for a csv."""
    line = get_line(work, line_id)
    stock, as_csv, places = request.args.get("show") == "stock", request.args.get("kind") == "csv", places_of(work)
    if stock:
        header, rows, name = [STOCK_HEADINGS[column][0] for column in EXPORTED_STOCK], _stock_example(places), _("库存模板")
    else:
        metrics = [(metric.name, metric.unit) for metric in metrics_of(work, line.id)]
        header, name = [NUMBER_HEADINGS[column][0] for column in _NUMBERS], _("数据模板")
        rows = _number_example(metrics, company_today(work), places)
    content = write_csv(header, rows) if as_csv else write_table(header, rows)
    headers = {"Content-Disposition": disposition("attachment", f"{name}.{'csv' if as_csv else 'xlsx'}")}
    return FlaskResponse(content, 200, headers, content_type=CSV if as_csv else XLSX)


def _number_example(metrics: list[tuple[str, str]], today: date, places: Places) -> list[list[Value]]:
    """Two days of each metric, one of them in a city, and a store of the first, so that the first look says how it is meant."""
    named = metrics or [("GMV", _("元")), (_("订单数"), _("单"))]
    city = next((city.name for city in places.cities.places), "")
    rows: list[list[Value]] = [
        [name, unit, today - timedelta(days=back), city if back else "", "", "", "", None, None] for name, unit in named for back in (0, 1)
    ]
    if store := places.example_store:
        rows.insert(2, [*named[0], today, store.city, store.code, store.name, "", None, None])
    return rows


def _stock_example(places: Places) -> list[list[Value]]:
    what = ["SKU-0001", _("示例商品，请删去这一行")]
    rows: list[list[Value]] = [[*what, _("上海仓"), "", "", 320, 100]]
    if store := places.example_store:
        rows.append([*what, "", store.code, places.stores.name_of(store.key), 12, 5])
    return rows


def _brought() -> Brought:
    """The file of the form as a table; BadTable for one that is none."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise InvalidInput(_("请选择文件"), fields={"file": _("请选择一个 xlsx 或 CSV 文件")})
    content = file.read()
    table = read_table(file.filename, content, max_rows=ROWS_MAX, max_columns=COLUMNS_MAX, merged_numbers=False)
    return Brought(file.filename, digest_of(content), table)


def _as_of(work: Work) -> Any:
    text = request.form.get("at", "").strip()
    if not text:
        return None
    try:
        return instant_of(text[:16]).replace(tzinfo=company_zone(work)).astimezone(UTC)
    except ValueError as error:
        raise InvalidInput(_("时间格式不对"), fields={"at": _("请写成 2026-11-11 08:30 这样")}) from error


def _form(work: Work, line_id: str, what: str, error: MainlineError | None = None, *, at: str = "") -> str:
    line = get_line(work, line_id)
    return render_template(
        "numbers/import.html", head=line_head(work, line), what=what if what in WHATS else WHATS[0], error=error,
        errors=getattr(error, "fields", {}), bad=isinstance(error, BadTable), rows_max=ROWS_MAX, at=at,
    )  # fmt: skip


def _preview(work: Work, draft_id: str, error: MainlineError | None = None) -> str:
    draft = get_draft(work, draft_id)
    preview = imports.preview_of(work, draft)
    head = line_head(work, get_line(work, draft.line_id))
    at = draft.at.astimezone(company_zone(work)).strftime(MINUTE) if draft.at != draft.made_at else ""
    return render_template("numbers/draft.html", head=head, draft=draft, preview=preview, error=error, w=WORDS, at=at)
