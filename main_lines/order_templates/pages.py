"""Templates of task orders in the browser: the company's list, and the form in which one is written."""

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.lines.words import PHASES
from main_lines.order_templates import actions
from main_lines.order_templates.access import get_order_template
from main_lines.order_templates.bodies import OrderTemplateBody
from main_lines.order_templates.models import OrderTemplate, OrderTemplatePermission
from main_lines.order_templates.queries import list_order_templates, template_form
from main_lines.tasks.access import get_task
from main_lines.tasks.models import TaskOrder
from workspace.errors import MainlineError
from workspace.i18n import _
from workspace.people.queries import list_departments
from workspace.web import SIGNED_IN, Routes, parse_form
from workspace.work import Work

pages = Routes("order_templates", __name__)

LIST = "/order-templates"


@pages.get("/order-templates", needs=SIGNED_IN)
def show_order_templates(work: Work) -> str:
    """The templates of all departments."""
    return render_template("order_templates/list.html", **_listed(work))


@pages.get("/order-templates/rows", needs=SIGNED_IN)
def show_order_template_rows(work: Work) -> str:
    """The list alone, for refreshing it."""
    return render_template("order_templates/_list.html", **_listed(work))


@pages.get("/order-templates/new", needs=OrderTemplatePermission.KEEP)
def show_new_order_template(work: Work) -> str:
    """The form for a new template; ``task`` fills it in from an order, to be read over before the whole company can read it."""
    task_id = request.args.get("task", "")
    return _form(work, _of_order(get_task(work, task_id)) if task_id else {}, from_order=bool(task_id))


@pages.post("/order-templates", needs=OrderTemplatePermission.KEEP)
def submit_order_template(work: Work) -> Response | tuple[str, int]:
    """Keep a new template."""
    try:
        template = actions.keep_order_template(work, parse_form(OrderTemplateBody).kept())
    except MainlineError as error:
        return _form(work, request.form, error=error), error.status
    flash(_("模板“%(name)s”已保存", name=template.name), "success")
    return redirect(LIST, code=303)


@pages.get("/order-templates/<order_template_id>/edit", needs=OrderTemplatePermission.KEEP)
def show_order_template_form(work: Work, order_template_id: str) -> str:
    """The form for changing a template."""
    template = get_order_template(work, order_template_id)
    return _form(work, template_form(template), template=template)


@pages.post("/order-templates/<order_template_id>", needs=OrderTemplatePermission.KEEP)
def submit_order_template_edit(work: Work, order_template_id: str) -> Response | tuple[str, int]:
    """Change a template; orders that were written from it stay as they are."""
    template = get_order_template(work, order_template_id)
    try:
        body = parse_form(OrderTemplateBody)
        actions.change_order_template(work, order_template_id, body.kept(), seen=body.seen)
    except MainlineError as error:
        return _form(work, request.form, template=template, error=error), error.status
    flash(_("模板“%(name)s”已保存", name=template.name), "success")
    return redirect(LIST, code=303)


@pages.post("/order-templates/<order_template_id>/drop", needs=OrderTemplatePermission.KEEP)
def submit_dropped_order_template(work: Work, order_template_id: str) -> Response:
    """Delete a template."""
    actions.drop_order_template(work, order_template_id)
    flash(_("模板已删除"), "success")
    return way_back(LIST)


def _listed(work: Work) -> dict[str, Any]:
    may_keep = work.actor.may(OrderTemplatePermission.KEEP)
    return {"templates": list_order_templates(work), "may_keep": may_keep, "phases": PHASES}


def _of_order(order: TaskOrder) -> dict[str, Any]:
    """What of an order is worth keeping: neither its line nor its people, nor a date of its own."""
    return {
        "name": order.title[:80], "title": order.title, "department_id": order.department_id, "requirements": order.requirements,
        "phase": order.phase, "due_offset": "" if order.due_offset is None else order.due_offset, "days": order.days,
        "checklist": "\n".join(item["text"] for item in order.checklist), "expected": "\n".join(order.expected), "involved": order.involved,
    }  # fmt: skip


def _form(
    work: Work, form: Mapping[str, Any], *, template: OrderTemplate | None = None, from_order: bool = False,
    error: MainlineError | None = None,
) -> str:  # fmt: skip
    involved = form.getlist("involved") if isinstance(form, MultiDict) else form.get("involved", ())
    return render_template(
        "order_templates/form.html", form=form, involved=involved, template=template, from_order=from_order, error=error,
        errors=getattr(error, "fields", {}), departments=list_departments(work),
    )  # fmt: skip
