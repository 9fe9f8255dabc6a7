"""What people do to task orders. Every verb is decided by rules.decide and recorded with names as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import func, select

from main_lines.lines.access import get_line, require_members
from main_lines.lines.rules import FIRST_DAY, LAST_DAY, Phase
from main_lines.seen import others, refuse_unseen
from main_lines.tasks.access import get_task, line_of, pieces_of, standing_of, take_up
from main_lines.tasks.models import BLOCKED_LENGTH, NAME_LENGTH, RETURNED_LENGTH, WRITTEN, TaskEvent, TaskOrder
from main_lines.tasks.pieces import AssetDelivery, content_of, missing_of, put_piece
from main_lines.tasks.record import check_rate, check_seen, deliverable_kept, field_words, move, reason_given, record, refusal
from main_lines.tasks.rules import OFFSET_MOST, OPEN, State, Verb, Why, asks_more
from workspace.db import new_id
from workspace.errors import InvalidInput
from workspace.events.kinds import N_
from workspace.i18n import _, _l, source
from workspace.people.access import get_department, get_site
from workspace.people.models import Department, Member
from workspace.phrases import Phrase, facts_of, phrase
from workspace.search.actions import Document, index_documents
from workspace.work import Work

EXPECTED_MOST = 30


@dataclass(frozen=True)
class Draft:
    """The written part of an order. due_offset and due_on exclude each other; owner and city may stay open. The rest: see TaskOrder."""

    title: str
    department_id: str
    requirements: str = ""
    phase: Phase = Phase.PREPARE
    owner_id: str | None = None
    site_id: str | None = None
    due_offset: int | None = None
    due_on: date | None = None
    days: int = 1
    checklist: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    involved: list[str] = field(default_factory=list)


def draft_of(order: TaskOrder) -> Draft:
    """The order as it is written now."""
    written = {name: getattr(order, name) for name in WRITTEN}
    return Draft(**written | {"phase": Phase(order.phase), "checklist": [item["text"] for item in order.checklist]})


def write_task(work: Work, line_id: str, draft: Draft) -> TaskOrder:
    """Write a new order as a draft; any member of the line may. It starts nothing until the director signs."""
    return write_tasks(work, line_id, [draft])[0]


def write_tasks(work: Work, line_id: str, drafts: Sequence[Draft], *, submit: bool = False) -> list[TaskOrder]:
    """Write many in a few statements, numbered as they come. submit: they wait for the signature at once."""
    line = get_line(work, line_id, lock=True)  # One number at a time.
    for draft in drafts:
        _check(work, draft)
    require_members(work, line.id, {draft.owner_id for draft in drafts if draft.owner_id})
    last = work.session.scalar(select(func.max(TaskOrder.number)).where(TaskOrder.line_id == line.id)) or 0
    state = State.WAITING if submit else State.DRAFT
    orders = [
        TaskOrder(
            id=new_id(), line_id=line.id, number=number, state=state.value, state_at=work.now, deliverable={}, blocked_reason="",
            checklist=[{"text": text, "done": False} for text in draft.checklist], written_by_id=work.actor.member_id,
            written_at=work.now, **_columns(draft),
        )
        for number, draft in enumerate(drafts, last + 1)
    ]  # fmt: skip
    work.session.add_all(orders)
    work.session.flush()
    index_documents(work, [document_of(work, order) for order in orders])
    for order in orders:
        record(work, TaskEvent.WRITTEN, order, department=work.session.get_one(Department, order.department_id).name, plan=order.plan)
        if submit:
            record(work, TaskEvent.SUBMITTED, order)
    return orders


def edit_task(work: Work, task_id: str, draft: Draft, *, seen: str = "") -> TaskOrder:
    """Change what is written. New requirements of a signed order send it back to be signed; the rest does not."""
    order = get_task(work, task_id, lock=True)
    _check_unseen(work, order, draft, seen)
    line = line_of(work, order)
    _check(work, draft)
    if draft.owner_id and draft.owner_id != order.owner_id:
        require_members(work, line.id, [draft.owner_id])
    changed = [name for name, value in _columns(draft).items() if getattr(order, name) != value]
    texts = [item["text"] for item in order.checklist]
    checklist = [*draft.checklist] != texts
    if not changed and not checklist:
        return order
    who = standing_of(work, order)
    if not (who.directs or who.wrote):
        raise refusal(Why.NOT_YOURS, order)
    if State(order.state) not in OPEN:
        raise refusal(Why.WRONG_STATE, order)
    asked = asks_more(texts, draft.checklist) or asks_more(order.expected, _columns(draft)["expected"])
    new_requirements = asked or bool({"title", "requirements"} & set(changed))
    if new_requirements:
        move(work, order, Verb.EDIT)
        order.revision += 1
    for name, value in _columns(draft).items():
        setattr(order, name, value)
    if checklist:
        known = {item["text"]: item for item in order.checklist}
        order.checklist = [known.get(text, {"text": text, "done": False}) for text in draft.checklist]
    index_documents(work, [document_of(work, order)])
    words = dict.fromkeys(source(_FIELD_WORDS[name]) for name in (*changed, *(["checklist"] if checklist else [])))
    said = [phrase(word) for word in words]
    record(work, TaskEvent.EDITED, order, changed=list(words), changed_said=said, sign_again=new_requirements, plan=order.plan)
    return order


def _check_unseen(work: Work, order: TaskOrder, draft: Draft, seen: str) -> None:
    """Conflict with what has been written meanwhile, where it is not what the writer has sent."""
    now, texts = {name: getattr(order, name) for name in WRITTEN}, [item["text"] for item in order.checklist]
    names = others(now | {"checklist": texts}, _columns(draft) | {"checklist": list(draft.checklist)})
    theirs = [(_FIELD_WORDS[name], "\n".join(texts) if name == "checklist" else field_words(work, name, now[name])) for name in names]
    refuse_unseen(seen, order.mark, theirs, title=_("任务单刚刚被修改过"), code="task_changed", state=order.state)


def submit_task(work: Work, task_id: str) -> TaskOrder:
    order = get_task(work, task_id, lock=True)
    move(work, order, Verb.SUBMIT)
    record(work, TaskEvent.SUBMITTED, order)
    return order


def sign_task(work: Work, task_id: str, *, seen: str = "") -> TaskOrder:
    """The signature of the director, or of whoever the line names, under the requirements as they are written now.

    seen: mark of the order that was in front of the signer; Conflict when it has changed since.
    """
    order = get_task(work, task_id, lock=True)
    check_seen(order, seen, _("请先查看最新的任务单，再签发。"))
    move(work, order, Verb.SIGN)
    order.signed_revision, order.signed_at, order.signed_by_id = order.revision, work.now, work.actor.member_id
    order.signed_as = order.asked
    record(work, TaskEvent.SIGNED, order, owner=_owner_name(work, order), revision=order.revision)
    return order


def decline_task(work: Work, task_id: str, *, reason: str) -> TaskOrder:
    """Not signed: back to its writer with what has to change."""
    order = get_task(work, task_id, lock=True)
    move(work, order, Verb.DECLINE)
    record(work, TaskEvent.DECLINED, order, reason=reason_given(reason))
    return order


def start_task(work: Work, task_id: str) -> TaskOrder:
    """Begin the work; who starts an order that nobody owns becomes its owner."""
    order = get_task(work, task_id, lock=True)
    move(work, order, Verb.START)
    take_up(work, order)
    record(work, TaskEvent.STARTED, order, plan=order.plan)
    return order


def deliver_task(work: Work, task_id: str, delivery: AssetDelivery | str, *, name: str = "", note: str = "") -> TaskOrder:
    """Hand in: an asset version, a link or a text, under the name of an expected one or none, together with what lies with the order.

    An empty text hands in what lies there already. note: why it is handed in although expected ones are missing; InvalidInput
    names them when there is none. A later version never replaces a pinned one by itself.
    """
    order = get_task(work, task_id, lock=True)
    nothing = isinstance(delivery, str) and not delivery.strip()
    lies = pieces_of(work, order.id) if nothing else []
    content = lies[-1].content if lies else content_of(work, delivery)
    order.approval_id = None  # Handed in by hand: what an earlier approval decides is about another deliverable.
    hand_in(work, order, content, by=work.actor.name, name=None if lies else name, note=note)
    return order


def hand_in(
    work: Work, order: TaskOrder, deliverable: dict[str, Any], *, by: str, name: str | None = "", note: str = "", by_id: str | None = None
) -> None:
    """The order is delivered with this; it ends a block. Used by deliver_task and by the reaction to an approval.

    name: as in ``put_piece``; None when it lies with the order already. by_id: who brings it, when that is not the actor.
    """
    instead_of = order.deliverable if State(order.state) in (State.DELIVERED, State.RETURNED) else {}
    move(work, order, Verb.DELIVER)
    if name is not None:
        put_piece(work, order, deliverable, name=name, instead_of=instead_of, by_id=by_id)
    missing = missing_of(work, order)
    if missing and not note.strip():
        words = _("缺少：%(names)s。请先补齐，或写明为什么先交付。", names=_("、").join(missing))
        raise InvalidInput(_("还有 %(n)s 件交付物没有放入", n=len(missing)), words, fields={"note": words}, missing=missing)
    take_up(work, order)
    order.deliverable, order.delivered_at = deliverable, work.now
    order.blocked_at, order.blocked_reason, order.returned_reason = None, "", ""
    record(
        work, TaskEvent.DELIVERED, order, by=by, deliverable=deliverable, plan=order.plan, missing=missing, note=note.strip(),
        **facts_of(what=_what(work, order, deliverable)),
    )  # fmt: skip


def _what(work: Work, order: TaskOrder, deliverable: dict[str, Any]) -> Phrase | str:
    """What was handed in, in words: the one thing, or how many, and which was the last of them."""
    words, count = deliverable_kept(deliverable), len(pieces_of(work, order.id))
    return words if count == 1 else phrase(N_("%(n)s 件交付物，含%(what)s"), n=count, what=words)


def withdraw_task(work: Work, task_id: str) -> TaskOrder:
    order = get_task(work, task_id, lock=True)
    take_back(work, order, by=work.actor.name)
    return order


def take_back(work: Work, order: TaskOrder, *, by: str) -> None:
    move(work, order, Verb.WITHDRAW)
    order.deliverable, order.delivered_at, order.approval_id = {}, None, None
    record(work, TaskEvent.WITHDRAWN, order, by=by)


def accept_task(work: Work, task_id: str, *, seen: str = "") -> TaskOrder:
    """seen: mark of the order that was in front of the director; Conflict when something else has been handed in since."""
    order = get_task(work, task_id, lock=True)
    check_seen(order, seen, _("请先查看最新的交付物，再验收。"))
    accept(work, order, by=work.actor.name)
    return order


def accept(work: Work, order: TaskOrder, *, by: str) -> None:
    move(work, order, Verb.ACCEPT)
    order.blocked_at, order.blocked_reason = None, ""
    record(work, TaskEvent.ACCEPTED, order, by=by, deliverable=order.deliverable)


def return_task(work: Work, task_id: str, *, reason: str) -> TaskOrder:
    order = get_task(work, task_id, lock=True)
    give_back(work, order, by=work.actor.name, reason=reason_given(reason))
    return order


def give_back(work: Work, order: TaskOrder, *, by: str, reason: Phrase | str) -> None:
    """reason: what somebody wrote; a phrase where nobody wrote any, which the order does not keep."""
    move(work, order, Verb.RETURN)
    written = reason if isinstance(reason, str) else ""
    order.returned_reason = written if len(written) <= RETURNED_LENGTH else f"{written[: RETURNED_LENGTH - 1]}…"
    record(work, TaskEvent.RETURNED, order, by=by, **facts_of(reason=reason))


def close_task(work: Work, task_id: str) -> TaskOrder:
    order = get_task(work, task_id, lock=True)
    move(work, order, Verb.CLOSE)
    record(work, TaskEvent.CLOSED, order)
    return order


def cancel_task(work: Work, task_id: str, *, reason: str) -> TaskOrder:
    order = get_task(work, task_id, lock=True)
    move(work, order, Verb.CANCEL)
    order.blocked_at, order.blocked_reason = None, ""
    record(work, TaskEvent.CANCELLED, order, reason=reason_given(reason))
    return order


def block_task(work: Work, task_id: str, *, reason: str) -> TaskOrder:
    """Say that the work cannot go on and why; everybody in the line sees it at once."""
    order = get_task(work, task_id, lock=True)
    check_rate(work, order, TaskEvent.BLOCKED)
    move(work, order, Verb.BLOCK)
    order.blocked_at, order.blocked_reason = work.now, reason_given(reason, most=BLOCKED_LENGTH)
    record(work, TaskEvent.BLOCKED, order, reason=order.blocked_reason)
    return order


def unblock_task(work: Work, task_id: str) -> TaskOrder:
    order = get_task(work, task_id, lock=True)
    move(work, order, Verb.UNBLOCK)
    order.blocked_at, order.blocked_reason = None, ""
    record(work, TaskEvent.UNBLOCKED, order)
    return order


def assign_task(work: Work, task_id: str, owner_id: str) -> TaskOrder:
    """Hand the order to somebody in the line; the director, or whoever works on it now, may. Their department takes it along."""
    order = get_task(work, task_id, lock=True)
    who = standing_of(work, order)
    if not (who.directs or who.works):
        raise refusal(Why.NOT_YOURS, order)
    if State(order.state) not in OPEN:
        raise refusal(Why.WRONG_STATE, order)
    require_members(work, order.line_id, [owner_id])
    owner = work.session.get_one(Member, owner_id)
    order.owner_id, order.department_id = owner.id, owner.department_id
    record(work, TaskEvent.ASSIGNED, order, owner=owner.name, plan=order.plan)
    return order


def release_tasks_of(work: Work, line_id: str, member_id: str, *, name: str) -> int:
    """Take the open orders of somebody who left the line from them; returns how many. For the reaction to their leaving."""
    states = [state.value for state in OPEN]
    theirs = select(TaskOrder).where(TaskOrder.line_id == line_id, TaskOrder.owner_id == member_id, TaskOrder.state.in_(states))
    orders = work.session.scalars(theirs.order_by(TaskOrder.id).with_for_update()).all()  # In the order of ``bulk``.
    for order in orders:
        order.owner_id = None
        record(work, TaskEvent.RELEASED, order, owner=name, plan=order.plan)
    return len(orders)


def move_item(work: Work, task_id: str, index: int, *, to: int) -> TaskOrder:
    """Another order of the checklist; it asks for nothing new, so the signature holds. ``to`` beyond either end is that end."""
    order = get_task(work, task_id, lock=True)
    who = standing_of(work, order)
    if not (who.works or who.directs or who.wrote):
        raise refusal(Why.NOT_YOURS, order)
    if State(order.state) not in OPEN or not 0 <= index < len(order.checklist):
        raise refusal(Why.WRONG_STATE, order)
    items = list(order.checklist)
    to = max(0, min(to, len(items) - 1))
    if to != index:
        items.insert(to, items.pop(index))
        order.checklist = items
        record(work, TaskEvent.REORDERED, order)
    return order


def check_item(work: Work, task_id: str, index: int, *, done: bool) -> TaskOrder:
    """Tick or untick one line of the checklist; who works on the order may."""
    order = get_task(work, task_id, lock=True)
    who = standing_of(work, order)
    if not (who.works or who.directs):
        raise refusal(Why.NOT_YOURS, order)
    if State(order.state) not in OPEN or not 0 <= index < len(order.checklist):
        raise refusal(Why.WRONG_STATE, order)
    ticked = {"done": done, "by": work.actor.name, "at": work.now.isoformat()}
    order.checklist = [{**item, **ticked} if position == index else item for position, item in enumerate(order.checklist)]
    record(work, TaskEvent.CHECKED, order, done=sum(item["done"] for item in order.checklist), all=len(order.checklist))
    return order


def _check(work: Work, draft: Draft) -> None:
    if draft.due_offset is not None and draft.due_on is not None:
        raise InvalidInput(_("截止日只能写一种"), fields={"due_on": _("写了 D 日偏移就不要再写日期")})
    if abs(draft.due_offset or 0) > OFFSET_MOST:
        words = _("截止日最多距 D 日 %(n)s 天。", n=OFFSET_MOST)
        raise InvalidInput(_("离 D 日太远"), words, fields={"due_offset": words})
    if draft.due_on is not None and not FIRST_DAY <= draft.due_on <= LAST_DAY:
        words = _("请写 %(first)s 至 %(last)s 年之间的日期。", first=FIRST_DAY.year, last=LAST_DAY.year)
        raise InvalidInput(_("截止日太远"), words, fields={"due_on": words})
    get_department(work, draft.department_id)
    for department_id in draft.involved:
        get_department(work, department_id)
    names = _columns(draft)["expected"]
    if len(names) > EXPECTED_MOST or any(len(name) > NAME_LENGTH for name in names):
        words = _("最多 %(n)s 件，每件的名称最多 %(most)s 个字", n=EXPECTED_MOST, most=NAME_LENGTH)
        raise InvalidInput(_("应交付物写得太多"), fields={"expected": words})
    if draft.site_id:
        get_site(work, draft.site_id)


def _columns(draft: Draft) -> dict[str, Any]:
    return {
        "title": draft.title.strip(), "requirements": draft.requirements.strip(), "phase": draft.phase.value,
        "department_id": draft.department_id, "owner_id": draft.owner_id or None, "site_id": draft.site_id or None,
        "due_offset": draft.due_offset, "due_on": draft.due_on, "days": draft.days,
        "expected": list(dict.fromkeys(name.strip() for name in draft.expected if name.strip())),
        "involved": sorted(set(draft.involved) - {draft.department_id, ""}),
    }  # fmt: skip


_FIELD_WORDS = {
    "title": _l("标题"),
    "requirements": _l("要求"),
    "phase": _l("阶段"),
    "department_id": _l("负责部门"),
    "owner_id": _l("负责人"),
    "site_id": _l("城市"),
    "due_offset": _l("截止日"),
    "due_on": _l("截止日"),
    "days": _l("工期"),
    "expected": _l("应交付物"),
    "involved": _l("协同部门"),
    "checklist": _l("清单"),
}


def document_of(work: Work, order: TaskOrder) -> Document:
    """What an order is found by: everything that is written in it."""
    line = line_of(work, order)
    words = "\n".join([order.requirements, *(item["text"] for item in order.checklist), *order.expected])
    return Document(f"task:{order.id}", line.room, order.title, f"/tasks/{order.id}", note=line.name, words=words)


def _owner_name(work: Work, order: TaskOrder) -> str:
    if order.owner_id:
        return work.session.get_one(Member, order.owner_id).name
    return work.session.get_one(Department, order.department_id).name
