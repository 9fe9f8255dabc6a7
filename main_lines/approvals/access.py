"""Loading approvals. Only who takes part (applicant, holders past and present, cc) and approval admins know that one exists."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, select, true

from main_lines.approvals.models import (
    Approval,
    ApprovalAction,
    ApprovalForm,
    ApprovalParticipant,
    ApprovalPermission,
    ApprovalStep,
    ApprovalTemplate,
)
from main_lines.approvals.rules import OPEN_STATES, Mode, RequestState, Situation, StepState, Turn, Verb
from main_lines.approvals.shipped import BY_KEY
from workspace.db import new_id
from workspace.errors import NotFound
from workspace.events.access import gives_rooms
from workspace.i18n import _
from workspace.people.models import Member
from workspace.roles.models import MemberRole, Role
from workspace.work import SYSTEM, Work


def _may_see(work: Work) -> ColumnElement[bool]:
    """The one rule: as a condition on Approval."""
    if work.actor == SYSTEM or work.actor.may(ApprovalPermission.MANAGE):
        return true()
    mine = ApprovalParticipant.member_id == work.actor.member_id
    return exists().where(ApprovalParticipant.approval_id == Approval.id, mine)


def visible_approvals(work: Work) -> Select[Approval]:
    return select(Approval).where(_may_see(work))


def get_request(work: Work, approval_id: str, *, lock: bool = False) -> Approval:
    """An approval that the actor may see; NotFound otherwise.

    lock: hold its row until the commit, so that votes are counted by one transaction at a time (SQLite writers are
    alone anyway).
    """
    query = visible_approvals(work).where(Approval.id == approval_id)
    if lock:
        query = query.with_for_update(of=Approval).execution_options(populate_existing=True)
    found = work.session.scalar(query)
    if found is None:
        raise NotFound(_("没有找到这项审批"), _("地址有误，或您没有参与这项审批。"))
    return found


def get_template(work: Work, key: str) -> ApprovalTemplate:
    """The newest version of a template. A shipped one is stored when it is first asked for in a writing Work."""
    shipped = BY_KEY.get(key)
    if shipped is None:
        raise NotFound(_("没有这种审批"), _("请重新选择审批类型。"))
    found = work.session.scalar(select(ApprovalTemplate).where(ApprovalTemplate.key == key, ApprovalTemplate.version == shipped.version))
    return found or ApprovalTemplate(
        id=new_id(), key=key, version=shipped.version, name=shipped.name, definition=shipped.definition(), created_at=work.now
    )


def steps_of(work: Work, approval_id: str) -> list[ApprovalStep]:
    query = select(ApprovalStep).where(ApprovalStep.approval_id == approval_id).order_by(ApprovalStep.position, ApprovalStep.id)
    return list(work.session.scalars(query.execution_options(populate_existing=True)))


def actions_of(work: Work, approval_id: str) -> list[ApprovalAction]:
    return list(work.session.scalars(select(ApprovalAction).where(ApprovalAction.approval_id == approval_id).order_by(ApprovalAction.seq)))


def form_of(work: Work, approval: Approval, revision: int | None = None) -> ApprovalForm:
    return work.session.get_one(ApprovalForm, (approval.id, revision or approval.form_revision))


def participant_ids(work: Work, approval_id: str, part: str | None = None, *, at: datetime | None = None) -> list[str]:
    """In the order in which they came; at: only who came with what happened at that instant."""
    query = select(ApprovalParticipant.member_id).where(ApprovalParticipant.approval_id == approval_id)
    query = query.where(ApprovalParticipant.part == part) if part else query
    query = query.where(ApprovalParticipant.at == at) if at else query
    return list(dict.fromkeys(work.session.scalars(query.order_by(ApprovalParticipant.at, ApprovalParticipant.member_id))))


def situation_of(work: Work, approval: Approval, steps: Sequence[ApprovalStep], *, roles: Sequence[str] = ()) -> Situation:
    """What the rules need to know. roles: mandatory roles of the template. Nobody is asked for who has left meanwhile."""
    here = _active(work, [member_id for step in steps for member_id in step.asks_for])
    turns = tuple(
        Turn(step.id, step.holder_id, StepState(step.state), step.node, Mode(step.mode), tuple(one for one in step.asks_for if one in here))
        for step in steps
    )
    return Situation(
        state=RequestState(approval.state),
        applicant_id=approval.applicant_id,
        actor_id=work.actor.member_id or "",
        turns=turns,
        is_admin=work.actor.may(ApprovalPermission.MANAGE),
        manager_id=manager_of(work, approval.applicant_id),
        missing_roles=_unsigned_roles(work, steps, approval.round, roles),
    )


def _active(work: Work, member_ids: Collection[str]) -> set[str]:
    if not member_ids:
        return set()
    return set(work.session.scalars(select(Member.id).where(Member.id.in_(member_ids), Member.state == "active")))


def manager_of(work: Work, member_id: str) -> str | None:
    """The member's superior, if one is set and still here."""
    manager_id = work.session.scalar(select(Member.manager_id).where(Member.id == member_id))
    return work.session.scalar(select(Member.id).where(Member.id == manager_id, Member.state == "active")) if manager_id else None


def last_reminder_at(work: Work, approval_id: str, since: datetime) -> datetime | None:
    query = select(ApprovalAction.at).where(ApprovalAction.approval_id == approval_id, ApprovalAction.verb == Verb.REMIND.value)
    return work.session.scalar(query.where(ApprovalAction.at >= since).order_by(ApprovalAction.seq.desc()).limit(1))


def _unsigned_roles(work: Work, steps: Iterable[ApprovalStep], round_: int, roles: Sequence[str]) -> tuple[str, ...]:
    if not roles:
        return ()
    signers = {step.holder_id for step in steps if step.round == round_ and step.state == StepState.APPROVED.value} | {work.actor.member_id}
    held = select(Role.name).join(MemberRole, MemberRole.role_id == Role.id).where(MemberRole.member_id.in_(signers))
    signed = set(work.session.scalars(held))
    return tuple(role for role in roles if role not in signed)


@gives_rooms
def _rooms(work: Work) -> list[str]:
    """Rooms of the approvals that are still moving; closed ones reach their people through ``member:<id>``."""
    query = select(Approval.id).where(_may_see(work), Approval.state.in_([state.value for state in OPEN_STATES]))
    return [f"approval:{approval_id}" for approval_id in work.session.scalars(query)]
