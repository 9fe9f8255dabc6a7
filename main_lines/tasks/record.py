"""What every action on a task order does: let the rules decide, refuse in words, check what its sender saw, say what happened."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from main_lines.lines.rules import Phase
from main_lines.lines.words import PHASES
from main_lines.tasks.access import is_frozen, line_of, standing_of
from main_lines.tasks.models import RETURNED_LENGTH, TaskOrder
from main_lines.tasks.rules import Move, Refuse, State, Verb, Why, decide
from main_lines.tasks.words import REFUSALS
from workspace.errors import Conflict, InvalidInput, NotAllowed, TooManyRequests
from workspace.events.kinds import N_, EventKind
from workspace.events.models import Event
from workspace.i18n import _
from workspace.notices.actions import read_about
from workspace.people.models import Department, Member, Site
from workspace.phrases import Phrase, phrase, said
from workspace.work import Work

OFTEN = 3


def move(work: Work, order: TaskOrder, verb: Verb) -> None:
    """Carry out what the rules decide; raises NotAllowed or Conflict with the sentence for the refusal, before anything changes."""
    decision = decide(
        State(order.state), verb, standing_of(work, order), blocked=order.blocked_at is not None, frozen=is_frozen(work, order)
    )
    if isinstance(decision, Refuse):
        raise refusal(decision.why, order)
    assert isinstance(decision, Move)
    if order.state != decision.to.value:
        order.state, order.state_at = decision.to.value, work.now
    if work.actor.member_id:
        read_about(work, f"/tasks/{order.id}")


def refusal(why: Why, order: TaskOrder) -> NotAllowed | Conflict:
    title, message = REFUSALS[why]
    return NotAllowed(title, message) if why is Why.NOT_YOURS else Conflict(title, message, code=f"task_{why.value}", state=order.state)


def check_seen(order: TaskOrder, seen: str, message: str) -> None:
    """Somebody who decides about an order decides about the one that they saw. An empty mark says nothing."""
    if seen and seen != order.mark:
        raise Conflict(_("任务单刚刚被修改过"), message, code="task_changed", state=order.state)


def reason_given(text: str, *, most: int = RETURNED_LENGTH) -> str:
    """The reason without blanks around it; InvalidInput when there is none or it is too long."""
    if not text.strip():
        raise InvalidInput(_("请写明理由"), fields={"reason": _("请写明理由")})
    if len(text.strip()) > most:
        raise InvalidInput(_("内容太长"), fields={"reason": _("最多 %(n)s 个字", n=most)})
    return text.strip()


def check_rate(work: Work, order: TaskOrder, kind: EventKind) -> None:
    """TooManyRequests when this has happened to the order OFTEN times within the last hour: each time a department or a line is told."""
    lately = select(func.count()).select_from(Event).where(Event.subject == f"task:{order.id}", Event.kind == kind)
    if (work.session.scalar(lately.where(Event.at > work.now - timedelta(hours=1))) or 0) >= OFTEN:
        raise TooManyRequests(_("一小时内已经有 %(n)s 次", n=OFTEN), _("请直接与对方商量，或稍后再试。"))


def deliverable_words(deliverable: dict[str, Any]) -> str:
    """ "主视觉.psd 第 3 版", the link, or the first words of the text."""
    return str(said(deliverable_kept(deliverable)))


def deliverable_kept(deliverable: dict[str, Any]) -> Phrase | str:
    """The same for an event, which each reader sees in their own language."""
    if "said" in deliverable:
        return dict(deliverable["said"])
    if deliverable.get("kind") == "asset":
        return phrase(N_("%(name)s 版本 %(version)s"), name=deliverable["name"], version=deliverable["version"])
    text = str(deliverable.get("text", ""))
    return text if len(text) <= 60 else f"{text[:59]}…"


def record(work: Work, kind: EventKind, order: TaskOrder, **facts: Any) -> None:
    line = line_of(work, order)
    work.record(
        kind,
        subject=f"task:{order.id}",
        rooms=[line.room],
        line=line.name,
        line_id=line.id,
        task_id=order.id,
        number=order.number,
        title=order.title,
        state=order.state,
        **facts,
    )


def field_words(work: Work, name: str, value: Any) -> str:
    """A field of an order, or of a template of one, in words; a dash for what is left open."""
    match name, value:
        case _, None | "" | []:
            return "—"
        case "phase", _:
            return str(PHASES[Phase(value)])
        case "department_id", _:
            return work.session.get_one(Department, value).name
        case "owner_id", _:
            return work.session.get_one(Member, value).name
        case "site_id", _:
            return work.session.get_one(Site, value).name
        case "involved", _:
            return _("、").join(work.session.get_one(Department, one).name for one in value)
        case "due_offset", _:
            return f"D{value:+d}" if value else "D"
        case "checklist" | "expected", _:
            return "\n".join(value)
    return str(value)
