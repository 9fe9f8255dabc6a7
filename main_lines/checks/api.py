"""Store checklists as JSON: the same reads and actions as the pages."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from main_lines.checks import actions, queries
from main_lines.checks.access import get_check, get_sheet
from main_lines.checks.bodies import AnswerBody, CheckBody, CloseBody, StoresBody
from main_lines.checks.queries import CheckRow, ItemRow
from main_lines.lines.access import get_line
from main_lines.lines.api import Created, Done
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("checks_api", __name__, api=True)


class CheckOut(BaseModel):
    """done of stores have answered everything; late: something of theirs is past its day."""

    id: str
    title: str
    due: date
    items: int
    stores: int
    done: int
    begun: int
    late: int
    closed: bool
    task_id: str | None


class ChecksOut(BaseModel):
    checks: list[CheckOut]


class StoreOut(BaseModel):
    """done of total items; people: who is asked to fill it in, empty when the line has nobody there. code: empty for none."""

    sheet_id: str
    store_id: str
    store: str
    code: str
    city: str
    done: int
    total: int
    late_days: int
    done_at: datetime | None
    done_by: str
    people: list[str]


class CheckFullOut(CheckOut):
    note: str
    missing: list[str]
    sheets: list[StoreOut]


class AnswerOut(BaseModel):
    """value: null while unanswered; photo: address of the asset version instead of it. n: see ``seen``."""

    key: str
    text: str
    kind: str
    due: date | None
    value: bool | str | None
    photo: str
    by: str
    at: datetime | None
    n: int


class SheetOut(BaseModel):
    id: str
    check_id: str
    title: str
    store: str
    code: str
    done: bool
    answers: list[AnswerOut]


class NamesOut(BaseModel):
    stores: list[str]


@api.get("/lines/<line_id>/checks", needs=SIGNED_IN, returns=ChecksOut)
def list_checks(work: Work, line_id: str) -> ChecksOut:
    """The checklists of a line, open ones first, by due day."""
    return ChecksOut(checks=[CheckOut(**_plain(row)) for row in queries.line_checks(work, get_line(work, line_id))])


@api.post("/lines/<line_id>/checks", needs=SIGNED_IN, body=CheckBody, returns=Created)
def open_check(work: Work, line_id: str, body: CheckBody) -> tuple[Created, int]:
    """Send a checklist out to stores."""
    return Created(id=actions.open_check(work, line_id, body.draft()).id), 201


@api.get("/checks/<check_id>", needs=SIGNED_IN, returns=CheckFullOut)
def get_one_check(work: Work, check_id: str) -> CheckFullOut:
    """A checklist with the sheet of each of its stores."""
    page = queries.check_page(work, get_check(work, check_id))
    sheets = [
        StoreOut(
            sheet_id=row.id, store_id=row.site_id, store=row.store, code=row.code, city=city.city,
            done=row.tally.done, total=row.tally.total, late_days=row.tally.late_days,
            done_at=row.done_at, done_by=row.done_by, people=list(row.people),
        )
        for city in page.cities
        for row in city.sheets
    ]  # fmt: skip
    return CheckFullOut(**_plain(page.row), note=page.note, missing=list(page.missing), sheets=sheets)


@api.post("/checks/<check_id>/remind", needs=SIGNED_IN, returns=NamesOut)
def remind_missing(work: Work, check_id: str) -> NamesOut:
    """Remind the stores that are missing, at most once an hour."""
    return NamesOut(stores=actions.remind_missing(work, check_id))


@api.post("/checks/<check_id>/stores", needs=SIGNED_IN, body=StoresBody, returns=NamesOut)
def add_stores(work: Work, check_id: str, body: StoresBody) -> NamesOut:
    """Send it to further stores; answers with those that did not have it."""
    return NamesOut(stores=actions.add_stores(work, check_id, body.stores))


@api.post("/checks/<check_id>/close", needs=SIGNED_IN, body=CloseBody, returns=Done)
def close_check(work: Work, check_id: str, body: CloseBody) -> Done:
    """Close it; with stores missing only for a reason."""
    actions.close_check(work, check_id, reason=body.reason)
    return Done()


@api.post("/checks/<check_id>/reopen", needs=SIGNED_IN, returns=Done)
def reopen_check(work: Work, check_id: str) -> Done:
    """Take the closing back."""
    actions.reopen_check(work, check_id)
    return Done()


@api.get("/sheets/<sheet_id>", needs=SIGNED_IN, returns=SheetOut)
def get_one_sheet(work: Work, sheet_id: str) -> SheetOut:
    """What a store has answered."""
    return _sheet(work, sheet_id)


@api.post("/sheets/<sheet_id>/answers", needs=SIGNED_IN, body=AnswerBody, returns=SheetOut)
def answer_item(work: Work, sheet_id: str, body: AnswerBody) -> SheetOut:
    """Answer one item by a tick, a text or a number."""
    actions.fill_item(work, sheet_id, body.key, body.value, seen=body.seen)
    work.session.flush()
    return _sheet(work, sheet_id)


def _plain(row: CheckRow) -> dict[str, Any]:
    whole = row.whole
    return {
        "id": row.id, "title": row.title, "due": row.due, "items": row.items, "stores": whole.stores, "done": whole.done,
        "begun": whole.begun, "late": whole.late, "closed": row.closed_at is not None, "task_id": row.task_id,
    }  # fmt: skip


def _sheet(work: Work, sheet_id: str) -> SheetOut:
    page = queries.sheet_page(work, get_sheet(work, sheet_id))
    answers = [_answer(item) for item in page.items]
    return SheetOut(
        id=page.id, check_id=page.check.id, title=page.check.title, store=page.store, code=page.code, done=page.tally.finished,
        answers=answers,
    )  # fmt: skip


def _answer(item: ItemRow) -> AnswerOut:
    return AnswerOut(
        key=item.key, text=item.text, kind=item.kind.value, due=item.due, value=item.value, photo=item.photo.url if item.photo else "",
        by=item.by, at=item.at, n=item.n,
    )  # fmt: skip
