"""Adding desktop templates."""

from sqlalchemy import select

from desktops.templates.models import DesktopTemplate, TemplateEvent
from workspace.db import new_id
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.work import Work

DESIGNER_IMAGE = "desktop"


def add_template(
    work: Work,
    *,
    name: str,
    image_name: str = DESIGNER_IMAGE,
    audience: str = "",
    memory_mib: int = 1024,
    vcpus: int = 2,
    home_gib: int = 4,
    idle_minutes: int | None = None,
    is_default: bool = False,
) -> DesktopTemplate:
    """memory_mib 256 to 65,536; vcpus 1 to 32; idle_minutes None = the installation's setting, 0 = never hibernate by itself."""
    if work.session.scalar(select(DesktopTemplate.id).where(DesktopTemplate.name == name)):
        raise InvalidInput(_("模板名称已被使用"), fields={"name": _("请换一个名称")})
    if not 256 <= memory_mib <= 65_536 or not 1 <= vcpus <= 32:
        raise InvalidInput(_("桌面规格超出范围"), _("内存 256 MiB 至 64 GiB，处理器 1 至 32 个。"))
    template = DesktopTemplate(
        id=new_id(),
        name=name,
        audience=audience,
        image_name=image_name,
        memory_mib=memory_mib,
        vcpus=vcpus,
        home_gib=home_gib,
        idle_minutes=idle_minutes,
        is_default=is_default,
        created_at=work.now,
    )
    work.session.add(template)
    # Whoever had been told that there is no template yet may ask for a desktop now.
    work.record(TemplateEvent.ADDED, subject=f"desktop_template:{template.id}", rooms=["company", "desktops"], name=name)
    return template
