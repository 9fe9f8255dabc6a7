"""Templates of task orders as pages show them, and as the form of a new order takes them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from main_lines.order_templates.models import OrderTemplate
from workspace.people.models import Department, Member
from workspace.work import Work


@dataclass(frozen=True)
class OrderTemplateRow:
    """kept_by: who wrote it last."""

    id: str
    name: str
    title: str
    department_id: str
    department_name: str
    phase: str
    due_offset: int | None
    days: int
    requirements: str
    checklist: list[str]
    expected: list[str]
    involved: list[str]
    kept_by: str
    kept_at: datetime
    mark: str


def list_order_templates(work: Work) -> list[OrderTemplateRow]:
    """All of the company, by department, then by name."""
    query = (
        select(OrderTemplate, Department.name, Member.name)
        .join(Department, Department.id == OrderTemplate.department_id)
        .join(Member, Member.id == OrderTemplate.kept_by_id)
        .order_by(OrderTemplate.department_id, OrderTemplate.name, OrderTemplate.id)
    )
    return [
        OrderTemplateRow(
            one.id, one.name, one.title, one.department_id, department_name, one.phase, one.due_offset, one.days, one.requirements,
            one.checklist, one.expected, one.involved, kept_by, one.kept_at, one.mark,
        )
        for one, department_name, kept_by in work.session.execute(query)
    ]  # fmt: skip


def template_form(template: OrderTemplate) -> dict[str, Any]:
    """What the form of a new order, or of the template itself, starts with."""
    values = {name: "" if value is None else value for name, value in template.written.items()}
    return values | {name: "\n".join(values[name]) for name in ("checklist", "expected")} | {"seen": template.mark}
