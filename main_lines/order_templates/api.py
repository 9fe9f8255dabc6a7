"""Templates of task orders as JSON."""

from pydantic import BaseModel

from main_lines.lines.api import Created, Done
from main_lines.order_templates import actions
from main_lines.order_templates.bodies import OrderTemplateBody
from main_lines.order_templates.models import OrderTemplatePermission
from main_lines.order_templates.queries import list_order_templates
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("order_templates_api", __name__, api=True)


class OrderTemplateOut(BaseModel):
    """involved: ids of departments. due_offset: days from D-day, null where it is set each time. mark: see ``seen``."""

    id: str
    name: str
    title: str
    department_id: str
    department: str
    requirements: str
    phase: str
    due_offset: int | None
    days: int
    checklist: list[str]
    expected: list[str]
    involved: list[str]
    mark: str


class OrderTemplatesOut(BaseModel):
    templates: list[OrderTemplateOut]


@api.get("/order-templates", needs=SIGNED_IN, returns=OrderTemplatesOut)
def list_templates(work: Work) -> OrderTemplatesOut:
    """The company's templates, by department."""
    rows = [
        OrderTemplateOut(
            id=row.id, name=row.name, title=row.title, department_id=row.department_id, department=row.department_name,
            requirements=row.requirements, phase=row.phase, due_offset=row.due_offset, days=row.days, checklist=row.checklist,
            expected=row.expected, involved=row.involved, mark=row.mark,
        )
        for row in list_order_templates(work)
    ]  # fmt: skip
    return OrderTemplatesOut(templates=rows)


@api.post("/order-templates", needs=OrderTemplatePermission.KEEP, body=OrderTemplateBody, returns=Created)
def keep_template(work: Work, body: OrderTemplateBody) -> tuple[Created, int]:
    """Keep a new template."""
    return Created(id=actions.keep_order_template(work, body.kept()).id), 201


@api.route(
    "/order-templates/<order_template_id>", methods=("PUT",), needs=OrderTemplatePermission.KEEP, body=OrderTemplateBody, returns=Done
)
def change_template(work: Work, order_template_id: str, body: OrderTemplateBody) -> Done:
    """Change a template; orders that were written from it stay as they are."""
    actions.change_order_template(work, order_template_id, body.kept(), seen=body.seen)
    return Done()


@api.route("/order-templates/<order_template_id>", methods=("DELETE",), needs=OrderTemplatePermission.KEEP, returns=Done)
def drop_template(work: Work, order_template_id: str) -> Done:
    """Delete a template."""
    actions.drop_order_template(work, order_template_id)
    return Done()
