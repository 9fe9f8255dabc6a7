"""Approvals as JSON. Holder verbs name the step that was seen, so that a late act is never applied to another turn."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from flask import request
from pydantic import BaseModel, ConfigDict, Field

from main_lines.approvals import actions, queries
from main_lines.approvals.actions import Draft
from main_lines.approvals.record import Outcome
from main_lines.approvals.rules import Mode
from main_lines.lines.bodies import Body
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("approvals_api", __name__, api=True)

Words = Field(default="", max_length=2000)
Reason = Field(min_length=1, max_length=1000)
VersionNumber = Field(default=None, ge=1, lt=2**31)
People = Field(min_length=1, max_length=30)


class ApprovalCard(BaseModel):
    """amount: yuan as a decimal. holders: names of who holds it now. since: when it came to the reader, or last moved."""

    id: str
    title: str
    template: str
    applicant: str
    amount: Decimal | None
    state: str
    holders: list[str]
    since: datetime
    pin: dict[str, Any] | None


class ApprovalPage(BaseModel):
    """next: pass it as ``before`` for the following page, None on the last."""

    approvals: list[ApprovalCard]
    counts: dict[str, int]
    next: str | None


class MomentOut(BaseModel):
    person: str
    verb: str
    words: str
    at: datetime | None
    comment: str
    people: list[str]


class ApprovalOut(BaseModel):
    """verbs: what the reader can do now. step_id: their own pending turn, to be named in their verbs.

    line_id, task_id: None also where the reader is not in the main line, which does not exist for them.
    """

    id: str
    title: str
    template: str
    state: str
    round: int
    form_revision: int
    applicant: str
    amount: Decimal | None
    line_id: str | None
    task_id: str | None
    pin: dict[str, Any] | None
    fields: dict[str, str]
    holders: list[str]
    timeline: list[MomentOut]
    verbs: list[str]
    step_id: str | None


class OutcomeOut(BaseModel):
    """What a verb answered; replayed: the idempotency key was known, nothing was done again."""

    approval_id: str
    title: str
    verb: str
    state: str
    holders: list[str]
    seq: int
    replayed: bool


class Sent(Body):
    """Texts are taken as they are seen; a field that is not known is passed over."""

    model_config = ConfigDict(extra="ignore")


class NewApproval(Sent):
    """to: first holders (member ids). asset_id with version: what is decided about."""

    template: str
    title: str
    values: dict[str, str] = {}
    to: list[str] = People
    mode: Literal["all", "any"] = "all"
    cc: list[str] = []
    asset_id: str | None = None
    version: int | None = VersionNumber
    line_id: str | None = None
    task_id: str | None = None


class Resubmission(Sent):
    title: str
    values: dict[str, str] = {}
    to: list[str] = People
    mode: Literal["all", "any"] = "all"
    asset_id: str | None = None
    version: int | None = VersionNumber


class Finish(Sent):
    step_id: str
    comment: str = Words


class PassOn(Sent):
    step_id: str
    to: list[str] = People
    mode: Literal["all", "any"] = "all"
    comment: str = Words


class Refusal(Sent):
    step_id: str
    reason: str = Reason


class Transfer(Sent):
    step_id: str
    to: str
    comment: str = Words


class Comment(Sent):
    words: str = Field(min_length=1, max_length=2000)


class Copy(Sent):
    to: list[str] = People


class Recall(Sent):
    comment: str = Words


@api.get("/approvals", needs=SIGNED_IN, returns=ApprovalPage)
def list_approvals(work: Work) -> ApprovalPage:
    """One tab of the reader's approvals: ``tab`` = todo, done, mine or cc; 30 a page, ``before`` = the last answer's next."""
    tab = request.args.get("tab", "todo")
    if tab not in queries.TABS:
        raise InvalidInput(_("没有这个分类"), fields={"tab": "todo, done, mine, cc"})
    cards = queries.list_cards(work, tab, before=request.args.get("before"))
    following = cards[-1].cursor if len(cards) == queries.PAGE else None
    return ApprovalPage(approvals=[_card(card) for card in cards], counts=queries.tab_counts(work), next=following)


@api.get("/approvals/<approval_id>", needs=SIGNED_IN, returns=ApprovalOut)
def show_approval(work: Work, approval_id: str) -> ApprovalOut:
    """One approval with its timeline and what the reader can do now."""
    detail = queries.show_request(work, approval_id)
    approval = detail.approval
    places = queries.places_of(work, approval)
    return ApprovalOut(
        id=approval.id, title=approval.title, template=detail.template.key, state=approval.state, round=approval.round,
        form_revision=approval.form_revision, applicant=approval.applicant_name, amount=approval.amount,
        line_id=approval.line_id if "line" in places else None, task_id=approval.task_id if "task" in places else None,
        pin=approval.pin, fields={label: value for label, value, _kind in detail.fields}, holders=detail.holders,
        timeline=[MomentOut(**{name: getattr(moment, name) for name in MomentOut.model_fields}) for moment in detail.moments],
        verbs=sorted(detail.verbs), step_id=detail.step_id,
    )  # fmt: skip


@api.post("/approvals", needs=SIGNED_IN, body=NewApproval, returns=OutcomeOut)
def submit(work: Work, body: NewApproval) -> tuple[OutcomeOut, int]:
    """Ask for an approval; answers 201."""
    draft = Draft(
        title=body.title, values=body.values, to=tuple(body.to), mode=Mode(body.mode), cc=tuple(body.cc), asset_id=body.asset_id,
        version=body.version, line_id=body.line_id, task_id=body.task_id,
    )  # fmt: skip
    return _out(actions.submit_request(work, body.template, draft, key=_key())), 201


@api.post("/approvals/<approval_id>/resubmit", needs=SIGNED_IN, body=Resubmission, returns=OutcomeOut)
def resubmit(work: Work, approval_id: str, body: Resubmission) -> OutcomeOut:
    """Send a returned request again."""
    draft = Draft(
        title=body.title, values=body.values, to=tuple(body.to), mode=Mode(body.mode), asset_id=body.asset_id, version=body.version
    )
    return _out(actions.resubmit_request(work, approval_id, draft, key=_key()))


@api.post("/approvals/<approval_id>/finish", needs=SIGNED_IN, body=Finish, returns=OutcomeOut)
def finish(work: Work, approval_id: str, body: Finish) -> OutcomeOut:
    """Approve and end it; in a countersign that others have yet to sign, sign."""
    return _out(actions.approve_request(work, approval_id, step_id=body.step_id, comment=body.comment, key=_key()))


@api.post("/approvals/<approval_id>/pass-on", needs=SIGNED_IN, body=PassOn, returns=OutcomeOut)
def pass_on(work: Work, approval_id: str, body: PassOn) -> OutcomeOut:
    """Approve and hand to the next people."""
    mode = Mode(body.mode)
    return _out(actions.approve_request(work, approval_id, step_id=body.step_id, to=body.to, mode=mode, comment=body.comment, key=_key()))


@api.post("/approvals/<approval_id>/reject", needs=SIGNED_IN, body=Refusal, returns=OutcomeOut)
def reject(work: Work, approval_id: str, body: Refusal) -> OutcomeOut:
    """End it with no."""
    return _out(actions.reject_request(work, approval_id, step_id=body.step_id, reason=body.reason, key=_key()))


@api.post("/approvals/<approval_id>/return", needs=SIGNED_IN, body=Refusal, returns=OutcomeOut)
def send_back(work: Work, approval_id: str, body: Refusal) -> OutcomeOut:
    """Back to the applicant."""
    return _out(actions.return_request(work, approval_id, step_id=body.step_id, reason=body.reason, key=_key()))


@api.post("/approvals/<approval_id>/transfer", needs=SIGNED_IN, body=Transfer, returns=OutcomeOut)
def transfer(work: Work, approval_id: str, body: Transfer) -> OutcomeOut:
    """Give the own turn to somebody else."""
    return _out(actions.transfer_step(work, approval_id, step_id=body.step_id, to=body.to, comment=body.comment, key=_key()))


@api.post("/approvals/<approval_id>/recall", needs=SIGNED_IN, body=Recall, returns=OutcomeOut)
def recall(work: Work, approval_id: str, body: Recall) -> OutcomeOut:
    """The applicant takes it back."""
    return _out(actions.recall_request(work, approval_id, comment=body.comment, key=_key()))


@api.post("/approvals/<approval_id>/comment", needs=SIGNED_IN, body=Comment, returns=OutcomeOut)
def comment(work: Work, approval_id: str, body: Comment) -> OutcomeOut:
    """Say something; changes no state."""
    return _out(actions.comment_request(work, approval_id, words=body.words, key=_key()))


@api.post("/approvals/<approval_id>/cc", needs=SIGNED_IN, body=Copy, returns=OutcomeOut)
def copy(work: Work, approval_id: str, body: Copy) -> OutcomeOut:
    """Show it to further members."""
    return _out(actions.copy_request(work, approval_id, to=body.to, key=_key()))


@api.post("/approvals/<approval_id>/remind", needs=SIGNED_IN, returns=OutcomeOut)
def remind(work: Work, approval_id: str) -> OutcomeOut:
    """Nudge whoever holds it, at most once an hour."""
    return _out(actions.remind_holders(work, approval_id, key=_key()))


def _key() -> str | None:
    return request.headers.get("Idempotency-Key") or None


def _out(outcome: Outcome) -> OutcomeOut:
    return OutcomeOut(**outcome.__dict__)


def _card(card: queries.Card) -> ApprovalCard:
    return ApprovalCard(
        id=card.id, title=card.title, template=card.template_name, applicant=card.applicant.name, amount=card.amount, state=card.state,
        holders=card.holders, since=card.since, pin=card.pin,
    )  # fmt: skip
