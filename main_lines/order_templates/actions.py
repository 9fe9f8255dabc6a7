"""Keeping templates of task orders."""

from dataclasses import dataclass, field
from typing import Any

from main_lines.lines.rules import Phase
from main_lines.order_templates.access import get_order_template
from main_lines.order_templates.models import OrderTemplate, OrderTemplateEvent
from main_lines.order_templates.words import FIELDS
from main_lines.seen import others, refuse_unseen
from main_lines.tasks.record import field_words
from workspace.db import new_id
from workspace.i18n import _
from workspace.people.access import get_department
from workspace.people.models import Member
from workspace.work import Work


@dataclass(frozen=True)
class Kept:
    """What a template says; see OrderTemplate."""

    name: str
    title: str
    department_id: str
    requirements: str = ""
    phase: Phase = Phase.PREPARE
    due_offset: int | None = None
    days: int = 1
    checklist: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    involved: list[str] = field(default_factory=list)


def keep_order_template(work: Work, kept: Kept) -> OrderTemplate:
    """A new template; its pages ask for the permission."""
    template = OrderTemplate(id=new_id(), kept_by_id=work.actor.member_id, kept_at=work.now, **_columns(work, kept))
    work.session.add(template)
    _record(work, OrderTemplateEvent.KEPT, template)
    return template


def change_order_template(work: Work, template_id: str, kept: Kept, *, seen: str = "") -> OrderTemplate:
    """Orders that were written from it stay as they are. seen: mark of what was read; Conflict when it has changed since."""
    template = get_order_template(work, template_id, lock=True)
    columns = _columns(work, kept)
    theirs = [(FIELDS[name], field_words(work, name, template.written[name])) for name in others(template.written, columns)]
    by = work.session.get_one(Member, template.kept_by_id).name
    refuse_unseen(seen, template.mark, theirs, title=_("%(name)s刚刚修改过这个模板", name=by))
    if columns == template.written:
        return template
    for name, value in columns.items():
        setattr(template, name, value)
    template.kept_by_id, template.kept_at = work.actor.member_id or template.kept_by_id, work.now
    _record(work, OrderTemplateEvent.CHANGED, template)
    return template


def drop_order_template(work: Work, template_id: str) -> None:
    template = get_order_template(work, template_id, lock=True)
    work.session.delete(template)
    _record(work, OrderTemplateEvent.DROPPED, template)


def _columns(work: Work, kept: Kept) -> dict[str, Any]:
    for department_id in (kept.department_id, *kept.involved):
        get_department(work, department_id)
    return {
        "department_id": kept.department_id, "name": kept.name.strip(), "title": kept.title.strip(),
        "requirements": kept.requirements.strip(), "checklist": list(kept.checklist), "expected": list(dict.fromkeys(kept.expected)),
        "involved": sorted(set(kept.involved) - {kept.department_id}), "phase": kept.phase.value, "due_offset": kept.due_offset,
        "days": kept.days,
    }  # fmt: skip


def _record(work: Work, kind: OrderTemplateEvent, template: OrderTemplate) -> None:
    department = get_department(work, template.department_id).name
    work.record(kind, subject=f"order_template:{template.id}", rooms=["company"], name=template.name, department=department)
