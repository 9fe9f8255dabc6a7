"""Which plain objects hold a version, and how far they have come."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.content.models import DIGEST_LENGTH
from sync.library.heads.rules import KEY_LENGTH
from sync.library.libraries.models import NODE_ID_LENGTH
from workspace.db import Base, Id


class Head(Base):
    """An object that holds a version whole. The row is there before the object, and goes after it.

    state: making (the object is not there, or not known to be sound) -> made -> removing (it is about to go, and is not made
    again before it is gone). digest: of the version whose bytes it holds, "" for an object that was found without a row.
    at: when the state was reached. doomed_at: when collection found that nobody wants it; None while somebody does.
    """

    __tablename__ = "library_head"
    __unaudited__ = "a copy of a recorded version, made again at any time"
    __table_args__ = (
        CheckConstraint("state IN ('making', 'made', 'removing')", name="state"),
        Index("ix_library_head_version", "node_id", "number"),
    )

    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"), index=True)
    node_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH))
    number: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
    doomed_at: Mapped[datetime | None]
