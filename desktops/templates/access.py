"""Finding desktop templates."""

from sqlalchemy import select

from desktops.templates.models import DesktopTemplate
from workspace.errors import Conflict, NotFound
from workspace.i18n import _
from workspace.work import Work


def get_template(work: Work, template_id: str) -> DesktopTemplate:
    template = work.session.get(DesktopTemplate, template_id)
    if template is None:
        raise NotFound(_("没有找到这个桌面模板"), _("请重新选择模板。"))
    return template


def default_template(work: Work) -> DesktopTemplate:
    template = work.session.scalar(select(DesktopTemplate).where(DesktopTemplate.is_default).order_by(DesktopTemplate.created_at).limit(1))
    if template is None:
        raise Conflict(_("还没有桌面模板"), _("请联系管理员先添加一个桌面模板。"))
    return template


def all_templates(work: Work) -> list[DesktopTemplate]:
    return list(work.session.scalars(select(DesktopTemplate).order_by(DesktopTemplate.name)))
