"""What the approval pages read: tabs with counts, cards, one approval in full, people to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select

from main_lines.approvals.access import actions_of, form_of, get_request, participant_ids, situation_of, steps_of, visible_approvals
from main_lines.approvals.links import reachable_places
from main_lines.approvals.models import Approval, ApprovalAction, ApprovalParticipant, ApprovalStep, ApprovalTemplate
from main_lines.approvals.rules import StepState, Verb, open_verbs
from main_lines.approvals.shipped import SHIPPED
from main_lines.approvals.words import DONE, MOVING, fresh_state
from workspace.i18n import _
from workspace.people.models import Department, Member, Site
from workspace.people.queries import MemberRow
from workspace.work import Work

PAGE = 30
ASKED_LENGTH = 60
"""Of a search for people; a database takes no question with a thousand parts."""
TABS = ("todo", "done", "mine", "cc")
ACTED = (StepState.APPROVED, StepState.REJECTED, StepState.RETURNED, StepState.TRANSFERRED)


@dataclass(frozen=True)
class Card:
    """One line of a list. since: when it came to the reader (todo), else when it last moved; cursor: pages the list."""

    id: str
    title: str
    template_name: str
    icon: str
    applicant: MemberRow
    amount: Decimal | None
    state: str
    holders: list[str]
    since: datetime
    pin: dict[str, Any] | None
    cursor: str


@dataclass(frozen=True)
class Moment:
    """One row of the timeline. at is None while somebody still holds the turn."""

    person: str
    verb: str
    words: str
    at: datetime | None
    comment: str
    people: list[str]
    waiting_since: datetime | None = None


@dataclass(frozen=True)
class Detail:
    """An approval as one member sees it now. step_id: the pending step that is theirs, else None. others_left: who of the
    same countersign has yet to sign."""

    approval: Approval
    template: ApprovalTemplate
    applicant: MemberRow
    fields: list[tuple[str, str, str]]
    moments: list[Moment]
    holders: list[str]
    cc: list[MemberRow]
    verbs: frozenset[str]
    step_id: str | None
    others_left: list[str]
    phrases: list[str]


def _pending_mine(work: Work) -> ColumnElement[bool]:
    pending = ApprovalStep.state == StepState.PENDING.value
    return and_(ApprovalStep.approval_id == Approval.id, ApprovalStep.holder_id == work.actor.member_id, pending)


def _of_tab(work: Work, tab: str) -> Select[Approval]:
    query = visible_approvals(work)
    if tab == "todo":
        return query.where(exists().where(_pending_mine(work)))
    if tab == "done":
        acted = ApprovalStep.state.in_([state.value for state in ACTED])
        mine = exists().where(ApprovalStep.approval_id == Approval.id, ApprovalStep.holder_id == work.actor.member_id, acted)
        return query.where(mine, ~exists().where(_pending_mine(work)))
    if tab == "mine":
        return query.where(Approval.applicant_id == work.actor.member_id)
    part = and_(ApprovalParticipant.member_id == work.actor.member_id, ApprovalParticipant.part == "cc")
    return query.where(exists().where(ApprovalParticipant.approval_id == Approval.id, part))


def tab_counts(work: Work) -> dict[str, int]:
    """How many in each tab; of one's own, those that are still moving or came back."""
    counts = {}
    for tab in TABS:
        query = _of_tab(work, tab)
        if tab == "mine":
            query = query.where(Approval.state.in_(["running", "returned"]))
        counts[tab] = int(work.session.scalar(select(func.count()).select_from(query.subquery())) or 0)
    return counts


def todo_count(work: Work) -> int:
    """Approvals that wait for the actor."""
    return int(work.session.scalar(select(func.count()).select_from(_of_tab(work, "todo").subquery())) or 0)


def list_cards(work: Work, tab: str, *, before: str | None = None, limit: int = PAGE) -> list[Card]:
    """Newest first, todo oldest first: who has waited longest is served first. before: the last card's cursor."""
    query = _of_tab(work, tab)
    if before:
        query = query.where(Approval.id > before if tab == "todo" else Approval.id < before)
    query = query.order_by(Approval.id if tab == "todo" else Approval.id.desc()).limit(limit)
    return _cards(work, list(work.session.scalars(query)))


