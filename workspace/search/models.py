"""What can be found, and its full-text index: FTS5 beside the table on SQLite, a tsvector column on PostgreSQL."""

from sqlalchemy import DDL, Integer, String, Text, UniqueConstraint, event
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base

GRAMS_DDL = 'CREATE VIRTUAL TABLE search_grams USING fts5(grams, tokenize = "unicode61 remove_diacritics 0")'
GIN_DDL = "CREATE INDEX ix_search_entry_grams ON search_entry USING gin (grams)"


class SearchEntry(Base):
    """One findable thing. subject: "kind:id"; room: who may find it; grams: PostgreSQL's index, elsewhere empty."""

    __tablename__ = "search_entry"
    __table_args__ = (UniqueConstraint("subject"),)
    __unaudited__ = "derived from rows whose change was recorded"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    subject: Mapped[str] = mapped_column(String(80))
    room: Mapped[str] = mapped_column(String(80), index=True)
    title: Mapped[str] = mapped_column(String(300))
    note: Mapped[str] = mapped_column(String(300))
    url: Mapped[str] = mapped_column(String(200))
    grams: Mapped[str | None] = mapped_column(Text().with_variant(TSVECTOR(), "postgresql"))


event.listen(SearchEntry.__table__, "after_create", DDL(GRAMS_DDL).execute_if(dialect="sqlite"))
event.listen(SearchEntry.__table__, "after_create", DDL(GIN_DDL).execute_if(dialect="postgresql"))
