"""The numbers of a main line in the browser: target against actual, stock, one metric, and what a director sets."""

from typing import Any

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.lines.access import company_today, get_line
from main_lines.lines.models import MainLine
from main_lines.lines.queries import line_head
from main_lines.numbers import actions, passes, queries
from main_lines.numbers.access import get_metric, metrics_of, passes_of, places_of
from main_lines.numbers.bodies import MetricBody, PassBody, ValueBody
from main_lines.numbers.columns import NUMBER_HEADINGS, STOCK_HEADINGS, Column, value_in
from main_lines.numbers.words import AIMS, BETTERS, SUPPLIES, SUPPLY_TONES, TONES, VERDICTS, amount, exact, source_words
from sync.library.content.sending import disposition
from workspace.i18n import _
from workspace.tables import XLSX, write_table
from workspace.texts import shown
from workspace.web import SIGNED_IN, Routes, parse_form
from workspace.work import Work

pages = Routes("numbers", __name__)

EXPORTED = (
    Column.METRIC, Column.UNIT, Column.DAY, Column.CITY, Column.STORE_CODE, Column.STORE, Column.DEPARTMENT, Column.TARGET, Column.ACTUAL,
    Column.AT,
)  # fmt: skip
EXPORTED_STOCK = (Column.SKU, Column.NAME, Column.PLACE, Column.STORE_CODE, Column.STORE, Column.QUANTITY, Column.SAFETY)

WORDS: dict[str, Any] = {
    "aims": AIMS, "betters": BETTERS, "verdicts": VERDICTS, "verdict_tones": TONES, "supplies": SUPPLIES, "supply_tones": SUPPLY_TONES,
    "amount": amount, "exact": exact, "source_words": source_words,
}  # fmt: skip
"""What the macros of templates/numbers take as ``w``, also on the battle map."""


@pages.get("/lines/<line_id>/numbers", needs=SIGNED_IN)
def show_numbers(work: Work, line_id: str) -> str:
    """Target against actual of each metric, the stock, and where the numbers came from."""
    return render_template("numbers/numbers.html", **_numbers(work, line_id))


@pages.get("/lines/<line_id>/numbers/rows", needs=SIGNED_IN)
def show_number_rows(work: Work, line_id: str) -> str:
    """The same alone, for refreshing it."""
    return render_template("numbers/_numbers.html", **_numbers(work, line_id))


@pages.post("/lines/<line_id>/numbers/metrics", needs=SIGNED_IN)
def submit_metric(work: Work, line_id: str) -> Response:
    """Define a metric; director only."""
    metric = actions.define_metric(work, line_id, parse_form(MetricBody).draft())
    flash(_("已设定指标“%(name)s”", name=metric.name), "success")
    return way_back(f"/numbers/{metric.id}")


@pages.get("/numbers/<metric_id>", needs=SIGNED_IN)
def show_metric(work: Work, metric_id: str) -> str:
    """One metric: its chart, each day and place, and all that was said."""
    return render_template("numbers/metric.html", **_metric(work, metric_id))


@pages.get("/numbers/<metric_id>/rows", needs=SIGNED_IN)
def show_metric_rows(work: Work, metric_id: str) -> str:
    """The same alone, for refreshing it."""
    return render_template("numbers/_metric.html", **_metric(work, metric_id))


@pages.post("/numbers/<metric_id>", needs=SIGNED_IN)
def submit_metric_change(work: Work, metric_id: str) -> Response:
    """Change what a metric is called and how it is watched; director only."""
    body = parse_form(MetricBody)
    metric = actions.change_metric(work, metric_id, body.draft(), seen=body.seen)
    flash(_("已保存"), "success")
    return way_back(f"/numbers/{metric.id}")


@pages.post("/numbers/<metric_id>/archive", needs=SIGNED_IN)
def submit_archive(work: Work, metric_id: str) -> Response:
    """It is no longer shown; its numbers stay."""
    metric = actions.archive_metric(work, metric_id)
    flash(_("已收起指标“%(name)s”", name=metric.name), "success")
    return way_back(f"/lines/{metric.line_id}/numbers")


@pages.post("/numbers/<metric_id>/values", needs=SIGNED_IN)
def submit_value(work: Work, metric_id: str) -> Response:
    """Say one number by hand; 3.2万 of a metric that counts in 万元 is 3.2."""
    body = parse_form(ValueBody)
    metric = get_metric(work, metric_id)
    value = value_in(shown(request.form.get("value", "")), said="", unit=metric.unit)
    actions.note_value(work, metric_id, aim=body.aim, value=body.value if value is None else value, day=body.day, scope=body.scope)
    flash(_("已记下"), "success")
    return way_back(f"/numbers/{metric.id}")


