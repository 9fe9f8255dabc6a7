"""What is kept of a library's past: its plan, and the versions that somebody keeps by hand."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.libraries.models import NODE_ID_LENGTH
from sync.library.retention.rules import LABEL_LENGTH
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class RetentionPlan(Base):
    """The plan of one library, see rules.Plan; a library without a row has the usual one."""

    __tablename__ = "library_retention"
    __table_args__ = (CheckConstraint("mode IN ('thin', 'all', 'paused')", name="mode"),)

    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(10))
    all_days: Mapped[int] = mapped_column(Integer)
    daily_days: Mapped[int] = mapped_column(Integer)
    weekly_days: Mapped[int] = mapped_column(Integer)


class KeptVersion(Base):
    """A version that somebody keeps whatever its age. label: what they call it, may be empty."""

    __tablename__ = "asset_kept_version"
    __table_args__ = (ForeignKeyConstraint(["node_id", "number"], ["asset_version.node_id", "asset_version.number"]),)

    node_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"), index=True)
    label: Mapped[str] = mapped_column(String(LABEL_LENGTH))
    by_name: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]


class RetentionEvent(EventKind):
    PLANNED = "library.retention.planned", N_("%(actor)s 修改了素材库“%(library)s”的保留规则")
    KEPT = "library.version.kept", N_("%(actor)s 保留了“%(asset)s”版本 %(version)s")
    RELEASED = "library.version.released", N_("%(actor)s 取消了对“%(asset)s”版本 %(version)s 的保留")
    THINNED = "library.versions.thinned", N_("素材库“%(library)s”有 %(count)s 个旧版本已按保留规则合并")
    LET_GO = "library.versions.let_go", N_("素材库“%(library)s”回收站中过期文件的 %(count)s 个版本已清理")