def next_todo(work: Work, *, but: str | None = None) -> str | None:
    """The approval that waits longest for the actor."""
    query = _of_tab(work, "todo").with_only_columns(Approval.id).where(Approval.id != (but or "")).order_by(Approval.id)
    return work.session.scalar(query.limit(1))


def _cards(work: Work, approvals: Sequence[Approval]) -> list[Card]:
    ids = [approval.id for approval in approvals]
    pending = select(ApprovalStep).where(ApprovalStep.approval_id.in_(ids), ApprovalStep.state == StepState.PENDING.value)
    steps = list(work.session.scalars(pending.order_by(ApprovalStep.position)))
    templates = {one.id: one for one in work.session.scalars(select(ApprovalTemplate))}
    people = people_by_id(work, [approval.applicant_id for approval in approvals])
    cards = []
    for approval in approvals:
        held = [step for step in steps if step.approval_id == approval.id]
        own = next((step for step in held if step.holder_id == work.actor.member_id), None)
        template = templates[approval.template_id]
        cards.append(
            Card(
                id=approval.id, title=approval.title, template_name=_(template.name), icon=template.definition["icon"],
                applicant=people[approval.applicant_id], amount=approval.amount, state=approval.state,
                holders=[step.holder_name for step in held], since=own.opened_at if own else approval.moved_at,
                pin=approval.pin, cursor=approval.id,
            )
        )  # fmt: skip
    return cards


def show_request(work: Work, approval_id: str) -> Detail:
    """NotFound unless the actor takes part."""
    approval = get_request(work, approval_id)
    template = work.session.get_one(ApprovalTemplate, approval.template_id)
    steps = steps_of(work, approval.id)
    now = situation_of(work, approval, steps, roles=template.definition["mandatory_roles"])
    mine = now.my_turn()
    cc_ids = participant_ids(work, approval.id, "cc")
    people = people_by_id(work, [approval.applicant_id, *cc_ids])
    values = form_of(work, approval).values
    pending = [step for step in steps if step.state == StepState.PENDING.value]
    return Detail(
        approval=approval, template=template, applicant=people[approval.applicant_id],
        fields=[(_(one["label"]), _shown(one, values.get(one["name"], "")), one["type"]) for one in template.definition["fields"]],
        moments=[*map(_moment_of(steps), actions_of(work, approval.id)), *map(_waiting, pending)],
        holders=[step.holder_name for step in pending], cc=[people[member_id] for member_id in cc_ids if member_id in people],
        verbs=frozenset(verb.value for verb in open_verbs(now)), step_id=mine.id if mine else None,
        others_left=[step.holder_name for step in pending if mine and mine.mode == "all" and step.node == mine.node and step.id != mine.id],
        phrases=[_(phrase) for phrase in template.definition["phrases"]],
    )  # fmt: skip


def _shown(field: dict[str, Any], value: str) -> str:
    return _(value) if field["type"] == "choice" and value else value


def _moment_of(steps: Sequence[ApprovalStep]) -> Any:
    names = {step.holder_id: step.holder_name for step in steps}

    def moment(row: ApprovalAction) -> Moment:
        people = [names[member_id] for member_id in row.payload.get("to", []) if member_id in names]
        return Moment(row.actor_name, row.verb, str(DONE[row.verb]), row.at, row.comment, people)

    return moment


def _waiting(step: ApprovalStep) -> Moment:
    return Moment(step.holder_name, "pending", _("待处理"), None, "", [], waiting_since=step.opened_at)


@dataclass(frozen=True)
class Choice:
    """A kind of approval that can be asked for."""

    key: str
    name: str
    hint: str
    icon: str


def list_templates() -> list[Choice]:
    return [Choice(one.key, _(one.name), _(one.hint), one.icon) for one in SHIPPED]


