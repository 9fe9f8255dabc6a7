"""Pictures of versions, by the address of their content."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.content.models import DIGEST_LENGTH
from workspace.db import Base
from workspace.events.kinds import N_, EventKind


class Preview(Base):
    """state: made, or failed when there is no picture; reason (rules.Reason) says why. width, height: of the original, in pixels.

    Of films: film (rules.Film), else None; duration_ms; film_bytes: of the copy that browsers play, 0 while there is none.
    reason beside a picture: why there is no such copy.
    """

    __tablename__ = "preview"
    __unaudited__ = "made from a recorded version, and again at any time"
    __table_args__ = (CheckConstraint("state IN ('made', 'failed')", name="state"),)

    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    width: Mapped[int] = mapped_column(Integer, default=0)
    height: Mapped[int] = mapped_column(Integer, default=0)
    at: Mapped[datetime]
    reason: Mapped[str | None] = mapped_column(String(30))
    film: Mapped[str | None] = mapped_column(String(10))
    duration_ms: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    film_bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class PreviewEvent(EventKind):
    MADE = "library.preview.made", N_("已生成“%(asset)s”的预览")
