"""Writing down what was done: the log row with its chain, the audit event, the participants, the reply for a resend."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from main_lines.approvals.access import participant_ids
from main_lines.approvals.log import CHAINED, action_hash, digest_of
from main_lines.approvals.models import (
    KEY_LENGTH,
    Approval,
    ApprovalAction,
    ApprovalEvent,
    ApprovalParticipant,
    ApprovalStep,
    ApprovalTemplate,
)
from main_lines.approvals.rules import StepState, Verb
from workspace.db import new_id
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.idempotency import hold_key
from workspace.people.access import get_department, get_member
from workspace.work import Work

KINDS = {
    Verb.SUBMIT: ApprovalEvent.SUBMITTED,
    Verb.PASS_ON: ApprovalEvent.PASSED_ON,
    Verb.FINISH: ApprovalEvent.APPROVED,
    Verb.REJECT: ApprovalEvent.REJECTED,
    Verb.RETURN: ApprovalEvent.RETURNED,
    Verb.RECALL: ApprovalEvent.RECALLED,
    Verb.TRANSFER: ApprovalEvent.TRANSFERRED,
    Verb.CC: ApprovalEvent.COPIED,
    Verb.COMMENT: ApprovalEvent.COMMENTED,
    Verb.REMIND: ApprovalEvent.REMINDED,
}

# What the main line's feed shows; remarks stay among the participants.
IN_LINE_FEED = frozenset(
    {
        ApprovalEvent.SUBMITTED, ApprovalEvent.PASSED_ON, ApprovalEvent.SIGNED, ApprovalEvent.APPROVED, ApprovalEvent.REJECTED,
        ApprovalEvent.RETURNED, ApprovalEvent.RECALLED,
    }
)  # fmt: skip


@dataclass(frozen=True)
class Act:
    """One command of one person. key: sent once, however often it is resent; digest: what was asked."""

    verb: Verb
    actor_id: str
    key: str
    digest: str

    @classmethod
    def of(cls, work: Work, verb: Verb, key: str | None, body: dict[str, Any]) -> "Act":
        if key is not None and not 0 < len(key) <= KEY_LENGTH:
            raise InvalidInput(_("请求标识太长"))
        return cls(verb, work.actor.member_id or "", key or new_id(), digest_of([verb.value, body]))


@dataclass(frozen=True)
class Outcome:
    """What a verb answered. seq: its row in the log. replayed: the key was known and nothing was done again."""

    approval_id: str
    title: str
    verb: str
    state: str
    holders: list[str]
    seq: int
    replayed: bool = False


def earlier_outcome(work: Work, act: Act) -> Outcome | None:
    """What the same person's same key answered before; InvalidInput when it asked for something else.

    A resend that arrives while the first is at work waits for it here.
    """
    hold_key(work, act.key)
    found = work.session.scalar(select(ApprovalAction).where(ApprovalAction.actor_id == act.actor_id, ApprovalAction.key == act.key))
    if found is None:
        return None
    if found.body_digest != act.digest:
        raise InvalidInput(_("这个请求标识已用于另一次操作"), _("请刷新页面后再试。"), code="key_reused")
    return Outcome(**found.reply, replayed=True)


def add_participants(work: Work, approval: Approval, part: str, member_ids: Iterable[str]) -> list[str]:
    """Returns who can see the approval only from now on."""
    known = set(participant_ids(work, approval.id))
    for member_id in dict.fromkeys(member_ids):
        if work.session.get(ApprovalParticipant, (approval.id, member_id, part)) is None:
            work.session.add(ApprovalParticipant(approval_id=approval.id, member_id=member_id, part=part, at=work.now))
    work.session.flush()
    return [member_id for member_id in dict.fromkeys(member_ids) if member_id not in known]


def write_log(
    work: Work,
    approval: Approval,
    act: Act,
    steps: Sequence[ApprovalStep],
    *,
    kind: ApprovalEvent | None = None,
    step_id: str | None = None,
    comment: str = "",
    payload: dict[str, Any],
    people: Sequence[str],
    joined: Sequence[str],
) -> Outcome:
    """Append to the approval's log and record the event that carries the row's hash into the audit."""
    holders = [step.holder_name for step in steps if step.state == StepState.PENDING.value]
    approval.actions += 1
    outcome = Outcome(approval.id, approval.title, act.verb.value, approval.state, holders, approval.actions)
    row = _row(work, approval, act, step_id=step_id, comment=comment, payload=payload)
    row |= {"prev_hash": approval.log_hash, "hash": action_hash(approval.log_hash, row)}
    reply = {name: value for name, value in outcome.__dict__.items() if name != "replayed"}
    work.session.add(ApprovalAction(**row, reply=reply))
    approval.log_hash = row["hash"]
    _record(work, approval, kind or KINDS[act.verb], holders, people, joined, comment)
    return outcome


def _row(work: Work, approval: Approval, act: Act, *, step_id: str | None, comment: str, payload: dict[str, Any]) -> dict[str, Any]:
    actor = get_member(work, act.actor_id)
    row = {
        "approval_id": approval.id, "seq": approval.actions, "step_id": step_id, "actor_id": actor.id, "actor_name": actor.name,
        "actor_department": get_department(work, actor.department_id).name, "on_behalf_of_id": None, "verb": act.verb.value,
        "comment": comment, "payload": payload, "key": act.key, "body_digest": act.digest, "at": work.now,
    }  # fmt: skip
    assert set(row) == set(CHAINED)
    return row


def _record(
    work: Work, approval: Approval, kind: ApprovalEvent, holders: Sequence[str], people: Sequence[str], joined: Sequence[str], comment: str
) -> None:
    template = work.session.get_one(ApprovalTemplate, approval.template_id)
    rooms = [f"approval:{approval.id}", *(f"member:{member_id}" for member_id in participant_ids(work, approval.id))]
    if approval.line_id and kind in IN_LINE_FEED:
        rooms.append(f"line:{approval.line_id}")
    # A task order that comes back says why; everything else that people write stays on the approval's own page.
    reason: dict[str, Any] = {"comment": comment} if approval.task_id and kind in (ApprovalEvent.REJECTED, ApprovalEvent.RETURNED) else {}
    work.record(
        kind,
        subject=f"approval:{approval.id}",
        rooms=rooms,
        joins={member_id: [f"approval:{approval.id}"] for member_id in joined},
        approval_id=approval.id,
        title=approval.title,
        template=template.key,
        template_name=template.name,
        state=approval.state,
        applicant=approval.applicant_name,
        line_id=approval.line_id,
        task_id=approval.task_id,
        pin=approval.pin,
        holders=list(holders),
        people=list(people),
        log_seq=approval.actions,
        log_hash=approval.log_hash,
        **reason,
    )