def form_fields(template: ApprovalTemplate) -> list[dict[str, Any]]:
    """The fields with labels and options in the reader's language; option values stay source texts."""
    return [
        {**field, "label": _(field["label"]), "choices": [(option, _(option)) for option in field.get("options", [])]}
        for field in template.definition["fields"]
    ]


def _people() -> Select[*tuple[str, ...]]:
    columns = (
        Member.id, Member.login, Member.name, Member.title, Member.department_id,
        Department.name.label("department_name"), Site.name.label("city_name"),
    )  # fmt: skip
    return select(*columns).join(Department, Department.id == Member.department_id).join(Site, Site.id == Member.site_id)


def people_by_id(work: Work, member_ids: Sequence[str]) -> dict[str, MemberRow]:
    """Members as lists show them, those who have left included."""
    return {row.id: MemberRow(**row._mapping) for row in work.session.execute(_people().where(Member.id.in_(member_ids)))}


def people_to_choose(
    work: Work, *, words: str = "", chosen: Sequence[str] = (), but: Sequence[str] = (), limit: int = PAGE
) -> list[MemberRow]:
    """Chosen people first, then the actor's superior and whom they turned to lately, then by department; found by name,
    department, city or title."""
    first = [*chosen, *_partners(work)]
    query = _people().where(Member.state == "active", Member.id.not_in([*but, work.actor.member_id or ""]))
    for word in words[:ASKED_LENGTH].split():
        like = f"%{_escaped(word)}%"
        found = Member.name.like(like, escape="\\") | Department.name.like(like, escape="\\") | Site.name.like(like, escape="\\")
        query = query.where(found | Member.title.like(like, escape="\\") | Member.id.in_(chosen))
    rows = [MemberRow(**row._mapping) for row in work.session.execute(query.order_by(Department.name, Member.name).limit(500))]
    return sorted(rows, key=lambda row: first.index(row.id) if row.id in first else len(first))[: max(limit, len(chosen))]


def asked_last(work: Work, approval_id: str) -> list[str]:
    """Whom its applicant asked when it was sent last."""
    sent = select(ApprovalAction.payload).where(ApprovalAction.approval_id == approval_id, ApprovalAction.verb == Verb.SUBMIT.value)
    payload = work.session.scalar(sent.order_by(ApprovalAction.seq.desc()).limit(1)) or {}
    return list(payload.get("to", []))


def tab_of(work: Work, approval_id: str) -> str:
    """The first tab in which the actor finds it; an administrator who takes no part in it gets the first of all."""
    for tab in TABS:
        if work.session.scalar(_of_tab(work, tab).with_only_columns(Approval.id).where(Approval.id == approval_id).limit(1)):
            return tab
    return TABS[0]


def _partners(work: Work) -> list[str]:
    """The superior, then the last people to whom the actor's own acts gave a turn."""
    superior = work.session.scalar(select(Member.manager_id).where(Member.id == work.actor.member_id))
    rows = select(ApprovalAction.payload).where(
        ApprovalAction.actor_id == work.actor.member_id, ApprovalAction.verb.in_([verb.value for verb in MOVING])
    )
    recent = [
        member_id
        for payload in work.session.scalars(rows.order_by(ApprovalAction.at.desc()).limit(20))
        for member_id in payload.get("to", [])
    ]
    return list(dict.fromkeys([*([superior] if superior else []), *recent]))


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@dataclass(frozen=True)
class After:
    """What the reader has just done, shown above what waits next."""

    id: str
    title: str
    state: str
    words: str


def just_done(work: Work, approval_id: str) -> After | None:
    """None when it is not the reader's to see."""
    approval = work.session.scalar(visible_approvals(work).where(Approval.id == approval_id))
    return After(approval.id, approval.title, approval.state, fresh_state(work, approval)) if approval else None


def places_of(work: Work, approval: Approval) -> dict[str, tuple[str, str]]:
    """The main line and task order that it hangs on, as (name, URL), as far as the reader may see them."""
    return reachable_places(work, line_id=approval.line_id, task_id=approval.task_id)
