"""The numbers of a main line as JSON: read by its members, sent by them or by a program with a pass."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Response, g, request
from pydantic import BaseModel

from main_lines.lines.access import get_line
from main_lines.numbers import messages, queries
from main_lines.numbers.access import digest_of
from main_lines.numbers.actions import Taken
from main_lines.numbers.bodies import NumbersBody
from main_lines.numbers.passes import unknown_pass, work_of_pass
from workspace.idempotency import store_reply, stored_reply
from workspace.web import ANYONE, SIGNED_IN, Routes, parse_body
from workspace.work import Work

api = Routes("numbers_api", __name__, api=True)


class SourceOut(BaseModel):
    """kind: xlsx, csv, api or typed. at: as of when its numbers are; noted_at: when they came."""

    kind: str
    name: str
    by: str
    at: datetime
    noted_at: datetime


class MetricOut(BaseModel):
    """expected: what the target comes to by the time of the actual. pace: percent of that, over 100 is always better.

    stale: the newest actual is older than 24 hours.
    """

    id: str
    name: str
    unit: str
    better: str
    start: date
    end: date
    verdict: str
    target: float | None
    actual: float | None
    expected: float | None
    percent: int | None
    pace: int | None
    at: datetime | None
    stale: bool
    source: SourceOut | None


class StockSummaryOut(BaseModel):
    out: int
    low: int
    total: int
    at: datetime | None


class NumbersOut(BaseModel):
    metrics: list[MetricOut]
    stock: StockSummaryOut


class TakenOut(BaseModel):
    """count: numbers that came; changed: those that say something else than before; older: kept, but a newer one counts."""

    count: int
    changed: int
    older: int


class ReceivedOut(BaseModel):
    numbers: TakenOut
    stock: TakenOut


@api.get("/lines/<line_id>/numbers", needs=SIGNED_IN, returns=NumbersOut)
def get_numbers(work: Work, line_id: str) -> NumbersOut:
    """Target against actual of each metric, with source and time; how many SKU are out or low."""
    return numbers_out(queries.summary_of(work, get_line(work, line_id)))


@api.post("/lines/<line_id>/numbers", needs=SIGNED_IN, body=NumbersBody, returns=ReceivedOut)
def send_numbers(work: Work, line_id: str, body: NumbersBody) -> ReceivedOut:
    """Send numbers and stock, all or nothing. Targets and new metrics are the director's."""
    return _received(messages.receive(work, line_id, body, name=work.actor.name))


@api.post("/numbers", needs=ANYONE, returns=ReceivedOut, opens_work=False, csrf=False)
def send_with_pass() -> Response | ReceivedOut:
    """The same for a program, into the line of its pass: ``Authorization: Bearer mln_…``. No cookie lends it anything."""
    scheme, _blank, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer":
        raise unknown_pass()
    key, digest = request.headers.get("Idempotency-Key", ""), digest_of(request.get_data())
    origin = {"ip": request.remote_addr or "", "request": g.get("request_id", "")}
    with work_of_pass(secret.strip(), origin=origin) as (work, found):
        key = digest_of(f"{found.id} {key}".encode()) if key else ""
        earlier = stored_reply(work, key, digest) if key else None
        if earlier is not None:
            return Response(earlier.body, earlier.status, content_type=earlier.content_type)
        found.used_at = work.now
        answer = _received(messages.receive(work, found.line_id, parse_body(NumbersBody), name=found.name))
        response = Response(answer.model_dump_json(), content_type="application/json")
        if key:
            store_reply(work, key, digest, response)
        return response


def numbers_out(found: queries.Summary) -> NumbersOut:
    stock = found.stock
    return NumbersOut(
        metrics=[_metric(row) for row in found.rows], stock=StockSummaryOut(out=stock.out, low=stock.low, total=stock.total, at=stock.at)
    )


def _metric(row: queries.MetricRow) -> MetricOut:
    stands, source = row.standing, row.source
    return MetricOut(
        id=row.id, name=row.name, unit=row.unit, better=row.better.value, start=row.start, end=row.end, verdict=stands.verdict.value,
        target=_plain(stands.target), actual=_plain(stands.actual), expected=_plain(stands.expected), percent=stands.percent,
        pace=stands.pace, at=stands.at, stale=stands.stale,
        source=SourceOut(kind=source.kind, name=source.name, by=source.by, at=source.at, noted_at=source.noted_at) if source else None,
    )  # fmt: skip


def _plain(value: Decimal | None) -> float | None:
    return None if value is None else float(round(value, 4))


def _received(taken: tuple[Taken, Taken]) -> ReceivedOut:
    numbers, stock = (TakenOut(**_facts(one)) for one in taken)
    return ReceivedOut(numbers=numbers, stock=stock)


def _facts(taken: Taken) -> dict[str, Any]:
    return {"count": taken.count, "changed": taken.changed, "older": taken.older}