@pages.get("/lines/<line_id>/numbers/export", needs=SIGNED_IN)
def export_numbers(work: Work, line_id: str) -> FlaskResponse:
    """Every number that counts as xlsx, in the columns of the template."""
    line = get_line(work, line_id)
    return _sent(line, write_table([NUMBER_HEADINGS[column][0] for column in EXPORTED], queries.export_rows(work, line)), _("数据"))


@pages.get("/lines/<line_id>/stock/export", needs=SIGNED_IN)
def export_stock(work: Work, line_id: str) -> FlaskResponse:
    """The stock that counts as xlsx, in the columns of the template."""
    line = get_line(work, line_id)
    found = queries.stock_page(work, line.id, most=10**6).rows
    rows = [
        (row.sku, row.name, *(("", row.code, row.place) if row.scope else (row.place, "", "")), row.quantity, row.safety)
        for row in (one.row for one in found)
    ]
    return _sent(line, write_table([STOCK_HEADINGS[column][0] for column in EXPORTED_STOCK], rows), _("库存"))


def _sent(line: MainLine, content: bytes, what: str) -> FlaskResponse:
    headers = {"Content-Disposition": disposition("attachment", f"{line.name}-{what}.xlsx")}
    return FlaskResponse(content, 200, headers, content_type=XLSX)


@pages.get("/lines/<line_id>/stock", needs=SIGNED_IN)
def show_stock(work: Work, line_id: str) -> str:
    """What is out and low first; ``show=short`` only these, ``q`` a part of a SKU, name or place."""
    return render_template("numbers/stock.html", **_stock(work, line_id))


@pages.get("/lines/<line_id>/stock/rows", needs=SIGNED_IN)
def show_stock_rows(work: Work, line_id: str) -> str:
    """The same alone, for refreshing it."""
    return render_template("numbers/_stock.html", **_stock(work, line_id))


@pages.post("/lines/<line_id>/numbers/passes", needs=SIGNED_IN)
def submit_pass(work: Work, line_id: str) -> str:
    """Make a pass for a program; its secret is shown on this answer alone."""
    made, secret = passes.make_pass(work, line_id, name=parse_form(PassBody).name)
    line = get_line(work, line_id)
    address = f"{request.host_url}api/numbers"
    return render_template("numbers/pass.html", head=line_head(work, line), made=made, secret=secret, address=address)


@pages.post("/numbers/passes/<pass_id>/revocation", needs=SIGNED_IN)
def submit_pass_revocation(work: Work, pass_id: str) -> Response:
    """Stop a pass at once."""
    found = passes.revoke_pass(work, pass_id)
    flash(_("已停用数据接口“%(name)s”", name=found.name), "success")
    return redirect(f"/lines/{found.line_id}/numbers", code=303)


def _numbers(work: Work, line_id: str) -> dict[str, Any]:
    line = get_line(work, line_id)
    head = line_head(work, line)
    start, end = actions.usual_time(line.d_day, company_today(work))
    return {
        "w": WORDS, "head": head, "rows": queries.metric_rows(work, line, charts=True), "stock": queries.stock_summary(work, line.id),
        "short": queries.stock_page(work, line.id, short_only=True, most=6), "sources": queries.sources_of(work, line.id),
        "archived": [metric for metric in metrics_of(work, line.id, archived=True) if metric.archived_at is not None],
        "passes": passes_of(work, line.id) if head.i_direct else [], "start": start, "end": end,
    }  # fmt: skip


def _metric(work: Work, metric_id: str) -> dict[str, Any]:
    metric = get_metric(work, metric_id)
    line = get_line(work, metric.line_id)
    page = queries.metric_page(work, line, metric)
    return {
        "w": WORDS, "head": line_head(work, line), "page": page, "row": page.row, "metric": metric, "places": places_of(work),
        "today": company_today(work),
    }  # fmt: skip


def _stock(work: Work, line_id: str) -> dict[str, Any]:
    line = get_line(work, line_id)
    short_only, asked = request.args.get("show") == "short", request.args.get("q", "")[:60]
    return {
        "w": WORDS, "head": line_head(work, line), "stock": queries.stock_summary(work, line.id), "short_only": short_only, "asked": asked,
        "page": queries.stock_page(work, line.id, short_only=short_only, query=asked), "query": request.query_string.decode(),
    }  # fmt: skip
