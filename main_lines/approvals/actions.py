"""What people do to approvals: one function a verb.

Every verb runs the same way: an earlier act with the same key answers again; else the request is loaded and held, the
rules decide, and the decision is carried out by compare-and-swap: of two who act at once, exactly one closes the step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from main_lines.approvals.access import (
    form_of,
    get_request,
    get_template,
    last_reminder_at,
    situation_of,
    steps_of,
)
from main_lines.approvals.form import Fault, amount_of, check_form
from main_lines.approvals.links import Pin, linked_places, pinned
from main_lines.approvals.log import GENESIS, digest_of
from main_lines.approvals.models import TITLE_LENGTH, Approval, ApprovalEvent, ApprovalForm, ApprovalStep, ApprovalTemplate
from main_lines.approvals.record import Act, Outcome, add_participants, earlier_outcome, write_log
from main_lines.approvals.rules import (
    OPEN_STEPS,
    Decision,
    Mode,
    Move,
    Open,
    Refuse,
    RequestState,
    Situation,
    StepState,
    Verb,
    Why,
    decide_approve,
    decide_comment,
    decide_recall,
    decide_reject,
    decide_remind,
    decide_return,
    decide_submit,
    decide_transfer,
)
from main_lines.approvals.words import refusal
from workspace.db import new_id
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.people.access import get_department, get_member
from workspace.people.models import Member
from workspace.work import Work


@dataclass(frozen=True)
class Draft:
    """What an applicant fills in. asset_id, version: the asset version to decide about. to: the first holders."""

    title: str
    values: dict[str, str] = field(default_factory=dict)
    to: tuple[str, ...] = ()
    mode: Mode = Mode.ALL
    cc: tuple[str, ...] = ()
    asset_id: str | None = None
    version: int | None = None
    line_id: str | None = None
    task_id: str | None = None

    def body(self) -> dict[str, Any]:
        return {**self.__dict__, "mode": self.mode.value}


def submit_request(work: Work, template_key: str, draft: Draft, *, key: str | None = None) -> Outcome:
    """Draft and send in one act. The pinned version, the names and the template version stay as they are now."""
    act = Act.of(work, Verb.SUBMIT, key, {"template": template_key, **draft.body()})
    if earlier := earlier_outcome(work, act):
        return earlier
    template = get_template(work, template_key)
    title, values, pin = _checked(work, template, draft)
    template = _stored(work, template)
    line_id, task_id = linked_places(work, line_id=draft.line_id, task_id=draft.task_id, pin=pin)
    applicant = get_member(work, act.actor_id)
    approval = Approval(
        id=new_id(), title=title, template_id=template.id, state=RequestState.DRAFT.value, round=1, form_revision=1,
        applicant_id=applicant.id, applicant_name=applicant.name, applicant_department=get_department(work, applicant.department_id).name,
        amount=amount_of(values, template.definition["amount_field"]), line_id=line_id, task_id=task_id, pin=pin,
        actions=0, log_hash=GENESIS, created_at=work.now, moved_at=work.now, closed_at=None,
    )  # fmt: skip
    decision = _allowed(work, approval, decide_submit(situation_of(work, approval, ()), draft.to, draft.mode))
    work.session.add(approval)
    work.session.flush()
    form = _add_form(work, approval, title, values, pin)
    joined = add_participants(work, approval, "applicant", [applicant.id])
    joined += add_participants(work, approval, "cc", [get_member(work, member_id).id for member_id in draft.cc])
    return _carry_out(work, approval, act, decision, joined=joined, payload=_submitted(draft, form))


def resubmit_request(work: Work, approval_id: str, draft: Draft, *, key: str | None = None) -> Outcome:
    """Send a returned request again: the next round; a changed form is a new revision, earlier decisions keep theirs."""
    act = Act.of(work, Verb.SUBMIT, key, {"approval": approval_id, **draft.body()})
    if earlier := earlier_outcome(work, act):
        return earlier
    approval = get_request(work, approval_id, lock=True)
    steps = steps_of(work, approval.id)
    decision = _allowed(work, approval, decide_submit(situation_of(work, approval, steps), draft.to, draft.mode))
    template = work.session.get_one(ApprovalTemplate, approval.template_id)
    title, values, pin = _checked(work, template, draft)
    form = form_of(work, approval)
    if digest_of([title, values, pin]) != form.digest:
        approval.form_revision += 1
        approval.title, approval.pin, approval.amount = title, pin, amount_of(values, template.definition["amount_field"])
        form = _add_form(work, approval, title, values, pin)
    approval.round += 1
    return _carry_out(work, approval, act, decision, payload=_submitted(draft, form))


def approve_request(
    work: Work, approval_id: str, *, step_id: str, to: Sequence[str] = (), mode: Mode = Mode.ALL, comment: str = "", key: str | None = None
) -> Outcome:
    """Agree: pass on to ``to``, or finish when nobody is named. In a countersign that others have yet to sign, just sign."""
    body = {"approval": approval_id, "step": step_id, "to": list(to), "mode": mode.value, "comment": comment}
    verb = Verb.PASS_ON if to else Verb.FINISH
    return _act(
        work,
        approval_id,
        Act.of(work, verb, key, body),
        lambda now: decide_approve(now, step_id, to, mode),
        step_id=step_id,
        comment=comment,
        payload={"to": list(to), "mode": mode.value},
    )


def reject_request(work: Work, approval_id: str, *, step_id: str, reason: str, key: str | None = None) -> Outcome:
    act = Act.of(work, Verb.REJECT, key, {"approval": approval_id, "step": step_id, "reason": reason})
    return _act(work, approval_id, act, lambda now: decide_reject(now, step_id, reason), step_id=step_id, comment=reason)


def return_request(work: Work, approval_id: str, *, step_id: str, reason: str, key: str | None = None) -> Outcome:
    """Send back to the applicant, who may change the form."""
    act = Act.of(work, Verb.RETURN, key, {"approval": approval_id, "step": step_id, "reason": reason})
    return _act(work, approval_id, act, lambda now: decide_return(now, step_id, reason), step_id=step_id, comment=reason)


def recall_request(work: Work, approval_id: str, *, comment: str = "", key: str | None = None) -> Outcome:
    act = Act.of(work, Verb.RECALL, key, {"approval": approval_id, "comment": comment})
    return _act(work, approval_id, act, decide_recall, comment=comment)


def transfer_step(work: Work, approval_id: str, *, step_id: str, to: str, comment: str = "", key: str | None = None) -> Outcome:
    act = Act.of(work, Verb.TRANSFER, key, {"approval": approval_id, "step": step_id, "to": to, "comment": comment})
    return _act(
        work, approval_id, act, lambda now: decide_transfer(now, step_id, to), step_id=step_id, comment=comment, payload={"to": [to]}
    )


def comment_request(work: Work, approval_id: str, *, words: str, key: str | None = None) -> Outcome:
    act = Act.of(work, Verb.COMMENT, key, {"approval": approval_id, "words": words})
    return _remark(work, approval_id, act, lambda _now: decide_comment(words), comment=words)


def copy_request(work: Work, approval_id: str, *, to: Sequence[str], key: str | None = None) -> Outcome:
    """Show the approval to further members; they can read and comment."""
    act = Act.of(work, Verb.CC, key, {"approval": approval_id, "to": list(to)})
    return _remark(work, approval_id, act, lambda _now: None if to else Refuse(Why.NOBODY), cc=to)


def remind_holders(work: Work, approval_id: str, *, key: str | None = None) -> Outcome:
    """Nudge whoever holds it now, at most once an hour for the same turns."""
    act = Act.of(work, Verb.REMIND, key, {"approval": approval_id})
    return _remark(work, approval_id, act, lambda now: decide_remind(now, _reminded_s_ago(work, approval_id)))


def _act(
    work: Work,
    approval_id: str,
    act: Act,
    decide: Callable[[Situation], Decision],
    *,
    step_id: str | None = None,
    comment: str = "",
    payload: dict[str, Any] | None = None,
) -> Outcome:
    if earlier := earlier_outcome(work, act):
        return earlier
    approval = get_request(work, approval_id, lock=True)
    template = work.session.get_one(ApprovalTemplate, approval.template_id)
    now = situation_of(work, approval, steps_of(work, approval.id), roles=template.definition["mandatory_roles"])
    move = _allowed(work, approval, decide(now), missing_roles=now.missing_roles)
    return _carry_out(work, approval, act, move, step_id=step_id, comment=comment, payload=payload or {})


def _remark(
    work: Work, approval_id: str, act: Act, decide: Callable[[Situation], Refuse | None], *, comment: str = "", cc: Sequence[str] = ()
) -> Outcome:
    """A verb that changes no state."""
    if earlier := earlier_outcome(work, act):
        return earlier
    approval = get_request(work, approval_id, lock=True)
    steps = steps_of(work, approval.id)
    refused = decide(situation_of(work, approval, steps))
    if refused is not None:
        raise refusal(work, approval, refused.why)
    members = [get_member(work, member_id) for member_id in dict.fromkeys(cc)]
    joined = add_participants(work, approval, "cc", [member.id for member in members])
    people = [member.name for member in members] or _holder_names(steps)
    payload = {"to": [member.id for member in members]} if members else {}
    return write_log(work, approval, act, steps, comment=comment.strip(), payload=payload, people=people, joined=joined)


def _allowed(work: Work, approval: Approval, decision: Decision, *, missing_roles: Sequence[str] = ()) -> Move:
    if isinstance(decision, Refuse):
        raise refusal(work, approval, decision.why, missing_roles=missing_roles)
    return decision


def _carry_out(
    work: Work,
    approval: Approval,
    act: Act,
    move: Move,
    *,
    payload: dict[str, Any],
    step_id: str | None = None,
    comment: str = "",
    joined: list[str] | None = None,
) -> Outcome:
    """Close, open, move, log. The swap of the own step decides: who comes second changes nothing and is told."""
    before = RequestState(approval.state)
    if move.own is not None and not _swap_step(work, *move.own, expected=(StepState.PENDING,), asks_for=payload.get("to") or []):
        raise refusal(work, approval, Why.STEP_CLOSED)
    if move.own is None and before is RequestState.RUNNING and not _swap_request(work, approval, before, move.state):
        raise refusal(work, approval, Why.CLOSED)
    for other_id, state in move.others:
        _swap_step(work, other_id, state)
    approval.state, approval.moved_at = move.state.value, work.now
    if move.state not in (RequestState.RUNNING, RequestState.RETURNED):
        approval.closed_at = work.now
    holders = _open_steps(work, approval, move.opens, node=move.joins) if move.opens else []
    work.session.flush()
    joined = [*(joined or []), *add_participants(work, approval, "holder", [holder.id for holder in holders])]
    kind = ApprovalEvent.SIGNED if move.signed_only else None
    return write_log(
        work, approval, act, steps_of(work, approval.id), kind=kind, step_id=step_id, comment=comment.strip(), payload=payload,
        people=[holder.name for holder in holders], joined=joined,
    )  # fmt: skip


def _swap_step(
    work: Work, step_id: str, state: StepState, *, expected: Sequence[StepState] = OPEN_STEPS, asks_for: Sequence[str] = ()
) -> bool:
    """Compare-and-swap: False when the step is no longer as expected."""
    swap = update(ApprovalStep).where(ApprovalStep.id == step_id, ApprovalStep.state.in_([one.value for one in expected]))
    swap = swap.values(state=state.value, closed_at=work.now, asks_for=list(asks_for)).execution_options(synchronize_session=False)
    return bool(work.session.execute(swap).rowcount == 1)  # type: ignore[attr-defined]


def _swap_request(work: Work, approval: Approval, before: RequestState, after: RequestState) -> bool:
    swap = update(Approval).where(Approval.id == approval.id, Approval.state == before.value).values(state=after.value)
    return bool(work.session.execute(swap.execution_options(synchronize_session=False)).rowcount == 1)  # type: ignore[attr-defined]


def _open_steps(work: Work, approval: Approval, opens: Open, *, node: str | None) -> list[Member]:
    members = [get_member(work, holder_id) for holder_id in opens.holder_ids]
    position, node = len(steps_of(work, approval.id)), node or new_id()
    for number, member in enumerate(members, start=1):
        step = ApprovalStep(
            id=new_id(), approval_id=approval.id, position=position + number, round=approval.round, node=node, mode=opens.mode.value,
            holder_id=member.id, holder_name=member.name, on_behalf_of_id=None, state=StepState.PENDING.value,
            form_revision=approval.form_revision, asks_for=[], opened_at=work.now, closed_at=None,
        )  # fmt: skip
        work.session.add(step)
    return members


def _checked(work: Work, template: ApprovalTemplate, draft: Draft) -> tuple[str, dict[str, str], Pin | None]:
    """The form as it is kept; InvalidInput names every field that does not fit."""
    filled = check_form(template.definition["fields"], draft.values)
    faults = {name: _(fault.value) for name, fault in filled.faults.items()}
    title = draft.title.strip()
    if not title or len(title) > TITLE_LENGTH:
        faults["title"] = _((Fault.TOO_LONG if title else Fault.MISSING).value)
    pin = None
    if template.definition["wants_asset"]:
        if draft.asset_id and draft.version:
            pin = pinned(work, draft.asset_id, draft.version)
        else:
            faults["asset"] = _("请选择要定稿的素材版本")
    if not draft.to:
        faults["to"] = _(Why.NOBODY.value)
    if faults:
        raise InvalidInput(_("有内容需要修改"), _("请按提示修改后再提交。"), fields=faults)
    return title, filled.values, pin


def _stored(work: Work, template: ApprovalTemplate) -> ApprovalTemplate:
    """A shipped one gets its row when it is first used; of several who use it first at the same moment one stores it for all."""
    if template in work.session:
        return template
    try:
        with work.session.begin_nested():
            work.session.add(template)
    except IntegrityError:
        return get_template(work, template.key)
    return template


def _add_form(work: Work, approval: Approval, title: str, values: dict[str, str], pin: Pin | None) -> ApprovalForm:
    digest = digest_of([title, values, pin])
    form = ApprovalForm(
        approval_id=approval.id, revision=approval.form_revision, title=title, values=values, pin=pin, digest=digest, at=work.now
    )
    work.session.add(form)
    return form


def _submitted(draft: Draft, form: ApprovalForm) -> dict[str, Any]:
    """What the log keeps of a submission: the form's digest binds the revision into the chain."""
    return {"to": list(draft.to), "form_revision": form.revision, "form_digest": form.digest}


def _holder_names(steps: Sequence[ApprovalStep]) -> list[str]:
    return [step.holder_name for step in steps if step.state == StepState.PENDING.value]


def _reminded_s_ago(work: Work, approval_id: str) -> float | None:
    pending = [step.opened_at for step in steps_of(work, approval_id) if step.state == StepState.PENDING.value]
    last = last_reminder_at(work, approval_id, max(pending)) if pending else None
    return (work.now - last).total_seconds() if last else None
