"""The retrospective of a main line as JSON."""

from datetime import date, datetime

from flask import request
from pydantic import BaseModel

from main_lines.lines.access import get_line
from main_lines.lines.api import Created, Done
from main_lines.retrospectives import actions
from main_lines.retrospectives.bodies import ConclusionBody, EditBody
from main_lines.retrospectives.queries import RetrospectivePage, retrospective_of
from workspace.phrases import said
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("retrospectives_api", __name__, api=True)


class StoryOut(BaseModel):
    """planned: in the baseline, or as first signed when it is newer (added). slip: days, negative for earlier, null when it cannot be
    told yet. waits: seconds by hand."""

    id: str
    number: int
    title: str
    state: str
    department: str
    owner: str
    planned: date | None
    done: date | None
    slip: int | None
    added: bool
    returns: int
    waits: dict[str, int]


class HandOut(BaseModel):
    hand: str
    waits: int
    total_s: int
    longest_s: int
    longest_order: str


class ReturnOut(BaseModel):
    order_id: str
    at: datetime
    by: str
    reason: str
    declined: bool


class AlertStoryOut(BaseModel):
    """first_s, last_s, closed_s: seconds after it was raised; null when not yet."""

    id: str
    title: str
    raised_at: datetime
    acknowledged: int
    people: int
    first_s: int | None
    last_s: int | None
    closed_s: int | None


class HeldUpOut(BaseModel):
    """others: order -> days that it had to wait."""

    order_id: str
    days: int
    others: dict[str, int]


class SuggestionOut(BaseModel):
    """advice: later (nobody was held up) or longer (begin earlier). Offsets are days from D-day."""

    order_id: str
    advice: str
    slip: int
    offset: int
    new_offset: int
    days: int
    new_days: int


class ConclusionOut(BaseModel):
    id: str
    kind: str
    text: str
    by: str
    at: datetime
    revision: int


class RetrospectiveOut(BaseModel):
    """whole: false when the line has more events than are looked at."""

    baseline: str
    whole: bool
    orders: list[StoryOut]
    hands: list[HandOut]
    returns: list[ReturnOut]
    alerts: list[AlertStoryOut]
    held_up: list[HeldUpOut]
    suggestions: list[SuggestionOut]
    conclusions: list[ConclusionOut]


@api.get("/lines/<line_id>/retrospective", needs=SIGNED_IN, returns=RetrospectiveOut)
def get_retrospective(work: Work, line_id: str) -> RetrospectiveOut:
    """How the line went, from its events; ``baseline`` names the plan that counts as promised."""
    page = retrospective_of(work, get_line(work, line_id), baseline=request.args.get("baseline", ""))
    return _out(page)


@api.post("/lines/<line_id>/conclusions", needs=SIGNED_IN, body=ConclusionBody, returns=Created)
def write_conclusion(work: Work, line_id: str, body: ConclusionBody) -> tuple[Created, int]:
    """Write down what was learnt."""
    return Created(id=actions.write_conclusion(work, line_id, kind=body.kind, text=body.text).id), 201


@api.route("/conclusions/<conclusion_id>", methods=("PUT",), needs=SIGNED_IN, body=EditBody, returns=Done)
def edit_conclusion(work: Work, conclusion_id: str, body: EditBody) -> Done:
    """Change a conclusion; who wrote it or the director."""
    actions.edit_conclusion(work, conclusion_id, text=body.text, seen=body.seen)
    return Done()


@api.route("/conclusions/<conclusion_id>", methods=("DELETE",), needs=SIGNED_IN, returns=Done)
def drop_conclusion(work: Work, conclusion_id: str) -> Done:
    """Take a conclusion back; who wrote it or the director."""
    actions.drop_conclusion(work, conclusion_id)
    return Done()


def _out(page: RetrospectivePage) -> RetrospectiveOut:
    found = page.found
    return RetrospectiveOut(
        baseline=page.baseline.key, whole=page.whole,
        orders=[
            StoryOut(
                id=order.id, number=order.number, title=order.title, state=order.state.value,
                department=page.departments.get(order.department_id, ""), owner=page.members.get(order.owner_id or "", ""),
                planned=order.planned, done=order.done, slip=order.slip, added=order.added, returns=order.returns,
                waits={hand.value: int(length.total_seconds()) for hand, length in order.waits.items()},
            )
            for order in found.orders
        ],
        hands=[
            HandOut(
                hand=one.hand.value, waits=one.waits, total_s=int(one.total.total_seconds()), longest_s=int(one.longest.total_seconds()),
                longest_order=one.longest_order,
            )
            for one in found.hands
        ],
        returns=[ReturnOut(order_id=one.order_id, at=one.at, by=one.by, reason=one.reason, declined=one.declined) for one in found.returns],
        alerts=[
            AlertStoryOut(
                id=one.id, title=said(one.title), raised_at=one.raised_at, acknowledged=one.acknowledged, people=one.people,
                first_s=int(one.first.total_seconds()) if one.first is not None else None,
                last_s=int(one.last.total_seconds()) if one.last is not None else None,
                closed_s=int(one.closed.total_seconds()) if one.closed is not None else None,
            )
            for one in found.alerts
        ],
        held_up=[HeldUpOut(order_id=one.order_id, days=one.days, others=dict(one.others)) for one in found.held_up],
        suggestions=[
            SuggestionOut(
                order_id=one.order_id, advice=one.advice.value, slip=one.slip, offset=one.offset, new_offset=one.new_offset, days=one.days,
                new_days=one.new_days,
            )
            for one in page.suggestions
        ],
        conclusions=[
            ConclusionOut(id=row.id, kind=kind.value, text=row.text, by=row.by, at=row.at, revision=row.revision)
            for kind, rows in page.conclusions.items() for row in rows
        ],
    )  # fmt: skip
