"""Desktop templates: what a desktop of a role, brand or shop is made from."""

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class DesktopTemplate(Base):
    """image_name: its newest version at the moment of cloning. idle_minutes: None = the installation's setting, 0 = never.

    audience: role or brand it is meant for, as words. is_default: taken when nobody chooses.
    """

    __tablename__ = "desktop_template"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    audience: Mapped[str] = mapped_column(String(120), default="")
    image_name: Mapped[str] = mapped_column(String(60))
    memory_mib: Mapped[int] = mapped_column(Integer)
    vcpus: Mapped[int] = mapped_column(Integer)
    home_gib: Mapped[int] = mapped_column(Integer)
    idle_minutes: Mapped[int | None] = mapped_column(Integer)
    is_default: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class TemplateEvent(EventKind):
    ADDED = "desktops.template.added", N_("%(actor)s 添加了桌面模板“%(name)s”")
