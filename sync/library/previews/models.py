"""Pictures of versions, by the address of their content."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.content.models import DIGEST_LENGTH
from workspace.db import Base
from workspace.events.kinds import N_, EventKind


class Preview(Base):
    """state: made, or failed when the file is not the picture its name says. width, height: of the original, in pixels."""

    __tablename__ = "preview"
    __unaudited__ = "made from a recorded version, and again at any time"
    __table_args__ = (CheckConstraint("state IN ('made', 'failed')", name="state"),)

    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    width: Mapped[int] = mapped_column(Integer, default=0)
    height: Mapped[int] = mapped_column(Integer, default=0)
    at: Mapped[datetime]


class PreviewEvent(EventKind):
    MADE = "library.preview.made", N_("已生成“%(asset)s”的预览")
