"""Golden images: numbered, immutable versions of a system disk with the kernel it boots. Desktops count references to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class ImageVersion(Base):
    """name: of the recipe. number: 1, 2, 3 … per name. digest: what the build says its content is. path: folder on
    every host that has it. facts: as the build described it. gone_at: the files were deleted; the row stays."""

    __tablename__ = "image_version"
    __table_args__ = (UniqueConstraint("name", "number"), UniqueConstraint("digest"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(120))
    number: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(80))
    path: Mapped[str] = mapped_column(String(400))
    facts: Mapped[dict[str, Any]]
    added_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]


class ImageEvent(EventKind):
    ADDED = "desktops.image.added", N_("镜像“%(title)s”第 %(number)s 版可以使用了")
    REMOVED = "desktops.image.removed", N_("%(actor)s 移除了镜像“%(title)s”第 %(number)s 版")
