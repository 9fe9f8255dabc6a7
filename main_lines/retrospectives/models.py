"""What the members of a main line conclude when they look back. Everything else on that page comes from the events."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind

CONCLUSION_LENGTH = 1000


class Conclusion(Base):
    """kind: good, improve or next. revision: counts from 1; who changes it says which one they saw. edited_at: None at first."""

    __tablename__ = "line_conclusion"
    __table_args__ = (CheckConstraint("kind IN ('good', 'improve', 'next')", name="kind"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(Integer, default=1)
    written_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    written_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]


class ConclusionEvent(EventKind):
    WRITTEN = "main_lines.conclusion.written", N_("%(actor)s 在复盘中写下“%(about_words)s”：%(text)s")
    EDITED = "main_lines.conclusion.edited", N_("%(actor)s 修改了复盘中的“%(about_words)s”：%(text)s")
    DROPPED = "main_lines.conclusion.dropped", N_("%(actor)s 删除了复盘中的“%(about_words)s”：%(text)s")
