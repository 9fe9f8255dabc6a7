"""Loading templates of task orders. They are the company's: everybody who is signed in may read them."""

from main_lines.order_templates.models import OrderTemplate
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.work import Work


def get_order_template(work: Work, template_id: str, *, lock: bool = False) -> OrderTemplate:
    """lock: hold its row until the commit."""
    template = work.session.get(OrderTemplate, template_id, with_for_update=lock or None, populate_existing=lock)
    if template is None:
        raise NotFound(_("没有找到这个任务单模板"), _("它可能已被删除，请重新选择。"))
    return template
