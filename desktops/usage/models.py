"""The usage ledger: intervals in which a desktop ran or slept. Billing and quotas sum them; nothing rewrites a closed one."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id


class UsageInterval(Base):
    """[began_at, ended_at); ended_at None = open. seen_at: last moment at which it was certain; a crash closes it there."""

    __tablename__ = "usage_interval"
    __unaudited__ = "derived from the desktop's events; observed times"
    __table_args__ = (
        CheckConstraint("kind IN ('running', 'hibernated')", name="kind"),
        Index(
            "uq_usage_interval_open",
            "desktop_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    desktop_id: Mapped[str] = mapped_column(Id, ForeignKey("desktop.id"), index=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    department_id: Mapped[str] = mapped_column(Id, ForeignKey("department.id"))
    kind: Mapped[str] = mapped_column(String(12))
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
