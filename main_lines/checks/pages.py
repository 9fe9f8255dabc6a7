"""Store checklists in the browser: those of a line, one with its stores, the sheet that a store fills in by phone."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, cast

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.checks import actions, queries
from main_lines.checks.access import get_check, get_sheet, line_of_check
from main_lines.checks.bodies import AnswerBody, CheckBody, CloseBody, StoresBody
from main_lines.checks.photos import take_photo
from main_lines.checks.words import KINDS, SCOPES
from main_lines.lines.access import get_line
from main_lines.lines.models import MainLine
from main_lines.lines.queries import line_head
from main_lines.tasks.access import get_task, line_of, standing_of
from main_lines.tasks.queries import line_tasks
from main_lines.tasks.rules import OPEN, UNSIGNED, State
from sync.library.storage import ObjectStore
from workspace.errors import InvalidInput, MainlineError
from workspace.i18n import _
from workspace.notices.actions import read_about
from workspace.people.queries import list_departments, list_stores
from workspace.texts import shown
from workspace.web import SIGNED_IN, Routes, is_htmx, parse_form, request_work, web
from workspace.work import Work

pages = Routes("checks", __name__)

ROWS_AT_FIRST = 4
ANSWER, SHOWN = "item-", "was-"


@pages.get("/lines/<line_id>/checks", needs=SIGNED_IN)
def show_checks(work: Work, line_id: str) -> str:
    """The checklists of a line, each with how many stores are done."""
    return render_template("checks/checks.html", **_checks(work, line_id))


@pages.get("/lines/<line_id>/checks/rows", needs=SIGNED_IN)
def show_check_rows(work: Work, line_id: str) -> str:
    """The checklists alone, for refreshing them."""
    return render_template("checks/_checks.html", **_checks(work, line_id))


@pages.get("/lines/<line_id>/checks/new", needs=SIGNED_IN)
def show_new_check(work: Work, line_id: str) -> str:
    """The form for a new checklist; ``task`` names the task order that it carries out."""
    return _form(work, get_line(work, line_id), {"task_id": request.args.get("task", ""), "scope": "all", "due_offset": "-3"})


@pages.post("/lines/<line_id>/checks", needs=SIGNED_IN)
def submit_check(work: Work, line_id: str) -> Response | tuple[str, int]:
    """Send a checklist out; the form comes back with everything in it when something does not fit."""
    line = get_line(work, line_id)
    try:
        check = actions.open_check(work, line.id, parse_form(CheckBody).draft())
    except MainlineError as error:
        return _form(work, line, request.form, error=error), error.status
    flash(_("清单“%(title)s”已下发", title=check.title), "success")
    return redirect(f"/checks/{check.id}", code=303)


@pages.get("/tasks/<task_id>/checks", needs=SIGNED_IN)
def show_task_checks(work: Work, task_id: str) -> str:
    """The checklists that carry out a task order, for the page of the order."""
    order = get_task(work, task_id)
    signed = State(order.state) in OPEN - UNSIGNED
    who = standing_of(work, order)
    may_open = signed and (who.directs or who.works)
    rows = queries.line_checks(work, line_of(work, order), task_id=order.id)
    return render_template("checks/_task.html", checks=rows, order=order, may_open=may_open)


@pages.get("/checks/<check_id>", needs=SIGNED_IN)
def show_check(work: Work, check_id: str) -> str:
    """One checklist: n of m stores done, which are missing, city by city."""
    check = get_check(work, check_id)
    page = queries.check_page(work, check)
    return render_template("checks/check.html", page=page, head=line_head(work, line_of_check(work, check)), item_kinds=KINDS)


@pages.get("/checks/<check_id>/fragment", needs=SIGNED_IN)
def show_check_fragment(work: Work, check_id: str) -> str:
    """The checklist alone, for refreshing it."""
    return render_template("checks/_check.html", page=queries.check_page(work, get_check(work, check_id)), item_kinds=KINDS)


@pages.post("/checks/<check_id>/remind", needs=SIGNED_IN)
def submit_reminder(work: Work, check_id: str) -> Response:
    """Remind the stores that are missing."""
    names = actions.remind_missing(work, check_id)
    flash(_("已提醒 %(n)s 家门店", n=len(names)), "success")
    return way_back(f"/checks/{check_id}")


@pages.post("/checks/<check_id>/close", needs=SIGNED_IN)
def submit_close(work: Work, check_id: str) -> Response:
    """Close it; with stores missing, for a reason."""
    actions.close_check(work, check_id, reason=parse_form(CloseBody).reason)
    flash(_("清单已关闭"), "success")
    return way_back(f"/checks/{check_id}")


@pages.post("/checks/<check_id>/reopen", needs=SIGNED_IN)
def submit_reopening(work: Work, check_id: str) -> Response:
    """Take the closing back."""
    actions.reopen_check(work, check_id)
    flash(_("清单已重新打开"), "success")
    return way_back(f"/checks/{check_id}")


@pages.post("/checks/<check_id>/stores", needs=SIGNED_IN)
def submit_stores(work: Work, check_id: str) -> Response:
    """Send it to further stores."""
    names = actions.add_stores(work, check_id, parse_form(StoresBody).stores)
    flash(_("已下发到 %(n)s 家门店", n=len(names)), "success")
    return way_back(f"/checks/{check_id}")


@pages.get("/sheets/<sheet_id>", needs=SIGNED_IN)
def show_sheet(work: Work, sheet_id: str) -> str:
    """The sheet of one store, made for a phone."""
    sheet = get_sheet(work, sheet_id)
    head = line_head(work, line_of_check(work, get_check(work, sheet.check_id)))
    return render_template("checks/sheet.html", sheet=queries.sheet_page(work, sheet), head=head)


@pages.get("/sheets/<sheet_id>/fragment", needs=SIGNED_IN)
def show_sheet_fragment(work: Work, sheet_id: str) -> str:
    """The sheet alone, for refreshing it."""
    return render_template("checks/_sheet.html", sheet=queries.sheet_page(work, get_sheet(work, sheet_id)))


@pages.post("/sheets/<sheet_id>", needs=SIGNED_IN)
def submit_sheet(work: Work, sheet_id: str) -> Response:
    """Everything at once, from a browser without scripts: fields named ``item-`` and the item's key.

    What stands as it was shown (``was-``) is not said again: another phone may have answered it meanwhile.
    """
    keys = [item["key"] for item in _items_of(work, sheet_id) if item["kind"] != "photo"]
    given = {key: shown(request.form.get(f"{ANSWER}{key}", "")) for key in keys}
    actions.fill_items(work, sheet_id, {key: text for key, text in given.items() if text != request.form.get(f"{SHOWN}{key}")})
    flash(_("已保存"), "success")
    return way_back(f"/sheets/{sheet_id}")


@pages.post("/sheets/<sheet_id>/answers", needs=SIGNED_IN)
def submit_answer(work: Work, sheet_id: str) -> Response:
    """One answer, as the page sends it while it is filled in. It brings an idempotency key and may come late, or twice."""
    body = parse_form(AnswerBody)
    sheet = actions.fill_item(work, sheet_id, body.key, body.value, seen=body.seen)
    if sheet.done_at is not None:
        read_about(work, f"/sheets/{sheet_id}")
    return _taken(sheet_id)


@pages.post("/sheets/<sheet_id>/photos", needs=SIGNED_IN, opens_work=False)
def submit_photo(sheet_id: str) -> Response:
    """A photo from the phone as the answer to an item; sent twice, it is taken once."""
    with request_work(writes=False) as work:
        get_sheet(work, sheet_id)
    file = request.files.get("photo")
    if file is None or not file.filename:
        raise InvalidInput(_("没有选择照片"), _("请拍照或选择一张照片。"), fields={"photo": _("请选择一张照片")})
    size_bytes = file.stream.seek(0, 2)
    file.stream.seek(0)
    store = web().parts.get(ObjectStore)  # type: ignore[type-abstract]
    take_photo(
        store, _work_of, sheet_id, request.form.get("key", "")[:10], stream=cast(BinaryIO, file.stream), content_type=file.mimetype,
        size_bytes=size_bytes,
    )  # fmt: skip
    return _taken(sheet_id)


def _taken(sheet_id: str) -> Response:
    """Nothing to be read by the page, which fetches itself; a form without scripts goes back to it."""
    return Response(status=204) if is_htmx() else way_back(f"/sheets/{sheet_id}")


def _work_of(writes: bool) -> AbstractContextManager[Work]:
    return request_work(writes=writes)


def _items_of(work: Work, sheet_id: str) -> list[Any]:
    return get_check(work, get_sheet(work, sheet_id).check_id).items


def _checks(work: Work, line_id: str) -> dict[str, Any]:
    line = get_line(work, line_id)
    head = line_head(work, line)
    return {"head": head, "checks": queries.line_checks(work, line), "may_open": head.i_steer}


def _form(work: Work, line: MainLine, form: Mapping[str, Any], *, error: MainlineError | None = None) -> str:
    """The form as it was sent, or empty; a row for each item."""
    given = request.form
    texts, kinds, offsets = (given.getlist(name) for name in ("texts", "kinds", "offsets"))
    items = [(text, kinds[at] if at < len(kinds) else "tick", offsets[at] if at < len(offsets) else "") for at, text in enumerate(texts)]
    orders = [row for row in line_tasks(work, line) if not row.finished]
    return render_template(
        "checks/form.html", head=line_head(work, line), form=form, error=error, errors=getattr(error, "fields", {}), item_kinds=KINDS,
        scopes=SCOPES, items=items or [("", "tick", "")] * ROWS_AT_FIRST, orders=orders, departments=list_departments(work),
        stores=list_stores(work), chosen_cities=given.getlist("cities"), chosen_stores=given.getlist("stores"),
    )  # fmt: skip
